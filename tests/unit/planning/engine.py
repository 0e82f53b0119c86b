"""Real DuckDB in this process behind the Runner protocol, without the jail, and a small catalogue."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from threading import Event
from typing import Any

import duckdb
from yanmen.model.catalogue import (
    Cell,
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
    Version,
)
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.ports import Limits, Profile, Snapshot, TableShape, Tenant
from yanmen.model.refusal import Usage
from yanmen.model.stages import Admitted, Binding, Plan, Request, Submission
from yanmen.planning.plan import plan

SETTINGS = (
    "SET error_on_division_by_zero = false",
    "SET ieee_floating_point_ops = true",
    "SET default_null_order = 'NULLS_LAST'",
    "SET default_order = 'ASCENDING'",
    "SET integer_division = false",
    "SET TimeZone = 'UTC'",
)
Rows = list[tuple[Any, ...]]


def connect() -> duckdb.DuckDBPyConnection:
    """Open an empty engine with the settings a job has."""
    connection = duckdb.connect(config={"threads": 1})
    for setting in SETTINGS:
        connection.execute(setting)
    return connection


@lru_cache(maxsize=1)
def shared() -> duckdb.DuckDBPyConnection:
    """Opening an engine takes longer than all a test asks of it, so one serves them all."""
    return connect()


@contextmanager
def attached(tables: Iterable[tuple[str, tuple[tuple[str, str], ...], Rows]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold each table as the jail does, in a database of its own, for as long as the block runs."""
    connection, schemas = shared(), []
    try:
        for schema, columns, rows in tables:
            connection.execute(f"ATTACH ':memory:' AS \"{schema}\"")
            schemas.append(schema)
            create(connection, f'"{schema}"."data"', columns, rows)
        yield connection
    finally:
        for schema in schemas:
            connection.execute(f'DETACH "{schema}"')


def create(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[tuple[str, str], ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Create `table` and insert `rows` in one statement, by columns: thousands of placeholders take seconds."""
    defined = ", ".join('"' + name.replace('"', '""') + f'" {kind}' for name, kind in columns)
    connection.execute(f"CREATE TABLE {table} ({defined})")
    if rows:
        lists = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
        connection.execute(f"INSERT INTO {table} SELECT {lists}", [list(cells) for cells in zip(*rows, strict=True)])


class InProcessRunner:
    """Runs every job in this process over tables given as rows; what it is asked is recorded."""

    def __init__(self, data: dict[str, tuple[tuple[tuple[str, str], ...], Rows]] | None = None) -> None:
        """Hold snapshots by version: column definitions and rows."""
        self.data = data or {}
        self.vetted: list[str] = []
        self.bound: list[str] = []

    def within(self, tenant: Tenant) -> "InProcessRunner":
        return self

    @property
    def profile(self) -> Profile:
        return Profile("in-process", (), "", f"duckdb-{duckdb.__version__}")

    def vet(self, sql: str) -> str:
        self.vetted.append(sql)
        return _one(shared().execute("SELECT json_serialize_sql(?)", [sql]))

    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        self.bound.append(sql)
        with attached((shape.schema, shape.columns, []) for shape in shapes) as connection:
            return _one(connection.execute("SELECT json_serialize_plan(?)", [sql]))

    def query(
        self,
        scans: tuple[tuple[str, str], ...],
        sql: str,
        types: tuple[ColumnType, ...],
        limits: Limits,
        cancel: Event,
    ) -> tuple[tuple[tuple[Cell, ...], ...], Usage]:
        return tuple(self.rows(scans, sql)), Usage()

    def rows(self, scans: tuple[tuple[str, str], ...], sql: str) -> Rows:
        with attached((schema, *self.data[version]) for schema, version in scans) as connection:
            return connection.execute(sql).fetchall()

    def post(
        self,
        columns: tuple[tuple[str, ColumnType | None], ...],
        rows: tuple[tuple[Cell | float, ...], ...],
        sql: str,
        types: tuple[ColumnType | None, ...],
    ) -> tuple[tuple[Cell | float, ...], ...]:
        kinds = {None: "DOUBLE", ColumnType.INTEGER: "HUGEINT", ColumnType.DECIMAL: "DECIMAL(38,9)"}
        kinds |= {ColumnType.TEXT: "VARCHAR", ColumnType.BOOLEAN: "BOOLEAN", ColumnType.DATE: "DATE"}
        try:
            create(shared(), '"cells"', tuple((name, kinds[kind]) for name, kind in columns), rows)
            return tuple(shared().execute(sql).fetchall())
        finally:
            shared().execute('DROP TABLE IF EXISTS "cells"')

    def publish(self, source: str, dataset: Dataset, previous: str = "") -> Snapshot:
        raise NotImplementedError

    def inspect(self, source: str, dataset: Dataset | None = None) -> tuple[Column, ...]:
        raise NotImplementedError


def _one(found: duckdb.DuckDBPyConnection) -> str:
    row = found.fetchone()
    assert row is not None
    return str(row[0])


def unit(name: str = "pid") -> Column:
    return Column(name, ColumnType.INTEGER, Role.UNIT)


def key(name: str, *domain: Cell, type: ColumnType = ColumnType.TEXT) -> Column:
    return Column(name, type, Role.KEY, domain=domain or None)


def measure(name: str, lower: str | None = None, upper: str | None = None, scale: int = 0) -> Column:
    kind = ColumnType.DECIMAL if scale else ColumnType.INTEGER
    bounds = (Decimal(lower), Decimal(upper)) if lower is not None and upper is not None else (None, None)
    return Column(name, kind, Role.MEASURE, lower=bounds[0], upper=bounds[1], scale=scale)


def dataset(
    name: str, cls: DatasetClass, *columns: Column, rows: int = 1, groups: int = 1, upto: int = 20_000
) -> Dataset:
    return Dataset(
        name=name,
        title_zh="",
        title_en="",
        owner="",
        region="",
        registration="",
        ndi_id="",
        source_system="",
        authority="",
        update_cycle="",
        quality="",
        rights=(),
        cls=cls,
        grade=Grade.GENERAL,
        sharing=Sharing.UNCONDITIONAL,
        sharing_reason="",
        legal_basis="",
        channels=(Channel.SHARING,),
        subject_space="persons" if cls is DatasetClass.PERSONAL else "",
        rows_per_unit=rows,
        groups_per_unit=groups,
        rows_upto=upto,
        price_ceiling_fen=10,
        columns=columns,
    )


HIDDEN = Column("diary", ColumnType.TEXT, Role.HIDDEN)
CLOSED = Column("religion", ColumnType.TEXT, Role.KEY, domain=("a", "b"))
"""In the catalogue, not in the contract."""

PERSON = dataset(
    "person",
    DatasetClass.PERSONAL,
    unit(),
    key("sex", "f", "m"),
    key("district", *(f"d{n}" for n in range(5))),
    Column("insured", ColumnType.BOOLEAN, Role.KEY),
    Column("born", ColumnType.DATE, Role.MEASURE),
    Column("note", ColumnType.TEXT, Role.MEASURE),
    measure("age", "0", "120"),
    measure("income", "0", "100000", scale=2),
    measure("raw"),
    CLOSED,
    HIDDEN,
)
VISIT = dataset(
    "visit",
    DatasetClass.PERSONAL,
    unit(),
    key("ward", "w1", "w2", "w3", "w4"),
    key("town", "north", "south"),
    measure("days", "-10", "30"),
    measure("cost", "-5", "500", scale=1),
    rows=4,
    groups=2,
    upto=100_000,
)
TOWN = dataset(
    "town",
    DatasetClass.OPEN,
    Column("code", ColumnType.TEXT, Role.KEY),
    key("region", "east", "west"),
    Column("people", ColumnType.INTEGER, Role.MEASURE),
    Column("area", ColumnType.DECIMAL, Role.MEASURE, scale=2),
    Column("founded", ColumnType.DATE, Role.MEASURE),
    rows=1,
    upto=100,
)
FIRM = dataset(
    "firm",
    DatasetClass.EXACT,
    unit("fid"),
    key("sector", "a", "b", "c"),
    key("size", 1, 2, 3, type=ColumnType.INTEGER),
    key("label"),
    measure("output", "-1000", "1000000"),
    rows=2,
    groups=2,
    upto=50_000,
)
STRANGER = replace(dataset("stranger", DatasetClass.PERSONAL, unit(), measure("age", "0", "9")), subject_space="others")
ODD = dataset(
    'odd "name"; DROP',
    DatasetClass.PERSONAL,
    unit('p"id'),
    Column('sex"; --', ColumnType.TEXT, Role.KEY, domain=("f", "m'--", '"x"')),
    measure("年龄", "0", "120"),
)
CATALOGUE = (PERSON, VISIT, TOWN, FIRM, STRANGER, ODD)
ELSEWHERE = (("health", "ward_stay"), ("health", "diagnosis"), ("insurance", "claim"))


def version(item: Dataset, *, counted: bool = False) -> Version:
    return Version(item, f"v-{item.name}", "", 0, 0, counted=counted and item.counted())


def admitted(
    sql: str,
    *,
    datasets: tuple[Dataset, ...] = CATALOGUE,
    elsewhere: tuple[tuple[str, str], ...] = ELSEWHERE,
    micro_rho: int = 1000,
    counted: bool = False,
) -> Admitted:
    """Return an admitted question under a contract that opens everything visible but `religion`.

    With `counted`, snapshots hold how many rows each unit has, where they would.
    """
    party = Party("c" * 32, "dev", "", PartyRole.DEVELOPER, PartyStatus.ACTIVE, b"", b"", "")
    grants = tuple(
        Grant(
            item.name,
            tuple(c.name for c in item.visible() if c is not CLOSED),
        )
        for item in datasets
    )
    scenario = Scenario("s", "", "")
    terms = Terms(
        "t", "", "", Channel.SHARING, scenario, grants, 5, 10**9, 1000, 10**6, 1, 100, 100, 0, 2**50, 7, (), 30
    )
    contract = Contract(terms, b"", b"", "", ContractStatus.ACTIVE)
    request = Request("j", "", "t", "s", "", 0, 10**9, 10**9, 0, 2**50)
    submission = Submission("j", party, Binding.PER_REQUEST, b"", sql, 0)
    versions = tuple(version(item, counted=counted) for item in datasets)
    return Admitted(submission, request, contract, versions, elsewhere, "", micro_rho, 7)


def planned(sql: str, *, datasets: tuple[Dataset, ...] = CATALOGUE, limits: NodeLimits | None = None) -> Plan:
    """Plan `sql` with a real parser and binder."""
    return plan(admitted(sql, datasets=datasets), InProcessRunner(), limits or NodeLimits())
