"""pandas, polars and SQLAlchemy over the stock driver, as docs/OPERATING.md shows them."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from yanmen.client import connect

from tests.unit.docs.markdown import fences

if TYPE_CHECKING:
    from tests.system.flight.conftest import Flown

TOWNS = ["Taiyuan", "Datong", "雁门"]


def test_pandas(flown: "Flown") -> None:
    import pandas as pd

    assert pd.read_sql("SELECT town FROM rates ORDER BY year", flown.db)["town"].tolist() == TOWNS


def test_polars(flown: "Flown") -> None:
    import polars as pl

    frame = pl.read_database("SELECT town, rate, since, kept FROM rates ORDER BY year", flown.db)
    assert frame["town"].to_list() == TOWNS
    assert frame["rate"].to_list() == [Decimal("1.25"), Decimal("-0.50"), None]


@pytest.fixture
def engine(flown: "Flown") -> Any:
    import sqlalchemy
    from adbc_driver_flightsql import dbapi

    def connected() -> Any:
        return dbapi.connect(flown.driver.uri, db_kwargs=flown.driver.options, autocommit=True)

    made = sqlalchemy.create_engine("adbc+flightsql://", creator=connected)
    yield made
    made.dispose()


def test_sqlalchemy(engine: Any) -> None:
    import sqlalchemy

    with engine.connect() as connection:
        asked = sqlalchemy.text("SELECT town FROM rates WHERE year >= :year ORDER BY year")
        assert connection.execute(asked, {"year": 2021}).scalars().all() == TOWNS[1:]
        columns = sqlalchemy.inspect(connection).get_columns("rates", schema="clinic")
    assert [str(one["type"]) for one in columns] == ["VARCHAR", "BIGINT", "NUMERIC", "DATE", "BOOLEAN"]


def test_the_examples_in_the_manual_run(flown: "Flown", monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented program, with the names of this town in the place of the example's."""
    (program,) = [one.text for one in fences("docs/OPERATING.md", "python") if "adbc_driver_flightsql" in one.text]
    program = program.replace('"40d566d1aa5b48338b7a6d3d9ebca39c"', repr(flown.contract)).replace("civil", "clinic")
    program = program.replace('"datalab"', repr(str(flown.town.root / "alice")))
    program = re.sub(r"\bage\b", "cost", program.replace("nafld1", "visits").replace("male", "ward"))
    shown: list[Any] = []
    exec(compile(program, "OPERATING.md", "exec"), {"print": lambda *words: shown.append(words)})
    assert len(shown) >= 4
    with connect("clinic", flown.town.root / "alice") as node:
        assert node.contracts()
