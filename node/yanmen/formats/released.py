"""A released table as canonical JSON: the bytes whose SHA-256 the receipt's `output` slot holds.

Integers, decimals and interval widths are text, so that no reader rounds them. Row by row, `widths`
is parallel to `rows`.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from yanmen.formats import json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell, ColumnType

BYTES_MAX = 32 * 1024 * 1024
"""Twice the largest reply a job may give (`reply_bytes`): text needs more room than binary."""
DIGITS_MAX = 200
"""Longest number: the widest column, DECIMAL(38), summed, has far fewer digits."""
TEXT_MAX = 1024 * 1024
"""Longest label, mechanism or notice: labels come from a question of 16 KiB."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MEMBERS = frozenset({"labels", "types", "rows", "widths", "suppressed", "mechanism", "notice"})


@dataclass(frozen=True, slots=True)
class Table:
    """What the consumer is shown."""

    labels: tuple[str, ...]
    types: tuple[ColumnType, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[tuple[float | None, ...], ...]
    suppressed: int
    mechanism: str
    notice: str


def encode(table: Table) -> bytes:
    """Return the canonical bytes of `table`."""
    _check_shape(table)
    data = json_canonical.encode(
        {
            "labels": list(table.labels),
            "types": [kind.value for kind in table.types],
            "rows": [
                [encode_cell(kind, cell) for kind, cell in zip(table.types, row, strict=True)] for row in table.rows
            ],
            "widths": [[_encode_width(width) for width in row] for row in table.widths],
            "suppressed": table.suppressed,
            "mechanism": table.mechanism,
            "notice": table.notice,
        }
    )
    if len(data) > BYTES_MAX:
        raise Malformed("table: too long")
    return data


def decode(data: bytes) -> Table:
    """Return the table that `data` is; encoding it gives the same bytes again."""
    members = json_members.exact(json_canonical.decode(data, BYTES_MAX), _MEMBERS)
    types = tuple(_type(text) for text in json_members.texts(members, "types"))
    table = Table(
        labels=json_members.texts(members, "labels", max_length=TEXT_MAX),
        types=types,
        rows=tuple(_decode_row(types, row) for row in _arrays(members, "rows")),
        widths=tuple(tuple(_decode_width(width) for width in row) for row in _arrays(members, "widths")),
        suppressed=json_members.integer(members, "suppressed"),
        mechanism=json_members.text(members, "mechanism", TEXT_MAX),
        notice=json_members.text(members, "notice", TEXT_MAX),
    )
    _check_shape(table)
    return table


def unique(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return `labels` with `_1`, `_2`… after those that occur again, as DuckDB names them."""
    seen: Counter[str] = Counter()
    taken = set(labels)
    named = []
    for label in labels:
        name = label
        while seen[label] and name in taken:
            name = f"{label}_{seen[label]}"
            seen[label] += 1
        seen[label] += not seen[label]
        taken.add(name)
        named.append(name)
    return tuple(named)


def encode_cell(kind: ColumnType, cell: Cell) -> Json:
    """Return `cell` of a column of type `kind` as JSON."""
    match kind, cell:
        case _, None:
            return None
        case ColumnType.BOOLEAN, bool():
            return cell
        case ColumnType.INTEGER, int() if not isinstance(cell, bool):
            return _number(str(cell))
        case ColumnType.DECIMAL, Decimal() if cell.is_finite():
            return _number(format(cell, "f"))
        case ColumnType.TEXT, str():
            return cell
        case ColumnType.DATE, date() if type(cell) is date:
            return cell.isoformat()
        case _:
            raise Malformed("cell: value of another type than its column")


def decode_cell(kind: ColumnType, value: Json) -> Cell:
    """Return the cell of a column of type `kind` that `value` is."""
    match kind, value:
        case _, None:
            return None
        case ColumnType.BOOLEAN, bool():
            return value
        case ColumnType.INTEGER, str() if len(value) <= DIGITS_MAX and _INTEGER.fullmatch(value):
            return int(value)
        case ColumnType.DECIMAL, str() if len(value) <= DIGITS_MAX and _DECIMAL.fullmatch(value):
            return Decimal(value)
        case ColumnType.TEXT, str():
            return value
        case ColumnType.DATE, str() if _DATE.fullmatch(value):
            return _date(value)
        case _:
            raise Malformed("cell: value of another type than its column")


def _number(text: str) -> str:
    if len(text) > DIGITS_MAX:
        raise Malformed("cell: number too long")
    return text


def _check_shape(table: Table) -> None:
    if len(table.labels) != len(table.types) or len(table.widths) != len(table.rows):
        raise Malformed("table: labels, types, rows and widths do not fit each other")
    if any(len(row) != len(table.types) for row in (*table.rows, *table.widths)):
        raise Malformed("table: a row has another number of columns")
    if max(map(len, (*table.labels, table.mechanism, table.notice))) > TEXT_MAX:
        raise Malformed("table: a text is too long")
    if table.suppressed < 0:
        raise Malformed("table: negative count of suppressed cells")


def _decode_row(types: tuple[ColumnType, ...], row: list[Json]) -> tuple[Cell, ...]:
    if len(row) != len(types):
        raise Malformed("table: a row has another number of columns")
    return tuple(decode_cell(kind, value) for kind, value in zip(types, row, strict=True))


def _arrays(members: json_members.Object, name: str) -> Iterable[list[Json]]:
    for value in json_members.items(members, name, max_items=1_000_000):
        if not isinstance(value, list):
            raise Malformed(f"member {name!r} holds something that is no array")
        yield value


def _encode_width(width: float | None) -> str | None:
    if width is None:
        return None
    if not math.isfinite(width) or width < 0:
        raise Malformed("table: a width is not a finite number")
    return repr(float(width))


def _decode_width(value: Json) -> float | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.isascii():
        raise Malformed("table: a width is not a number")
    try:
        width = float(value)
    except ValueError as error:
        raise Malformed("table: a width is not a number") from error
    if _encode_width(width) != value:
        raise Malformed("table: a width is not in its shortest form")
    return width


def _type(text: str) -> ColumnType:
    try:
        return ColumnType(text)
    except ValueError as error:
        raise Malformed("table: unknown column type") from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("cell: no such day") from error
