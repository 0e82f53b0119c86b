"""A released table in an analyst's hands, with what must stand beside it: ±, notice, price, receipt."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from typing_extensions import override

from yanmen.client import html_table, text_table
from yanmen.client.acknowledging import Sent
from yanmen.client.receipts import CheckedReceipt
from yanmen.client.released import Released
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table, unique
from yanmen.formats.slots import Meter
from yanmen.model.catalogue import DatasetClass
from yanmen.model.stages import ColumnQuote

CIVIL = timezone(timedelta(hours=8))
"""Days are those of Chinese civil time."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Released):
    """A verified answer. `budget_left` is the contract's privacy budget left, in millionths of ρ.

    `acknowledging` is the node being told, behind the caller's back, that `receipt` arrived.
    """

    job_id: str
    table: Table
    micro_rho: int
    budget_left: int
    price_fen: int
    repeated: bool
    receipt: CheckedReceipt
    acknowledging: Sent

    @property
    def acknowledgement(self) -> CheckedReceipt | None:
        """The node's receipt for having been told, once it was; None when it could not be: the next fetch tells it."""
        return self.acknowledging.result()

    @property
    def price(self) -> Decimal:
        """What was charged, in yuan."""
        return Decimal(self.price_fen).scaleb(-2)

    @override
    def foot(self) -> list[str]:
        """Return notice, price, budget and receipt."""
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
