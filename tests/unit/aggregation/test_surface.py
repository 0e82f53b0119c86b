"""What one node answers, many answer together: the sum of the nodes' figures gives the answer over all their rows.

Without noise, so that every figure is compared: each question is planned and run at three nodes, each
with persons of its own, and the sums are given the form it asks for.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from yanmen.disclosure import blocks, grid, release
from yanmen.formats import shape
from yanmen.model.catalogue import Dataset, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning import federated
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, direct, runner, same, scans
from tests.unit.planning.engine import CATALOGUE, InProcessRunner, admitted, planned

NODES = 3
GOLDEN = Path(__file__).parents[2] / "golden" / "accepted.sql"
ACCEPTED = re.findall(r"^-- question: (.+)$", GOLDEN.read_text("utf-8"), re.MULTILINE)
TABLES = tuple(
    replace(item, groups_per_unit=item.rows_per_unit) for item in CATALOGUE if item.name in ("person", "visit")
)
TOWN = next(item for item in CATALOGUE if item.name == "town")
ALL = tuple(next((own for own in TABLES if own.name == item.name), item) for item in CATALOGUE)


def rows(persons: range) -> Data:
    """Return persons with their visits, the same for the same person, and the same public table everywhere."""
    people: list[tuple[Any, ...]] = []
    visits: list[tuple[Any, ...]] = []
    for pid in persons:
        pick = Random(pid)
        born = date(1930, 1, 1) + timedelta(days=pick.randrange(30_000))
        note = pick.choice(["x1", "zz", None])
        income = Decimal(pick.randrange(10_000_000)).scaleb(-2)
        people.append((pid, pick.choice("fm"), f"d{pick.randrange(5)}", pick.random() < 0.7, born, note,
                       pick.randrange(18, 90), income, pick.randrange(9), "a"))  # fmt: skip
        visits += [
            (pid, f"w{1 + pick.randrange(4)}", pick.choice(["north", "south"]), pick.randrange(-10, 31),
             Decimal(pick.randrange(5_000)).scaleb(-1))
            for _ in range(pick.randrange(5))
        ]  # fmt: skip
    towns = [("north", "east", 100, Decimal(5), date(1900, 1, 1)), ("south", "west", 50, Decimal(9), None)]
    return {"person": people, "visit": visits, "town": towns}


PARTS = [rows(range(at * 100, at * 100 + 100)) for at in range(NODES)]
WHOLE = rows(range(NODES * 100))


def totals(found: Plan, engine: InProcessRunner) -> list[int]:
    """Return the numbers a node would share, in the order in which it does."""
    raw = Raw(found, tuple(engine.rows(scans(found), found.sql)), Usage())
    return [value for part in blocks.parts(raw) for cell in grid.cells(part.raw, ()) for value in cell]


def summed(sql: str, datasets: Sequence[Dataset] = ALL) -> list[tuple[Any, ...]]:
    """Return the answer that three nodes give together, with no noise in it."""
    engines = [runner(datasets, part) for part in PARTS]
    plans = [plan(admitted(sql, datasets=tuple(datasets)), engine, NodeLimits()) for engine in engines]
    assert len({shape.encode(each) for each in plans}) == 1
    assert all(federated.may_be(each) for each in plans)
    columns = zip(*(totals(each, engine) for each, engine in zip(plans, engines, strict=True)), strict=True)
    figures = [sum(column) for column in columns]
    grids = shape.grids(shape.encode(plans[0]))
    assert len(figures) == sum(one.aggregates * one.groups for one in grids)
    nearly_none = cast("list[int]", [0.0001] * len(plans[0].aggregates))
    return list(release.finish(plans[0], figures, nearly_none, 1, engines[0].post).rows)


def alike(left: Sequence[tuple[Any, ...]], right: Sequence[tuple[Any, ...]]) -> bool:
    return len(left) == len(right) and all(
        len(one) == len(other) and all(map(same, one, other)) for one, other in zip(left, right, strict=True)
    )


SHARED = [
    "SELECT count(*), count(note), sum(income), avg(age) FROM person",
    "SELECT sex, count(*) AS n, avg(income) FROM person GROUP BY sex ORDER BY n DESC",
    "SELECT ward, count(DISTINCT pid) AS persons FROM visit GROUP BY ward ORDER BY ward",
    "SELECT var_pop(age), var_samp(income), stddev_pop(age), stddev_samp(income) FROM person",
    "SELECT district, stddev(cost_) FROM (SELECT district, income AS cost_ FROM person) GROUP BY district ORDER BY 1",
    "SELECT covar_pop(income, age), covar_samp(age, income), corr(income, age) FROM person",
    "SELECT sex, regr_slope(income, age), regr_intercept(income, age), regr_r2(income, age) FROM person GROUP BY sex"
    " ORDER BY sex",
    "SELECT regr_count(cost, days), regr_avgx(cost, days), regr_avgy(cost, days), regr_sxx(cost, days) FROM visit",
    "SELECT age // 10 * 10 AS decade, count(*) FROM person GROUP BY 1 HAVING count(*) > 0 ORDER BY 1",
    "SELECT CASE WHEN days < 0 THEN 'before' WHEN days < 10 THEN 'short' ELSE 'long' END AS stay, sum(cost)"
    " FROM visit GROUP BY stay ORDER BY stay",
    "SELECT ward, town, sum(days) FROM visit GROUP BY ROLLUP (ward, town) ORDER BY ward, town",
    "SELECT ward, town, grouping(ward) AS g, count(*), avg(cost) FROM visit GROUP BY CUBE (ward, town)"
    " ORDER BY g, ward, town",
    "SELECT sex, insured, count(*) FROM person GROUP BY GROUPING SETS ((sex), (insured), ()) ORDER BY sex, insured",
    "SELECT 'persons' AS what, count(*) AS n FROM person UNION ALL SELECT 'visits', count(*) FROM visit ORDER BY what",
    "SELECT sex AS k, avg(age) AS mean FROM person GROUP BY sex"
    " UNION ALL SELECT ward, avg(cost) FROM visit GROUP BY ward ORDER BY k",
    "WITH w AS (SELECT ward, sum(cost) AS total FROM visit GROUP BY ward)"
    " SELECT ward, total, rank() OVER (ORDER BY total DESC) AS place FROM w ORDER BY place",
    "SELECT ward, sum(cost) / (SELECT sum(cost) FROM visit) AS part FROM visit GROUP BY ward ORDER BY ward",
    "SELECT p.sex, count(*), sum(v.cost) FROM person p JOIN visit v ON p.pid = v.pid GROUP BY p.sex ORDER BY 1",
    "SELECT avg(n) FROM (SELECT pid, count(*) AS n FROM visit GROUP BY pid) AS each",
    "SELECT sex, count(*) FROM person p WHERE EXISTS (SELECT 1 FROM visit v WHERE v.pid = p.pid AND v.days > 5)"
    " GROUP BY sex ORDER BY sex",
    "SELECT count(*) FILTER (WHERE insured), count(*) FILTER (WHERE age > 60 AND sex = 'f') FROM person",
    "SELECT t.region, sum(v.cost) FROM visit v JOIN town t ON v.town = t.code GROUP BY t.region ORDER BY 1",
    "SELECT ward, count(*) AS n FROM visit GROUP BY ward HAVING count(*) > 10 ORDER BY n DESC, ward LIMIT 2",
]


@pytest.mark.parametrize("sql", SHARED)
def test_many_nodes_answer_as_one_would_over_all_rows(sql: str) -> None:
    together = summed(sql)
    assert alike(together, direct(ALL, WHOLE, sql)), (together, direct(ALL, WHOLE, sql))
    assert len(together) > 0


def test_every_question_that_one_node_accepts_many_accept_too_or_say_why() -> None:
    """Those of tests/golden/accepted.sql, every fourth: persons over declared domains; the rest has a reason."""
    asked = 0
    for sql in ACCEPTED[::4]:
        found = planned(sql, datasets=ALL)
        if federated.may_be(found) and not {scan.version.dataset.name for scan in found.scans} - set(WHOLE):
            engine = runner(ALL, WHOLE)
            alone = answer(plan(admitted(sql, datasets=ALL), engine, NodeLimits()), engine)
            assert alike(_sorted(summed(sql)), _sorted(alone)), sql
            asked += 1
        else:
            reason = found.release is not DatasetClass.PERSONAL or any(not key.domain for key in found.keys)
            assert reason or {scan.version.dataset.name for scan in found.scans} - set(WHOLE), sql
    assert asked >= 5


def _sorted(table: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(table, key=lambda row: tuple(f"{cell:.6f}" if isinstance(cell, float) else str(cell) for cell in row))
