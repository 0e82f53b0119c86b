"""Which small cells stand together, for every question alike: the finest table of a dataset cut into safe blocks.

A block is a set of cells of the finest table. Large cells are blocks by themselves; small ones, and for sums
dominated ones, are put together until the block is neither. It is cut twice: once so that blocks cross the last
dimension, once so that they cross the others; a figure is published when it takes whole blocks of one cut. So
whatever is added and subtracted, over any number of questions by anybody, comes from whole blocks of the two
cuts (untold.py sees to it that these do not give a small cell either). The cuts follow from the data and the
order of the declared dimensions, never from what was asked.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from yanmen.disclosure.linked import Block, Place
from yanmen.disclosure.untold import untold


@dataclass(frozen=True, slots=True)
class Rule:
    """When figures of a block may be shown; `alone` says that a unit can have one row only."""

    contributors: int
    dominance_percent: int
    alone: bool

    def enough(self, block: Block) -> bool:
        """Whether the block rests on enough contributors."""
        return block.units >= self.contributors

    def balanced(self, block: Block) -> bool:
        """Whether it does, and no measure of it is dominated."""
        return self.enough(block) and not any(dominated(sums, self.dominance_percent) for sums in block.sums)

    def united(self, one: Block, two: Block) -> Block:
        """Return both as one; where units may be in both, as if they were."""
        units = one.units + two.units if self.alone else max(one.units, two.units)
        sums = tuple(self._added(a, b) for a, b in zip(one.sums, two.sums, strict=True))
        return Block((*one.places, *two.places), units, sums)

    def _added(self, one: tuple[int, int, int], two: tuple[int, int, int]) -> tuple[int, int, int]:
        if not self.alone:
            return one[0] + two[0], one[1] + two[1], one[2] + two[2]
        first, second = sorted((*one[1:], *two[1:]), reverse=True)[:2]
        return one[0] + two[0], first, second


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
        counts = _Work(finest, rule, rule.enough, dimensions).refined(counts)
        begun = counts if sums is None else sums
        sums = _Work(finest, rule, rule.balanced, dimensions).refined(begun)
    return counts, counts if sums is None else sums


@dataclass(frozen=True, slots=True)
class _Work:
    """Joining blocks of the `finest` cells until each is `safe`."""

    finest: tuple[Block, ...]
    rule: Rule
    safe: Callable[[Block], bool]
    dimensions: int

    def refined(self, cuts: Cuts) -> Cuts:
        """Return coarser cuts that are safe, each by itself and both together."""
        last = max(self.dimensions - 1, 0)
        one = self._joined(list(cuts.across), tuple(range(self.dimensions)))
        two = self._joined(list(cuts.along), (last, *range(last))[: self.dimensions])
        small = frozenset(block.places[0] for block in self.finest if not self.safe(block))
        return Cuts(tuple(one), tuple(untold(one, two, small, self.rule.united)))

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
                left = block if left is None else self.rule.united(left, block)
                if self.safe(left):
                    kept.append(left)
                    left = None
        if left is None:
            return kept
        for other in sorted(kept, key=lambda block: block.units):
            both = self.rule.united(other, left)
            if self.safe(both):
                return [*(block for block in kept if block is not other), both]
        return [*kept, left]
