"""Rows that a specification admits, made of nothing but it: to develop against before, and without, any real row.

The same seed makes the same rows. Nothing is read: values are spread evenly over what the owner declared, so they say
no more of the data than the declaration does.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Role

ROWS_MAX = 1_000_000
VALUES = 12
"""Values of a column whose domain is not public, or that has none."""
SPREAD = 1_000
"""Whole numbers 0 to this stand in a measure without bounds."""
_FIRST_DAY = date(2020, 1, 1)


def rows(dataset: Dataset, count: int, seed: str) -> Iterator[tuple[Cell, ...]]:
    """Yield `count` rows of the visible columns of `dataset`, within its contribution bounds."""
    if not 0 < count <= min(ROWS_MAX, dataset.rows_upto or ROWS_MAX):
        raise Malformed(f"mock: from 1 to {min(ROWS_MAX, dataset.rows_upto or ROWS_MAX)} rows")
    draws, made, unit = _Draws(seed), 0, 0
    while made < count:
        unit += 1
        groups = [_keys(dataset, draws) for _ in range(max(1, dataset.groups_per_unit))]
        for _ in range(min(count - made, 1 + draws.below(max(1, dataset.rows_per_unit)))):
            keys = groups[draws.below(len(groups))]
            yield tuple(_cell(column, unit, keys, draws) for column in dataset.visible())
            made += 1


def encode_csv(dataset: Dataset, made: Iterator[tuple[Cell, ...]]) -> str:
    """Return rows as the CSV that `dataset publish` takes with the same specification: hidden columns are empty."""
    visible = {column.name: place for place, column in enumerate(dataset.visible())}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.source_name or column.name for column in dataset.columns])
    for row in made:
        cells = [row[visible[column.name]] if column.name in visible else None for column in dataset.columns]
        writer.writerow([_text(cell) for cell in cells])
    return file.getvalue()


class _Draws:
    """Numbers that follow from a seed: SHA-256 of the seed and a counter."""

    def __init__(self, seed: str) -> None:
        """Begin at the first."""
        self._seed = seed.encode()
        self._count = 0

    def below(self, limit: int) -> int:
        """Return the next number from 0 to `limit` - 1."""
        self._count += 1
        return int.from_bytes(hashlib.sha256(self._seed + b"/%d" % self._count).digest()) % limit


def _keys(dataset: Dataset, draws: _Draws) -> dict[str, Cell]:
    """Return one value for each key column: one group that a unit is in."""
    return {column.name: _key(column, draws) for column in dataset.visible() if column.role is Role.KEY}


def _cell(column: Column, unit: int, keys: dict[str, Cell], draws: _Draws) -> Cell:
    match column.role:
        case Role.UNIT:
            return unit if column.type is ColumnType.INTEGER else f"unit-{unit:06}"
        case Role.KEY:
            return keys[column.name]
        case Role.MEASURE:
            return _measure(column, draws)
        case Role.HIDDEN:
            raise Malformed("mock: a hidden column among the visible ones")


def _key(column: Column, draws: _Draws) -> Cell:
    if column.domain:
        return column.domain[draws.below(len(column.domain))]
    number = draws.below(VALUES)
    values: dict[ColumnType, Cell] = {
        ColumnType.INTEGER: number,
        ColumnType.DECIMAL: Decimal(number).scaleb(-column.scale),
        ColumnType.TEXT: f"{column.name}-{number:02}",
        ColumnType.BOOLEAN: number % 2 == 0,
        ColumnType.DATE: _FIRST_DAY + timedelta(days=number),
    }
    return values[column.type]


def _measure(column: Column, draws: _Draws) -> Cell:
    scale = column.scale if column.type is ColumnType.DECIMAL else 0
    lower, upper = _units(column.lower, scale, 0), _units(column.upper, scale, SPREAD)
    number = lower + draws.below(max(0, upper - lower) + 1)
    return Decimal(number).scaleb(-scale) if column.type is ColumnType.DECIMAL else number


def _units(bound: Decimal | None, scale: int, otherwise: int) -> int:
    return otherwise if bound is None else int(bound.scaleb(scale))


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return format(cell, "f")
        case _:
            return str(cell)


def dicts(columns: Sequence[Column], made: Iterator[tuple[Cell, ...]]) -> list[dict[str, Cell]]:
    """Return rows with the names of their columns."""
    return [dict(zip((column.name for column in columns), row, strict=True)) for row in made]
