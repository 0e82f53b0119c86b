"""No function of a date fails on the first or last day that the engine knows, or on one that never comes.

Python has no such dates, so they are made in SQL; a text column may hold them, and so may a source's date column.
"""

from itertools import product

import duckdb
import pytest
from yanmen.model.stages import Plan
from yanmen.planning.sql_terms import held_type, quoted

from tests.unit.planning.engine import PERSON, connect, planned

DAYS = ("5881580-07-10", "5877642-06-25 (BC)", "infinity", "-infinity", "epoch", "9999-12-31", "0001-01-01", "x")
DATES = ("born", "CAST(note AS DATE)")
SHIFTS = ("+ 100000", "- 100000", "+ INTERVAL 3000 MONTH", "- INTERVAL 14000 WEEK")
NUMBERS = [
    *(f"{part}({{}})" for part in ("year", "quarter", "month", "week", "day", "dayofweek", "isodow", "dayofyear")),
    *(f"date_diff('{part}', {{}}, born)" for part in ("day", "week", "month", "quarter", "year")),
    "{} - DATE '2000-02-29'",
    "born - {}",
]
MOVED = [
    *(f"{{}} {shift}" for shift in SHIFTS),
    *(f"date_trunc('{part}', {{}})" for part in ("day", "week", "month", "quarter", "year")),
    "last_day({})",
]


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    """Hold each pair of extreme days as one person's."""
    opened = connect()
    opened.execute("ATTACH ':memory:' AS s0")
    columns = ", ".join(f"{quoted(item.name)} {held_type(item)}" for item in PERSON.visible())
    opened.execute(f"CREATE TABLE s0.data ({columns})")
    for pid, (day, text) in enumerate(product(DAYS, DAYS)):
        opened.execute(
            "INSERT INTO s0.data (pid, born, note) SELECT ?, TRY_CAST(? AS DATE), CAST(? AS VARCHAR)", [pid, day, text]
        )
    return opened


def runs(engine: duckdb.DuckDBPyConnection, found: Plan) -> None:
    assert len(engine.execute(found.sql).fetchall()) >= 0


@pytest.mark.parametrize("day", DATES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_made_of_a_date_does_not_fail(engine: duckdb.DuckDBPyConnection, number: str, day: str) -> None:
    made = number.format(day)
    runs(engine, planned(f"SELECT count(*) FROM person WHERE {made} > 1"))
    runs(engine, planned(f"SELECT count(*) FROM (SELECT pid, max({made}) AS m FROM person GROUP BY pid) WHERE m > 1"))


@pytest.mark.parametrize("day", DATES)
@pytest.mark.parametrize("moved", MOVED)
def test_a_date_made_of_a_date_does_not_fail(engine: duckdb.DuckDBPyConnection, moved: str, day: str) -> None:
    made = moved.format(day)
    runs(engine, planned(f"SELECT count(*) FROM person WHERE {made} > DATE '2000-01-01'"))
    runs(engine, planned(f"SELECT count(*) FROM person WHERE year({made}) + week({made}) > 3"))
