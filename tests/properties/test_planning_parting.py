"""Ranking the groups of heavy units only: the same figures as ranking all, the same bounds, and a plan that says so."""

from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest
from yanmen.model.catalogue import UNIT_ROWS
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning import bound_union
from yanmen.planning.members import parse
from yanmen.planning.plan import BOUND_BYTES, Draft, compose, plan
from yanmen.planning.reading import read
from yanmen.planning.rendering import render
from yanmen.planning.row_source import shapes

from tests.properties.leave_one_out import DATASETS, Held, Wide, drawn, heaviest
from tests.properties.test_planning_answers import check_sensitivity
from tests.unit.planning.answering import runner
from tests.unit.planning.engine import InProcessRunner, admitted

JOINED = "FROM visit v JOIN person p ON v.pid = p.pid"
PARTED = (
    "SELECT ward, count(*), sum(cost), count(DISTINCT pid) FROM visit GROUP BY ward",
    "SELECT ward, town, avg(days) FROM visit WHERE cost > 10 GROUP BY ward, town",
    f"SELECT v.ward, p.sex, sum(v.days * p.age), count(*) {JOINED} WHERE p.age > 30 GROUP BY 1, 2",
    "SELECT v.ward, t.region, sum(v.cost), count(*) FROM visit v JOIN town t ON v.town = t.code GROUP BY 1, 2",
    "SELECT v.ward, count(*) FROM visit v LEFT JOIN person p ON v.pid = p.pid GROUP BY 1",
    "SELECT drug, count(*), sum(nights), count(DISTINCT pid) FROM stay GROUP BY drug",
    "SELECT ward, town, count(*) FROM visit GROUP BY ROLLUP (ward, town)",
)
WHOLE = (
    "SELECT a.ward, b.ward, count(*) FROM visit a JOIN visit b ON a.pid = b.pid GROUP BY 1, 2",
    "SELECT v.ward, count(*) FROM person p LEFT JOIN visit v ON v.pid = p.pid GROUP BY 1",
    "SELECT v.ward, t.region, count(*) FROM visit v, town t GROUP BY 1, 2",
    "SELECT ward, sum(d) FROM (SELECT pid, ward, sum(days) AS d FROM visit GROUP BY pid, ward) GROUP BY ward",
)


@cache
def held(seed: int) -> tuple[Held, tuple[int, ...]]:
    rows = drawn(seed, 60, beyond=seed % 2 == 1)
    return Held(DATASETS, rows), tuple(heaviest(rows, 10))


def made(sql: str, *, counted: bool = True) -> Plan:
    return plan(admitted(sql, datasets=DATASETS, counted=counted), InProcessRunner(), NodeLimits())


def apart(found: Plan) -> bool:
    return any(scan.counted for scan in found.scans)


def same(one: Plan, two: Plan, seed: int) -> None:
    """Hold the replies of two statements to each other, and what is said of them."""
    rows = held(seed)[0]
    assert rows.reply(one, one.sql) == rows.reply(two, two.sql), one.admitted.submission.sql
    assert [scan.columns for scan in one.scans] == [scan.columns for scan in two.scans]
    assert (one.aggregates, one.deadline_ms, one.rows_max) == (two.aggregates, two.deadline_ms, two.rows_max)


@pytest.mark.parametrize("sql", PARTED)
def test_only_heavy_units_are_ranked_and_the_figures_are_the_same(sql: str) -> None:
    found, before = made(sql), made(sql, counted=False)
    assert apart(found)
    assert not apart(before)
    assert found.sql != before.sql
    for seed in range(2):
        same(found, before, seed)
    name = "stay" if "stay" in sql else "visit"
    assert f"ranked   only units with more rows in {name}" in render(found)
    assert "ranked   every unit" in render(before)


@pytest.mark.parametrize("sql", WHOLE)
def test_all_units_are_ranked_where_rows_do_not_bound_groups(sql: str) -> None:
    found = made(sql)
    assert found.groups_kept is not None
    assert not apart(found)
    assert found.sql == made(sql, counted=False).sql


def test_nothing_is_told_apart_where_nothing_is_capped() -> None:
    assert not apart(made("SELECT town, count(*) FROM visit GROUP BY town"))
    roomy = tuple(replace(item, groups_per_unit=item.rows_per_unit) for item in DATASETS)
    assert not any(item.counted() for item in roomy)


@pytest.mark.parametrize("seed", range(2))
def test_random_questions_are_answered_alike_and_keep_their_bounds(seed: int) -> None:
    rows, units = held(seed)
    told = number = 0
    while told < 12:
        number += 1
        with suppress(Refused):
            sql = Wide(seed * 7_000 + number).ask()
            found = made(sql)
            if apart(found):
                told += 1
                same(found, made(sql, counted=False), seed)
                for move in rows.moves(found, found.sql, units):
                    assert move.kept, (sql, move)


def test_light_and_heavy_units_keep_the_bounds_in_a_small_table() -> None:
    full = [(pid, f"w{1 + (pid + n) % 4}", "north", 30, 500) for pid in range(1, 5) for n in range(4)]
    rows = {**drawn(2, 6, beyond=False), "visit": [*full, (5, "w1", "south", 3, 7), (5, "w2", None, 1, None)]}
    check_sensitivity(made(PARTED[0]), rows)


def draft(sql: str) -> Draft:
    asked = admitted(sql, datasets=DATASETS, counted=True)
    limits = NodeLimits()
    return compose(asked, read(sql, InProcessRunner().vet(sql), limits.ast_bytes), limits)


def changed(sql: str, before: str, after: str, times: int = -1) -> bool:
    """Tell whether a statement altered so is refused, the one emitted not."""
    found = draft(sql)
    refused = []
    for text in (found.plan.sql, found.plan.sql.replace(before, after, times)):
        reply = parse(InProcessRunner().bind(shapes(found.plan.scans), text), BOUND_BYTES)
        try:
            bound_union.check_reply(reply, found.expected)
            refused.append(False)
        except Refused as refusal:
            refused.append(refusal.reason is Reason.PLAN_CHANGED)
    assert found.plan.sql != found.plan.sql.replace(before, after, times), "nothing was altered"
    return refused == [False, True]


ROWS = f'"{UNIT_ROWS}"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{ROWS} <= 2", f"{ROWS} <= 3"),
        (f"{ROWS} <= 2", f"{ROWS} < 2"),
        (f"{ROWS} <= 2", f"{ROWS} <= 2 OR TRUE"),
        (f"{ROWS} <= 2", "TRUE"),
        (f"{ROWS} <= 2", '"pid" <= 2'),
        (f"{ROWS} <= 2", f"{ROWS} > 2"),
        (f"{ROWS} > 2", f"{ROWS} > 3"),
        (f"{ROWS} > 2", f"{ROWS} >= 2"),
        (f"{ROWS} > 2", f"{ROWS} <= 2"),
        (f"{ROWS} > 2", "TRUE"),
        (f"{ROWS} > 2", f"{ROWS} > 2 AND {ROWS} > 2"),
        (f"{ROWS} > 2", f"{ROWS} + 1 > 2"),
        ('WHERE "n" <= 2', 'WHERE "n" <= 3'),
        ('WHERE "n" <= 2', ""),
        ("UNION ALL", "UNION"),
        ("UNION ALL", "EXCEPT ALL"),
        ("UNION ALL", "INTERSECT ALL"),
    ],
)
def test_a_plan_that_tells_units_apart_otherwise_is_refused(before: str, after: str) -> None:
    sql = "SELECT ward, count(DISTINCT pid), sum(cost) FROM visit GROUP BY ward"
    assert changed(sql, before, after)


def test_the_count_of_rows_is_neither_added_up_nor_grouped_by() -> None:
    sql = "SELECT ward, count(DISTINCT pid), sum(cost) FROM visit GROUP BY ward"
    inner = f'(SELECT "pid", "ward", "cost" FROM "s0"."data" WHERE {ROWS} <= 2)'
    assert changed(sql, inner, inner.replace('"cost"', f'{ROWS} AS "cost"'))
    assert changed(sql, inner, inner.replace('"ward"', f'CAST({ROWS} AS VARCHAR) AS "ward"'))
    assert changed(sql, inner, inner.replace('"pid"', f'{ROWS} AS "pid"'))


def test_halves_may_not_change_places_nor_one_be_left_out() -> None:
    sql = "SELECT ward, count(DISTINCT pid), sum(cost) FROM visit GROUP BY ward"
    found = draft(sql).plan.sql
    start, end = found.index('SELECT "k0", "a1" FROM (SELECT "k0", "u"'), found.index(') AS "g"')
    light, heavy = found[start:end].split(" UNION ALL ")
    both = f"{light} UNION ALL {heavy}"
    assert found.count(both) == 1
    for other in (
        f"{heavy} UNION ALL {light}",
        light,
        heavy,
        f"{light} UNION ALL {light}",
        f"{both} UNION ALL {light}",
    ):
        assert changed(sql, both, other), other


def test_the_count_of_rows_is_no_column_of_a_question() -> None:
    for text in (f"SELECT sum({ROWS}) FROM visit", f"SELECT {ROWS}, count(*) FROM visit GROUP BY 1"):
        with pytest.raises(Refused) as refusal:
            made(text)
        assert refusal.value.reason is Reason.UNKNOWN_COLUMN
    engine = runner(DATASETS, drawn(1, 5, beyond=False))
    assert all(UNIT_ROWS not in scan.columns for scan in made(PARTED[0]).scans)
    assert engine.data["v-visit"][0][-1] == (UNIT_ROWS, "BIGINT")
