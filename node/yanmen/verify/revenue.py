"""Tests the maximum permitted revenue (最高准许收入): the sum over all contracts of all nodes, from receipts alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats.bill import Period
from yanmen.model.receipt import Stage
from yanmen.verify import collection
from yanmen.verify.bill_finding import BillCode, BillFinding, bill_finding
from yanmen.verify.procedure import Examined, examine
from yanmen.verify.report import Report


@dataclass(frozen=True, slots=True)
class Part:
    """What one contract of one node brought in."""

    origin: str
    contract: str
    consumer: str
    queries: int
    fen: int


@dataclass(frozen=True, slots=True)
class RevenueReport:
    """The sum, what it is made of, and what is wrong; `fen` means nothing unless every log holds."""

    reports: tuple[Report, ...]
    parts: tuple[Part, ...]
    fen: int
    maximum_fen: int
    findings: tuple[BillFinding, ...]

    @property
    def ok(self) -> bool:
        """Whether every log holds, each counted once, and the sum is not above the maximum."""
        return all(report.ok for report in self.reports) and all(each.note for each in self.findings)


def audit_revenue(
    paths: Sequence[Path],
    maximum_fen: int,
    space_key: bytes | None = None,
    consumer: str = "",
    period: Period | None = None,
) -> RevenueReport:
    """Sum what the bundles in `paths` charged, of one `consumer` (an operator) and one `period` if these are given."""
    return sum_revenue([examine(path, space_key) for path in paths], maximum_fen, consumer, period)


def sum_revenue(
    examined: Sequence[Examined], maximum_fen: int, consumer: str = "", period: Period | None = None
) -> RevenueReport:
    """Sum what the `examined` bundles charged."""
    trusted = [each.trust for each in examined if each.trust is not None]
    parts = tuple(part for each in examined for part in _parts(each, consumer, period))
    fen = sum(part.fen for part in parts)
    findings = [*collection.check(trusted)]
    # What a log before holds lies in the period unless this one began before the period did.
    begun = [each.uses[0] for each in examined if each.uses and each.uses[0].index == 0]
    asked = [use.subject for use in begun if period is None or use.head.iat_s > period.from_s]
    findings += collection.before(asked, {trust.head.origin for trust in trusted})
    if fen > maximum_fen:
        above = bill_finding(BillCode.REVENUE_ABOVE_MAXIMUM, "", str(fen - maximum_fen), maximum_fen, fen)
        findings.append(above)
    return RevenueReport(tuple(each.report for each in examined), parts, fen, maximum_fen, tuple(findings))


def _parts(examined: Examined, consumer: str, period: Period | None) -> Iterator[Part]:
    """Yield the parts of one log: a charge stands in the intent, whatever became of it."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for use in examined.uses:
        if use.head.stage is not Stage.INTENT or use.price is None or use.consumer is None:
            continue
        if (consumer and use.consumer != consumer) or (period is not None and not period.holds(use.head.iat_s)):
            continue
        queries, fen = sums.get((use.contract, use.consumer), (0, 0))
        sums[use.contract, use.consumer] = (queries + 1, fen + use.price.fen)
    for (contract, asker), (queries, fen) in sorted(sums.items()):
        yield Part(examined.report.origin, contract, asker, queries, fen)
