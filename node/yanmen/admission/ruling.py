"""May the owner's rule sign these terms by itself? Every clause for which it leaves them to a person is named.

A first contract is held to the owner's measure alone, until a person counters it. An amendment is held, besides, to
what a person signed last: the rule sheds nothing of that (formats/weakening.py). What it cannot read, it takes for a
person's.
"""

from collections.abc import Mapping, Sequence

from yanmen.admission import offers
from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import amending
from yanmen.formats.malformed import Malformed
from yanmen.formats.weakening import SignedVersion
from yanmen.model.catalogue import Grade, Version
from yanmen.model.config import Config
from yanmen.model.contract import Contract, LeftToPerson, Terms


def history(versions: Sequence[tuple[Terms, bytes]], holder_keys: Sequence[bytes]) -> tuple[SignedVersion, ...]:
    """Return the versions that were in force, each given with the holder's acceptance, with who signed it."""
    return tuple(SignedVersion(terms, _signed_by(signed, holder_keys)) for terms, signed in versions)


def _signed_by(acceptance: bytes, keys: Sequence[bytes]) -> str:
    try:
        return documents.open_with(documents.open_acceptance, acceptance, keys).decided_by
    except (Malformed, BadSignature):
        return ""  # not the rule's, as far as anybody can show


def answers(draft: Contract) -> tuple[LeftToPerson, ...]:
    """Return that a person negotiates: a counter-offer is accepted as it is, or answered to that person."""
    if not draft.counter or amending.same(agreements.peek_terms(draft.counter), draft.terms):
        return ()
    en = "a person made a counter-offer: what is not that very offer, a person looks at"
    return (LeftToPerson("yanmen:round", en, "人工已提出反要约：非原样接受的答复须由人工审阅"),)


def beyond(terms: Terms, versions: Mapping[str, Version], config: Config) -> tuple[LeftToPerson, ...]:
    """Return what is beyond the owner's measure: general data, few columns, the listed price flat, a small budget."""
    granted = [versions[grant.dataset].dataset for grant in terms.grants]
    listed_fen = offers.price_ceiling_fen(terms, versions)
    spends = bool(offers.subject_spaces(terms, versions))
    measure = (
        (config.approve_general, "approve.general", "the owner's rule signs nothing", "数源部门规则未启用"),
        (
            all(dataset.grade is Grade.GENERAL for dataset in granted),
            "target",
            "data of grade important is approved by the department's officers",
            "重要数据须由专管员与首席数据官审批",
        ),
        (
            sum(len(grant.columns) for grant in terms.grants) <= config.approve_columns_max,
            "target",
            "more columns than the rule signs",
            "字段数超过规则可签署的范围",
        ),
        (
            not spends or terms.micro_rho <= config.approve_micro_rho_max,
            "yanmen:microRho",
            "a larger privacy budget than the rule signs",
            "隐私预算超过规则可签署的范围",
        ),
        (terms.delta_e12 == 0, "yanmen:deltaE12", "a delta above 0", "δ 大于 0"),
        (terms.tariff is None, "yanmen:tariff", "a price by units", "按量计价"),
        (
            terms.price_per_query_fen == listed_fen,
            "yanmen:priceFenPerQuery",
            f"not the listed price of {listed_fen} fen",
            f"不是公布的价格 {listed_fen} 分",
        ),
    )
    return tuple(LeftToPerson(clause, en, zh) for met, clause, en, zh in measure if not met)
