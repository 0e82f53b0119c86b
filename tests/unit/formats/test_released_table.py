"""Released tables come back byte for byte, and nothing else is read."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.formats import json_canonical, released
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import Table
from yanmen.model.catalogue import Cell, ColumnType

TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.BOOLEAN, ColumnType.DATE)
TABLE = Table(
    labels=("城市", "n", "avg", "b", "d"),
    types=TYPES,
    rows=(("太原", -3, Decimal("1.50"), True, date(2026, 1, 2)), (None, None, None, None, None)),
    widths=((None, 12.5, 0.1, None, None), (None, 1e300, 0.0, None, None)),
    suppressed=2,
    mechanism="m",
    notice="差分隐私估计值",
)
ROWS = st.tuples(
    st.none() | st.text(max_size=5),
    st.none() | st.integers(-(10**40), 10**40),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.none() | st.booleans(),
    st.none() | st.dates(),
)
WIDTHS = st.lists(st.none() | st.floats(0, allow_infinity=False), min_size=5, max_size=5).map(tuple)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ROWS, WIDTHS), max_size=4), st.integers(0, 100))
def test_tables_come_back(lines: list[tuple[tuple[Cell, ...], tuple[float | None, ...]]], suppressed: int) -> None:
    value = replace(
        TABLE,
        rows=tuple(row for row, _ in lines),
        widths=tuple(widths for _, widths in lines),
        suppressed=suppressed,
    )
    data = released.encode(value)
    assert released.decode(data) == value
    assert released.encode(released.decode(data)) == data


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (0, 1),
        (1, 1),
        (1, "01"),
        (1, "-0"),
        (1, "+1"),
        (1, "1.0"),
        (1, " 1"),
        (1, "٥"),
        (1, "1" * 201),
        (2, "1e3"),
        (2, ".5"),
        (2, "1."),
        (2, "NaN"),
        (2, "00.1"),
        (3, "true"),
        (3, 1),
        (4, "2026-1-2"),
        (4, "2026-02-30"),
        (4, "20260102"),
        (4, "2026-W01-1"),
    ],
)
def test_cells_refused(column: int, value: Json) -> None:
    members = json_canonical.decode_object(released.encode(TABLE))
    row: list[Json] = [None] * 5
    row[column] = value
    with pytest.raises(Malformed):
        released.decode(json_canonical.encode({**members, "rows": [row, [None] * 5]}))


@pytest.mark.parametrize("width", ["inf", "nan", "-1.0", "1", "1.50", "1e3", " 1.5", "1_0.0", "٥.0", 1, "x"])
def test_widths_refused(width: Json) -> None:
    members = json_canonical.decode_object(released.encode(TABLE))
    row: list[Json] = [width, None, None, None, None]
    with pytest.raises(Malformed):
        released.decode(json_canonical.encode({**members, "widths": [row, [None] * 5]}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", []),
        ("rows", [[None] * 4, [None] * 5]),
        ("rows", "x"),
        ("rows", ["abcde", "abcde"]),
        ("widths", []),
        ("widths", [[None] * 4, [None] * 5]),
        ("labels", ["a"]),
        ("types", ["text"]),
        ("types", ["text", "integer", "decimal", "boolean", "blob"]),
        ("suppressed", -1),
        ("suppressed", True),
        ("more", 1),
    ],
)
def test_shapes_refused(name: str, value: Json) -> None:
    members = json_canonical.decode_object(released.encode(TABLE))
    with pytest.raises(Malformed):
        released.decode(json_canonical.encode({**members, name: value}))


def test_a_label_as_long_as_a_question_comes_back() -> None:
    value = replace(TABLE, labels=("标" * 16_384, "n", "avg", "b", "d"), mechanism="m" * 100_000)
    assert released.decode(released.encode(value)) == value


@pytest.mark.parametrize(
    "other",
    [
        replace(TABLE, rows=TABLE.rows[:1]),
        replace(TABLE, labels=("a",)),
        replace(TABLE, suppressed=-1),
        replace(TABLE, widths=((None,) * 5, (float("nan"), None, None, None, None))),
        replace(TABLE, rows=(TABLE.rows[1], (None, 10**200, None, None, None))),
        replace(TABLE, rows=(TABLE.rows[1], (None, None, Decimal("1e200"), None, None))),
        replace(TABLE, mechanism="m" * (released.TEXT_MAX + 1)),
        replace(TABLE, rows=(TABLE.rows[1], ("x" * released.BYTES_MAX, None, None, None, None))),
    ],
)
def test_what_cannot_be_read_is_not_written(other: Table) -> None:
    with pytest.raises(Malformed):
        released.encode(other)
