"""May the owner's rule sign these terms by itself? Every clause for which it leaves them to a person is named.

A first contract is held to the owner's measure alone. An amendment is held, besides, to what a person signed last: the
rule sheds nothing of that. Where no person signed any version, it may do again what it did before, but never puts off
the proof of deletion. What it cannot read, it takes for a person's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yanmen.admission import offers
from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import weakening
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Grade, Version
from yanmen.model.config import Config
from yanmen.model.contract import Contract, LeftToPerson, Terms

RULE = "owner's rule 数源部门规则"
"""Who decided, when the owner's rule did."""
GRANT = "grant of operation 授权运营"
"""Who decided, when the holder's grant to an operator did."""
AUTOMATIC = frozenset({RULE, GRANT})
"""What decides without a person; no person may go by one of these names."""


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version of a contract that came into force, and who signed it for the holder; "" = it cannot be read."""

    terms: Terms
    by: str


def history(
    known: Contract | None, versions: Sequence[tuple[Terms, bytes]], holder_keys: Sequence[bytes]
) -> tuple[SignedVersion, ...]:
    """Return what the next terms of a contract follow, newest first: a person's counter-offer, then `versions`.

    Those are the versions that were in force, each with the holder's acceptance.
    """
    draft = None if known is None else known.amendment or known
    made = [] if draft is None or not draft.counter else [SignedVersion(agreements.peek_terms(draft.counter), "")]
    return (*made, *(SignedVersion(terms, _signed_by(signed, holder_keys)) for terms, signed in versions))


def _signed_by(acceptance: bytes, keys: Sequence[bytes]) -> str:
    try:
        return documents.open_with(documents.open_acceptance, acceptance, keys).decided_by
    except (Malformed, BadSignature):
        return ""  # not the rule's, as far as anybody can show


def left_to_person(
    terms: Terms, versions: Mapping[str, Version], config: Config, history: Sequence[SignedVersion]
) -> tuple[LeftToPerson, ...]:
    """Return why the rule does not sign; `history` has the versions that `terms` amend, the one in force first."""
    return (*_beyond(terms, versions, config), *shed(terms, history, frozenset({RULE})))


def shed(terms: Terms, history: Sequence[SignedVersion], alone: frozenset[str]) -> tuple[LeftToPerson, ...]:
    """Return every clause that an amendment sheds of what others than `alone` signed last, and a later deletion."""
    if not history:
        return ()
    in_force, first = history[0], history[-1]
    agreed = next((each for each in history if each.by not in alone), None)
    if agreed is None and first.terms.amends:
        agreed = in_force  # versions before the first one known may have been a person's
    if agreed is None:
        return weakening.lengthened(in_force.terms, terms)
    found = weakening.weakened(agreed.terms, terms)
    more = () if agreed is in_force else weakening.lengthened(in_force.terms, terms)
    return (*found, *(each for each in more if each.clause not in {known.clause for known in found}))


def _beyond(terms: Terms, versions: Mapping[str, Version], config: Config) -> tuple[LeftToPerson, ...]:
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
