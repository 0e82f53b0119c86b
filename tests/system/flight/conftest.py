"""A served department with one table of persons and one open table, and the stock driver connected to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from adbc_driver_flightsql import dbapi
from yanmen.client import connect
from yanmen.client.drivers import Driver

from tests.system.town import Town, done

RATES = """
name = "rates"
title_zh = "费率"
title_en = "Rates"
owner = "test"
region = "140100"
source_system = "made by the test"
authority = "test"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "open"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
rows_upto = 1000
price_ceiling_fen = 100

[columns.town]
type = "text"
role = "key"
domain = ["Taiyuan", "Datong", "雁门"]

[columns.year]
type = "integer"
role = "measure"

[columns.rate]
type = "decimal"
role = "measure"
scale = 2

[columns.since]
type = "date"
role = "key"

[columns.kept]
type = "boolean"
role = "key"
"""
ROWS = """town,year,rate,since,kept
Taiyuan,2020,1.25,2020-02-29,true
Datong,2021,-0.50,1999-12-31,false
雁门,2022,,2022-01-01,
"""
GRANTS = ("--grant", "rates:town,year,rate,since,kept", "--micro-rho", "300000")


@dataclass
class Flown:
    """The town, its contract, and one connection of the stock driver."""

    town: Town
    contract: str
    driver: Driver
    db: Any

    def grant(self, **changes: Any) -> Driver:
        """Return another grant, as the member signs it."""
        words: dict[str, Any] = {"max_micro_rho": 300_000, "max_price_fen": 100_000, **changes}
        with connect("clinic", self.town.root / "alice") as node:
            return node.driver(self.contract, **words)

    def connect(self, **options: str) -> Any:
        """Return a connection with other options than usual."""
        return dbapi.connect(self.driver.uri, db_kwargs={**self.driver.options, **options}, autocommit=True)

    def ask(self, sql: str, parameters: Any = None) -> Any:
        """Return the answer as an Arrow table."""
        with self.db.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetch_arrow_table()

    def leaves(self) -> int:
        """Return how many leaves the usage log has."""
        with connect("clinic", self.town.root / "alice") as node:
            return node.checkpoint().size

    def spent(self) -> tuple[int, int]:
        """Return how many questions and how much money the contract has left and spent."""
        found = done("contract", "show", self.contract, "--as", self.town.root / "alice", "--at", "clinic")
        return found["queries_left"], found["spent_fen"]


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flown]:
    """Serve the department and connect."""
    town = Town(tmp_path_factory.mktemp("flown"))
    town.build()
    (town.root / "rates.toml").write_text(RATES)
    (town.root / "rates.csv").write_text(ROWS)
    done("dataset", "publish", town.node, town.root / "rates.toml", town.root / "rates.csv")
    town.limit(calls_per_minute=100_000)
    town.serve()
    try:
        contract = town.contract("flown", *GRANTS)
        with connect("clinic", town.root / "alice") as node:
            driver = node.driver(contract, max_micro_rho=300_000, max_price_fen=100_000)
        with dbapi.connect(driver.uri, db_kwargs=driver.options, autocommit=True) as db:
            yield Flown(town, contract, driver, db)
    finally:
        town.stop()
