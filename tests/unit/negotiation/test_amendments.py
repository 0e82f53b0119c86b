"""Amendments: all sides again, chained by digest, what was spent stays spent; nothing wider than what binds it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, negotiating
from yanmen.contracting import Approval
from yanmen.formats import checkpoint, note, template
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.succession import Step
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, ContractStatus, Filled, Grant, Scenario
from yanmen.model.negotiation import ActKind
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused

from tests.unit.ledger.scene import NODE, PROFILE, disclosed, released, reserved
from tests.unit.negotiation.market import BUREAU, Market, market
from tests.unit.negotiation.test_rounds import act, answer, counter, refused, word

PERSON = Approval("首席数据官")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def in_force(place: Market, **other: Any) -> Contract:
    held = place.offer(place.terms(**other))
    held = contracting.approve(held.terms.id, PERSON, place.office)
    for _ in held.terms.signers:
        held = act(place, word(ActKind.SIGN, held, BUREAU), BUREAU)
    assert held.status is ContractStatus.ACTIVE
    return held


def amend(place: Market, held: Contract, **changed: Any) -> Contract:
    return place.offer(replace(held.terms, **{"amends": held.digest, "round": None, **changed}))


def current(place: Market, held: Contract) -> Contract:
    return contracting.show(held.terms.id, place.office)


def test_what_was_spent_stays_spent(place: Market) -> None:
    held = in_force(place)
    ledger = place.hall.ledger
    place.hall.scene.ask(ledger, held)
    before = ledger.balance(held.terms.id)
    pending = amend(place, held, queries=2_000, micro_rho=20_000, price_per_query_fen=150)
    assert pending.status is ContractStatus.PENDING
    assert current(place, held).amendment == pending
    place.hall.scene.ask(ledger, current(place, held))
    changed = contracting.approve(held.terms.id, PERSON, place.office)
    assert (changed.status, changed.terms.queries, changed.amendment) == (ContractStatus.ACTIVE, 2_000, None)
    after = ledger.balance(held.terms.id)
    assert after.queries_left == before.queries_left + 1_000 - 1
    assert after.micro_rho_left == before.micro_rho_left + 10_000 - 100
    assert after.queries_today_left == before.queries_today_left - 1
    assert after.spent_fen == 240
    found = place.hall.scene.ask(ledger, changed)
    assert disclosed(found.receipt).slots[Slot.CONTRACT_DIGEST] == changed.digest
    assert ledger.balance(held.terms.id).spent_fen == 390
    assert place.findings() == ()


def test_all_sides_sign_again(place: Market) -> None:
    held = in_force(place, signers=(BUREAU,))
    amend(place, held, queries=2_000)
    agreed = contracting.approve(held.terms.id, PERSON, place.office)
    assert agreed.status is ContractStatus.AGREED
    assert current(place, held).terms.queries == 1_000
    old = word(ActKind.SIGN, held, BUREAU, text="again")
    assert refused(act, place, old, BUREAU) is Reason.NEGOTIATION_OUT_OF_TURN
    assert act(place, word(ActKind.SIGN, agreed, BUREAU), BUREAU).terms.queries == 2_000
    assert place.findings() == ()


def test_it_is_negotiated_like_a_contract(place: Market) -> None:
    held = in_force(place)
    amend(place, held, queries=5_000)
    offered = counter(place, current(place, held), queries=3_000)
    assert offered.status is ContractStatus.OFFERED
    place.hall.scene.ask(place.hall.ledger, current(place, held))
    agreed = answer(place, offered)
    assert (agreed.status, agreed.terms.amends) == (ContractStatus.AGREED, held.digest)
    assert act(place, word(ActKind.VERIFY, agreed)).terms.queries == 3_000
    assert place.findings() == ()


def test_a_question_under_way_is_answered_under_its_own_version(place: Market) -> None:
    held = in_force(place)
    ledger = place.hall.ledger
    running = reserved(ledger.reserve(place.hall.scene.plan(held)))
    admitted = place.hall.scene.plan(held)
    amend(place, held, queries=2_000)
    changed = contracting.approve(held.terms.id, PERSON, place.office)
    assert changed.digest != held.digest
    found = ledger.settle(running, released(running.plan), PROFILE)
    assert disclosed(found.receipt).slots[Slot.CONTRACT_DIGEST] == held.digest
    assert refused(ledger.reserve, admitted) is Reason.CONTRACT_AMENDED
    assert place.findings() == ()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"scenario": Scenario("S9", "x", "y")}, "purpose"),
        ({"channel": Channel.OPENING}, "yanmen:channel"),
        ({"not_before_ms": 5}, "dateTime gteq"),
        ({"signers": ()}, "yanmen:signers"),
        ({"filled": None}, "yanmen:template"),
    ],
)
def test_what_makes_another_contract_of_it_is_refused(place: Market, changed: dict[str, Any], named: str) -> None:
    made = place.template("free = ['signers']\n" + DRAFT_FREE)
    held = in_force(place, signers=(BUREAU,), filled=Filled(made.template.id, made.digest), delta_e12=0)
    place.hall.publish("v2", channels=(Channel.SHARING, Channel.OPENING))
    with pytest.raises(Refused) as caught:
        amend(place, held, **changed)
    if caught.value.reason is Reason.AMENDMENT_FORBIDDEN:
        assert caught.value.detail.subject == named
    else:
        assert caught.value.reason is Reason.OUTSIDE_TEMPLATE
    assert current(place, held) == held


DRAFT_FREE = """
title_zh = "x"
title_en = "x"
days_most = 365
[grants]
persons = ["city"]
[fixed]
channel = "sharing"
min_group = 10
micro_rho_per_query = 100
delta_e12 = 0
price_per_query_fen = 120
regulator_discloses = []
retention_days = 30
micro_rho = 10000
micro_rho_per_query_max = 5000
[between]
queries = [1, 1000]
queries_per_day = [1, 500]
"""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"price_per_query_fen": 201}, Reason.PRICE_ABOVE_CEILING),
        ({"grants": (Grant("persons", ("shoe",)),)}, Reason.UNKNOWN_COLUMN),
        ({"micro_rho": 2_000_000}, Reason.BUDGET_SPENT),
        ({"not_after_ms": 10**14}, Reason.CONTRACT_MALFORMED),
        ({"amends": "a" * 64}, Reason.NEGOTIATION_OUT_OF_TURN),
        ({"amends": "", "queries": 900}, Reason.CONTRACT_MALFORMED),
    ],
)
def test_an_amendment_keeps_to_what_binds_every_contract(place: Market, changed: Any, reason: Reason) -> None:
    held = in_force(place)
    assert refused(amend, place, held, **changed) is reason
    assert current(place, held) == held


def test_wider_than_its_template_is_refused(place: Market) -> None:
    made = place.template()
    held = in_force(place, filled=Filled(made.template.id, made.digest), queries=900)
    assert refused(amend, place, held, queries=1_001) is Reason.OUTSIDE_TEMPLATE
    assert amend(place, held, queries=1_000).status is ContractStatus.PENDING
    assert template.fill(made, held.terms) == held.terms


def test_caps_below_what_was_spent_are_refused(place: Market) -> None:
    held = in_force(place)
    for _ in range(3):
        place.hall.scene.ask(place.hall.ledger, held)
    assert refused(amend, place, held, queries=2, queries_per_day=2) is Reason.AMENDMENT_FORBIDDEN
    assert current(place, held).amendment is None, "what can never enter into force is not under way either"
    amend(place, held, queries=3, queries_per_day=3)
    place.hall.scene.ask(place.hall.ledger, held)
    assert refused(contracting.approve, held.terms.id, PERSON, place.office) is Reason.AMENDMENT_FORBIDDEN
    assert negotiating.break_off(held.terms.id, "张某", place.office) == held
    assert place.findings() == ()


def test_a_budget_that_others_spent_is_not_there_to_amend_with(place: Market) -> None:
    held = in_force(place, micro_rho=600_000)
    assert amend(place, held, micro_rho=1_000_000).status is ContractStatus.PENDING
    other = in_force(place, micro_rho=10_000)
    place.hall.scene.ask(place.hall.ledger, other)
    assert refused(contracting.approve, held.terms.id, PERSON, place.office) is Reason.BUDGET_SPENT


@pytest.mark.parametrize("side", ["consumer", "holder"])
def test_a_denied_or_ended_amendment_leaves_the_contract(place: Market, side: str) -> None:
    held = in_force(place)
    pending = amend(place, held, queries=2_000)
    if side == "consumer":
        act(place, word(ActKind.END, pending))
    else:
        assert contracting.deny(held.terms.id, "张某", place.office).status is ContractStatus.ACTIVE
    assert current(place, held) == held
    assert amend(place, held, queries=3_000).status is ContractStatus.PENDING
    assert place.findings() == ()


def test_what_ends_a_contract_ends_what_was_to_replace_it(place: Market) -> None:
    held = in_force(place)
    amend(place, held, queries=2_000)
    contracting.revoke(held.terms.id, "张某", place.office)
    assert current(place, held).amendment is None
    assert refused(contracting.approve, held.terms.id, PERSON, place.office) is Reason.CONTRACT_MALFORMED
    assert place.findings() == ()


def test_a_suspended_contract_is_resumed_before_it_is_amended(place: Market) -> None:
    held = in_force(place)
    amend(place, held, queries=2_000)
    contracting.suspend(held.terms.id, "张某", place.office)
    assert refused(contracting.approve, held.terms.id, PERSON, place.office) is Reason.NEGOTIATION_OUT_OF_TURN
    contracting.resume(held.terms.id, "张某", place.office)
    assert contracting.approve(held.terms.id, PERSON, place.office).terms.queries == 2_000
    assert place.findings() == ()


def test_a_log_that_continues_another_keeps_the_version_in_force(place: Market) -> None:
    held = in_force(place, signers=(BUREAU,))
    agreed = answer(place, counter(place, amend(place, held, queries=5_000), queries=3_000))
    act(place, word(ActKind.SIGN, agreed, BUREAU), BUREAU)
    now = act(place, word(ActKind.VERIFY, agreed))
    assert now.status is ContractStatus.ACTIVE
    place.hall.scene.ask(place.hall.ledger, now)
    ledger = place.hall.ledger
    ledger.serve_alone()
    place.hall.clock.ms += 40 * 86_400_000
    step = Step(checkpoint.origin(NODE, 2027), "shanxi.example", ledger_head(ledger), ledger.size(), "", {})
    ledger.begin_next(place.folder / "next.db", step)
    scene = replace(place.hall.scene, path=place.folder / "next.db")
    with scene.open(create=False) as following:
        carried = following.contract(held.terms.id)
        assert carried is not None
        assert (carried.digest, carried.status, carried.signatures) == (now.digest, now.status, now.signatures)
        assert following.balance(held.terms.id).queries_left == 3_000 - 1
        following.check()
        place.hall.ledger, other = following, place.hall.ledger
        place.folder = place.folder / "continued"
        place.folder.mkdir()
        found = [each for each in place.findings() if not each.startswith("CONTINUES")]
        place.hall.ledger = other
        assert found == []


def ledger_head(ledger: Ledger) -> checkpoint.Checkpoint:
    return checkpoint.decode(note.decode(ledger.checkpoint().encode()).text)


def test_every_step_is_a_leaf_of_the_contracts_series(place: Market) -> None:
    held = in_force(place, signers=(BUREAU,))
    amend(place, held, queries=2_000)
    contracting.approve(held.terms.id, PERSON, place.office)
    ledger = place.hall.ledger
    leaves = [ledger.receipt(index) for index in range(ledger.size())]
    said = [disclosed(one).slots for one in leaves if one.stage in (Stage.CONTRACT, Stage.APPROVAL)]
    subjects = [slots[Slot.SUBJECT] for slots in said]
    statuses = [subject["status"] for subject in subjects if isinstance(subject, dict)]
    assert statuses == ["pending", "agreed", "active", "pending", "agreed"]
    assert len({str(slots[Slot.CONTRACT_DIGEST]) for slots in said}) == 2
