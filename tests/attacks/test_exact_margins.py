"""Withheld cells of exact data against their own margins: ROLLUP, CUBE, GROUPING SETS and UNION ALL in one answer."""

from itertools import product
from typing import Any

import pytest
from yanmen.disclosure import disclose, threshold
from yanmen.disclosure.partition import Cuts
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Raw
from yanmen.planning import bound_union
from yanmen.planning.members import parse
from yanmen.planning.plan import BOUND_BYTES, Draft, compose
from yanmen.planning.reading import read
from yanmen.planning.rendering import render
from yanmen.planning.row_source import shapes

from tests.attacks.test_exact_trackers import MADE, SIZES, asking, firm
from tests.attacks.trackers import NAMES, Box, solvable
from tests.unit.planning.engine import InProcessRunner, admitted, dataset, key, measure, planned, unit

CUBE = "SELECT region, sector, size, count(*) AS n, sum(output) AS s, grouping(region, sector, size) AS g FROM firm"
ROLLUP = f"{CUBE} GROUP BY ROLLUP (region, sector, size)"
WHOLE = f"{CUBE} GROUP BY CUBE (region, sector, size)"
SETS = f"{CUBE} GROUP BY GROUPING SETS ((region, sector), (sector, size), (region, size), (sector), ())"
SLICES = " UNION ALL ".join(
    f"SELECT {at} AS k, region, count(*) AS n FROM firm{where} GROUP BY region"
    for at, where in enumerate(("", " WHERE size = 1", " WHERE size <> 1", " WHERE size = 1 AND sector >= 2"))
)


def boxes(rows: Any) -> dict[Box, tuple[Any, Any]]:
    """Return what is shown of each set of firms in an answer with `grouping`."""
    found: dict[Box, tuple[Any, Any]] = {}
    for *keys, count, total, kind in rows:
        whole = [bool(int(kind) & 1 << (len(NAMES) - 1 - at)) for at in range(len(NAMES))]
        parts = zip(whole, keys, SIZES, strict=True)
        box = tuple(frozenset(range(size)) if all_ else frozenset({value}) for all_, value, size in parts)
        found[box] = (count, total)
    return found


def small(found: dict[Box, tuple[Any, Any]]) -> list[Box]:
    return [box for box in found if found[box][0] is None and 0 < MADE.count(box) < 10]


@pytest.mark.parametrize("sql", [ROLLUP, WHOLE, SETS])
def test_no_small_cell_follows_from_its_margins(sql: str) -> None:
    found = boxes(asking(MADE)(sql))
    targets = small(found)
    assert targets
    shown = [box for box, (count, _) in found.items() if count is not None]
    assert len(shown) > 3
    assert solvable(shown, SIZES, targets) == 0
    sums = [box for box, (_, total) in found.items() if total is not None]
    assert solvable(sums, SIZES, [box for box in found if 0 < MADE.count(box) < 10]) == 0
    for box in shown:
        assert found[box][0] == MADE.count(box)


def test_a_grid_shows_in_one_answer_what_it_shows_alone() -> None:
    ask = asking(MADE)
    found = boxes(ask(WHOLE))
    for kept in product((False, True), repeat=3):
        names = [name for name, one in zip(NAMES, kept, strict=True) if one]
        grouped = f" GROUP BY {', '.join(names)}" if names else ""
        for row in ask(f"SELECT {', '.join((*names, 'count(*) AS n', 'sum(output) AS s'))} FROM firm{grouped}"):
            values = iter(row)
            parts = zip(kept, SIZES, strict=True)
            box = tuple(frozenset({next(values)}) if one else frozenset(range(size)) for one, size in parts)
            assert found[box] == tuple(values)


def test_parts_with_filters_tell_no_more_than_asked_one_by_one() -> None:
    ask = asking(MADE)
    together: dict[tuple[Any, Any], Any] = {(row[0], row[1]): row[2] for row in ask(SLICES)}
    alone: dict[tuple[Any, Any], Any] = {}
    for part in SLICES.split(" UNION ALL "):
        alone |= {(row[0], row[1]): row[2] for row in ask(part)}
    assert together == alone
    for region in range(SIZES[0]):
        parts = [together[at, region] for at in (0, 1, 2)]
        assert sum(part is None for part in parts) != 1, "one missing part would follow from the others"


def test_figures_joined_from_two_grids_are_those_shown() -> None:
    sql = (
        "WITH a AS (SELECT region, sector, count(*) AS n FROM firm GROUP BY 1, 2),"
        " b AS (SELECT region, count(*) AS n FROM firm GROUP BY 1)"
        " SELECT a.region, a.sector, a.n, b.n, b.n - a.n AS rest FROM a JOIN b ON a.region = b.region"
    )
    rows = asking(MADE)(sql)
    assert len(rows) == SIZES[0] * SIZES[1]
    assert any(row[2] is None for row in rows)
    assert all((row[4] is None) == (row[2] is None or row[3] is None) for row in rows)


def test_withheld_by_size_alone_margins_do_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the attack is worth: without whole blocks it finds cells."""

    def apart(cells: Any, *_: Any) -> tuple[Cuts, Cuts]:
        finest = tuple(cells)
        return Cuts(finest, finest), Cuts(finest, finest)

    monkeypatch.setattr(threshold, "cut", apart)
    monkeypatch.setattr(threshold._Cells, "broken", lambda *_: frozenset())
    found = boxes(asking(MADE)(WHOLE))
    targets = small(found)
    assert solvable([box for box, (count, _) in found.items() if count is not None], SIZES, targets) > len(targets) / 3


def test_figures_of_two_tables_are_not_put_together() -> None:
    other = dataset("shop", DatasetClass.EXACT, unit("id"), key("region", "a"), measure("output", "0", "9"))
    people = dataset("people", DatasetClass.PERSONAL, unit("id"), key("region", "a"))
    for name in ("shop", "people"):
        with pytest.raises(Refused) as caught:
            planned(
                f"SELECT count(*) AS n FROM firm UNION ALL SELECT count(*) AS n FROM {name}",
                datasets=(firm(), other, people),
            )
        assert caught.value.reason is Reason.DIMENSION_NOT_DECLARED
    with pytest.raises(Refused):
        planned("SELECT count(*) AS n FROM people UNION ALL SELECT count(*) AS n FROM firm", datasets=(firm(), people))


def test_the_asker_is_told_that_all_grids_are_withheld_alike() -> None:
    assert "releases 4 withheld alike" in render(planned(ROLLUP, datasets=(firm(),)))


TOTALS = "SELECT region, sum(output) AS s FROM firm GROUP BY ROLLUP (region)"


def draft(sql: str) -> Draft:
    asked, limits = admitted(sql, datasets=(firm(),)), NodeLimits()
    return compose(asked, read(sql, InProcessRunner().vet(sql), limits.ast_bytes), limits)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('CAST("units" AS BIGINT) AS "units"', 'CAST("units_a0" AS BIGINT) AS "units"'),
        ('CAST("units" AS BIGINT) AS "units"', 'CAST(NULL AS BIGINT) AS "units"'),
        ('CAST("units_a0" AS BIGINT) AS "units_a0"', 'CAST("units" AS BIGINT) AS "units_a0"'),
        ('CAST("top2_a0" AS BIGINT) AS "top2_a0"', 'CAST("top1_a0" AS BIGINT) AS "top2_a0"'),
        ('CAST(NULL AS BIGINT) AS "units_a1"', 'CAST("units" AS BIGINT) AS "units_a1"'),
        ('CAST(NULL AS BIGINT) AS "a1"', 'CAST("top1_a0" AS BIGINT) AS "a1"'),
        ("SELECT CAST(1 AS BIGINT)", "SELECT CAST(0 AS BIGINT)"),
    ],
)
def test_contributors_in_another_place_are_refused(before: str, after: str) -> None:
    found = draft(TOTALS)
    for text in (found.plan.sql, found.plan.sql.replace(before, after)):
        reply = parse(InProcessRunner().bind(shapes(found.plan.scans), text), BOUND_BYTES)
        if text == found.plan.sql:
            bound_union.check_reply(reply, found.expected)
            continue
        with pytest.raises(Refused) as caught:
            bound_union.check_reply(reply, found.expected)
        assert caught.value.reason is Reason.PLAN_CHANGED
    assert before in found.plan.sql


def test_a_hostile_reply_of_several_grids_fails() -> None:
    """Columns: block, two keys' places, two sums, units, those with a value of each, the largest of each."""
    plan = draft(TOTALS).plan
    names = [len(plan.keys), len(plan.aggregates)]
    assert names == [1, 2]
    frame = tuple(
        (region, sector, size, 20, 200, 20, 20, 10, 10) for region, sector, size in product(*map(range, SIZES))
    )
    good: list[tuple[Any, ...]] = [(1, at, None, 2400, 240, None, 240, None, None, 10, 10) for at in range(3)]
    last = (0, None, 7200, None, 720, 720, None, 10, 10, None, None)
    good.append(last)

    def disclosed(rows: list[tuple[Any, ...]]) -> Any:
        return disclose(Raw(plan, tuple(rows), Usage(), frame), InProcessRunner().post).rows

    assert sorted(disclosed(good), key=str) == [(0, 2400), (1, 2400), (2, 2400), (None, 7200)]
    changes = (
        (0, 2),
        (0, -1),
        (0, None),
        (0, 1),
        (1, 0),
        (3, 5),
        (4, None),
        (4, 3),
        (5, None),
        (6, 720),
        (8, 11),
        (9, 10),
    )
    for at, value in changes:
        row = (*last[:at], value, *last[at + 1 :])
        with pytest.raises(JobFailed):
            disclosed([*good[:-1], row])
    with pytest.raises(JobFailed):
        disclosed([*good, last])
