"""Tables of a published benchmark as datasets with a unit, and questions asked of them with noise and without."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

import duckdb
from yanmen.disclosure import blocks, grid, noise
from yanmen.disclosure.accounting import micro_rho_within, share
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused, Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning.plan import plan
from yanmen.planning.sql_terms import column_type, quoted

from tests.unit.planning.engine import SETTINGS, InProcessRunner, admitted, dataset

GROUNDS = {
    "KEY_WITHOUT_DOMAIN": "groups by keys without a public domain: orders, items, suppliers, towns one by one",
    "UNIT_NOT_ADMITTED_HERE": "shows the customer",
    "ROWS_WOULD_LEAVE": "lists rows of customers",
    "TOO_MANY_CELLS": "a grid finer than the node admits",
    "CLAUSE_NOT_ADMITTED": "weighs rows against another release, counts or intersects values of rows",
    "JOIN_NOT_ON_UNIT": "joins rows of customers on something else than the customer",
    "FUNCTION_NOT_ADMITTED": "takes an extreme or another value of single rows",
}
"""The grounds on which a question of a benchmark may be refused, as docs/DISCLOSURE.md lists them."""
ERROR_MAX = 10.0
EPSILON, DELTA_E12 = Decimal(1), 1_000_000
DRAWS = 15
"""How often noise is drawn: a question with one figure would else pass or fail by chance."""
DOMAIN_MAX = 1_000
"""Distinct values that a benchmark's spec declares as a domain."""
_KINDS = {"BIGINT": ColumnType.INTEGER, "INTEGER": ColumnType.INTEGER, "DATE": ColumnType.DATE}


@dataclass(frozen=True, slots=True)
class Source:
    """One table to publish: SQL over the generated tables, its unit column ("" = open), rows and groups of a unit.

    No `groups` means as many as there may be rows.
    """

    name: str
    sql: str
    unit: str = ""
    rows: int = 1
    groups: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question: the median relative error in percent, or why it was refused."""

    error: float | None
    ground: str

    @property
    def met(self) -> bool:
        """Whether the answer is near enough, or the ground of refusal a listed one."""
        return self.ground in GROUNDS if self.error is None else self.error <= ERROR_MAX

    @property
    def shown(self) -> str:
        """The error, or the ground of refusal."""
        return (
            f"{self.ground}: {GROUNDS.get(self.ground, 'not listed')}" if self.error is None else f"{self.error:.2f} %"
        )


class Published:
    """The tables in one open engine, under the schemas a plan asks for."""

    def __init__(self, raw: Path, sources: Sequence[Source], threads: int = 2) -> None:
        """Copy every source into a database of its own, as publishing does."""
        self.connection = duckdb.connect(config={"threads": threads})
        for setting in SETTINGS:
            self.connection.execute(setting)
        self.connection.execute(f"ATTACH '{raw}' AS raw (READ_ONLY)")
        self.connection.execute("USE raw")
        self.datasets = tuple(self._publish(source) for source in sources)
        self.runner = InProcessRunner()
        self.limits = replace(NodeLimits(), sql_bytes=64 * 1024)
        self.charge = micro_rho_within(EPSILON, DELTA_E12)

    def _publish(self, source: Source) -> Dataset:
        run = self.connection.execute
        run(f"ATTACH ':memory:' AS {quoted('of ' + source.name)}")
        table = f"{quoted('of ' + source.name)}.data"
        described = run(f"DESCRIBE {source.sql}").fetchall()
        cast = ", ".join(f"CAST({quoted(name)} AS {_held(kind)}) AS {quoted(name)}" for name, kind, *_ in described)
        run(f"CREATE TABLE {table} AS SELECT {cast} FROM ({source.sql})")
        columns = [self._column(table, source, str(name), _held(str(kind))) for name, kind, *_ in described]
        # As a snapshot holds them, beside the values as the benchmark's own questions read them.
        held = ", ".join(map(_in_units, columns))
        run(f"CREATE TABLE {quoted('of ' + source.name)}.held AS SELECT {held} FROM {table}")
        (count,) = run(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        cls = DatasetClass.PERSONAL if source.unit else DatasetClass.OPEN
        groups = source.groups or source.rows
        return dataset(source.name, cls, *columns, rows=source.rows, groups=groups, upto=int(count))

    def _column(self, table: str, source: Source, name: str, kind: str) -> Column:
        if name == source.unit:
            return Column(name, ColumnType.INTEGER, Role.UNIT)
        scale = int(kind.partition(",")[2].rstrip(")")) if kind.startswith("DECIMAL") else 0
        found = _KINDS.get(kind, ColumnType.DECIMAL if scale else ColumnType.TEXT)
        domain = self._domain(table, name)
        lower, upper = self._bounds(table, name) if found in (ColumnType.INTEGER, ColumnType.DECIMAL) else (None, None)
        role = Role.KEY if domain else Role.MEASURE
        return Column(name, found, role, domain=domain, lower=lower, upper=upper, scale=scale)

    def _domain(self, table: str, name: str) -> tuple[Cell, ...] | None:
        distinct = (
            f"SELECT DISTINCT {quoted(name)} FROM {table} WHERE {quoted(name)} IS NOT NULL LIMIT {DOMAIN_MAX + 1}"
        )
        values = [row[0] for row in self.connection.execute(distinct).fetchall()]
        return tuple(sorted(values)) if 0 < len(values) <= DOMAIN_MAX else None

    def _bounds(self, table: str, name: str) -> tuple[Decimal, Decimal]:
        """Return round numbers around what the column holds, as its owner would declare."""
        low, high = self.connection.execute(f"SELECT min({quoted(name)}), max({quoted(name)}) FROM {table}").fetchone()
        return _round(Decimal(low or 0), ROUND_FLOOR), _round(Decimal(high or 0), ROUND_CEILING)

    def planned(self, sql: str, *, roomy: bool = False) -> Plan:
        """Return the plan of a question, or refuse; `roomy` lets a unit count in as many cells as it has rows."""
        held = [replace(item, groups_per_unit=item.rows_per_unit) if roomy else item for item in self.datasets]
        return plan(admitted(sql, datasets=tuple(held), micro_rho=self.charge), self.runner, self.limits)

    def attach(self, found: Plan) -> None:
        """Give the tables the schema names of a plan."""
        for scan in found.scans:
            columns = ", ".join(quoted(name) for name in scan.columns) or "1 AS one"
            self.connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {scan.schema}")
            held = quoted("of " + scan.version.dataset.name)
            self.connection.execute(f"CREATE OR REPLACE VIEW {scan.schema}.data AS SELECT {columns} FROM {held}.held")

    def rows(self, found: Plan) -> list[tuple[Cell, ...]]:
        """Return the engine's reply to a plan."""
        self.attach(found)
        return self.connection.execute(found.sql).fetchall()

    def asked(self, sql: str, uncut: str) -> Asked:
        """Ask at ε = 1; return the median error of figures that are not zero, against `uncut`, the same unbounded."""
        try:
            found = self.planned(sql)
        except Refused as refusal:
            return Asked(None, refusal.reason.value)
        whole = self.planned(uncut, roomy=True)
        if found.release is DatasetClass.OPEN:
            self.rows(found)
            return Asked(0.0, "")
        raws = [Raw(each, tuple(self.rows(each)), Usage()) for each in (found, whole)]
        errors = list(_errors(*raws, self.charge))
        return Asked(100 * statistics.median(errors), "") if errors else Asked(None, "nothing but zeroes")


def _errors(raw: Raw, whole: Raw, charge: int) -> Iterable[float]:
    each = share(charge, len(raw.plan.aggregates))
    for part, other in zip(blocks.parts(raw), blocks.parts(whole), strict=True):
        cells, exact_cells = grid.cells(part.raw, ()), grid.cells(other.raw, ())
        for position, aggregate in enumerate(part.raw.plan.aggregates):
            values = [row[position] for row in cells]
            exact = [row[position] for row in exact_cells]
            for _ in range(DRAWS):
                noisy = noise.add(noise.calibrate(aggregate, each), aggregate, values)
                yield from (abs(one - far) / abs(one) for one, far in zip(exact, noisy, strict=True) if one)


def _held(kind: str) -> str:
    """Return how a snapshot holds a type of the generated tables."""
    if kind.startswith("DECIMAL"):
        return column_type(Column("", ColumnType.DECIMAL, Role.MEASURE, scale=int(kind.partition(",")[2].rstrip(")"))))
    return {"INTEGER": "BIGINT", "BIGINT": "BIGINT", "DATE": "DATE"}.get(kind, "VARCHAR")


def _in_units(column: Column) -> str:
    """Return the column, a decimal as an integer in units of 10^-scale."""
    name = quoted(column.name)
    if column.type is not ColumnType.DECIMAL:
        return name
    factor = f"CAST({10**column.scale} AS DECIMAL({column.scale + 1},0))"
    return f"CAST({name} * {factor} AS BIGINT) AS {name}"


def _round(value: Decimal, way: str) -> Decimal:
    if value == 0:
        return Decimal(0)
    step = Decimal(1).scaleb(value.copy_abs().adjusted() - 1)
    return (value / step).to_integral_value(way) * step
