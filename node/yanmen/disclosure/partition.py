"""Which small cells stand together, for every question alike: the finest table of a dataset cut into safe blocks.

A block is a set of cells of the finest table. Large cells are blocks by themselves; small ones, and for sums
dominated ones, are put together until the block is neither. It is cut twice: once so that blocks cross the last
dimension, once so that they cross the others; a figure is published when it takes whole blocks of one cut. So
whatever is added and subtracted, over any number of questions by anybody, comes from whole blocks of the two
cuts (untold.py sees to it that these do not give a small cell either). The cuts follow from the data and the
order of the declared dimensions, never from what was asked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from yanmen.disclosure.linked import Block, Held, Place
from yanmen.disclosure.untold import Layer, untold


@dataclass(frozen=True, slots=True)
class Rule:
    """When figures of a block may be shown; `alone` says that a unit can have one row only.

    `rare` are measures that too few units have anywhere: no figure of them is shown, so no block has to hide them.
    """

    contributors: int
    dominance_percent: int
    alone: bool
    rare: frozenset[int] = frozenset()

    def over(self, finest: Sequence[Block]) -> "Rule":
        """Return the rule for blocks of these `finest` cells, knowing which measures are rare in them."""
        having = [sum(cell.held[at].units for cell in finest) for at in range(len(finest[0].held) if finest else 0)]
        return replace(self, rare=frozenset(at for at, units in enumerate(having) if units < self.contributors))

    def enough(self, block: Block) -> bool:
        """Whether the block rests on enough contributors."""
        return block.units >= self.contributors

    def balanced(self, block: Block) -> bool:
        """Whether it does, and so does each measure that it has at all, none of them dominated."""
        return self.enough(block) and all(self.shows(held) for at, held in enumerate(block.held) if at not in self.rare)

    def shows(self, held: Held) -> bool:
        """Whether what a block holds of one measure may be shown: nothing, or enough units' of whom none dominates."""
        if held.units == 0:
            return True
        return held.units >= self.contributors and not dominated(held[1:], self.dominance_percent)

    def united(self, one: Block, two: Block) -> Block:
        """Return both as one; where units may be in both, as if they were."""
        units = one.units + two.units if self.alone else max(one.units, two.units)
        held = tuple(self._added(a, b) for a, b in zip(one.held, two.held, strict=True))
        return Block((*one.places, *two.places), units, held)

    def _added(self, one: Held, two: Held) -> Held:
        total = one.total + two.total
        if not self.alone:
            return Held(max(one.units, two.units), total, one.first + two.first, one.second + two.second)
        first, second = sorted((*one[2:], *two[2:]), reverse=True)[:2]
        return Held(one.units + two.units, total, first, second)


@dataclass(frozen=True, slots=True)
class Cuts:
    """The two cuts: blocks that cross the last dimension first, and blocks that cross it last."""

    across: tuple[Block, ...]
    along: tuple[Block, ...]


def dominated(sums: tuple[int, int, int], percent: int) -> bool:
    """Tell whether what is left of a total beside its two largest is under `percent` of the largest."""
    total, first, second = sums
    return 100 * (abs(total) - first - second) < percent * first


def cut(cells: Iterable[Block], rules: Sequence[Rule], dimensions: int) -> tuple[Cuts, Cuts]:
    """Return the cuts for counts and the coarser ones for sums; what is small in the end stays so.

    `rules` go from the one that holds for everybody to stricter ones: blocks only ever grow, so parties
    under different rules who put their answers together find no part of a block either.
    """
    finest = tuple(cells)
    counts, sums = Cuts(finest, finest), None
    for rule in rules:
        units = (_units(finest, rule),)
        counts = _Work(rule.united, rule.enough, units, dimensions).refined(counts)
        begun = counts if sums is None else sums
        layers = tuple(dict.fromkeys((*units, *_measures(finest, rule))))
        sums = _Work(rule.united, rule.balanced, layers, dimensions).refined(begun)
    return counts, counts if sums is None else sums


def _units(finest: tuple[Block, ...], rule: Rule) -> Layer:
    """Return every cell, and those of few units."""
    return _layer((cell, rule.enough(cell)) for cell in finest)


def _measures(finest: tuple[Block, ...], rule: Rule) -> Iterator[Layer]:
    """Yield for each measure the cells where some unit has it, and those where it may not be shown."""
    every = range(len(finest[0].held) if finest else 0)
    for at in (at for at in every if at not in rule.rare):
        yield _layer((cell, rule.shows(cell.held[at])) for cell in finest if cell.held[at].units > 0)


def _layer(cells: Iterable[tuple[Block, bool]]) -> Layer:
    shown = {cell.places[0]: safe for cell, safe in cells}
    return Layer(frozenset(shown), frozenset(place for place, safe in shown.items() if not safe))


@dataclass(frozen=True, slots=True)
class _Work:
    """Joining blocks until each is `safe`, and until none of the `layers` tells a small cell."""

    unite: Callable[[Block, Block], Block]
    safe: Callable[[Block], bool]
    layers: tuple[Layer, ...]
    dimensions: int

    def refined(self, cuts: Cuts) -> Cuts:
        """Return coarser cuts that are safe, each by itself and both together."""
        last = max(self.dimensions - 1, 0)
        one = self._joined(list(cuts.across), tuple(range(self.dimensions)))
        two = self._joined(list(cuts.along), (last, *range(last))[: self.dimensions])
        return Cuts(tuple(one), tuple(untold(one, two, self.layers, self.unite)))

    def _joined(self, blocks: list[Block], order: tuple[int, ...]) -> list[Block]:
        """Join what is not safe with neighbours: along the last of `order` first, so that totals of the first stay."""

        def turned(block: Block) -> Place:
            return tuple(block.places[0][at] for at in order)

        for depth in range(self.dimensions - 1, -1, -1):
            if all(map(self.safe, blocks)):
                break
            groups = groupby(sorted(blocks, key=turned), key=lambda block: turned(block)[:depth])
            blocks = [block for _, group in groups for block in self._within(list(group))]
        return blocks

    def _within(self, blocks: list[Block]) -> list[Block]:
        """Join the blocks of one group that are not safe: with each other, what is left with the smallest other."""
        kept = [block for block in blocks if self.safe(block)]
        left: Block | None = None
        for block in blocks:
            if not self.safe(block):
                left = block if left is None else self.unite(left, block)
                if self.safe(left):
                    kept.append(left)
                    left = None
        if left is None:
            return kept
        for other in sorted(kept, key=lambda block: block.units):
            both = self.unite(other, left)
            if self.safe(both):
                return [*(block for block in kept if block is not other), both]
        return [*kept, left]
