"""A contract narrows what one of its questions may use; it never widens it."""

from dataclasses import fields, replace
from threading import Event
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override
from yanmen.admission.admit import Desk
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.run import RUN_PERCENT
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Bounds
from yanmen.model.ports import Limits, Runner, Tenant
from yanmen.model.refusal import Reason, Refused, Usage
from yanmen.model.stages import Admitted, Reserved
from yanmen.node.question import Question, Works
from yanmen.planning.plan import plan as make_plan

from tests.unit.planning.engine import InProcessRunner, admitted

LIMITS = NodeLimits(spill_bytes=1 << 30)
FIELDS = {
    "rows": "open_rows",
    "groups": "cells",
    "reply_bytes": "reply_bytes",
    "memory_bytes": "memory_bytes",
    "cpu_seconds": "cpu_seconds",
    "wall_ms": "deadline_ms",
    "spill_bytes": "spill_bytes",
}
GROUPED = "SELECT sex, count(*) FROM person GROUP BY sex"


class Noting(InProcessRunner):
    """Notes for whom and within what it was asked to run."""

    def __init__(self) -> None:
        super().__init__()
        self.tenants: list[Tenant] = []
        self.given: list[Limits] = []

    @override
    def within(self, tenant: Tenant) -> "Noting":
        self.tenants.append(tenant)
        return self

    @override
    def query(
        self,
        scans: tuple[tuple[str, str], ...],
        sql: str,
        types: tuple[ColumnType, ...],
        limits: Limits,
        cancel: Event,
    ) -> tuple[tuple[tuple[Cell, ...], ...], Usage]:
        self.given.append(limits)
        return (), Usage()


def bounded(sql: str, bounds: Bounds) -> Admitted:
    asked = admitted(sql)
    contract = asked.contract
    return replace(asked, contract=replace(contract, terms=replace(contract.terms, bounds=bounds)))


def question(runner: Runner) -> Question:
    return Question(
        Works(cast("Desk", None), runner, cast("Ledger", None), LIMITS, SystemRandomness()), Operation.SUBMIT
    )


@given(st.builds(Bounds, **{name: st.none() | st.integers(0, 2**53) for name in FIELDS}))
def test_bounds_only_narrow(bounds: Bounds) -> None:
    narrowed = LIMITS.within(bounds)
    for limit in fields(NodeLimits):
        ours, theirs = getattr(LIMITS, limit.name), getattr(narrowed, limit.name)
        bound = next((getattr(bounds, name) for name, field in FIELDS.items() if field == limit.name), None)
        assert theirs == (ours if bound is None else min(ours, bound))


def test_every_bound_narrows_something() -> None:
    assert set(FIELDS) == set(Bounds.__slots__)


def test_a_question_runs_within_its_contracts_bounds_in_its_tenants_worker() -> None:
    runner = Noting()
    bounds = Bounds(reply_bytes=5_000, memory_bytes=1 << 27, cpu_seconds=3, wall_ms=1_000, spill_bytes=77)
    asked = bounded(GROUPED, bounds)
    here = question(runner)
    planned = make_plan(asked, runner, here._limits(asked))
    here._run(Reserved(planned, 0, ""), Event())
    (given_,) = runner.given
    wall = planned.deadline_ms * RUN_PERCENT // 100
    assert given_ == Limits(1 << 27, 3, wall, 5_000, planned.rows_max, 77)
    assert planned.deadline_ms % 1_000 == 0
    assert runner.tenants == [Tenant(asked.contract.terms.consumer, asked.contract.terms.id)]


def test_more_groups_than_the_contract_allows_are_refused_before_anything_runs() -> None:
    runner = InProcessRunner()
    assert make_plan(bounded(GROUPED, Bounds()), runner, LIMITS).rows_max > 1
    with pytest.raises(Refused) as refused:
        make_plan(bounded(GROUPED, Bounds(groups=1)), runner, LIMITS.within(Bounds(groups=1)))
    assert refused.value.reason is Reason.TOO_MANY_CELLS
