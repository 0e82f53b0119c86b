"""Negotiation in rounds: each answers the one before, by the side whose turn it is, in time; every round is a leaf."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, negotiating
from yanmen.contracting import Approval
from yanmen.crypto import agreements, documents
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.negotiation import ROUNDS_MAX, ActKind, ContractAct
from yanmen.model.party import Party
from yanmen.model.refusal import Reason, Refused

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RECEIPT_KEY, RIVAL, START_MS, signer
from tests.unit.negotiation.market import BUREAU, BUREAU_KEY, DAY_MS, Market, market

PERSON = Approval("首席数据官")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def refused(call: Any, *arguments: Any, **named: Any) -> Reason:
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return caught.value.reason


def counter(place: Market, pending: Contract, **changed: Any) -> Contract:
    """Counter what waits with other terms."""
    terms = replace((pending.amendment or pending).terms, **changed)
    return negotiating.counter(pending.terms.id, terms, "张某", place.office)


def answer(place: Market, offered: Contract, key: Any = None, **changed: Any) -> Contract:
    """Answer the counter-offer of `offered` with its own terms, or others."""
    return place.offer(next_round(place, offered, **changed), key)


def next_round(place: Market, offered: Contract, **changed: Any) -> Terms:
    said = agreements.peek_terms(offered.counter)
    assert said.round is not None
    until = place.hall.clock.now_ms() + 7 * DAY_MS
    following = Round(said.round.number + 1, documents.digest(offered.counter), until)
    return replace(said, **{"round": following, **changed})


def word(kind: ActKind, contract: Contract, by: str = CONSUMER, key: Any = None, **changed: Any) -> bytes:
    digest = documents.digest(contract.acceptance) if kind is ActKind.VERIFY else contract.digest
    said = ContractAct(kind, by, NODE, contract.terms.id, digest, "到期" if kind is ActKind.END else "", 1)
    known = {**MEMBER_KEYS, BUREAU: BUREAU_KEY}
    return agreements.sign_act(replace(said, **changed), key or known[by])


def act(place: Market, token: bytes, by: str = CONSUMER) -> Contract:
    return negotiating.act(token, place.peer(by), place.office)


def signed(place: Market, **other: Any) -> Contract:
    """Return a contract with a third side, signed by consumer and holder."""
    held = place.offer(place.terms(signers=(BUREAU,), **other))
    return contracting.approve(held.terms.id, PERSON, place.office)


class TestRounds:
    def test_counter_offers_lead_to_an_agreement(self, place: Market) -> None:
        pending = place.offer(place.terms())
        offered = counter(place, pending, queries=500, price_per_query_fen=150)
        assert offered.status is ContractStatus.OFFERED
        again = answer(place, offered, price_per_query_fen=130)
        assert (again.status, again.terms.price_per_query_fen) == (ContractStatus.PENDING, 130)
        offered = counter(place, again, price_per_query_fen=140)
        agreed = answer(place, offered)
        assert agreed.status is ContractStatus.AGREED
        assert (agreed.terms.queries, agreed.terms.price_per_query_fen) == (500, 140)
        assert agreed.terms.round is not None
        assert agreed.terms.round.number == 5
        assert agreed.decided_by == "张某"
        assert negotiating.unsigned(agreed) == (CONSUMER,)
        held = act(place, word(ActKind.VERIFY, agreed))
        assert held.status is ContractStatus.ACTIVE
        place.hall.scene.ask(place.hall.ledger, held)
        assert place.findings() == ()

    def test_before_it_is_verified_nothing_can_be_asked(self, place: Market) -> None:
        agreed = answer(place, counter(place, place.offer(place.terms()), queries=500))
        assert refused(place.hall.scene.ask, place.hall.ledger, agreed) is Reason.CONTRACT_PENDING

    def test_a_counter_offer_is_approved_like_any_other(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        other = answer(place, offered, queries=600)
        assert other.status is ContractStatus.PENDING
        agreed = contracting.approve(other.terms.id, PERSON, place.office)
        assert agreed.status is ContractStatus.AGREED
        assert place.findings() == ()

    def test_the_holder_counters_nothing_it_may_not_offer(self, place: Market) -> None:
        pending = place.offer(place.terms())
        assert refused(counter, place, pending, price_per_query_fen=201) is Reason.PRICE_ABOVE_CEILING
        assert refused(counter, place, pending, consumer=RIVAL) is Reason.NEGOTIATION_OUT_OF_TURN
        assert refused(counter, place, pending, id="f" * 32) is Reason.NEGOTIATION_OUT_OF_TURN

    def test_neither_side_moves_twice(self, place: Market) -> None:
        pending = place.offer(place.terms())
        offered = counter(place, pending, queries=500)
        for call in (
            lambda: counter(place, offered, queries=600),
            lambda: contracting.approve(pending.terms.id, PERSON, place.office),
        ):
            assert refused(call) is Reason.CONTRACT_MALFORMED
        answer(place, offered, queries=600)
        assert refused(answer, place, offered, queries=700) is Reason.CONTRACT_MALFORMED

    def test_a_round_replayed_is_the_same_round(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        terms = next_round(place, offered, queries=600)
        first, size = place.offer(terms), place.hall.ledger.size()
        assert place.offer(terms) == first
        assert place.hall.ledger.size() == size

    @pytest.mark.parametrize(
        "changed",
        [
            {"round": None},
            {"round": Round(4, "a" * 64, START_MS * 2)},
            {"round": Round(3, "a" * 64, START_MS * 2)},
            {"amends": "a" * 64},
        ],
    )
    def test_a_round_that_does_not_answer_the_one_before_is_refused(self, place: Market, changed: Any) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        reason = refused(answer, place, offered, **changed)
        assert reason in (Reason.NEGOTIATION_OUT_OF_TURN, Reason.CONTRACT_MALFORMED)
        assert place.findings() == ()

    def test_an_answer_by_another_key_or_member_is_refused(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        assert refused(answer, place, offered, signer("other")) is Reason.SIGNATURE_INVALID
        terms = next_round(place, offered)
        token = documents.sign_offer(terms, MEMBER_KEYS[RIVAL])
        for peer in (CONSUMER, RIVAL):
            assert refused(contracting.request, token, place.peer(peer), place.office) is Reason.SIGNATURE_INVALID

    def test_an_altered_clause_is_no_acceptance(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        token = bytearray(documents.sign_offer(next_round(place, offered), MEMBER_KEYS[CONSUMER]))
        for at in range(len(token) // 3, len(token), 211):
            spoiled = bytearray(token)
            spoiled[at] = ord("A") if spoiled[at] != ord("A") else ord("B")
            reason = refused(contracting.request, bytes(spoiled), place.peer(), place.office)
            assert reason in (Reason.SIGNATURE_INVALID, Reason.CONTRACT_MALFORMED)

    def test_what_is_answered_too_late_is_refused(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        terms = next_round(place, offered)
        place.hall.clock.ms += 7 * DAY_MS
        assert refused(place.offer, terms) is Reason.NEGOTIATION_OUT_OF_TURN
        assert negotiating.break_off(offered.terms.id, "张某", place.office).status is ContractStatus.REVOKED
        assert place.findings() == ()

    def test_the_consumers_offer_stands_as_long_as_it_says(self, place: Market) -> None:
        offered = counter(place, place.offer(place.terms()), queries=500)
        pending = answer(place, offered, queries=600)
        place.hall.clock.ms += 7 * DAY_MS
        assert refused(counter, place, pending, queries=700) is Reason.NEGOTIATION_OUT_OF_TURN
        assert refused(contracting.approve, pending.terms.id, PERSON, place.office) is Reason.NEGOTIATION_OUT_OF_TURN

    def test_rounds_are_counted(self, place: Market) -> None:
        held = place.offer(place.terms())
        for number in range(2, ROUNDS_MAX, 2):
            held = counter(place, held, queries=900 - number)
            held = answer(place, held, queries=901 - number)
        assert held.terms.round is not None
        assert held.terms.round.number == ROUNDS_MAX - 1
        assert refused(counter, place, held, queries=7, queries_per_day=7) is Reason.NEGOTIATION_OUT_OF_TURN
        assert contracting.approve(held.terms.id, PERSON, place.office).status is ContractStatus.AGREED
        assert place.findings() == ()

    @pytest.mark.parametrize("days", [0, 31])
    def test_a_term_for_answering_is_short(self, place: Market, days: int) -> None:
        held = place.offer(place.terms())
        call = lambda: negotiating.counter(held.terms.id, held.terms, "张某", place.office, days)  # noqa: E731
        assert refused(call) is Reason.NEGOTIATION_OUT_OF_TURN

    @pytest.mark.parametrize("steps", [0, 1, 2])
    def test_either_side_ends_it(self, place: Market, steps: int) -> None:
        held = place.offer(place.terms())
        if steps:
            held = counter(place, held, queries=500)
        if steps == 2:
            held = answer(place, held)
        ended = act(place, word(ActKind.END, held))
        assert ended.status is ContractStatus.REVOKED
        assert refused(act, place, word(ActKind.END, held, text="nochmals")) is Reason.CONTRACT_REVOKED
        other = place.offer(place.terms())
        assert negotiating.break_off(other.terms.id, "张某", place.office).status is ContractStatus.REVOKED
        assert place.findings() == ()


class TestFurtherSides:
    def test_it_is_in_force_once_all_three_signed(self, place: Market) -> None:
        agreed = signed(place)
        assert agreed.status is ContractStatus.AGREED
        assert negotiating.unsigned(agreed) == (BUREAU,)
        held = act(place, word(ActKind.SIGN, agreed, BUREAU), BUREAU)
        assert held.status is ContractStatus.ACTIVE
        place.hall.scene.ask(place.hall.ledger, held)
        assert place.findings() == ()

    def test_the_same_signature_again_is_the_same_leaf(self, place: Market) -> None:
        token = word(ActKind.SIGN, signed(place), BUREAU)
        act(place, token, BUREAU)
        size = place.hall.ledger.size()
        assert act(place, token, BUREAU).status is ContractStatus.ACTIVE
        assert place.hall.ledger.size() == size

    @pytest.mark.parametrize(
        ("changed", "by", "reason"),
        [
            ({"digest": "a" * 64}, BUREAU, Reason.NEGOTIATION_OUT_OF_TURN),
            ({"node": RIVAL}, BUREAU, Reason.REQUEST_FOR_ANOTHER_NODE),
            ({"id": "f" * 32}, BUREAU, Reason.CONTRACT_UNKNOWN),
            ({"as": CONSUMER}, BUREAU, Reason.SIGNATURE_INVALID),
            ({"key": signer("other")}, BUREAU, Reason.SIGNATURE_INVALID),
            ({"kind": ActKind.END}, BUREAU, Reason.ROLE_NOT_ALLOWED),
            ({"kind": ActKind.VERIFY}, BUREAU, Reason.NEGOTIATION_OUT_OF_TURN),
            ({}, CONSUMER, Reason.NEGOTIATION_OUT_OF_TURN),
            ({}, RIVAL, Reason.CONTRACT_UNKNOWN),
        ],
    )
    def test_what_does_not_count(self, place: Market, changed: dict[str, Any], by: str, reason: Reason) -> None:
        agreed = signed(place)
        other = dict(changed)
        named = other.pop("id", agreed.terms.id)
        about = replace(agreed, terms=replace(agreed.terms, id=named))
        signer_ = other.pop("as", by)
        token = word(other.pop("kind", ActKind.SIGN), about, signer_, **other)
        assert refused(act, place, token, by) is reason
        assert place.hall.ledger.contract(agreed.terms.id) == agreed

    def test_signing_before_the_holder_did_is_out_of_turn(self, place: Market) -> None:
        pending = place.offer(place.terms(signers=(BUREAU,)))
        assert refused(act, place, word(ActKind.SIGN, pending, BUREAU), BUREAU) is Reason.NEGOTIATION_OUT_OF_TURN

    def test_a_signature_of_another_version_of_it_does_not_count(self, place: Market) -> None:
        pending = place.offer(place.terms(signers=(BUREAU,)))
        early = word(ActKind.SIGN, pending, BUREAU)
        agreed = answer(place, counter(place, pending, queries=500))
        assert agreed.digest != pending.digest
        assert refused(act, place, early, BUREAU) is Reason.NEGOTIATION_OUT_OF_TURN
        half = act(place, word(ActKind.SIGN, agreed, BUREAU), BUREAU)
        assert (half.status, negotiating.unsigned(half)) == (ContractStatus.AGREED, (CONSUMER,))
        assert act(place, word(ActKind.VERIFY, agreed)).status is ContractStatus.ACTIVE
        assert place.findings() == ()

    def test_the_owners_rule_does_not_sign_for_others(self, tmp_path: Path) -> None:
        with market(tmp_path, rule=True) as place:
            held = place.offer(place.terms(signers=(BUREAU,), price_per_query_fen=200))
            assert held.status is ContractStatus.AGREED

    def test_a_side_sees_what_it_is_to_sign_and_no_other(self, place: Market) -> None:
        agreed = signed(place)
        place.offer(place.terms())
        assert place.hall.ledger.contracts_naming(BUREAU) == (agreed,)
        assert place.hall.ledger.contracts_naming(RIVAL) == ()


def test_a_party_is_whom_it_says(place: Market) -> None:
    found = place.peer(BUREAU)
    assert isinstance(found, Party)
    assert documents.open_acceptance(signed(place).acceptance, RECEIPT_KEY.public).holder == NODE
