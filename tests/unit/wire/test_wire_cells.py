"""Cells: one form for each value, and no other is read."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell
from yanmen.wire import cells
from yanmen.wire.v1 import catalogue_pb2 as c

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.decimals(-(10**30), 10**30, allow_nan=False, allow_infinity=False, places=6),
    st.text(),
    st.dates(),
)


@given(CELLS)
def test_a_cell_comes_back_as_it_went(cell: Cell) -> None:
    message = cells.encode(cell)
    back = cells.decode(c.Cell.FromString(message.SerializeToString()))
    assert back == cell
    assert type(back) is type(cell)
    assert cells.encode(back) == message


@pytest.mark.parametrize("edge", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 0, -1, 10**60])
def test_integers_at_the_edges(edge: int) -> None:
    assert cells.decode(cells.encode(edge)) == edge


@pytest.mark.parametrize(
    "message",
    [
        c.Cell(),
        c.Cell(null=7),  # type: ignore[arg-type]
        c.Cell(big_integer="5"),
        c.Cell(big_integer="9223372036854775807"),
        c.Cell(big_integer="+9223372036854775808"),
        c.Cell(big_integer=" 9223372036854775808"),
        c.Cell(big_integer="9_223_372_036_854_775_808"),
        c.Cell(big_integer="٩٢٢٣٣٧٢٠٣٦٨٥٤٧٧٥٨٠٨"),
        c.Cell(big_integer="9" * 100),
        c.Cell(decimal=""),
        c.Cell(decimal="1e5"),
        c.Cell(decimal="NaN"),
        c.Cell(decimal="Infinity"),
        c.Cell(decimal=".5"),
        c.Cell(decimal="5."),
        c.Cell(decimal="05"),
        c.Cell(decimal="1\n"),
        c.Cell(decimal="1" * 1000),
        c.Cell(date="20240101"),
        c.Cell(date="2024-W01-1"),
        c.Cell(date="2024-02-30"),
        c.Cell(date="2024-01-01T00:00:00"),
    ],
)
def test_any_other_form_is_malformed(message: c.Cell) -> None:
    with pytest.raises(Malformed):
        cells.decode(message)


def test_decimals_never_use_an_exponent() -> None:
    assert cells.encode(Decimal("1E+3")).decimal == "1000"
    assert cells.encode(Decimal("1E-7")).decimal == "0.0000001"
    assert cells.encode(Decimal("1.50")).decimal == "1.50"


def test_a_day_is_written_in_full() -> None:
    assert cells.encode(date(987, 1, 2)).date == "0987-01-02"
