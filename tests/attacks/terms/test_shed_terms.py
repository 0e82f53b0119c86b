"""Attacks on the owner's rule: amendments that shed, bit by bit, what a person negotiated."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, negotiating
from yanmen.contracting import Approval
from yanmen.formats import weakening
from yanmen.formats.contract import GRANT, RULE
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import Bounds, Contract, ContractStatus, Grant, Terms
from yanmen.model.negotiation import ActKind
from yanmen.model.refusal import Reason, Refused
from yanmen.model.tariff import Tariff
from yanmen.model.usage_control import Action, Constraint, Control, Operator, Rules

from tests.unit.negotiation.market import BUREAU, DAY_MS, Market, market
from tests.unit.negotiation.test_rounds import act, answer, counter, word

PERSON = Approval("首席数据官")
LISTED_FEN = 200


def control(constraint: Constraint, operator: Operator, *values: str) -> Control:
    return Control(constraint, operator, values)


REGION = control(Constraint.REGION, Operator.IS_ANY_OF, "1401")
NETWORK = control(Constraint.NETWORK_ADDRESS, Operator.IS_ANY_OF, "10.0.0.0/8")
COUNT = control(Constraint.COUNT, Operator.LTEQ, "100")
RATE = control(Constraint.FREQUENCY, Operator.LTEQ, "10 次/小时")
SIZE = control(Constraint.DATA_SIZE, Operator.LTEQ, "10K")
A_DAY = control(Constraint.TIME_WINDOW, Operator.EQ, "P1D")
NEGOTIATED: dict[str, Any] = {
    "price_per_query_fen": LISTED_FEN,
    "grants": (Grant("persons", ("city",)),),
    "min_group": 20,
    "queries": 100,
    "queries_per_day": 10,
    "micro_rho": 5_000,
    "micro_rho_per_query": 100,
    "micro_rho_per_query_max": 500,
    "retention_days": 180,
    "deletion_days": 30,
    "regulator_discloses": ("query", "request"),
    "consent": ConsentRule.RECORDED,
    "bounds": Bounds(rows=100, groups=50),
    "rules": Rules(
        permitted=(Action.ANONYMIZE,),
        prohibited=(Action.DISTRIBUTE, Action.SELL),
        obliged=(Action.DELETE, Action.ALERT),
        controls=(REGION, COUNT, RATE, SIZE),
    ),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path, rule=True) as made:
        yield made


def by_person(place: Market, **other: Any) -> Contract:
    """Return a contract that the rule would have signed, and a person did."""
    config, place.config = place.config, replace(place.config, approve_general=False)
    held = place.offer(place.terms(**{**NEGOTIATED, **other}))
    held = contracting.approve(held.terms.id, PERSON, place.office)
    place.config = config
    assert held.status is ContractStatus.ACTIVE
    return held


def amend(place: Market, held: Contract, **changed: Any) -> Contract:
    return place.offer(replace(held.terms, **{"amends": held.digest, "round": None, **changed}))


def named(made: Contract) -> set[str]:
    return {left.clause for left in made.left_to_person}


def rules(**changed: Any) -> Rules:
    made: Rules = NEGOTIATED["rules"]
    return replace(made, **changed)


SHED: list[tuple[dict[str, Any], str]] = [
    ({"deletion_days": 31}, "yanmen:deletionDays"),
    ({"retention_days": 179}, "yanmen:retentionDays"),
    ({"retention_days": 181}, "yanmen:retentionDays"),
    ({"min_group": 19}, "yanmen:minGroup"),
    ({"consent": ConsentRule.UNLESS_WITHDRAWN}, "yanmen:consent"),
    ({"queries": 101}, "count"),
    ({"queries_per_day": 11}, "yanmen:countPerDay"),
    ({"micro_rho": 5_001}, "yanmen:microRho"),
    ({"micro_rho_per_query": 101}, "yanmen:microRhoPerQuery"),
    ({"micro_rho_per_query_max": 501}, "yanmen:microRhoPerQuery"),
    ({"grants": (Grant("persons", ("city", "id")),)}, "target"),
    ({"regulator_discloses": ("query",)}, "yanmen:regulatorDiscloses"),
    ({"paper_sha256": "a" * 64}, "yanmen:paperSha256"),
    ({"signers": (BUREAU,)}, "yanmen:signers"),
    ({"bounds": Bounds(rows=100)}, "yanmen:groups"),
    ({"bounds": Bounds(rows=101, groups=50)}, "yanmen:rows"),
    ({"rules": Rules()}, "control:region"),
    ({"rules": rules(prohibited=(Action.SELL,))}, "prohibition:distribute"),
    ({"rules": rules(obliged=(Action.ALERT,))}, "obligation:delete"),
    ({"rules": rules(permitted=(Action.ANONYMIZE, Action.DELIVERY))}, "permission:delivery"),
    ({"rules": rules(controls=(COUNT, RATE, SIZE))}, "control:region"),
    ({"rules": rules(controls=(NETWORK, COUNT, RATE, SIZE))}, "control:region"),
    ({"rules": rules(controls=(replace(REGION, values=("14",)), COUNT, RATE, SIZE))}, "control:region"),
    ({"rules": rules(controls=(replace(REGION, operator=Operator.IS_NONE_OF), COUNT, RATE, SIZE))}, "control:region"),
    ({"rules": rules(controls=(REGION, replace(COUNT, values=("1000",)), RATE, SIZE))}, "control:count"),
    ({"rules": rules(controls=(REGION, replace(COUNT, values=("99 次/天",)), RATE, SIZE))}, "control:count"),
    ({"rules": rules(controls=(REGION, COUNT, A_DAY, RATE, SIZE))}, "control:count"),
    ({"rules": rules(controls=(REGION, COUNT, replace(RATE, values=("9 次/分钟",)), SIZE))}, "control:frequency"),
    ({"rules": rules(controls=(REGION, COUNT, RATE, replace(SIZE, values=("1M",))))}, "control:dataSize"),
    ({"rules": rules(obliged=(Action.DESENSITIZE, Action.ALERT))}, "obligation:delete"),
]


@pytest.mark.parametrize(("changed", "clause"), SHED, ids=[f"{clause}-{at}" for at, (_, clause) in enumerate(SHED)])
def test_the_rule_sheds_nothing_that_a_person_signed(place: Market, changed: dict[str, Any], clause: str) -> None:
    held = by_person(place)
    made = amend(place, held, **changed)
    assert made.status is ContractStatus.PENDING
    assert clause in named(made)
    assert all(left.en and left.zh for left in made.left_to_person)
    now = contracting.show(held.terms.id, place.office)
    assert (now.digest, now.amendment) == (held.digest, made)
    assert contracting.approve(held.terms.id, PERSON, place.office).status in (
        ContractStatus.ACTIVE,
        ContractStatus.AGREED,  # a side that was added signs last
    )


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        ({"price_per_query_fen": LISTED_FEN - 1}, "yanmen:priceFenPerQuery"),
        ({"tariff": Tariff(LISTED_FEN, per_cell=1_000)}, "yanmen:tariff"),
        ({"not_after_ms": "later"}, "dateTime"),
        ({"delta_e12": 1}, "yanmen:deltaE12"),
    ],
)
def test_nor_price_dates_or_delta(place: Market, changed: dict[str, Any], clause: str) -> None:
    held = by_person(place)
    if "not_after_ms" in changed:
        changed = {"not_after_ms": held.terms.not_after_ms + 1}
    made = amend(place, held, **changed)
    assert made.status is ContractStatus.PENDING
    assert clause in named(made)


def test_the_rule_signs_what_is_only_stricter_in_whatever_order_it_is_said(place: Market) -> None:
    held = by_person(place)
    controls = (replace(SIZE, values=("9K",)), RATE, replace(COUNT, values=("99",)), REGION, NETWORK)
    made = amend(
        place,
        held,
        grants=(Grant("persons", ("city",)),),
        min_group=21,
        queries=99,
        micro_rho=4_999,
        deletion_days=29,
        regulator_discloses=("plan", "query", "request"),
        bounds=Bounds(rows=99, groups=50, wall_ms=1_000),
        not_after_ms=held.terms.not_after_ms - DAY_MS,
        rules=rules(
            permitted=(),
            prohibited=(Action.DISTRIBUTE, Action.GRANT_USE, Action.SELL),
            controls=controls,
        ),
    )
    assert (made.status, made.decided_by, made.left_to_person) == (ContractStatus.ACTIVE, RULE, ())
    assert place.findings() == ()


def test_a_count_of_each_day_is_compared_with_its_day(place: Market) -> None:
    daily = rules(controls=(REGION, A_DAY, COUNT))
    held = by_person(place, rules=daily)
    kept = amend(place, held, min_group=21, rules=rules(controls=(REGION, A_DAY, replace(COUNT, values=("99",)))))
    assert kept.decided_by == RULE
    a_week = control(Constraint.TIME_WINDOW, Operator.EQ, "P7D")
    wider = amend(place, kept, rules=rules(controls=(REGION, a_week, A_DAY, COUNT)))
    assert named(wider) == {"control:count"}


def test_a_field_nobody_compared_is_for_a_person(place: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field of the terms is held to equality until somebody says which way it may change."""
    monkeypatch.setattr(weakening, "_HOLDS", {})
    held = by_person(place)
    stricter: tuple[dict[str, Any], ...] = ({"min_group": 21}, {"queries": 99}, {"deletion_days": 29})
    for changed in stricter:
        assert weakening.weakened(held.terms, replace(held.terms, **changed)), changed
    names = (each.name for each in fields(Terms) if each.name not in ("bounds", "rules", "round"))
    other: dict[str, Any] = {name: f"other {name}" for name in names}
    for name, value in other.items():
        if name != "amends":
            assert weakening.weakened(held.terms, replace(held.terms, **{name: value})), name


def test_in_two_steps_as_little_as_in_one(place: Market) -> None:
    """A stricter version that the rule signed is no ladder to a laxer one than the person's."""
    first = by_person(place)
    second = amend(place, first, queries=50, min_group=40)
    assert second.decided_by == RULE
    third = amend(place, second, queries=100, min_group=20)
    assert (third.status, third.decided_by) == (ContractStatus.ACTIVE, RULE), "no further than the person went"
    fourth = amend(place, third, queries=101)
    assert (fourth.status, named(fourth)) == (ContractStatus.PENDING, {"count"})
    assert negotiating.break_off(first.terms.id, "张某", place.office).terms.queries == 100
    fifth = amend(place, third, min_group=19)
    assert named(fifth) == {"yanmen:minGroup"}
    assert place.findings() == ()


def test_what_the_rule_alone_signed_it_may_change_but_never_puts_deletion_off(place: Market) -> None:
    held = place.offer(place.terms(**{**NEGOTIATED, "deletion_days": 30}))
    assert held.decided_by == RULE
    wider = amend(place, held, queries=200, min_group=10, rules=Rules())
    assert (wider.status, wider.decided_by) == (ContractStatus.ACTIVE, RULE)
    later = amend(place, wider, deletion_days=31)
    assert (later.status, named(later)) == (ContractStatus.PENDING, {"yanmen:deletionDays"})


def test_a_chain_with_a_hole_counts_as_a_person_s(place: Market) -> None:
    held = place.offer(place.terms(**NEGOTIATED))
    second = amend(place, held, queries=50)
    assert second.decided_by == RULE
    with place.hall.ledger._store.write() as db:
        db.execute("DELETE FROM contract_version")
    assert named(amend(place, second, queries=60)) == {"count"}


def test_an_acceptance_that_nobody_can_read_counts_as_a_person_s(place: Market) -> None:
    held = place.offer(place.terms(**NEGOTIATED))
    second = amend(place, held, queries=50)
    third = amend(place, second, queries=40)
    assert third.decided_by == RULE
    with place.hall.ledger._store.write() as db:
        db.execute("UPDATE contract_version SET acceptance = ? WHERE digest = ?", (b"a.b.c", second.digest))
    assert amend(place, third, queries=50).status is ContractStatus.ACTIVE
    now = contracting.show(held.terms.id, place.office)
    assert named(amend(place, now, queries=60)) == {"count"}


@pytest.mark.parametrize("name", [RULE, GRANT, f" {RULE} "])
def test_no_person_goes_by_the_name_of_the_rule(place: Market, name: str) -> None:
    place.config = replace(place.config, approve_general=False)
    held = place.offer(place.terms(**NEGOTIATED))
    for approval in (Approval(name), Approval("张某", reviewed_by=name)):
        with pytest.raises(Refused) as caught:
            contracting.approve(held.terms.id, approval, place.office)
        assert caught.value.reason is Reason.CONTRACT_MALFORMED


@pytest.mark.parametrize("changed", [{"min_group": 19}, {"min_group": 21}])
def test_a_person_s_counter_offer_is_accepted_or_answered_to_a_person(place: Market, changed: dict[str, Any]) -> None:
    """Else what a person asked for would be the rule's own word, and the next amendment could take it back."""
    config, place.config = place.config, replace(place.config, approve_general=False)
    asked = place.offer(place.terms(**{**NEGOTIATED, "min_group": 10}))
    offered = counter(place, asked, min_group=20)
    place.config = config
    other = answer(place, offered, **changed)
    assert (other.status, named(other)) == (ContractStatus.PENDING, {"yanmen:round"})
    again = counter(place, other, min_group=20)
    agreed = answer(place, again)
    assert (agreed.status, agreed.decided_by) == (ContractStatus.AGREED, "张某")
    held = act(place, word(ActKind.VERIFY, agreed))
    held = amend(place, held, min_group=21)
    assert held.decided_by == RULE
    assert named(amend(place, held, min_group=19)) == {"yanmen:minGroup"}
    assert place.findings() == ()


@pytest.mark.parametrize("changed", [{"min_group": 19}, {"rules": Rules()}, {"min_group": 21}])
def test_the_auditor_finds_what_the_rule_signed_away(
    place: Market, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose rule looks at nothing; its log says who signed each version."""
    held = by_person(place)
    monkeypatch.setattr(contracting, "left_to_person", lambda *_: ())
    assert amend(place, held, **changed).decided_by == RULE
    found = [each for each in place.findings() if "signed away without a person" in each]
    assert bool(found) is (changed != {"min_group": 21})
    assert len(found) == len(place.findings())


def test_two_amendments_are_never_under_way(place: Market) -> None:
    held = by_person(place)
    first = amend(place, held, queries=200)
    with pytest.raises(Refused) as caught:
        amend(place, held, queries=99)
    assert caught.value.reason is Reason.NEGOTIATION_OUT_OF_TURN
    assert "pending already" in caught.value.detail.hint_en
    assert "正在协商" in caught.value.detail.hint_zh
    assert contracting.show(held.terms.id, place.office).amendment == first


def test_deletion_once_agreed_is_dropped_by_nobody(place: Market) -> None:
    held = by_person(place)
    place.hall.scene.ask(place.hall.ledger, held)
    with pytest.raises(Refused) as caught:
        amend(place, held, deletion_days=None)
    assert (caught.value.reason, caught.value.detail.subject) == (Reason.AMENDMENT_FORBIDDEN, "yanmen:deletionDays")
    (due,) = place.hall.ledger.deletions()
    assert (due.contract, due.ended_ms) == (held.terms.id, 0)


def test_a_pending_first_offer_says_why(place: Market) -> None:
    made = place.offer(place.terms(**{**NEGOTIATED, "price_per_query_fen": 120, "micro_rho": 20_001}))
    assert made.status is ContractStatus.PENDING
    assert named(made) == {"yanmen:priceFenPerQuery", "yanmen:microRho"}
    again = place.offer(made.terms)
    assert again.left_to_person == made.left_to_person, "and whenever it is handed in again"
    place.config = replace(place.config, approve_general=False)
    assert "approve.general" in named(place.offer(place.terms(**NEGOTIATED)))


def test_what_others_spent_is_not_told(place: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracting, "_affordable", lambda *_: False)
    made = place.offer(place.terms(**NEGOTIATED))
    assert made.status is ContractStatus.PENDING
    (left,) = made.left_to_person
    assert (left.clause, left.en) == ("yanmen:microRho", "a person looks at it first")
