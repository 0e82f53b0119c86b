"""The exact rules: a cell needs enough contributors, and no two of them may dominate its sums.

This is hygiene for data declared non-personal, not protection: two questions that differ in one
cell still tell it by subtraction (docs/DISCLOSURE.md). A cell nobody contributed to is withheld
like a small one, so that absence is not told either.
"""

from yanmen.disclosure.grid import INT64, bad_reply, cells, keys
from yanmen.disclosure.table import Estimate, Figures
from yanmen.model.refusal import Usage
from yanmen.model.stages import AggregateKind, Plan, Raw

CONTRIBUTORS_MIN = 10
"""The fewest distinct units a published cell may rest on; a contract can only ask for more."""
DOMINANCE_PERCENT = 10
"""The second largest contributor must not be able to estimate the largest more closely than this."""


def control(raw: Raw) -> tuple[Figures, int]:
    """Return the figures that pass the rules, and in how many cells something was withheld."""
    plan = raw.plan
    sums = [at for at, aggregate in enumerate(plan.aggregates) if aggregate.kind is AggregateKind.SUM]
    positive = range(INT64[-1] + 1)
    kept: list[tuple[Estimate, ...]] = []
    for cell in cells(raw, (positive,) * (1 + 2 * len(sums))):
        values, units, tops = _parts(cell, len(plan.aggregates))
        dominated = {at for at, top in zip(sums, tops, strict=True) if _dominates(values[at], top, raw.usage)}
        few = units < contributors(plan)
        kept.append(tuple(Estimate(None if few or at in dominated else value) for at, value in enumerate(values)))
    suppressed = sum(1 for cell in kept if any(estimate.value is None for estimate in cell))
    return Figures(keys(plan), kept, noisy=False), suppressed


def contributors(plan: Plan) -> int:
    """Return how many distinct units a cell of `plan` must rest on."""
    return max(plan.min_group, CONTRIBUTORS_MIN)


def _parts(cell: tuple[int, ...], aggregates: int) -> tuple[tuple[int, ...], int, list[tuple[int, int]]]:
    """Return the aggregates, the number of units and the two largest contributions to each sum."""
    tops = cell[aggregates + 1 :]
    return cell[:aggregates], cell[aggregates], list(zip(tops[::2], tops[1::2], strict=True))


def _dominates(total: int, top: tuple[int, int], usage: Usage) -> bool:
    """Tell whether what is left of `total` beside the two largest is under p % of the largest.

    Contributions are sizes; where signs are mixed |total| is at most their sum, so the rule errs
    on withholding.
    """
    first, second = top
    if second > first:
        raise bad_reply(usage)
    return 100 * (abs(total) - first - second) < DOMINANCE_PERCENT * first
