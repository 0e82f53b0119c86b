"""What a use costs (计量与定价): units that follow from the plan and the catalogue, and a contract's prices for them.

Every unit is a public fact known before data is touched, so that a price can be told before it is paid and tells
nothing of the data: declared rows in buckets, cells of the grid, CPU by declared size, privacy as charged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, unique

ROW_BUCKET = 10_000
"""Rows of one bucket, 一万行; a dataset counts by the bound its owner declared, whatever a question reads of it."""
CPU_ROWS = 1_000_000
"""Declared rows that one CPU unit stands for: the steps in which a plan's deadline grows."""
MICRO_RHO_UNIT = 1_000
"""Privacy is priced by the started thousand micro-ρ."""
MILLI_FEN = 1_000
"""Unit prices are in thousandths of a fen; a use is rounded down to a whole fen once, after adding all up."""


@unique
class FreeFor(Enum):
    """On what condition uses are free (有条件无偿)."""

    FIRST_USES = "first-uses"
    PUBLIC_GOVERNANCE = "public-governance"
    PUBLIC_BENEFIT = "public-benefit"
    PUBLIC_BODY = "public-body"


@dataclass(frozen=True, slots=True)
class Free:
    """The first `uses` uses cost nothing, on this condition; 0 = none is free."""

    condition: FreeFor = FreeFor.FIRST_USES
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Metered:
    """What one use is measured by: `rows` are buckets by dataset, in order of their names."""

    cells: int = 0
    cpu_units: int = 0
    rows: tuple[tuple[str, int], ...] = ()

    @property
    def row_buckets(self) -> int:
        """Buckets of all datasets."""
        return sum(buckets for _, buckets in self.rows)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices beside the price of a use: unit prices in thousandths of a fen, and the most one use costs, in fen."""

    most_fen: int
    per_cell: int = 0
    per_row_bucket: int = 0
    per_cpu_unit: int = 0
    per_milli_rho: int = 0
    free: Free = field(default_factory=Free)

    def frees(self, uses_before: int) -> bool:
        """Say whether the use after so many others of its contract is free."""
        return uses_before < self.free.uses


@unique
class SplitBy(Enum):
    """By what measure revenue is split (谁投入谁贡献谁受益)."""

    SHARES = "shares"
    ROWS = "rows"
    USES = "uses"


@dataclass(frozen=True, slots=True)
class Part:
    """What a department brings in: a fixed share (`dataset` is empty), or a dataset and what its measure weighs."""

    department: str
    dataset: str
    weight: int


@dataclass(frozen=True, slots=True)
class Split:
    """How the revenue of a contract is split between departments."""

    by: SplitBy
    parts: tuple[Part, ...]


def metered(cells: int, read: Iterable[tuple[str, int]]) -> Metered:
    """Return the units of a plan of at most `cells` released cells that reads datasets of (name, declared rows)."""
    scans = tuple(read)
    rows: dict[str, int] = {}
    for name, rows_upto in scans:
        rows[name] = rows.get(name, 0) + started(rows_upto, ROW_BUCKET)
    largest = max((rows_upto for _, rows_upto in scans), default=0)
    cpu_units = len(scans) * started(largest, CPU_ROWS)
    return Metered(cells, cpu_units, tuple(sorted(rows.items())))


def started(count: int, unit: int) -> int:
    """Return how many units `count` begins, one at least."""
    return max(1, -(-count // unit))


def price_fen(per_use_fen: int, tariff: Tariff | None, used: Metered, micro_rho: int, ceiling_fen: int) -> int:
    """Return what a use that is not free costs: never more than the contract's most, nor than the ceiling."""
    if tariff is None:
        return min(per_use_fen, ceiling_fen)
    milli_fen = (
        per_use_fen * MILLI_FEN
        + used.cells * tariff.per_cell
        + used.row_buckets * tariff.per_row_bucket
        + used.cpu_units * tariff.per_cpu_unit
        + -(-micro_rho // MICRO_RHO_UNIT) * tariff.per_milli_rho
    )
    return min(milli_fen // MILLI_FEN, tariff.most_fen, ceiling_fen)
