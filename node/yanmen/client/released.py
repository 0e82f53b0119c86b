"""What every released table can do in an analyst's hands: rows, frames, text, HTML."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import TYPE_CHECKING

from typing_extensions import override

from yanmen.client import html_table, text_table
from yanmen.client.receipts import CheckedReceipt
from yanmen.formats.released import Table, unique
from yanmen.model.catalogue import Cell, ColumnType

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PRECISION = 400
"""Digits to round with: no figure of an answer has as many."""
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})


class Released(ABC):
    """A verified table with what must stand beside it, of one node or of many."""

    __slots__ = ()
    table: Table
    receipt: CheckedReceipt

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns' labels; one that occurs again gets a number, so that each names one column."""
        return unique(self.table.labels)

    @property
    def notice(self) -> str:
        """The sentence that must accompany the figures."""
        return self.table.notice

    @property
    def width(self) -> dict[str, list[float | None]]:
        """By label, the half-width of the 95 % interval of each row's cell; None where it has none."""
        return {label: [row[place] for row in self.table.widths] for place, label in enumerate(self.labels)}

    def rows(self) -> list[dict[str, Cell]]:
        """Return the rows, each as label -> cell."""
        return [dict(zip(self.labels, row, strict=True)) for row in self.table.rows]

    def to_arrow(self) -> "pa.Table":
        """Return an Arrow table; notice, mechanism and receipt are in the schema's metadata."""
        from yanmen.client import frames  # pyarrow is heavy, and optional

        return frames.to_arrow(self)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame; notice, mechanism and receipt are in its `attrs`."""
        from yanmen.client import frames

        return frames.to_pandas(self)

    @abstractmethod
    def foot(self) -> Sequence[str]:
        """Return the lines that belong below the table."""

    @override
    def __str__(self) -> str:
        """Return the table with its ±, and below it everything that belongs to it."""
        return "\n".join([text_table.render(self.labels, self._shown(), self._right()), "", *self.foot()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        return html_table.render("answer 查询结果", self.labels, self._shown(), self._right(), self.foot())

    def _shown(self) -> list[list[str]]:
        return [
            [with_width(cell, width) for cell, width in zip(row, widths, strict=True)]
            for row, widths in zip(self.table.rows, self.table.widths, strict=True)
        ]

    def _right(self) -> list[bool]:
        return [kind in _NUMBERS for kind in self.table.types]


def with_width(cell: Cell, width: float | None) -> str:
    """Return `cell` as it is read, beside the half-width of its 95 % interval where it has one."""
    if isinstance(cell, Decimal) and width:
        return _justified(cell, Decimal(width))
    text = "NULL" if cell is None else str(cell)
    return text if width is None else f"{text} ± {width:.6g}"


def _justified(value: Decimal, width: Decimal) -> str:
    """Return both with the digits that a ± of two justifies; what rounding takes away is added to the ±."""
    with localcontext(prec=PRECISION):
        exponent = value.as_tuple().exponent
        places = min(-exponent if isinstance(exponent, int) else 0, max(0, 1 - width.adjusted()))
        unit = Decimal(1).scaleb(-places)
        shown = value.quantize(unit)
        spread = (width + abs(value - shown)).quantize(unit, ROUND_CEILING)
    return f"{shown:f} ± {spread:f}"
