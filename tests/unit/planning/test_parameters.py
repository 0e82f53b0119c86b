"""Placeholders are found where DuckDB reads them, and what is put there is one literal, whatever it contains."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Reason, Refused
from yanmen.planning import parameters
from yanmen.planning.parameters import Parameter

AST_BYTES = 2 * 1024 * 1024
ENGINE = duckdb.connect()
"""Parses and computes constants, as the sandbox's engine does."""


def serialised(sql: str) -> str:
    found = ENGINE.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    assert found is not None
    return str(found[0])


def bound(sql: str, *values: Parameter) -> str:
    return parameters.bind(sql, parameters.find(sql, serialised(sql), AST_BYTES), values)


def test_strings_names_and_comments_hold_no_placeholders() -> None:
    sql = "SELECT '?' AS \"?\", /* ? */ é -- ?\n FROM t WHERE é = ? AND $$?$$ = E'\\'?' AND x = ?"
    assert [place.number for place in parameters.find(sql, serialised(sql), AST_BYTES)] == [0, 1]
    assert bound(sql, "a", 5) == sql.replace("é = ?", "é =  'a' ").replace("x = ?", "x =  5 ")


def test_numbered_placeholders_may_repeat_and_stand_in_any_order() -> None:
    assert bound("SELECT $2, $1, $2", 1, 2) == "SELECT  2 ,  1 ,  2 "
    assert bound("SELECT 1") == "SELECT 1"


@pytest.mark.parametrize("sql", ["SELECT $name", "SELECT $1, $3", "SELECT $a + $b", "SELECT $0", "SELECT $300"])
def test_names_and_gaps_are_refused(sql: str) -> None:
    with pytest.raises(Refused) as refused:
        parameters.find(sql, serialised(sql), AST_BYTES)
    assert refused.value.reason in {Reason.CLAUSE_NOT_ADMITTED, Reason.SQL_MALFORMED}


def test_text_that_does_not_parse_is_refused_with_its_place() -> None:
    with pytest.raises(Refused) as refused:
        parameters.find("SELECT ? FORM t", serialised("SELECT ? FORM t x y"), AST_BYTES)
    assert refused.value.reason is Reason.SQL_MALFORMED


@pytest.mark.parametrize("values", [(), (1, 2), (1, 2, 3)])
def test_another_number_of_values_is_refused(values: tuple[int, ...]) -> None:
    with pytest.raises(Malformed):
        bound("SELECT ?", *values)


@pytest.mark.parametrize("offset", [-3, 3])
def test_an_engine_that_points_elsewhere_is_not_believed(offset: int) -> None:
    sql = "SELECT 1 + ? + 2"
    reply = json.loads(serialised(sql))

    def move(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("class") == "PARAMETER":
                value["query_location"] += offset
            for part in value.values():
                move(part)
        elif isinstance(value, list):
            for part in value:
                move(part)

    move(reply)
    with pytest.raises(Refused):
        parameters.find(sql, json.dumps(reply), AST_BYTES)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (-5, "(-5)"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.50"), "(-0.50)"),
        (1e-7, "0.0000001"),
        (date(2024, 2, 29), "DATE '2024-02-29'"),
        ("it's", "'it''s'"),
    ],
)
def test_literals_are_typed(value: Parameter, text: str) -> None:
    assert parameters.literal(value) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+99999"), 1e300, 1e-300, "a\0b"])
def test_a_value_that_no_literal_holds_is_refused(value: Parameter) -> None:
    with pytest.raises(Refused) as refused:
        parameters.literal(value)
    assert refused.value.reason is Reason.TYPE_MISMATCH


def test_two_minus_signs_do_not_begin_a_comment() -> None:
    assert ENGINE.execute(bound("SELECT 1 -?", -1)).fetchall() == [(2,)]


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_text_breaks_out_of_its_literal(value: str) -> None:
    """The attack is any text at all: the engine must read back exactly it, in one statement of one column."""
    for sql in ("SELECT ?", "SELECT '' || ? || ''", "SELECT(?)"):
        text = bound(sql, value)
        (statement,) = json.loads(serialised(text))["statements"]
        assert len(statement["node"]["select_list"]) == 1
        assert ENGINE.execute(text).fetchall() == [(value,)]


@pytest.mark.parametrize("value", ["' OR 1=1 --", "'; DROP TABLE t; --", "\\' OR ''='", "$$ ? $$", "/* ", "?", "$1"])
def test_known_injections_are_texts(value: str) -> None:
    assert ENGINE.execute(bound("SELECT ? = ?", value, value)).fetchall() == [(True,)]
    assert ENGINE.execute(bound("SELECT 'x' = ?", value)).fetchall() == [(False,)]
