"""A department's guard rails stand at every signature: what they forbid of an amendment is never in force."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, negotiating
from yanmen.contracting import Approval
from yanmen.model.catalogue import Column, ColumnType, Role
from yanmen.model.contract import Contract, ContractStatus, Grant
from yanmen.model.negotiation import ActKind
from yanmen.model.refusal import Reason, Refused

from tests.unit.ledger.scene import START_MS
from tests.unit.negotiation.market import BUREAU, DAY_MS, Market, market
from tests.unit.negotiation.test_rounds import act, word

PERSON = Approval("首席数据官")
LINKAGE = """
@id("no-linkage")
forbid (principal, action == Action::"scan", resource)
when { context.columns.containsAll(["age", "city"]) };
"""
CHARGE = """
@id("charge-most")
forbid (principal, action == Action::"submit", resource)
when { context.micro_rho > 4000 };
"""
TERM = f"""
@id("pilot-over")
forbid (principal, action, resource)
when {{ context.now_ms > {START_MS + 60 * DAY_MS} }};
"""
PEER = """
@id("not-him")
forbid (principal, action, resource)
when { principal.role == "developer" };
"""
COLUMNS = (
    Column("id", ColumnType.TEXT, Role.UNIT),
    Column("city", ColumnType.TEXT, Role.KEY, domain=("太原", "大同", None)),
    Column("age", ColumnType.INTEGER, Role.KEY, domain=(1, 2)),
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        made.hall.publish("v2", columns=COLUMNS)
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


def test_every_clause_that_forbids_an_amendment_is_named_and_the_contract_stays(place: Market) -> None:
    held = in_force(place)
    place.more_rails = LINKAGE + CHARGE + TERM
    with pytest.raises(Refused) as refused:
        amend(
            place,
            held,
            grants=(Grant("persons", ("age", "city")),),
            micro_rho_per_query_max=4001,
            not_after_ms=START_MS + 61 * DAY_MS,
        )
    assert refused.value.reason is Reason.POLICY_FORBIDS
    assert refused.value.detail.clauses == ("policy:charge-most", "policy:no-linkage", "policy:pilot-over")
    assert current(place, held) == held


@pytest.mark.parametrize(
    ("rails", "changed"),
    [
        (LINKAGE, {"grants": (Grant("persons", ("city", "age")),)}),
        (CHARGE, {"micro_rho_per_query_max": 4001}),
        (TERM, {"not_after_ms": START_MS + 60 * DAY_MS + 2}),
        (PEER, {"queries": 2000}),
    ],
)
def test_each_width_of_an_amendment_is_held_to_the_guard_rails(
    place: Market, rails: str, changed: dict[str, Any]
) -> None:
    held = in_force(place)
    place.more_rails = rails
    with pytest.raises(Refused) as refused:
        amend(place, held, **changed)
    assert len(refused.value.detail.clauses) == 1
    place.more_rails = ""
    assert amend(place, held, **changed).status is ContractStatus.PENDING


def test_what_the_guard_rails_admit_is_signed(place: Market) -> None:
    held = in_force(place)
    place.more_rails = LINKAGE + CHARGE + TERM
    amend(place, held, grants=(Grant("persons", ("age",)),), micro_rho_per_query_max=4000)
    assert contracting.approve(held.terms.id, PERSON, place.office).status is ContractStatus.ACTIVE


def test_a_guard_rail_that_came_after_the_offer_stops_the_holder(place: Market) -> None:
    held = in_force(place)
    amend(place, held, queries=2000)
    place.more_rails = PEER
    with pytest.raises(Refused) as refused:
        contracting.approve(held.terms.id, PERSON, place.office)
    assert refused.value.detail.clauses == ("policy:not-him",)
    with pytest.raises(Refused):
        negotiating.counter(held.terms.id, replace(held.terms, queries=1500), "首席数据官", place.office)


def test_a_guard_rail_that_came_after_the_holder_stops_the_last_signature(place: Market) -> None:
    held = in_force(place, signers=(BUREAU,))
    amend(place, held, queries=2000)
    agreed = contracting.approve(held.terms.id, PERSON, place.office)
    assert agreed.status is ContractStatus.AGREED
    token = word(ActKind.SIGN, agreed, BUREAU)
    place.more_rails = PEER
    with pytest.raises(Refused) as refused:
        act(place, token, BUREAU)
    assert refused.value.reason is Reason.POLICY_FORBIDS
    assert current(place, held).terms == held.terms


def test_a_first_offer_is_held_to_them_too(place: Market) -> None:
    place.more_rails = LINKAGE
    with pytest.raises(Refused) as refused:
        place.offer(place.terms(grants=(Grant("persons", ("age", "city")),)))
    assert refused.value.detail.clauses == ("policy:no-linkage",)
