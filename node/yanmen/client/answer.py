"""A released table in an analyst's hands, with what must stand beside it: ±, notice, price, receipt."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import TYPE_CHECKING

from typing_extensions import override

from yanmen.client import html_table, text_table
from yanmen.client.receipts import CheckedReceipt
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table, unique
from yanmen.formats.slots import Meter
from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.stages import ColumnQuote

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PRECISION = 400
"""Digits to round with: no figure of an answer has as many."""
CIVIL = timezone(timedelta(hours=8))
"""Days are those of Chinese civil time."""
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer. `budget_left` is the contract's privacy budget left, in millionths of ρ.

    `acknowledgement` is the node's receipt for having been told that `receipt` arrived; None when it could not
    be told, which the next fetch of the job makes up for.
    """

    job_id: str
    table: Table
    micro_rho: int
    budget_left: int
    price_fen: int
    repeated: bool
    receipt: CheckedReceipt
    acknowledgement: CheckedReceipt | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns' labels; one that occurs again gets a number, so that each names one column."""
        return unique(self.table.labels)

    @property
    def price(self) -> Decimal:
        """What was charged, in yuan."""
        return Decimal(self.price_fen).scaleb(-2)

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

    @override
    def __str__(self) -> str:
        """Return the table with its ±, and below it everything that belongs to it."""
        table = text_table.render(self.labels, self._shown(), self._right())
        return "\n".join([table, "", *self._foot()])

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        return html_table.render("answer 查询结果", self.labels, self._shown(), self._right(), self._foot())

    def _shown(self) -> list[list[str]]:
        return [
            [_with_width(cell, width) for cell, width in zip(row, widths, strict=True)]
            for row, widths in zip(self.table.rows, self.table.widths, strict=True)
        ]

    def _right(self) -> list[bool]:
        return [kind in _NUMBERS for kind in self.table.types]

    def _foot(self) -> list[str]:
        again = ", repeated 重复查询" if self.repeated else ""
        withheld = f"{self.table.suppressed} cells withheld 已抑制单元格" if self.table.suppressed else ""
        foot = (
            self.notice,
            withheld,
            f"price 价格 {self.price} yuan{again}",
            f"budget 隐私预算 {self.micro_rho} used, {self.budget_left} left (micro-rho)",
            f"receipt 使用回执 no. {self.receipt.index}, verified 已核验",
        )
        return list(filter(None, foot))

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Quote:
    """What a question would give and cost; no data was touched. `budget_left` is before it is asked."""

    columns: tuple[ColumnQuote, ...]
    release: DatasetClass
    cells: int
    micro_rho: int
    budget_left: int
    price_fen: int
    deadline_ms: int
    repeated: bool
    plan_text: str
    receipt: CheckedReceipt
    shape: str = ""
    l2_squared: tuple[int, ...] = ()
    next_renewal_ms: int = 0

    @property
    def price(self) -> Decimal:
        """What it would cost, in yuan."""
        return Decimal(self.price_fen).scaleb(-2)

    @property
    def meter(self) -> Meter:
        """The units it would be measured by, as the receipt says them."""
        return Meter.read(self.receipt.says.get(Slot.METER.value))

    @property
    def width(self) -> dict[str, float | None]:
        """By label, the half-width of the 95 % interval; None when there is none or it depends on data."""
        labels = unique(tuple(column.label for column in self.columns))
        return dict(zip(labels, (column.width for column in self.columns), strict=True))

    @override
    def __str__(self) -> str:
        """Return the columns with their ±, then what it costs."""
        table = text_table.render(("column", "type", "95 %"), self._shown(), (False, False, True))
        return "\n".join([table, "", *self._foot()])

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        headings = ("column 列", "type 类型", "95 %")
        return html_table.render("quote 预估", headings, self._shown(), (False, False, True), self._foot())

    def _shown(self) -> list[tuple[str, str, str]]:
        return [
            (column.label, column.type.value, "" if column.width is None else f"± {column.width:.6g}")
            for column in self.columns
        ]

    def _foot(self) -> list[str]:
        again = " (answered before: the same answer, no charge 重复查询不收费)" if self.repeated else ""
        meter = self.meter
        again += " (one of the contract's free uses 本次无偿)" if meter.free and not self.repeated else ""
        return [
            f"{self.release.value}, at most {self.cells} cells",
            f"price 价格 {self.price} yuan{again}",
            f"metered 计量 {meter.used.cells} cells, {meter.used.row_buckets} row buckets 万行, "
            f"{meter.used.cpu_units} CPU units 算力单位",
            f"budget 隐私预算 {self.micro_rho} of {self.budget_left} left (micro-rho){self._renewal()}",
        ]

    def _renewal(self) -> str:
        """Return when the subject space's budget may be renewed next, as far as that was announced."""
        if not self.next_renewal_ms:
            return ""
        day = datetime.fromtimestamp(self.next_renewal_ms / 1000, CIVIL).date()
        return f"; next renewal 下次续期 {day.isoformat()}"

    __repr__ = __str__


def _with_width(cell: Cell, width: float | None) -> str:
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
