"""Holes that a checker of SQL text has had, one test each: here a plan knows whose rows are, so no name opens them."""

from itertools import product

import pytest
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, runner
from tests.unit.planning.engine import PERSON, TOWN, VISIT, InProcessRunner, admitted

GROUNDS = {
    *(Reason.UNIT_NOT_ADMITTED_HERE, Reason.ROWS_WOULD_LEAVE, Reason.KEY_WITHOUT_DOMAIN, Reason.CLAUSE_NOT_ADMITTED),
    *(Reason.FUNCTION_NOT_ADMITTED, Reason.JOIN_NOT_ON_UNIT, Reason.MEASURE_WITHOUT_BOUNDS, Reason.UNKNOWN_COLUMN),
    *(Reason.TYPE_MISMATCH, Reason.AMBIGUOUS_COLUMN),
}


def planned(sql: str) -> Plan:
    return plan(admitted(sql), InProcessRunner(), NodeLimits())


def is_guarded(sql: str) -> bool:
    """Tell whether `sql` is refused, or answered as figures about persons with a bound on what each can do."""
    try:
        found = planned(sql)
    except Refused as refusal:
        return refusal.reason in GROUNDS
    bounded = all(aggregate.l1 > 0 for aggregate in found.aggregates)
    return found.release is DatasetClass.PERSONAL and bounded and bool(found.aggregates)


BODIES = (
    "SELECT pid AS code, age AS people FROM person",
    "SELECT * FROM visit",
    "SELECT pid AS code, max(age) AS people FROM person GROUP BY pid",
    "SELECT note AS code, income AS people FROM person WHERE insured",
)
OUTSIDE = (
    "SELECT * FROM town",
    "SELECT code, count(*) FROM town GROUP BY code",
    "SELECT max(people) FROM town",
    "SELECT count(*), sum(people) FROM town t",
    "SELECT t.code, count(*) FROM town t JOIN visit v ON v.town = t.code GROUP BY 1",
    "SELECT (SELECT max(people) FROM town), count(*) FROM person",
)


@pytest.mark.parametrize(("body", "outside"), list(product(BODIES, OUTSIDE)))
def test_cte_named_like_an_open_table(body: str, outside: str) -> None:
    assert is_guarded(f"WITH town AS ({body}) {outside}")
    assert is_guarded(f"WITH a AS ({body}), town AS (SELECT * FROM a) {outside}")
    assert is_guarded(outside.replace("FROM town t", "FROM town").replace("FROM town", f"FROM ({body}) AS t"))


def test_an_open_table_inside_a_cte_of_its_own_name_stays_open() -> None:
    found = planned("WITH town AS (SELECT code FROM town WHERE people > 3) SELECT * FROM town")
    assert found.release is DatasetClass.OPEN


LAUNDERED = (
    "SELECT {x}, count(*) FROM (SELECT pid AS {x} FROM person) GROUP BY {x}",
    "SELECT {x}, count(*) FROM (SELECT pid AS {x}, sex FROM person) GROUP BY ALL",
    "SELECT count(*) FROM (SELECT pid AS {x} FROM person) WHERE {x} = 7",
    "SELECT sum({x}) FROM (SELECT pid AS {x} FROM person)",
    "SELECT sum({x} + 1) FROM (SELECT a.{x} FROM (SELECT pid AS {x} FROM person) a)",
    "WITH a({x}) AS (SELECT pid FROM person) SELECT {x}, count(*) FROM a GROUP BY {x}",
    "WITH a AS (SELECT pid AS {x} FROM person), b AS (SELECT {x} AS y FROM a) SELECT y, count(*) FROM b GROUP BY y",
    "SELECT {x}, count(*) FROM (SELECT pid AS {x} FROM person UNION ALL SELECT pid FROM visit) GROUP BY {x}",
    "SELECT count(*) FROM (SELECT pid AS {x} FROM person) a JOIN visit v ON a.{x} = v.days",
    "SELECT count(CASE WHEN {x} > 9 THEN 1 END) FROM (SELECT pid AS {x} FROM person)",
    "SELECT min({x}) FROM (SELECT pid AS {x} FROM person)",
    "SELECT k, count(*) FROM (SELECT coalesce(pid, 0) AS k FROM person) GROUP BY k",
    "SELECT k, count(*) FROM (SELECT CAST(pid AS VARCHAR) AS k FROM person) GROUP BY k",
    "SELECT {x} FROM (SELECT pid AS {x}, count(*) FROM person GROUP BY pid)",
)


@pytest.mark.parametrize("name", ["x", "sex", "age", "code", '"u"', '"c0"', '"subquery 1"'])
@pytest.mark.parametrize("sql", LAUNDERED)
def test_unit_laundered_through_an_alias(sql: str, name: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql.replace("{x}", name))
    assert caught.value.reason in GROUNDS


@pytest.mark.parametrize(
    "value",
    ["max(pid)", "min(pid)", "sum(pid)", "avg(pid)", "count(DISTINCT pid) + max(pid)", "max(pid + 0)"],
)
@pytest.mark.parametrize("rows", ["person", "visit", "(SELECT * FROM person)", "(SELECT pid FROM visit)"])
def test_max_of_the_unit_as_a_later_key(value: str, rows: str) -> None:
    for sql in (
        f"SELECT k, count(*) FROM (SELECT {value} AS k FROM {rows} GROUP BY pid) GROUP BY k",
        f"SELECT k, count(*) FROM (SELECT pid, {value} AS k FROM {rows} GROUP BY pid) GROUP BY k",
        f"WITH a AS (SELECT pid AS p, {value} AS k FROM {rows} GROUP BY p) SELECT sum(k) FROM a",
        f"SELECT {value} FROM {rows}",
    ):
        assert is_guarded(sql)
        with pytest.raises(Refused):
            planned(sql)


def test_max_of_another_column_per_unit_is_a_key_only_within_its_declared_domain() -> None:
    with pytest.raises(Refused) as caught:
        planned("SELECT k, count(*) FROM (SELECT pid, max(note) AS k FROM person GROUP BY pid) GROUP BY k")
    assert caught.value.reason is Reason.KEY_WITHOUT_DOMAIN
    found = planned("SELECT k, count(*) FROM (SELECT pid, max(ward) AS k FROM visit GROUP BY pid) GROUP BY k")
    assert found.keys[0].domain == ("w1", "w2", "w3", "w4")


@pytest.mark.parametrize(
    ("sql", "most"),
    [
        # One visit of 30 days counts 30; four of one person count 120; the share is clamped once more as a whole.
        ("SELECT sum(days) FROM visit", 120),
        ("SELECT sum(d) FROM (SELECT pid, sum(days) AS d FROM visit GROUP BY pid)", 120),
        ("SELECT sum(d) FROM (SELECT days AS d FROM visit UNION ALL SELECT days FROM visit)", 240),
        ("SELECT sum(a.days) FROM visit a JOIN visit b USING (pid)", 480),
    ],
)
def test_clamp_per_row_but_not_per_unit(sql: str, most: int) -> None:
    """One person with far more rows than the snapshot may hold still moves a sum by what was declared."""
    found = planned(sql)
    assert found.aggregates[0].l1 == most
    assert f"> {most} THEN {most}" in found.sql
    data: Data = {"visit": [(7, "w1", "north", 30, None)] * 50}
    engine = runner((PERSON, VISIT, TOWN), data)
    ((total,),) = answer(found, engine)
    assert 0 < total <= most


@pytest.mark.parametrize("name", ["least", "greatest"])
def test_least_and_greatest_ignore_null(name: str) -> None:
    """In DuckDB greatest(least(NULL, 5), 0) is 5, so a clamp written with them would invent values."""
    for sql in (
        f"SELECT sum({name}(age, 5)) FROM person",
        f"SELECT count(*) FROM person WHERE {name}(age, income) > 3",
        f"SELECT {name}(count(*), 3) FROM person",
    ):
        with pytest.raises(Refused) as caught:
            planned(sql)
        assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED
    assert name not in planned("SELECT ward, sum(days), count(*) FROM visit GROUP BY ward").sql


def test_a_clamp_does_not_turn_null_into_a_bound() -> None:
    data: Data = {"visit": [(7, "w1", "north", None, None), (8, "w1", "north", None, None)]}
    found = planned("SELECT sum(days + 5), count(days) FROM visit")
    assert answer(found, runner((VISIT,), data)) == [(0, 0)]


EXPORTED = ("sum", "avg", "count", "min", "regr_count", "stddev", "corr", "list", "mode", "histogram", "arg_max")


@pytest.mark.parametrize("name", EXPORTED)
def test_export_state(name: str) -> None:
    """On DuckDB 2.0 `avg(income ORDER BY pid) export_state` answers with every income and pid there is."""
    arguments = "income, age" if name in ("regr_count", "corr", "arg_max") else "income"
    for sql in (
        f"SELECT {name}({arguments} ORDER BY pid) export_state FROM person",
        f"SELECT {name}({arguments}) EXPORT_STATE FROM person",
        f"SELECT {name}({arguments}) FILTER (WHERE insured) EXPORT_STATE FROM person",
        f"SELECT x FROM (SELECT pid, {name}({arguments} ORDER BY pid) EXPORT_STATE AS x FROM person GROUP BY pid)",
        f"SELECT finalize(x) FROM (SELECT {name}({arguments}) EXPORT_STATE AS x FROM person)",
    ):
        with pytest.raises(Refused) as caught:
            planned(sql)
        assert caught.value.reason in {*GROUNDS, Reason.SQL_MALFORMED}
