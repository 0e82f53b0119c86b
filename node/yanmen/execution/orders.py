"""What is asked of a job, in the JSON the worker reads; the two packages share this shape and no code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from yanmen.execution.clear_files import MEMORY_BYTES
from yanmen.execution.scratch import Scratch
from yanmen.model.catalogue import TEXT_MAX, UNIT_ROWS, Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.consent import Exclusion
from yanmen.model.ports import TableShape
from yanmen.model.refusal import JobCode, JobFailed

SNAPSHOT = "snapshot"
"""The format of a source that is a snapshot of ours."""
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
    """A job's name, its arguments, the descriptors it inherits and the longest file it may write.

    With `uses` it opens a session: the worker is prepared, and that many questions may follow.
    """

    job: str
    arguments: Mapping[str, object]
    fds: tuple[int, ...] = ()
    file_bytes: int = 0
    uses: int = 0
    scratch: Scratch | None = None


def encode(order: Order, limits: JobLimits) -> bytes:
    """Return the request of `order`."""
    bounds = {name: getattr(limits, name) for name in JobLimits.__slots__}
    return _written({"job": order.job, "limits": bounds, "uses": order.uses, **order.arguments})


def question(order: Order) -> bytes:
    """Return what a session is asked where `order` would be a worker's only one."""
    return _written({name: value for name, value in order.arguments.items() if name not in _OF_SESSIONS})


def session(order: Order, uses: int) -> Order:
    """Return the order that prepares a worker for at most `uses` questions like `order`."""
    kept = {name: value for name, value in order.arguments.items() if name in _OF_SESSIONS}
    nothing: Mapping[str, object] = {"shapes": []} if order.job == "bind" else {}
    return Order(order.job, {**kept, **nothing}, order.fds, order.file_bytes, uses, order.scratch)


def spilling(order: Order, scratch: Scratch) -> Order:
    """Return `order` for a worker that may spill into `scratch`."""
    arguments = {**order.arguments, "scratch": scratch.fd}
    return replace(order, arguments=arguments, fds=(*order.fds, scratch.fd), file_bytes=scratch.room, scratch=scratch)


_OF_SESSIONS = frozenset({"scans", "scratch"})
"""What is said once, when the worker is prepared."""


def _written(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def check_length(sql: str, cap: int) -> None:
    """Refuse a caller's text that no parser should see: too long, or not text at all."""
    try:
        size = len(sql.encode("utf-8"))
    except UnicodeEncodeError:
        raise JobFailed(JobCode.BAD_SQL) from None
    if size > cap:
        raise JobFailed(JobCode.BAD_SQL)


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
    written: list[list[object]] = []
    for index, (name, kind) in enumerate(columns):
        values = [row[index] for row in rows]
        written.append([name, _sql_type(kind, values), [_text(value) for value in values]])
    return Order("post", {"columns": written, "sql": sql, "rows": cap})


def importing(source: int, target: int, form: str, dataset: Dataset, salt: str) -> Order:
    """Ask for a snapshot of `source` in the nameless file `target`."""
    arguments: dict[str, object] = {
        "source": source,
        "target": target,
        "format": form,
        "salt": salt,
        "quality": dataset.cls is not DatasetClass.PERSONAL or dataset.description.measured,
        "class": dataset.cls.value,
        "rows_upto": dataset.rows_upto,
        "rows_per_unit": dataset.rows_per_unit,
        "counted": UNIT_ROWS if dataset.counted() else "",
        "units_upto": dataset.units_upto,
        "columns": [_column(column, dataset.cls) for column in dataset.visible()],
        "hidden": [column.source_name for column in dataset.columns if column.role is Role.HIDDEN],
        "clustered_by": dataset.clustered_by,
    }
    return Order("import", arguments, (source, target), MEMORY_BYTES)


@dataclass(frozen=True, slots=True)
class Continued:
    """What a source that is read again keeps in the snapshot: how far it was read, by the digest of what it is.

    `previous` is the snapshot whose rows stay, None when all rows are in the source; `seen` is how many it has had.
    """

    source: str
    mark: tuple[str, int, str] | None
    seen: int
    previous: int | None


def excluding(snapshot: int, target: int, dataset: Dataset, exclusion: Exclusion) -> Order:
    """Ask for a snapshot of another in the nameless file `target`, without the rows of some units."""
    columns = tuple(replace(column, source_name=column.name) for column in dataset.visible())
    order = importing(snapshot, target, SNAPSHOT, replace(dataset, columns=columns), "")
    excluded = {"key": exclusion.key.hex(), "units": list(exclusion.units), "others": exclusion.others}
    return replace(order, arguments={**order.arguments, "quality": False, "previous": snapshot, "excluded": excluded})


def of_a_server(order: Order, continued: Continued) -> Order:
    """Return an order to import, for rows of a database: values are exact or refused, and hidden columns not there."""
    fds = order.fds if continued.previous is None else (*order.fds, continued.previous)
    kept = None if continued.mark is None else [continued.source, *continued.mark]
    arguments = {**order.arguments, "hidden": [], "exact": True, "seen": continued.seen, "refresh": kept}
    return replace(order, arguments={**arguments, "previous": continued.previous}, fds=fds)


def inspect(source: int, form: str) -> Order:
    """Ask for drafted columns of `source`."""
    return Order("inspect", {"source": source, "format": form}, (source,))


def _column(column: Column, cls: DatasetClass) -> dict[str, object]:
    """Write a visible column; what is declared of it is made true, in open data too: plans rely on it."""
    domain = None if not column.domain else [_plain(cell) for cell in column.domain]
    bounded = column.type is ColumnType.TEXT and column.role is not Role.UNIT and cls is not DatasetClass.OPEN
    return {
        "name": column.name,
        "source": column.source_name or column.name,
        "kind": column.type.value,
        "role": column.role.value,
        "scale": column.scale,
        "domain": domain,
        "lower": None if column.lower is None else format(column.lower, "f"),
        "upper": None if column.upper is None else format(column.upper, "f"),
        "length": TEXT_MAX if bounded else None,
    }


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


def _text(value: Cell | float) -> str | None:
    """Write a cell as text that DuckDB casts back to the very value."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case _:
            return str(_plain(value))


def _plain(value: Cell | float) -> bool | int | float | str | None:
    """Write a cell as JSON can hold it: decimals in full, dates in ISO 8601."""
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return value
