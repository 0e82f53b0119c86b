"""Accepted questions mean what DuckDB means by them, and no unit moves an answer further than declared."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pytest
from yanmen.model.catalogue import Dataset
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, direct, runner, same, totals
from tests.unit.planning.engine import CATALOGUE, InProcessRunner, admitted

TABLES = tuple(item for item in CATALOGUE if item.name in ("person", "visit", "town"))
ROOMY = tuple(replace(item, groups_per_unit=item.rows_per_unit) for item in TABLES)
"""The same tables where a unit may lie in as many groups as it has rows."""
WARDS = ["w1", "w2", "w3", "w4"]
COLUMNS = ["age", "income", "days", "cost"]


class Asker:
    """Writes random questions of the admitted surface over person and visit."""

    def __init__(self, seed: int) -> None:
        self.pick = Random(seed)

    def one(self, *options: str) -> str:
        return self.pick.choice(options)

    def leaf(self) -> str:
        return self.one(*COLUMNS, *COLUMNS, "1.25", "3", "-7", "0")

    def number(self, depth: int = 0) -> str:
        if depth > 2 or self.pick.random() < 0.3:
            return self.leaf()
        inner, other = self.number(depth + 1), self.leaf()
        return self.one(
            f"({inner} {self.one('+', '-', '*')} {other})",
            f"(- {inner})",
            f"abs({inner})",
            f"round({inner}, {self.pick.randrange(-2, 3)})",
            f"{self.one('floor', 'ceil', 'sign')}({inner})",
            f"({self.one('age', 'days')} {self.one('//', '%')} {1 + self.pick.randrange(9)})",
            f"date_diff('{self.one('day', 'week', 'month', 'quarter', 'year')}', born, DATE '1999-05-31')",
            f"{self.one('dayofweek', 'isodow', 'dayofyear', 'week', 'month')}(born)",
            "length(note)",
            f"coalesce({inner}, {other})",
            f"nullif({other}, {self.leaf()})",
            f"CASE WHEN {self.truth()} THEN {inner} ELSE {other} END",
            f"CASE {other} WHEN {self.leaf()} THEN {inner} END",
            f"TRY_CAST({other} AS {self.one('INTEGER', 'SMALLINT', 'DECIMAL(9,1)', 'DECIMAL(18,4)')})",
        )

    def simple(self) -> str:
        numbers = self.number(2), self.leaf(), self.leaf()
        return self.one(
            f"{numbers[0]} {self.one('=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM')} {numbers[1]}",
            f"{numbers[0]} {self.one('', 'NOT ')}BETWEEN {numbers[1]} AND {numbers[2]}",
            f"{numbers[0]} {self.one('', 'NOT ')}IN ({numbers[1]}, {numbers[2]}, NULL)",
            f"note {self.one('', 'NOT ')}{self.one('LIKE', 'ILIKE')} '{self.one('X%', '%x%', '_2', '1%%x', 'zz')}'",
            "note LIKE '1!%x' ESCAPE '!'",
            self.one("insured", "sex = 'f'", "ward <> 'w1'", "note IS NULL", "age IS NOT NULL", "sex IN ('f', 'x')"),
            f"born {self.one('<', '>=')} DATE '{1940 + self.pick.randrange(60)}-07-01'",
            f"born {self.one('+', '-')} INTERVAL {self.pick.randrange(40)} {self.one('DAY', 'MONTH')}"
            " > DATE '1975-12-31'",
            f"date_trunc('{self.one('month', 'quarter', 'year', 'week')}', born) > DATE '1970-03-01'",
            self.one(
                "last_day(born) > DATE '1960-02-29'", "born + 400 > DATE '1971-01-01'", "DATE '1990-01-01' - born > 99"
            ),
            self.one(
                "upper(note) = 'ZZ'", "left(note, 1) || '-' = 'x-'", "substring(note, 2) = '1'", "trim(note) = '12'"
            ),
            self.one("starts_with(note, '1')", "contains(note, 'x')", "note ^@ 'z'", "ends_with(right(note, 1), '7')"),
            self.one("year(born) > 1970", "month(born) < 5", "extract(quarter FROM born) = 2", "insured IS NOT TRUE"),
            self.one("TRY_CAST(note AS INTEGER) > 7", "CAST(insured AS INTEGER) = 1", "coalesce(sex, '-') <> 'm'"),
        )

    def truth(self) -> str:
        chance = self.pick.random()
        if chance < 0.6:
            return self.simple()
        if chance < 0.75:
            return f"NOT ({self.simple()})"
        return f"({self.simple()} {self.one('AND', 'OR')} {self.simple()})"

    def key(self) -> str:
        return self.one(
            *("sex", "district", "insured", "ward", "town", "month(born)", "coalesce(ward, 'none')", "isodow(born)"),
            *(
                "floor(age / 10) * 10",
                "age // 7",
                "round(income, -4)",
                "upper(sex)",
                "left(district, 1)",
                "-(days % 3)",
            ),
            f"CASE WHEN {self.truth()} THEN 'a' WHEN {self.truth()} THEN 'b' ELSE 'c' END",
            f"CASE WHEN {self.truth()} THEN 1 END",
            f"({self.truth()})",
        )

    def figure(self) -> str:
        one, other = self.number(), self.number()
        return self.one(
            *("count(DISTINCT p.pid)", "count(*)", "count(note)", f"count({one})"),
            f"count({self.one('*', 'DISTINCT p.pid', one)}) FILTER (WHERE {self.truth()})",
            f"sum({one}) FILTER (WHERE {self.truth()})",
            f"CASE WHEN count(age) > 2 THEN {self.one('var_pop', 'var_samp', 'stddev_pop')}(age) ELSE 0 END",
            f"CASE WHEN regr_count(cost, age) > 2 THEN {self.one('covar_pop', 'covar_samp')}(cost, age) ELSE 0 END",
            *(f"sum({one})", f"sum({one})", f"avg({one})", f"coalesce(sum({one}), 0) / (count({other}) + 1)"),
            f"CASE WHEN count(*) > 1 THEN coalesce(sum({one}), 0) ELSE -1 END",
        )

    def question(self) -> str:
        keys = [self.key() for _ in range(self.pick.randrange(3))]
        shown = ", ".join([*keys, "count(*) AS n", *(self.figure() for _ in range(1 + self.pick.randrange(3)))])
        sql = f"SELECT {shown} FROM person p {self.one('JOIN', 'LEFT JOIN')} visit v ON p.pid = v.pid"
        sql += f" WHERE {self.truth()}" if self.pick.random() < 0.5 else ""
        sql += f" GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}" if keys else ""
        return f"{sql} HAVING count(*) > {self.pick.randrange(2)}"

    def part(self) -> str:
        """Write rows of one unit, or what one unit's rows come to, under the names k, x and y."""
        shown = f"{self.one('sex', 'ward', 'town', 'district')} AS k, {self.number(1)} AS x, {self.leaf()} AS y"
        joined = f"FROM person p {self.one('JOIN', 'LEFT JOIN')} visit v ON p.pid = v.pid"
        some = f"WHERE {self.truth()}" if self.pick.random() < 0.4 else ""
        figures = ("count(*)", "sum({x})", "max({x})", "min({x})", "count({x})", "count(DISTINCT {x})")
        chosen = [self.one(*figures).replace("{x}", self.leaf()) for _ in range(2)]
        kept = f"HAVING count(*) > {self.pick.randrange(3)}" if self.pick.random() < 0.4 else ""
        two = f"{chosen[0]} AS x, {chosen[1]} AS y {joined} {some}"
        visits, persons = "SELECT pid AS u, ward AS k, days AS x, cost AS y FROM visit", "SELECT pid, sex, age, income"
        return self.one(
            f"SELECT p.pid AS u, {shown} {joined} {some}",
            f"SELECT p.pid AS u, max(sex) AS k, {two} GROUP BY p.pid {kept}",
            f"SELECT p.pid AS u, ward AS k, {two} GROUP BY u, ward {kept}",
            f"{visits} UNION ALL {persons} FROM person",
        )

    def nested(self) -> str:
        """Write a question over queries: of rows, of rows per unit, one after another, joined or looked for."""
        one, other = self.part(), self.part()
        figures = self.one("sum(a.x), avg(a.y)", "sum(a.y)", "count(a.x)", "sum(a.x) FILTER (WHERE a.y > 3)")
        looked = self.one("days > 3", "cost > 100", "ward = 'w1'")
        source = self.one(
            f"({one}) a",
            f"({one}) a JOIN ({other}) b ON a.u = b.u",
            f"({one}) a LEFT JOIN ({other}) b ON a.u = b.u",
            f"({one}) a WHERE a.u {self.one('', 'NOT ')}IN (SELECT pid FROM visit WHERE {looked})",
            f"({one}) a WHERE {self.one('', 'NOT ')}EXISTS (SELECT 1 FROM visit w WHERE w.pid = a.u AND {looked})",
            f"({one}) a WHERE a.x > (SELECT {self.one('max', 'avg', 'count')}(days) FROM visit w WHERE w.pid = a.u)",
        )
        key = self.one("", "a.k", "CASE WHEN a.x > 1 THEN 'p' ELSE 'q' END", "a.y IS NULL")
        by = " GROUP BY 1" if key else ""
        shown = ", ".join([*([key] if key else []), "count(*) AS n", "count(DISTINCT a.u) AS m", figures])
        return f"SELECT {shown} FROM {source}{by} HAVING count(*) > {self.pick.randrange(2)}"


def drawn(seed: int, persons: int = 16) -> Data:
    """Return rows that keep the declared bounds; a unit lies in up to four groups, of which two may count."""
    pick = Random(seed)

    def maybe(value: Any) -> Any:
        return None if pick.random() < 0.12 else value

    people, visits = [], []
    for pid in range(1, persons + 1):
        born = date(1930, 1, 1) + timedelta(days=pick.randrange(33_000))
        note, income = pick.choice(["x1", "12", "zz", "1%x", "7"]), Decimal(pick.randrange(10_000_001)).scaleb(-2)
        cells = pick.choice("fm"), f"d{pick.randrange(5)}", pick.random() < 0.5, born, note, pick.randrange(121), income
        people.append((pid, *map(maybe, (*cells, pick.randrange(-5, 6), "a"))))
        for _ in range(pick.randrange(5)):
            place = pick.choice(WARDS), pick.choice(["north", "south"])
            figures = pick.randrange(-10, 31), Decimal(pick.randrange(-50, 5001)).scaleb(-1)
            visits.append((pid, *map(maybe, (*place, *figures))))
    return {"person": people, "visit": visits}


def planned(sql: str, engine: InProcessRunner, datasets: tuple[Dataset, ...] = TABLES) -> Plan | None:
    try:
        return plan(admitted(sql, datasets=datasets), engine, NodeLimits())
    except Refused as refusal:
        if refusal.reason is Reason.MEASURE_WITHOUT_BOUNDS:
            return None  # a product too wide to be summed
        raise


def engines_own(sql: str, rows: Data, found: Plan) -> dict[tuple[Any, ...], tuple[Any, ...]] | None:
    """Return what DuckDB answers to the caller's text, for cells of the public grid; None when it overflows."""
    try:
        table = direct(ROOMY, rows, sql)
    except duckdb.Error:
        return None
    width = len(found.keys)
    grid = [set(key.domain) for key in found.keys]
    inside = [row for row in table if all(cell in values for cell, values in zip(row, grid, strict=False))]
    return {row[:width]: row[width:] for row in inside}


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_without_noise_is_what_duckdb_answers(seed: int) -> None:
    rows, asker = drawn(seed), Asker(seed)
    engine = runner(ROOMY, rows)
    compared = 0
    for turn in range(34):
        sql = asker.question() if turn % 2 else asker.nested()
        found = planned(sql, engine, ROOMY)
        theirs = None if found is None else engines_own(sql, rows, found)
        if found is None or theirs is None:
            continue
        ours = {row[: len(found.keys)]: row[len(found.keys) :] for row in answer(found, engine)}
        assert ours.keys() == theirs.keys(), sql
        for cell, values in theirs.items():
            assert all(map(same, ours[cell], values)), (sql, cell, ours[cell], values)
        compared += len(theirs)
    assert compared > 30


@pytest.mark.parametrize("seed", range(4))
def test_no_unit_moves_an_answer_further_than_declared(seed: int) -> None:
    rows, asker = drawn(seed, 6), Asker(seed + 100)
    engine = runner(TABLES, rows)
    for turn in range(12):
        found = planned(asker.question() if turn % 2 else asker.nested(), engine)
        if found is not None:
            check_sensitivity(found, rows)


def check_sensitivity(found: Plan, rows: Data) -> int:
    """Take out each unit in turn; return by how much the largest change used up what was declared, in percent."""
    whole, used = totals(found, runner(TABLES, rows)), 0
    for pid in {row[0] for row in rows["person"]}:
        without = {name: [row for row in table if row[0] != pid] for name, table in rows.items()}
        rest = totals(found, runner(TABLES, without))
        for aggregate in found.aggregates:
            moved = [value - rest[aggregate.name][cell] for cell, value in whole[aggregate.name].items()]
            assert sum(map(abs, moved)) <= aggregate.l1, (found.sql, aggregate)
            assert sum(step * step for step in moved) <= aggregate.l2_squared, (found.sql, aggregate)
            used = max(used, 100 * sum(map(abs, moved)) // aggregate.l1)
    return used


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ward, town, sum(days), count(*), count(DISTINCT pid) FROM visit GROUP BY ward, town",
        "SELECT sum(cost * days) FROM visit",
        "SELECT ward, avg(CASE WHEN days > 0 THEN cost ELSE -cost END) FROM visit GROUP BY ward",
        "SELECT p.sex, v.ward, sum(age + days) FROM person p JOIN visit v ON p.pid = v.pid GROUP BY ALL",
        "SELECT a.ward, b.ward, sum(a.days - b.days) FROM visit a JOIN visit b ON a.pid = b.pid GROUP BY 1, 2",
    ],
)
def test_values_outside_their_declared_bounds_are_clamped_before_they_count(sql: str) -> None:
    rows: Data = {
        "person": [(pid, "f", "d1", True, None, None, 10**6 * pid, Decimal(10**9), 1, "a") for pid in range(1, 6)],
        "visit": [
            (pid, WARDS[(pid + n) % 4], "north", (-1) ** n * 10**9, Decimal(10**6))
            for pid in range(1, 6)
            for n in range(4)
        ],
    }
    found = planned(sql, runner(TABLES, rows))
    assert found is not None
    assert check_sensitivity(found, rows) >= 10, "the bound is far from what a unit can do"
