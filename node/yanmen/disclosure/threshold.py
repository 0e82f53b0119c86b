"""The exact rules: a cell needs enough contributors, no two of them may dominate its sums, and it is whole.

Whole means that it takes no part of a block in one of two cuts of the finest table (partition.py). This is
for data declared non-personal: it withholds small cells from any number of questions and promises nothing
about a single contributor to somebody who knows the others. A cell nobody contributed to is withheld like a small one,
so that absence is not told either.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from yanmen.disclosure.grid import INT64, bad_reply, cells, filled, keys, reach
from yanmen.disclosure.linked import Block, Held, Place
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


def control(raw: Raw, wholes: "Wholes") -> tuple[Figures, int]:
    """Return the figures of one grid that pass the rules, and in how many cells something was withheld."""
    plan = raw.plan
    broken = _broken(plan, wholes)
    kept: list[tuple[Estimate, ...]] = []
    for at, numbers in enumerate(cells(raw, _beside(plan.aggregates))):
        cell = _cell(plan.aggregates, numbers, raw.usage)
        if at in broken.counts or cell.units < contributors(plan):
            kept.append((Estimate(None),) * len(plan.aggregates))
            continue
        own = zip(plan.aggregates, cell.values, cell.held, strict=True)
        kept.append(
            tuple(
                Estimate(None if each.valued and (at in broken.sums or _withheld(plan, held)) else value)
                for each, value, held in own
            )
        )
    suppressed = sum(1 for cell in kept if any(estimate.value is None for estimate in cell))
    return Figures(keys(plan), kept, noisy=False), suppressed


def _withheld(plan: Plan, held: Held) -> bool:
    """Whether what a cell holds of a measure rests on too few units that have it, or two of them dominate it.

    Contributions are sizes; where signs are mixed |total| is at most their sum, so the rule errs on withholding.
    """
    return held.units < contributors(plan) or dominated(held[1:], DOMINANCE_PERCENT)


def contributors(plan: Plan) -> int:
    """Return how many distinct units a cell of `plan` must rest on."""
    return max(plan.min_group, CONTRIBUTORS_MIN)


def _beside(aggregates: tuple[Aggregate, ...]) -> tuple[range, ...]:
    """Return the ranges of the columns after the aggregates: units, those with a value, two tops for each sum."""
    if any(aggregate.kind is AggregateKind.SUM and not aggregate.valued for aggregate in aggregates):
        raise Fault(FaultCode.INTERNAL, "an exact sum without its contributors")
    valued = sum(aggregate.valued for aggregate in aggregates)
    sums = sum(aggregate.kind is AggregateKind.SUM for aggregate in aggregates)
    return (_POSITIVE,) * (1 + valued + 2 * sums)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell of a reply: its figures, its units, and per figure who contributed what to it."""

    values: tuple[int, ...]
    units: int
    held: tuple[Held, ...]


def _cell(aggregates: tuple[Aggregate, ...], numbers: tuple[int, ...], usage: Usage) -> _Cell:
    """Read one cell's numbers; more units with a value than units, or a second larger than the first, fail the job."""
    values, rest = numbers[: len(aggregates)], iter(numbers[len(aggregates) :])
    units = next(rest)
    having = [next(rest) if aggregate.valued else units for aggregate in aggregates]
    held = []
    for aggregate, value, own in zip(aggregates, values, having, strict=True):
        if aggregate.kind is AggregateKind.SUM:
            held.append(Held(own, abs(value), next(rest), next(rest)))
        else:
            held.append(Held(own))
    if any(each.units > units or each.second > each.first for each in held):
        raise bad_reply(usage)
    return _Cell(values, units, tuple(held))


@dataclass(frozen=True, slots=True)
class Wholes:
    """What must stand together in any grid of an answer: for counts, and for sums."""

    counts: Cuts
    sums: Cuts
    rule: Rule
    gone: frozenset[Place] = frozenset()
    """Cells of the finest table that somebody left who withdrew."""


def wholes(raw: Raw) -> Wholes:
    """Return the cuts of the finest table, which are the same whatever is asked."""
    frame = raw.plan.frame
    if frame is None:
        raise Fault(FaultCode.INTERNAL, "exact figures without the finest table")
    finest = tuple(_finest(raw, frame))
    base = Rule(CONTRIBUTORS_MIN, DOMINANCE_PERCENT, frame.alone).over(finest)
    strict = Rule(contributors(raw.plan), DOMINANCE_PERCENT, frame.alone).over(finest)
    counts, sums = cut(finest, (base, strict), len(frame.keys))
    return Wholes(counts, sums, strict, _gone(raw, frame))


def _gone(raw: Raw, frame: Frame) -> frozenset[Place]:
    """Return the cells that are not as they are in the whole version: a figure with one of them is never shown.

    So whoever withdrew is in no figure, and what is shown is what the whole version would show: two answers, one
    before and one after, by whomever, differ in nothing.
    """
    if raw.left is None:
        return frozenset()
    ranges = (*reach(frame.aggregates), *_beside(frame.aggregates))
    before, after = (dict(filled(frame.keys, ranges, rows, raw.usage)) for rows in (raw.frame, raw.left))
    return frozenset(place for place in before.keys() | after.keys() if before.get(place) != after.get(place))


def _broken(plan: Plan, found: Wholes) -> _Broken:
    """Return the cells of a grid that take only a part of some block, or hold one that stayed small."""
    if plan.frame is None:
        raise Fault(FaultCode.INTERNAL, "exact figures without the finest table")
    cell_of = _Cells(plan, plan.frame)
    gone = cell_of.holding(found.gone)
    counts, sums = cell_of.broken(found.counts, found.rule.enough), cell_of.broken(found.sums, found.rule.balanced)
    return _Broken(counts | gone, sums | gone)


def _finest(raw: Raw, frame: Frame) -> Iterator[Block]:
    """Yield every cell of the finest table that anybody contributed to."""
    ranges = (*reach(frame.aggregates), *_beside(frame.aggregates))
    for place, numbers in filled(frame.keys, ranges, raw.frame, raw.usage).items():
        cell = _cell(frame.aggregates, numbers, raw.usage)
        held = zip(frame.aggregates, cell.held, strict=True)
        yield Block((place,), cell.units, tuple(each for aggregate, each in held if aggregate.valued))


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

    def holding(self, places: Iterable[Place]) -> frozenset[int]:
        """Return the cells that any of `places` counts in."""
        return frozenset(cell for cell in map(self._cell, places) if cell is not None)

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
