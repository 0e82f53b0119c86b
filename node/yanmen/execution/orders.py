"""What is asked of a job, in the JSON the worker reads; the two packages share this shape and no code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.ports import TableShape

DECIMAL_DIGITS = 38
"""DuckDB's widest decimal."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What the worker makes the kernel and the engine enforce on itself, before it sees anything."""

    memory: int
    address: int
    cpu: int
    wall_ms: int
    file: int
    reply: int
    threads: int


@dataclass(frozen=True, slots=True)
class Order:
    """A job's name, its arguments and the descriptors it inherits."""

    job: str
    arguments: Mapping[str, object]
    fds: tuple[int, ...] = ()


def encode(order: Order, limits: JobLimits) -> bytes:
    """Return the request of `order`."""
    bounds = {name: getattr(limits, name) for name in JobLimits.__slots__}
    document = {"job": order.job, "limits": bounds, **order.arguments}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def vet(sql: str) -> Order:
    """Ask for the parse tree of the caller's text."""
    return Order("vet", {"sql": sql})


def bind(shapes: Iterable[TableShape], sql: str) -> Order:
    """Ask for the bound plan of emitted text over empty tables."""
    tables = [{"schema": shape.schema, "columns": [list(column) for column in shape.columns]} for shape in shapes]
    return Order("bind", {"shapes": tables, "sql": sql})


def query(scans: Mapping[str, int], sql: str, rows: int) -> Order:
    """Ask for the rows of emitted text over snapshots, given as schema and descriptor."""
    return Order(
        "query", {"scans": [list(scan) for scan in scans.items()], "sql": sql, "rows": rows}, (*scans.values(),)
    )


def post(
    columns: Iterable[tuple[str, ColumnType | None]], rows: tuple[tuple[Cell | float, ...], ...], sql: str, cap: int
) -> Order:
    """Ask for the rows of emitted text over the table `cells`."""
    typed = [[name, _sql_type(kind, [row[index] for row in rows])] for index, (name, kind) in enumerate(columns)]
    plain = [[_plain(value) for value in row] for row in rows]
    return Order("post", {"columns": typed, "rows": plain, "sql": sql, "row_cap": cap})


def _sql_type(kind: ColumnType | None, values: list[Cell | float]) -> str:
    match kind:
        case None:
            return "DOUBLE"
        case ColumnType.INTEGER:
            return "HUGEINT"
        case ColumnType.DECIMAL:
            return f"DECIMAL({DECIMAL_DIGITS},{max((_scale(value) for value in values), default=0)})"
        case ColumnType.TEXT:
            return "VARCHAR"
        case ColumnType.BOOLEAN:
            return "BOOLEAN"
        case ColumnType.DATE:
            return "DATE"


def _scale(value: Cell | float) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _plain(value: Cell | float) -> bool | int | float | str | None:
    """Write a cell as JSON can hold it: decimals in full, dates in ISO 8601."""
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return value
