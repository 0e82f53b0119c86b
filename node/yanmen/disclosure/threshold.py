"""The exact rules: a cell needs enough contributors, no two of them may dominate its sums, and it is whole.

Whole means that it takes no part of a block in one of two cuts of the finest table (partition.py). This is
for data declared non-personal: it withholds small cells from any number of questions and promises nothing
about a single contributor to somebody who knows the others. A cell nobody contributed to is withheld like a small one,
so that absence is not told either.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from yanmen.disclosure.grid import INT64, bad_reply, cells, filled, keys, reach
from yanmen.disclosure.linked import Block, Place
from yanmen.disclosure.partition import Cuts, Rule, cut, dominated
from yanmen.disclosure.table import Estimate, Figures
from yanmen.model.refusal import Fault, FaultCode, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Frame, Plan, Raw

CONTRIBUTORS_MIN = 10
"""The fewest distinct units a published cell may rest on; a contract can only ask for more."""
DOMINANCE_PERCENT = 10
"""The second largest contributor must not be able to estimate the largest more closely than this."""
_POSITIVE = range(INT64[-1] + 1)


@dataclass(frozen=True, slots=True)
class _Broken:
    """Cells, by their place in grid order, that take a part of a block: of one for counts, of one for sums."""

    counts: frozenset[int]
    sums: frozenset[int]


def control(raw: Raw) -> tuple[Figures, int]:
    """Return the figures that pass the rules, and in how many cells something was withheld."""
    plan = raw.plan
    sums = _summed(plan.aggregates)
    broken = _broken(raw)
    kept: list[tuple[Estimate, ...]] = []
    for at, cell in enumerate(cells(raw, (_POSITIVE,) * (1 + 2 * len(sums)))):
        values, units, tops = _parts(cell, len(plan.aggregates))
        withheld = {place for place, top in zip(sums, tops, strict=True) if _dominates(values[place], top, raw.usage)}
        if at in broken.sums:
            withheld |= set(sums)
        if at in broken.counts or units < contributors(plan):
            withheld = set(range(len(values)))
        kept.append(tuple(Estimate(None if place in withheld else value) for place, value in enumerate(values)))
    suppressed = sum(1 for cell in kept if any(estimate.value is None for estimate in cell))
    return Figures(keys(plan), kept, noisy=False), suppressed


def contributors(plan: Plan) -> int:
    """Return how many distinct units a cell of `plan` must rest on."""
    return max(plan.min_group, CONTRIBUTORS_MIN)


def _summed(aggregates: tuple[Aggregate, ...]) -> list[int]:
    return [at for at, aggregate in enumerate(aggregates) if aggregate.kind is AggregateKind.SUM]


def _parts(cell: tuple[int, ...], aggregates: int) -> tuple[tuple[int, ...], int, list[tuple[int, int]]]:
    """Return the aggregates, the number of units and the two largest contributions to each sum."""
    tops = cell[aggregates + 1 :]
    return cell[:aggregates], cell[aggregates], list(zip(tops[::2], tops[1::2], strict=True))


def _dominates(total: int, top: tuple[int, int], usage: Usage) -> bool:
    """Tell whether two contributors dominate `total`.

    Contributions are sizes; where signs are mixed |total| is at most their sum, so the rule errs
    on withholding.
    """
    first, second = top
    if second > first:
        raise bad_reply(usage)
    return dominated((total, first, second), DOMINANCE_PERCENT)


def _broken(raw: Raw) -> _Broken:
    """Return the cells of the question that take only a part of some block, or hold one that stayed small."""
    frame = raw.plan.frame
    if frame is None:
        raise Fault(FaultCode.INTERNAL, "exact figures without the finest table")
    base = Rule(CONTRIBUTORS_MIN, DOMINANCE_PERCENT, frame.alone)
    strict = Rule(contributors(raw.plan), DOMINANCE_PERCENT, frame.alone)
    counts, sums = cut(_finest(raw, frame), (base, strict), len(frame.keys))
    cell_of = _Cells(raw.plan, frame)
    return _Broken(cell_of.broken(counts, strict.enough), cell_of.broken(sums, strict.balanced))


def _finest(raw: Raw, frame: Frame) -> Iterator[Block]:
    """Yield every cell of the finest table that anybody contributed to."""
    sums = _summed(frame.aggregates)
    ranges = (*reach(frame.aggregates), *(_POSITIVE,) * (1 + 2 * len(sums)))
    for place, numbers in filled(frame.keys, ranges, raw.frame, raw.usage).items():
        values, units, tops = _parts(numbers, len(frame.aggregates))
        if any(second > first for first, second in tops):
            raise bad_reply(raw.usage)
        yield Block((place,), units, tuple((abs(values[at]), *top) for at, top in zip(sums, tops, strict=True)))


class _Cells:
    """Which cell of the question a cell of the finest table belongs to, by public facts."""

    def __init__(self, plan: Plan, frame: Frame) -> None:
        """Prepare for the filters and keys of `plan`."""
        typed = [{(type(value), value) for value in values} for values in frame.chosen]
        self._passes = [
            [(type(value), value) in chosen for value in key.domain]
            for key, chosen in zip(frame.keys, typed, strict=True)
        ]
        self._steps = []
        for key, dimension in zip(plan.keys, frame.grouped, strict=True):
            places = {(type(value), value): at for at, value in enumerate(key.domain)}
            steps = [places.get((type(value), value)) for value in frame.keys[dimension].domain]
            self._steps.append((dimension, len(key.domain), steps))

    def broken(self, cuts: Cuts, safe: Callable[[Block], bool]) -> frozenset[int]:
        """Return the cells that both cuts break: they take part of a block, or of one not `safe` in either."""
        unsafe = {place for block in (*cuts.across, *cuts.along) if not safe(block) for place in block.places}
        return self._broken(cuts.across, unsafe) & self._broken(cuts.along, unsafe)

    def _broken(self, blocks: Iterable[Block], unsafe: set[Place]) -> frozenset[int]:
        found: set[int] = set()
        for block in blocks:
            touched = {self._cell(place) for place in block.places}
            if len(touched) > 1 or not unsafe.isdisjoint(block.places):
                found |= {cell for cell in touched if cell is not None}
        return frozenset(found)

    def _cell(self, place: Place) -> int | None:
        """Return the cell that `place` counts in, None when the question leaves it out."""
        if not all(passes[step] for passes, step in zip(self._passes, place, strict=True)):
            return None
        at = 0
        for dimension, size, steps in self._steps:
            step = steps[place[dimension]]
            if step is None:
                return None
            at = at * size + step
        return at
