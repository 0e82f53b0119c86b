"""Attacks on the end of a contract: amended after its time, after its proof of deletion, or while another ends it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import closing, contracting, negotiating
from yanmen.contracting import Approval
from yanmen.crypto import documents
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.ledger import amendments, leaves
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import About
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.negotiation import ActKind
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RECEIPT_KEY, RIVAL
from tests.unit.negotiation.market import BUREAU, DAY_MS, Market, market
from tests.unit.negotiation.test_deletions import hand_in, proof, used
from tests.unit.negotiation.test_rounds import act, answer, counter, refused, word

PERSON = Approval("首席数据官")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def longer(place: Market, held: Contract, **changed: object) -> Terms:
    """Return terms that would give a contract 30 days more from now."""
    until = max(held.terms.not_after_ms, place.hall.clock.ms) + 30 * DAY_MS
    more: dict[str, Any] = {"amends": held.digest, "round": None, "not_after_ms": until, **changed}
    return replace(held.terms, **more)


def refusal(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("proved", ["nobody", "node", "both"])
def test_what_is_over_is_not_amended(place: Market, proved: str) -> None:
    held = used(place)
    place.hall.clock.ms = held.terms.not_after_ms
    if proved != "nobody":
        closing.close(held.terms.id, place.office)
    if proved == "both":
        hand_in(place, proof(place, held))
    found = refusal(lambda: place.offer(longer(place, held)))
    assert found.reason is Reason.CONTRACT_EXPIRED
    assert "ask for a new contract" in found.detail.hint_en
    assert "申请新合约" in found.detail.hint_zh
    assert contracting.show(held.terms.id, place.office) == held


@pytest.mark.parametrize("last", ["approval", "counter", "answer", "verification", "third side"])
def test_what_was_offered_in_time_enters_in_time_or_never(place: Market, last: str) -> None:
    """The amendment was under way when the contract ended; no step of it revives that."""
    held = act(place, word(ActKind.SIGN, used_of(place), BUREAU), BUREAU) if last == "third side" else used(place)
    step = before_last(place, held, place.offer(longer(place, held)), last)
    place.hall.clock.ms = held.terms.not_after_ms
    closing.Closing(place.office).look()
    assert refusal(step).reason is Reason.CONTRACT_EXPIRED
    assert contracting.show(held.terms.id, place.office).digest == held.digest
    negotiating.break_off(held.terms.id, "张某", place.office)
    assert place.findings() == ()


def before_last(place: Market, held: Contract, pending: Contract, last: str) -> Callable[[], object]:
    """Take every step of the amendment but this last one."""

    def approve() -> Contract:
        return contracting.approve(held.terms.id, PERSON, place.office)

    if last == "approval":
        return approve
    if last == "third side":
        signed = approve()
        return lambda: act(place, word(ActKind.SIGN, signed, BUREAU), BUREAU)
    if last == "counter":
        return lambda: counter(place, pending, queries=500)
    countered = counter(place, pending, queries=500)
    if last == "answer":
        return lambda: answer(place, countered)
    agreed = answer(place, countered)
    return lambda: act(place, word(ActKind.VERIFY, agreed))


def used_of(place: Market) -> Contract:
    held = place.offer(place.terms(deletion_days=5, signers=(BUREAU,)))
    return contracting.approve(held.terms.id, PERSON, place.office)


def test_what_is_over_may_still_be_denied(place: Market) -> None:
    held = used(place)
    place.offer(longer(place, held))
    place.hall.clock.ms = held.terms.not_after_ms
    assert contracting.deny(held.terms.id, "张某", place.office).amendment is None


def test_a_contract_proved_deleted_is_not_amended_whatever_its_dates(place: Market) -> None:
    """The proof alone holds: no clock and no date are asked."""
    held = used(place)
    place.hall.clock.ms = held.terms.not_after_ms
    closing.close(held.terms.id, place.office)
    ledger = place.hall.ledger
    with ledger._store.read() as db:
        found = refusal(lambda: amendments.require_going_on(db, held.terms.not_before_ms, held))
    assert found.reason is Reason.CONTRACT_EXPIRED


def test_what_was_ended_says_so(place: Market) -> None:
    """Whoever loses the race to end it is told that it has ended, not that somebody altered it."""
    held = used(place)
    contracting.revoke(held.terms.id, "张某", place.office)
    losers: dict[str, Callable[[], object]] = {
        "consumer": lambda: act(place, word(ActKind.END, held)),
        "holder": lambda: contracting.revoke(held.terms.id, "李某", place.office),
        "amendment": lambda: place.offer(longer(place, held)),
        "amendment in the ledger": lambda: place.hall.ledger.add_offer(offered(longer(place, held))),
    }
    for who, lost in losers.items():
        found = refusal(lost)
        assert found.reason is Reason.CONTRACT_REVOKED, who
        assert "already ended" in found.detail.hint_en, who
        assert "已经终止" in found.detail.hint_zh, who


def offered(terms: Terms) -> Contract:
    token = documents.sign_offer(terms, MEMBER_KEYS[CONSUMER])
    return Contract(terms, token, b"", documents.digest(token), ContractStatus.PENDING)


def test_an_amendment_out_of_place_is_told_its_state_and_what_to_do(place: Market) -> None:
    held = used(place)
    contracting.suspend(held.terms.id, "张某", place.office)
    found = refusal(lambda: place.offer(longer(place, held)))
    assert (found.reason, found.detail.subject) == (Reason.NEGOTIATION_OUT_OF_TURN, held.terms.id)
    assert "suspended" in found.detail.hint_en
    assert "yanmen contract resume" in found.detail.hint_en
    contracting.resume(held.terms.id, "张某", place.office)
    place.offer(longer(place, held))
    found = refusal(lambda: place.offer(longer(place, held, queries=7_000)))
    assert found.reason is Reason.NEGOTIATION_OUT_OF_TURN
    assert "yanmen contract end ID --amendment" in found.detail.hint_en
    negotiating.break_off(held.terms.id, "张某", place.office)
    found = refusal(lambda: place.offer(longer(place, held, amends="b" * 64)))
    assert held.digest in found.detail.hint_en
    waiting = place.offer(place.terms())
    found = refusal(lambda: place.offer(longer(place, waiting)))
    assert "not in force yet" in found.detail.hint_en
    denied = contracting.deny(waiting.terms.id, "张某", place.office)
    assert refusal(lambda: place.offer(longer(place, denied))).reason is Reason.CONTRACT_DENIED
    unknown = place.terms(amends="b" * 64)
    assert refusal(lambda: place.offer(unknown)).reason is Reason.CONTRACT_UNKNOWN


def test_another_member_s_contract_tells_nothing_of_how_it_stands(place: Market) -> None:
    held = used(place)
    told = []
    for state in ("in force", "suspended", "ended"):
        if state == "suspended":
            contracting.suspend(held.terms.id, "张某", place.office)
        if state == "ended":
            contracting.revoke(held.terms.id, "张某", place.office)
        theirs = longer(place, held, consumer=RIVAL)
        found = refusal(lambda terms=theirs: place.hall.ledger.check_place(terms))  # type: ignore[misc]
        told.append((found.reason, found.detail))
    assert len(set(told)) == 1
    assert told[0][0] is Reason.CONTRACT_MALFORMED


def test_a_decision_falls_on_no_other_offer_than_it_names(place: Market) -> None:
    """The offer it was made over was withdrawn meanwhile, and another one put in its place."""
    held = used(place)
    first = place.offer(longer(place, held))
    said = Acceptance(
        held.terms.id, NODE, first.digest, ContractStatus.ACTIVE, "张某", Reasons(), place.hall.clock.now_ms()
    )
    act(place, word(ActKind.END, first))
    second = place.offer(longer(place, held, queries=9_000))
    signed = documents.sign_acceptance(said, RECEIPT_KEY)
    found = refusal(lambda: place.hall.ledger.decide(held.terms.id, ContractStatus.ACTIVE, signed, "张某"))
    assert found.reason is Reason.NEGOTIATION_OUT_OF_TURN
    now = contracting.show(held.terms.id, place.office)
    assert (now.digest, now.amendment) == (held.digest, second)


# A node that keeps no rule ------------------------------------------------------------------------------


def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this node amend what is over."""
    monkeypatch.setattr(amendments, "require_going_on", lambda *_: None)


def codes(place: Market) -> set[str]:
    return {each.split(":")[0] for each in place.findings()}


def test_the_auditor_finds_an_amendment_of_what_was_over(place: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    held = used(place)
    place.hall.clock.ms = held.terms.not_after_ms + 60_000  # leaves tell the minute
    lenient(monkeypatch)
    place.offer(longer(place, held))
    contracting.approve(held.terms.id, PERSON, place.office)
    assert any("was over" in each for each in place.findings())


def test_the_auditor_finds_an_answer_after_the_proof(place: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    held = used(place)
    place.hall.clock.ms = held.terms.not_after_ms
    closing.close(held.terms.id, place.office)
    hand_in(place, proof(place, held))
    assert place.findings() == ()
    lenient(monkeypatch)
    place.offer(longer(place, held))
    again = contracting.approve(held.terms.id, PERSON, place.office)
    place.hall.scene.ask(place.hall.ledger, again)
    assert any(each.startswith("DELETION_WRONG") and "after deletion was proved" in each for each in place.findings())


def test_the_auditor_finds_that_the_proof_was_dropped(place: Market) -> None:
    """Signed by all sides and recorded in order, yet it sheds what every side agreed on for good."""
    held = used(place)
    token = documents.sign_offer(longer(place, held, deletion_days=None), MEMBER_KEYS[CONSUMER])
    digest = documents.digest(token)
    row = ContractRow(held.terms.id, CONSUMER, digest)
    accepted = Acceptance(
        held.terms.id, NODE, digest, ContractStatus.ACTIVE, "张某", Reasons(), place.hall.clock.now_ms()
    )
    said = (
        (Stage.CONTRACT, ContractStatus.PENDING, token),
        (Stage.APPROVAL, ContractStatus.ACTIVE, documents.sign_acceptance(accepted, RECEIPT_KEY)),
    )
    ledger = place.hall.ledger
    for stage, status, document in said:
        with ledger._writing() as db:
            ledger._log.append(db, stage, leaves.contract(row, status, "", document), About(held.terms.id, CONSUMER))
            ledger._log.seal(db)
    assert any("yanmen:deletionDays" in each for each in place.findings())


def test_the_second_reason_is_not_the_first(place: Market) -> None:
    held = used(place)
    assert refused(place.offer, longer(place, held, deletion_days=None)) is Reason.AMENDMENT_FORBIDDEN
    assert codes(place) == set()
