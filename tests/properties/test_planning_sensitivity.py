"""No unit moves a figure of any admitted surface further than its plan declares, and faults of a statement are found.

`scripts/bench sensitivity` does the same with hundreds of questions and more units.
"""

from contextlib import suppress
from functools import cache

import duckdb
import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.model.stages import Plan
from yanmen.planning.plan import plan

from tests.properties.leave_one_out import DATASETS, MUTANTS, Held, Wide, drawn, halved, heaviest
from tests.unit.planning.engine import InProcessRunner, admitted

VISITS = "FROM visit v JOIN person p ON v.pid = p.pid"
TELLING = {
    "rows are not clamped": "SELECT ward, sum(cost) FROM visit GROUP BY ward",
    "no cap on a unit's groups": "SELECT ward, count(DISTINCT pid), sum(cost) FROM visit GROUP BY ward",
    "an open table multiplies": "SELECT region, count(*) FROM visit v JOIN town t ON v.town = t.code GROUP BY region",
    "a unit's rows are not its own": f"SELECT ward, count(*) {VISITS} GROUP BY ward",
}


@cache
def held(seed: int) -> tuple[Held, tuple[int, ...]]:
    rows = drawn(seed, 60, beyond=seed % 2 == 1)
    return Held(DATASETS, rows), tuple(heaviest(rows, 10))


def made(sql: str) -> Plan:
    return plan(admitted(sql, datasets=DATASETS), InProcessRunner(), NodeLimits())


@pytest.mark.parametrize("seed", range(2))
def test_no_unit_moves_a_figure_further_than_declared(seed: int) -> None:
    rows, units = held(seed)
    asked = number = moved = 0
    while asked < 30:
        number += 1
        with suppress(Refused):
            sql = Wide(seed * 1_000 + number).ask()
            found = made(sql)
            for move in rows.moves(found, found.sql, units) if found.aggregates else ():
                assert move.kept, (sql, move)
                moved += move.l1 > 0
            asked += 1
    assert moved > 200


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_of_the_statement_is_found(fault: str) -> None:
    found = made(TELLING[fault])
    altered = MUTANTS[fault](found.sql)
    assert altered != found.sql
    assert any(not move.kept for seed in range(8) for move in held(seed)[0].moves(found, altered, held(seed)[1]))


def test_a_bound_half_as_wide_is_found() -> None:
    found = made("SELECT sum(cost), count(*), count(DISTINCT pid) FROM visit")
    rows, units = held(0)
    broken = {move.aggregate.name for move in rows.moves(halved(found), found.sql, units) if not move.kept}
    assert broken == {"a0", "a1", "a2"}


def test_a_statement_that_fails_is_not_taken_for_one_that_keeps_its_bounds() -> None:
    found = made("SELECT ward, count(*) FROM visit GROUP BY ward")
    with pytest.raises(duckdb.Error):
        list(held(0)[0].moves(found, "SELECT nothing FROM nowhere", (1,)))
