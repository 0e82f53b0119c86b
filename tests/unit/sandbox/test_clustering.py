"""A snapshot in the order of a date column: every row is there once, in order, however many passes it takes."""

from collections.abc import Iterator

import duckdb
import pytest
from yanmen_sandbox.jobs import clustering

ROWS = (
    "SELECT number, CASE WHEN number % 7 <> 0 THEN CAST(DATE '1990-01-01' + (number * 7919 % 400)::INTEGER AS DATE) END"
    ' AS "the day" FROM range(5000) AS made(number)'
)
ORDERED = "SELECT count(*) FROM (SELECT {0}, lag({0}) OVER (ORDER BY rowid) AS before FROM kept) WHERE {0} < before"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET default_null_order = 'NULLS_LAST'")
        yield opened


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("cells", [1_000_000, 3_000, 100])
def test_no_row_is_lost_doubled_or_out_of_order(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    monkeypatch.setattr(clustering, "PASS_CELLS", cells)
    clustering.write(connection, "kept", ROWS, "the day", 2)
    assert number(connection, f"SELECT count(*) FROM (({ROWS}) EXCEPT ALL FROM kept)") == 0
    assert number(connection, f"SELECT count(*) FROM (FROM kept EXCEPT ALL ({ROWS}))") == 0
    assert number(connection, ORDERED.format('"the day"')) == 0
    first_null = 'SELECT count(*) FROM kept WHERE rowid < (SELECT min(rowid) FROM kept WHERE "the day" IS NULL)'
    assert number(connection, first_null) == number(connection, 'SELECT count("the day") FROM kept')


@pytest.mark.parametrize(
    "day", ["NULL::DATE", "DATE '2020-02-02'", "DATE '200000-01-01'", "DATE '0044-03-15 (BC)'", "DATE 'infinity'"]
)
def test_one_and_the_same_day_or_none_needs_no_border(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    monkeypatch.setattr(clustering, "PASS_CELLS", 10)
    clustering.write(connection, "kept", f"SELECT {day} AS day, number FROM range(100) AS made(number)", "day", 2)
    assert number(connection, "SELECT count(DISTINCT number) FROM kept") == 100
    assert number(connection, "SELECT count(*) FROM kept") == 100


def test_an_empty_source_makes_an_empty_table(connection: duckdb.DuckDBPyConnection) -> None:
    clustering.write(connection, "kept", f"{ROWS} WHERE number < 0", "the day", 2)
    assert number(connection, "SELECT count(*) FROM kept") == 0


def test_without_a_column_rows_lie_as_they_came(connection: duckdb.DuckDBPyConnection) -> None:
    clustering.write(connection, "kept", ROWS, "", 2)
    assert number(connection, ORDERED.format("number")) == 0
    assert number(connection, ORDERED.format('"the day"')) > 0
