"""A node that brings a contract into force without every side: admission refuses it, and the auditor finds it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.admission import integrity
from yanmen.admission.admit import keys_in
from yanmen.crypto import agreements, documents
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.ledger import contracts, leaves
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import About
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.negotiation import ActKind, ContractAct
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RECEIPT_KEY, START_MS, signer
from tests.unit.negotiation.market import BUREAU, BUREAU_KEY, DAY_MS, Market, market
from tests.unit.negotiation.test_rounds import act, signed, word


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def append(
    place: Market, terms: Terms, stage: Stage, status: ContractStatus, document: bytes, digest: str = ""
) -> None:
    """Write a leaf about a contract as a node may that keeps no rule."""
    ledger = place.hall.ledger
    row = ContractRow(terms.id, CONSUMER, digest or documents.digest(document))
    with ledger._writing() as db:
        said = leaves.contract(row, status, "", document)
        ledger._log.append(db, stage, said, About(terms.id, CONSUMER))
        ledger._log.seal(db)


def acceptance(terms: Terms, digest: str) -> bytes:
    value = Acceptance(terms.id, NODE, digest, ContractStatus.ACTIVE, "x", Reasons(), START_MS)
    return documents.sign_acceptance(value, RECEIPT_KEY)


def offer(place: Market, terms: Terms) -> str:
    token = documents.sign_offer(terms, MEMBER_KEYS[CONSUMER])
    append(place, terms, Stage.CONTRACT, ContractStatus.PENDING, token)
    return documents.digest(token)


def test_a_use_before_every_side_signed_is_refused_at_admission(place: Market) -> None:
    agreed = signed(place)
    keys = keys_in(place.hall.listed)
    who = (MEMBER_KEYS[CONSUMER].public,), NODE, (RECEIPT_KEY.public,)
    integrity.check(agreed, *who, keys)
    good = word(ActKind.SIGN, agreed, BUREAU)
    held = replace(agreed, status=ContractStatus.ACTIVE)
    integrity.check(replace(held, signatures=(good,)), *who, keys)
    for tokens in (
        (),
        (word(ActKind.SIGN, agreed, BUREAU, signer("other")),),
        (word(ActKind.SIGN, agreed, BUREAU, digest="a" * 64),),
        (word(ActKind.VERIFY, agreed, BUREAU),),
        (word(ActKind.SIGN, agreed, CONSUMER),),
        (word(ActKind.SIGN, replace(agreed, terms=replace(agreed.terms, id="f" * 32)), BUREAU),),
        (good[:-3] + b"AAA",),
    ):
        with pytest.raises(Refused) as caught:
            integrity.check(replace(held, signatures=tokens), *who, keys)
        assert caught.value.reason is Reason.CONTRACT_ALTERED


def test_a_negotiated_contract_that_nobody_verified_is_refused_at_admission(place: Market) -> None:
    terms = place.terms(round=Round(3, "a" * 64, START_MS * 2))
    token = documents.sign_offer(terms, MEMBER_KEYS[CONSUMER])
    digest = documents.digest(token)
    held = Contract(terms, token, acceptance(terms, digest), digest, ContractStatus.ACTIVE)
    who = (MEMBER_KEYS[CONSUMER].public,), NODE, (RECEIPT_KEY.public,)
    with pytest.raises(Refused):
        integrity.check(held, *who, keys_in(place.hall.listed))
    verified = replace(held, signatures=(word(ActKind.VERIFY, held),))
    integrity.check(verified, *who, keys_in(place.hall.listed))


def wrong_act(**changed: Any) -> Any:
    """Return what writes a further side's word that does not count, as if it completed the contract."""

    def write(place: Market, terms: Terms, digest: str) -> None:
        key = changed.get("key", BUREAU_KEY)
        said = ContractAct(ActKind.SIGN, BUREAU, NODE, terms.id, digest, "", 1)
        other = {name: value for name, value in changed.items() if name != "key"}
        append(place, terms, Stage.APPROVAL, ContractStatus.AGREED, acceptance(terms, digest), digest)
        token = agreements.sign_act(replace(said, **other), key)
        append(place, terms, Stage.CONTRACT, ContractStatus.ACTIVE, token, digest)

    return write


def at_once(place: Market, terms: Terms, digest: str) -> None:
    append(place, terms, Stage.APPROVAL, ContractStatus.ACTIVE, acceptance(terms, digest), digest)


def by_order(place: Market, terms: Terms, digest: str) -> None:
    append(place, terms, Stage.APPROVAL, ContractStatus.AGREED, acceptance(terms, digest), digest)
    append(place, terms, Stage.CONTRACT, ContractStatus.ACTIVE, b"", digest)


def ended_by_another(place: Market, terms: Terms, digest: str) -> None:
    said = ContractAct(ActKind.END, BUREAU, NODE, terms.id, digest, "x", 1)
    append(place, terms, Stage.CONTRACT, ContractStatus.REVOKED, agreements.sign_act(said, BUREAU_KEY), digest)


@pytest.mark.parametrize(
    "write",
    [
        at_once,
        by_order,
        ended_by_another,
        wrong_act(key=signer("other")),
        wrong_act(digest="a" * 64),
        wrong_act(contract="f" * 32),
        wrong_act(node=CONSUMER),
        wrong_act(by=CONSUMER, key=MEMBER_KEYS[CONSUMER]),
        wrong_act(act=ActKind.VERIFY),
    ],
)
def test_the_auditor_finds_what_no_side_signed(place: Market, write: Any) -> None:
    terms = place.terms(signers=(BUREAU,))
    digest = offer(place, terms)
    write(place, terms, digest)
    found = place.findings()
    assert len(found) == 1
    assert found[0].startswith(("CONTRACT_DIFFERS", "CONTRACT_UNSIGNED"))


@pytest.mark.parametrize(
    "changed",
    [
        {"round": Round(3, "a" * 64, START_MS * 2)},
        {"round": Round(2, "a" * 64, START_MS * 2)},
        {"round": None},
        {"amends": "a" * 64},
        {"consumer": BUREAU},
    ],
)
def test_the_auditor_holds_counter_offers_to_the_round_before(place: Market, changed: dict[str, Any]) -> None:
    terms = place.terms()
    digest = offer(place, terms)
    said = replace(terms, **{"round": Round(2, digest, START_MS + DAY_MS), **changed})
    append(place, terms, Stage.CONTRACT, ContractStatus.OFFERED, agreements.sign_counter(said, RECEIPT_KEY), digest)
    assert len(place.findings()) == 1


def test_the_auditor_finds_a_counter_offer_of_another_key_and_a_late_answer(place: Market) -> None:
    terms = place.terms()
    digest = offer(place, terms)
    said = replace(terms, round=Round(2, digest, START_MS + DAY_MS))
    token = agreements.sign_counter(said, signer("other"))
    append(place, terms, Stage.CONTRACT, ContractStatus.OFFERED, token, digest)
    assert place.findings()[0].startswith("CONTRACT_UNSIGNED")
    token = agreements.sign_counter(said, RECEIPT_KEY)
    append(place, terms, Stage.CONTRACT, ContractStatus.OFFERED, token, digest)
    place.hall.clock.ms += 2 * DAY_MS
    offer(place, replace(terms, round=Round(3, documents.digest(token), START_MS * 2)))
    assert any("after its time" in each for each in place.findings())


@pytest.mark.parametrize("changed", [{"not_before_ms": 3}, {"signers": ()}, {"amends": "b" * 64}])
def test_the_auditor_finds_an_amendment_that_is_none(place: Market, changed: dict[str, Any]) -> None:
    held = act(place, word(ActKind.SIGN, signed(place), BUREAU), BUREAU)
    offer(place, replace(held.terms, **{"amends": held.digest, "queries": 600, **changed}))
    (found,) = place.findings()
    assert found.startswith("CONTRACT_DIFFERS")


def test_an_altered_draft_is_not_read(place: Market) -> None:
    held = act(place, word(ActKind.SIGN, signed(place), BUREAU), BUREAU)
    place.offer(replace(held.terms, amends=held.digest, queries=600))
    ledger = place.hall.ledger
    with ledger._store.write() as db:
        db.execute("UPDATE amendment SET offer = ? WHERE id = ?", (b"a.b.c", held.terms.id))
        with pytest.raises(Refused):
            contracts.find(db, held.terms.id)
        db.execute("DELETE FROM amendment")
