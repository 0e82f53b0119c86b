"""One audit of one or more bundles, with every finding under what it is about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path

from yanmen.verify import collection
from yanmen.verify.beside import Beside
from yanmen.verify.bill_finding import BillFinding
from yanmen.verify.procedure import Examined, examine
from yanmen.verify.report import Code, Finding, Severity

Progress = Callable[[Path, int, int], None]
"""Told which bundle is read, which leaf of it, and how many it has."""


@unique
class Area(Enum):
    """What a finding is about, for people: English and Chinese."""

    SIGNATURES = "signatures 签名"
    TREE = "tree 日志树"
    CHAIN = "chain 序列"
    COMPLETENESS = "completeness 完整性"
    CONTRACTS = "contracts 合约条款"
    METERING = "metering 计量计价"
    BUDGETS = "budgets 预算重放"
    SUPERVISION = "supervision 监督"


_AREAS: dict[Area, frozenset[Code]] = {
    Area.SIGNATURES: frozenset(
        {
            Code.SPACE_KEY_NOT_PINNED,
            Code.SPACE_KEY_DIFFERS,
            Code.REGISTER_SIGNATURE,
            Code.REGISTER_OTHER_SPACE,
            Code.NODE_NOT_REGISTERED,
            Code.LOG_KEY_DIFFERS,
            Code.CHECKPOINT_SIGNATURE,
            Code.LEAF_SIGNATURE,
            Code.LEAF_OTHER_NODE,
            Code.LEAF_MALFORMED,
            Code.RECEIPT_MALFORMED,
            Code.RECEIPT_OTHER_LEAF,
            Code.REQUEST_SIGNATURE,
            Code.REQUEST_DIFFERS,
            Code.REQUEST_REUSED,
            Code.COSIGNED_HEAD,
            Code.NOT_COSIGNED,
            Code.TIME_STAMP_WRONG,
            Code.NOT_STAMPED,
            Code.NOT_CHECKED,
            Code.ANCHOR_DIFFERS,
            Code.ANCHOR_UNKNOWN,
            Code.COSIGNED_PART,
        }
    ),
    Area.TREE: frozenset(
        {
            Code.CHECKPOINT_OTHER_SIZE,
            Code.ROOT_DIFFERS,
            Code.LEAF_LINES_DIFFER,
            Code.LEAF_ALTERED,
            Code.LEAF_STAGE_DIFFERS,
            Code.PROOF_MALFORMED,
            Code.PROOF_WRONG,
            Code.COSIGNED_OTHER_HISTORY,
            Code.TILES_CHECKPOINT,
            Code.TILE_MISSING,
            Code.TILE_DIFFERS,
            Code.TILES_ROOT_DIFFERS,
            Code.TILES_OTHER_HISTORY,
        }
    ),
    Area.CHAIN: frozenset(
        {
            Code.GENESIS_WRONG,
            Code.TIME_BACKWARDS,
            Code.TIME_AHEAD,
            Code.JTI_REPEATED,
            Code.KEY_WRONG,
            Code.SERIES_BROKEN,
        }
    ),
    Area.COMPLETENESS: frozenset(
        {
            Code.FILE_MISSING,
            Code.FILE_UNREADABLE,
            Code.FILE_MALFORMED,
            Code.FILE_UNKNOWN,
            Code.LEAF_MISSING,
            Code.RECEIPT_MISSING,
            Code.PROOF_MISSING,
            Code.SLOT_WITHHELD,
            Code.SLOT_MALFORMED,
            Code.INTENT_OPEN,
            Code.INTENT_RUNNING,
            Code.INTENT_CLOSED_TWICE,
            Code.OUTCOME_WITHOUT_INTENT,
        }
    ),
    Area.METERING: frozenset(
        {
            Code.METER_DIFFERS,
            Code.PRICE_DIFFERS,
            Code.CEILING_EXCEEDED,
            Code.CHARGE_DIFFERS,
            Code.CONTRACT_TOTAL_DIFFERS,
        }
    ),
    Area.BUDGETS: frozenset({Code.SPENT_DIFFERS, Code.SPACE_OVERSPENT, Code.SPACE_TOTAL_DIFFERS, Code.NOISE_DIFFERS}),
    Area.SUPERVISION: frozenset(
        {
            Code.GRANT_WITHHELD,
            Code.INSPECTION_WRONG,
            Code.DOCUMENT_WRONG,
            Code.OBJECTION_UNANSWERED,
            Code.DELETION_WRONG,
            Code.DELETION_OVERDUE,
            Code.DELETION_MISSING,
            Code.RECTIFIED_LATE,
            Code.RECTIFICATION_OVERDUE,
        }
    ),
}


def area_of(code: Code) -> Area:
    """Return what a finding of this code is about; what stands nowhere is about a contract's terms."""
    return next((area for area, codes in _AREAS.items() if code in codes), Area.CONTRACTS)


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of looking at all bundles, each by itself and together."""

    examined: tuple[Examined, ...]
    findings: tuple[BillFinding, ...]

    @property
    def ok(self) -> bool:
        """Whether every log holds and none was given twice or is of another space."""
        return all(each.report.ok for each in self.examined) and all(each.note for each in self.findings)

    @property
    def fen(self) -> int:
        """What all contracts of all logs came to, counted from receipts."""
        return sum(total.fen for each in self.examined for total in each.report.contracts)

    def errors(self, area: Area) -> tuple[Finding, ...]:
        """Return what is wrong in one area, over all logs."""
        found = (each for one in self.examined for each in one.report.findings)
        return tuple(each for each in found if each.severity is Severity.ERROR and area_of(each.code) is area)


def audit(
    paths: Sequence[Path],
    space_key: bytes | None = None,
    beside: Beside | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Verify every bundle in `paths`, whole, and hold them against each other; `progress` is told of every leaf."""
    examined = tuple(examine(path, space_key, beside, _counting(path, progress)) for path in paths)
    trusted = [each.trust for each in examined if each.trust is not None]
    return Audit(examined, collection.check(trusted))


def _counting(path: Path, progress: Progress | None) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda index, size: progress(path, index, size)
