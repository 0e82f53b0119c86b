"""The holes that were found in prototypes, and their families: exported states, shadowed tables, laundered units.

Measured in the disclosure research: `avg(x ORDER BY id) export_state` returned every (x, id) row.
"""

from itertools import product

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan

from tests.unit.planning.engine import InProcessRunner, admitted


def refusal(sql: str) -> tuple[Reason | None, str]:
    runner = InProcessRunner()
    try:
        plan(admitted(sql), runner, NodeLimits())
    except Refused as refused:
        assert not runner.bound
        return refused.reason, refused.detail.subject
    return None, ""


EXPORTED = [
    f"SELECT {name}({argument}{order}) {word} FROM {table}"
    for name, argument in (
        ("avg", "age"),
        ("sum", "income"),
        ("count", "note"),
        ("count", "DISTINCT pid"),
    )
    for order in ("", " ORDER BY pid", " ORDER BY note DESC")
    for word in ("export_state", "EXPORT_STATE", "Export_State AS x")
    for table in ("person", "person GROUP BY sex")
]
ORDERED = [f"SELECT {name}(age ORDER BY {by}) FROM person" for name in ("sum", "avg", "count") for by in ("pid", "1")]


@pytest.mark.parametrize("sql", EXPORTED)
def test_no_aggregate_state_is_exported(sql: str) -> None:
    assert refusal(sql)[0] in (Reason.CLAUSE_NOT_ADMITTED, Reason.SQL_MALFORMED)


@pytest.mark.parametrize("sql", ORDERED)
def test_no_aggregate_is_ordered(sql: str) -> None:
    assert refusal(sql) == (Reason.CLAUSE_NOT_ADMITTED, "ORDER BY")


UNITS = ("pid", "p.pid", "P.PID", '"pid"', 'p."PID"')
USES = (
    "SELECT {u} AS sex, count(*) FROM person p GROUP BY {u}",
    "SELECT {u} AS sex, count(*) FROM person p GROUP BY sex",
    "SELECT {u} AS x, count(*) FROM person p GROUP BY x",
    "SELECT {u}, count(*) FROM person p GROUP BY 1",
    "SELECT {u}, count(*) FROM person p GROUP BY ALL",
    "SELECT CASE WHEN {u} = 7 THEN 'a' ELSE 'b' END AS k, count(*) FROM person p GROUP BY k",
    "SELECT CASE {u} WHEN 7 THEN 'a' ELSE 'b' END AS k, count(*) FROM person p GROUP BY k",
    "SELECT count(CASE WHEN {u} = 7 THEN 1 END) FROM person p",
    "SELECT sum(CASE WHEN {u} = 7 THEN income ELSE 0 END) FROM person p",
    "SELECT sum({u}) FROM person p",
    "SELECT avg({u} - 1) FROM person p",
    "SELECT count({u}) FROM person p",
    "SELECT count(DISTINCT {u} + 0) FROM person p",
    "SELECT count(DISTINCT coalesce({u}, 0)) FROM person p",
    "SELECT count(*) FROM person p WHERE {u} = 7",
    "SELECT count(*) FROM person p WHERE {u} IN (7, 8)",
    "SELECT count(*) FROM person p WHERE {u} BETWEEN 7 AND 8",
    "SELECT count(*) FROM person p WHERE {u} IS NOT NULL",
    "SELECT count(*) FROM person p WHERE NOT ({u} > 7)",
    "SELECT count(*) FROM person p WHERE CAST({u} AS VARCHAR) LIKE '7%'",
    "SELECT count(*) FROM person p WHERE age = {u}",
    "SELECT sex, count(*) FROM person p GROUP BY sex HAVING {u} > 7",
    "SELECT sex, count(*) FROM person p GROUP BY sex ORDER BY {u}",
    "SELECT max({u}) FROM person p",
    "SELECT sex, max({u}) AS m FROM person p GROUP BY sex HAVING m > 3",
)


@pytest.mark.parametrize(("use", "unit"), list(product(USES, UNITS)))
def test_the_unit_reaches_nothing_but_its_two_places(use: str, unit: str) -> None:
    assert refusal(use.replace("{u}", unit))[0] in (
        Reason.UNIT_NOT_ADMITTED_HERE,
        Reason.FUNCTION_NOT_ADMITTED,
        Reason.CLAUSE_NOT_ADMITTED,
    )


@pytest.mark.parametrize(
    "condition",
    [
        *("p.pid = v.pid AND p.pid = 7", "p.pid = v.pid AND v.pid > 7", "p.pid = v.pid OR true", "p.pid <> v.pid"),
        *("p.pid = v.pid + 0", "p.pid = v.days", "p.age = v.days", "p.sex = v.ward", "true", "p.pid IN (v.pid)"),
        *("p.pid BETWEEN v.pid AND v.pid", "NOT p.pid <> v.pid", "CAST(p.pid AS VARCHAR) = CAST(v.pid AS VARCHAR)"),
        *("coalesce(p.pid, 1) = v.pid", "p.pid IS NOT DISTINCT FROM v.pid", "(p.pid = v.pid) = true"),
    ],
)
def test_units_of_two_tables_meet_only_by_equality(condition: str) -> None:
    for kind in ("JOIN", "LEFT JOIN"):
        sql = f"SELECT count(*) FROM person p {kind} visit v ON {condition}"
        assert refusal(sql)[0] in (
            Reason.JOIN_NOT_ON_UNIT,
            Reason.UNIT_NOT_ADMITTED_HERE,
            Reason.CLAUSE_NOT_ADMITTED,
            Reason.TYPE_MISMATCH,
        )


def test_a_third_table_without_a_unit_equality_multiplies_nobody() -> None:
    sql = "SELECT count(*) FROM person p JOIN visit v ON p.pid = v.pid JOIN visit w ON v.ward = w.ward"
    assert refusal(sql) == (Reason.JOIN_NOT_ON_UNIT, "w")


@pytest.mark.parametrize("name", ["diary", "p.diary", "DIARY", '"diary"', "nothing", "p.nothing"])
def test_a_hidden_column_looks_like_one_that_does_not_exist(name: str) -> None:
    def seen(column: str) -> tuple[Reason | None, int, int, str, str, str]:
        try:
            plan(admitted(f"SELECT count(*) FROM person p WHERE {column} IS NULL"), InProcessRunner(), NodeLimits())
        except Refused as refused:
            detail = refused.detail
            return (
                refused.reason,
                detail.line,
                detail.column,
                detail.subject.lower().replace(column.strip('"').lower(), "?"),
                detail.hint_en,
                detail.hint_zh,
            )
        return None, 0, 0, "", "", ""

    assert seen(name) == seen("absent")
    assert seen(name)[0] is Reason.UNKNOWN_COLUMN
