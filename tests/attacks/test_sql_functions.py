"""Every function the engine knows and we do not admit is refused, wherever it stands; so is every kind of statement."""

from pathlib import Path

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan
from yanmen.planning.vocabulary import FUNCTIONS, OPERATORS

from tests.unit.planning.engine import InProcessRunner, admitted, shared

NAMES = sorted({str(row[0]) for row in shared().execute("SELECT function_name FROM duckdb_functions()").fetchall()})
REFUSALS = {Reason.FUNCTION_NOT_ADMITTED, Reason.CLAUSE_NOT_ADMITTED, Reason.SQL_MALFORMED, Reason.NOT_ONE_SELECT}


def refusal(sql: str) -> Reason | None:
    runner = InProcessRunner()
    try:
        plan(admitted(sql), runner, NodeLimits())
    except Refused as refused:
        assert not runner.bound, "refused only after emitted SQL was bound"
        return refused.reason
    return None


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_the_engine_has_the_functions_this_is_about() -> None:
    assert len(NAMES) > 1000
    assert {"read_csv", "error", "getvariable", "max", "list_aggr", "query"} <= set(NAMES)


@pytest.mark.parametrize(
    "shape",
    [
        "SELECT {f}(age) FROM person",
        "SELECT count(*) FROM person WHERE {f}(note, 1) IS NULL",
        "SELECT sum({f}()) FROM person",
        "SELECT sex, {f}(income, 2) FROM person GROUP BY sex HAVING {f}(income, 2) > 1",
    ],
)
def test_every_function_not_admitted_is_refused(shape: str) -> None:
    known = FUNCTIONS.keys() | OPERATORS.keys()
    for name in NAMES:
        reason = refusal(shape.replace("{f}", quoted(name)))
        assert reason in REFUSALS or name.lower() in known, name


SHOWS_A_VALUE = {
    *(
        "min",
        "max",
        "first",
        "last",
        "any_value",
        "arbitrary",
        "arg_min",
        "arg_max",
        "min_by",
        "max_by",
        "list",
        "mode",
    ),
    *(
        "array_agg",
        "string_agg",
        "group_concat",
        "listagg",
        "histogram",
        "approx_top_k",
        "bit_and",
        "bit_or",
        "bit_xor",
    ),
    *("bool_and", "bool_or", "product", "entropy", "mad", "reservoir_quantile", "approx_quantile", "quantile_disc"),
}
"""Aggregates whose result is, or gives away, the value of one row."""


@pytest.mark.parametrize("name", sorted(SHOWS_A_VALUE))
def test_no_aggregate_that_shows_a_value_is_admitted_about_persons(name: str) -> None:
    for shape in (
        "SELECT {f}(age) FROM person",
        "SELECT sex, {f}(age) FILTER (WHERE insured) FROM person GROUP BY sex",
    ):
        assert refusal(shape.replace("{f}", name)) is Reason.FUNCTION_NOT_ADMITTED


def test_no_table_function_is_a_source() -> None:
    for name in NAMES:
        assert refusal(f"SELECT count(*) FROM {quoted(name)}('x')") in REFUSALS, name
        assert refusal(f"SELECT count(*) FROM person, {quoted(name)}(person.age)") in REFUSALS, name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "duckdb_tables",
            "pragma_table_info",
            "pg_class",
            "sqlite_master",
            "information_schema.columns",
            "main.person",
        ),
        *(
            "'data.parquet'",
            "'/etc/passwd'",
            "'https://example.org/x.csv'",
            '"s0"."data"',
            '"cells"',
            "system.main.person",
        ),
        *("duckdb_settings", "pg_catalog.pg_class", '"person"."person"', "temp.person", "memory.person"),
    ],
)
def test_nothing_but_granted_tables_can_be_named(name: str) -> None:
    assert refusal(f"SELECT count(*) FROM {name}") in (Reason.UNKNOWN_TABLE, Reason.CLAUSE_NOT_ADMITTED)


STATEMENTS = [
    line
    for line in (Path(__file__).parents[1] / "golden" / "statements.sql").read_text("utf-8").splitlines()
    if not line.startswith("--")
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_no_other_statement_is_admitted(sql: str) -> None:
    assert refusal(sql) in (*REFUSALS, Reason.ROWS_WOULD_LEAVE)
