"""Every unit taken out in turn: how far it moves the figures of an emitted statement before any noise.

The rows stand in one engine; a view leaves out the unit that a variable names, so that a statement is parsed once and
run as often as there are units. Replies are compared sparsely: a cell without a row is zeroes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.stages import Aggregate, Plan
from yanmen.planning.sql_terms import quoted

from tests.properties.test_planning_answers import TABLES, Asker
from tests.unit.planning.answering import held, held_columns
from tests.unit.planning.engine import connect, create, dataset, key, measure, unit

STAY = dataset(
    "stay",
    DatasetClass.PERSONAL,
    unit(),
    Column("drug", ColumnType.TEXT, Role.KEY, domain=()),
    Column("code", ColumnType.INTEGER, Role.KEY, domain=()),
    key("kind", "x", "y", "z"),
    measure("nights", "0", "60"),
    measure("fee", "-100", "1000", scale=2),
    rows=6,
    groups=3,
    upto=50_000,
)
"""Its keys `drug` and `code` are open: their values are found by DP."""
DATASETS = (*TABLES, STAY)
Reply = dict[tuple[Cell, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Moved:
    """How far taking out `pid` moved one aggregate, as the plan counts it, and what the plan declares."""

    pid: int
    aggregate: Aggregate
    l1: int
    l2_squared: int

    @property
    def kept(self) -> bool:
        """Whether it stayed within what is declared."""
        return self.l1 <= self.aggregate.l1 and self.l2_squared <= self.aggregate.l2_squared

    @property
    def used(self) -> int:
        """How much of the declared bound was used up, in percent."""
        return 100 * self.l1 // max(1, self.aggregate.l1)


class Held:
    """The rows of all tables in one engine, and the statement of a plan over them."""

    def __init__(self, datasets: Sequence[Dataset], rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Load `rows` by the name of their dataset."""
        self._engine = connect()
        self._engine.execute("SET VARIABLE gone = -1")
        self._units = {item.name: item.unit() for item in datasets}
        for item in datasets:
            create(self._engine, quoted(item.name), held_columns(item), held(item, rows[item.name]))

    def moves(self, found: Plan, sql: str, units: Sequence[int]) -> Iterator[Moved]:
        """Yield how far each of `units`, taken out, moves each aggregate of `sql`, the statement of `found`."""
        self._attach(found)
        (statement,) = self._engine.extract_statements(sql)
        whole = self._reply(found, statement, -1)
        for pid in units:
            less = self._reply(found, statement, pid)
            changed = [key for key in whole.keys() | less.keys() if whole.get(key) != less.get(key)]
            nothing = (0,) * len(found.aggregates)
            for place, aggregate in enumerate(found.aggregates):
                steps = [abs(whole.get(key, nothing)[place] - less.get(key, nothing)[place]) for key in changed]
                yield Moved(pid, aggregate, sum(steps), sum(step * step for step in steps))

    def reply(self, found: Plan, sql: str) -> Reply:
        """Return what `sql`, the statement of `found`, yields with no unit taken out."""
        self._attach(found)
        (statement,) = self._engine.extract_statements(sql)
        return self._reply(found, statement, -1)

    def _attach(self, found: Plan) -> None:
        for scan in found.scans:
            name = scan.version.dataset.name
            column = self._units[name]
            kept = "" if column is None else f" WHERE {quoted(column.name)} <> getvariable('gone')"
            self._engine.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {scan.schema}")
            shown = f"SELECT * FROM memory.main.{quoted(name)}{kept}"
            self._engine.execute(f"CREATE OR REPLACE VIEW {scan.schema}.data AS {shown}")

    def _reply(self, found: Plan, statement: duckdb.Statement, gone: int) -> Reply:
        """Return the numbers of each row by its block and keys; those of another block's columns are zeroes."""
        self._engine.execute(f"SET VARIABLE gone = {gone}")
        width = len(found.keys) + bool(found.blocks)
        rows = self._engine.execute(statement).fetchall()
        return {tuple(row[:width]): tuple(value or 0 for value in row[width:]) for row in rows}


class Wide(Asker):
    """Adds to the random questions several grids, bins, open keys, lookups, caps and moments."""

    def ask(self) -> str:
        """Write one question."""
        return self.one(*(self.question() for _ in range(2)), self.nested(), self.wide(), self.wide(), self.wide())

    def wide(self) -> str:
        kept = self.one("", f" WHERE {self.one('days > 3', 'cost < 200', 'ward <> $$w2$$', 'days IS NULL')}")
        grid = self.one("ROLLUP (ward, town)", "CUBE (ward, town)", "GROUPING SETS ((ward), (town), ())")
        figures = self.one("count(*), sum(days)", "sum(cost), count(DISTINCT pid)", "avg(cost), count(days)")
        moment = self.one("var_samp(cost)", "regr_slope(cost, days)", "corr(cost, days)", "covar_pop(days, cost)")
        bins = self.one("floor(cost / 50)", "days // 7", "round(cost, -2)", "floor((cost + days) / 100)")
        most = self.pick.randrange(1, 60)
        found = self.one("drug", "code")
        held = self.one("count(*) AS n", "sum(fee)", "sum(nights), avg(fee)", "count(DISTINCT pid), count(fee)")
        return self.one(
            f"SELECT {figures} FROM visit{kept} GROUP BY {grid}",
            f"SELECT ward, {figures}, grouping(ward) FROM visit{kept} GROUP BY {grid}",
            f"SELECT {bins} AS bin, {figures} FROM visit{kept} GROUP BY bin",
            f"SELECT ward, {moment} FROM visit{kept} GROUP BY ward",
            f"SELECT {found}, {held} FROM stay GROUP BY {found}",
            f"SELECT {found}, {held} FROM stay WHERE nights > {self.pick.randrange(9)} GROUP BY 1",
            f"SELECT s.{found}, count(*), sum(days) FROM stay s JOIN visit v ON s.pid = v.pid GROUP BY 1",
            f"SELECT kind, {held} FROM stay GROUP BY kind UNION ALL SELECT ward, {held.replace('fee', 'cost')}"
            " FROM visit GROUP BY ward".replace("nights", "days"),
            f"SELECT region, count(*), sum(cost) FROM visit v JOIN town t ON v.town = t.code{kept} GROUP BY region",
            f"SELECT region, count(DISTINCT pid), sum(days * area) FROM visit CROSS JOIN town{kept} GROUP BY region",
            f"SELECT sum(CASE WHEN s > {most} THEN {most} ELSE s END) FROM (SELECT pid, sum(days) AS s FROM visit{kept}"
            " GROUP BY pid)",
            f"WITH a AS (SELECT pid AS u, ward AS k, days AS x FROM visit{kept}), b AS (SELECT u, k, max(x) AS x FROM a"
            f" GROUP BY u, k) SELECT k, sum(x), count(*) FROM b GROUP BY k",
            f"SELECT count(*) FILTER (WHERE days > {most}), sum(cost) FILTER (WHERE ward = 'w1') FROM visit",
            "SELECT a.ward, b.town, sum(a.cost - b.days), count(*) FROM visit a JOIN visit b ON a.pid = b.pid"
            " GROUP BY ALL",
        )


def drawn(seed: int, persons: int, *, beyond: bool) -> dict[str, list[tuple[Any, ...]]]:
    """Return rows of many light units and some heavy ones; with `beyond`, values may pass their declared bounds.

    Heavy units have all the rows that are declared, each in another group, with figures at their bounds. No unit has
    more rows than declared: publishing drops them.
    """
    pick = Random(seed)
    stretch = 3 if beyond else 1

    def number(low: int, high: int, *, heavy: bool, scale: int = 0) -> Any:
        chance = pick.random()
        if chance < 0.08:
            return None
        ends = (low * stretch, high * stretch)
        value = pick.choice(ends) if heavy or chance > 0.9 else pick.randrange(low, high + 1)
        return Decimal(value).scaleb(-scale) if scale else value

    def text(*options: str) -> Any:
        return None if pick.random() < 0.05 else pick.choice(options)

    found: dict[str, list[tuple[Any, ...]]] = {"person": [], "visit": [], "stay": []}
    for pid in range(1, persons + 1):
        heavy = pid % 10 == 0
        born = date(1930, 1, 1) + timedelta(days=pick.randrange(33_000))
        insured, district = pick.random() < 0.5, f"d{pick.randrange(5)}"
        cells = text("f", "m"), district, insured, born, text("x1", "12", "zz", "1%x", "7")
        if heavy or pick.random() < 0.9:
            income = number(0, 10_000_000, heavy=heavy, scale=2)
            found["person"].append((pid, *cells, number(0, 120, heavy=heavy), income, pick.randrange(-5, 6), "a"))
        for turn in range(4 if heavy else pick.randrange(4)):
            ward = f"w{turn + 1}" if heavy else text("w1", "w2", "w3", "w4")
            days, cost = number(-10, 30, heavy=heavy), number(-50, 5000, heavy=heavy, scale=1)
            found["visit"].append((pid, ward, text("north", "south"), days, cost))
        for turn in range(6 if heavy else pick.randrange(5)):
            nights, fee = number(0, 60, heavy=heavy), number(-10_000, 100_000, heavy=heavy, scale=2)
            drug, code = f"drug{turn if heavy else pick.randrange(40)}", turn if heavy else pick.randrange(40)
            found["stay"].append((pid, drug, code, text("x", "y", "z"), nights, fee))
    towns = (("north", "east"), ("north", "west"), ("south", "west"), ("south", None))
    found["town"] = [
        (*places, 5 + number, Decimal(number).scaleb(-2), date(1900, 1, 1)) for number, places in enumerate(towns)
    ]
    return found


def heaviest(rows: dict[str, list[tuple[Any, ...]]], count: int) -> list[int]:
    """Return `count` units: half of them those with most rows."""
    order = [pid for pid, _ in Counter(row[0] for name in ("visit", "stay") for row in rows[name]).most_common()]
    return [*order[: count // 2], *order[-(count - count // 2) :]]


_JOINED = ' INNER JOIN "s1"."data" AS "t1" ON "t0"."pid" = "t1"."pid"'
MUTANTS: dict[str, Callable[[str], str]] = {
    "rows are not clamped": lambda sql: re.sub(r'sum\(CASE WHEN ("v\d+") < .*? END\)', r"sum(\1)", sql),
    "no cap on a unit's groups": lambda sql: re.sub(r' WHERE "n" <= \d+\) AS "g"', ') AS "g"', sql),
    "an open table multiplies": lambda sql: re.sub(r'AS "d" WHERE "n" <= 1', 'AS "d"', sql),
    "a unit's rows are not its own": lambda sql: sql.replace(_JOINED, ' CROSS JOIN "s1"."data" AS "t1"'),
}
"""Faults of the emitted statement, each of which the comparison must find."""


def halved(found: Plan) -> Plan:
    """Return `found` as if its aggregates declared half of what they do."""
    small = tuple(replace(item, l1=item.l1 // 2, l2_squared=item.l2_squared // 4) for item in found.aggregates)
    return replace(found, aggregates=small)
