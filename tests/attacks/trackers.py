"""Attacks on withheld cells of exact tables: complements, and trackers of two and three questions.

Firms have a region, a sector and a size; the attacker may group by them and filter by them, as often as he likes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random

Ask = Callable[[str], Sequence[Sequence[object]]]
Box = tuple[frozenset[int], ...]
"""A set of firms: for each dimension the values they may have."""

NAMES = ("region", "sector", "size")


@dataclass
class Market:
    """How many firms there are in each finest cell, and what they have in sum."""

    sizes: tuple[int, int, int]
    firms: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def wholes(self) -> Box:
        """Return the box of all firms."""
        return tuple(frozenset(range(size)) for size in self.sizes)

    def count(self, box: Box) -> int:
        """Return the true number of firms in `box`."""
        return sum(all(value in part for value, part in zip(firm[1:4], box, strict=True)) for firm in self.firms)


def market(sizes: tuple[int, int, int], firms: int, seed: int) -> Market:
    """Return a market with few large cells and many small ones: (id, region, sector, size, output)."""
    generator = Random(seed)
    made = Market(sizes)
    weights = [[1 / (at + 1) ** 0.8 for at in range(size)] for size in sizes]
    for number in range(firms):
        place = [generator.choices(range(size), weight)[0] for size, weight in zip(sizes, weights, strict=True)]
        made.firms.append((number, place[0], place[1], place[2], generator.randrange(1, 1000)))
    return made


@dataclass
class Attacker:
    """Asks whole tables and keeps every number that was shown, by the set of firms it is about."""

    ask: Ask
    market: Market
    shown: dict[Box, int] = field(default_factory=dict)
    withheld: set[Box] = field(default_factory=set)

    def table(self, dimensions: tuple[int, ...], narrowed: int | None = None, values: Sequence[int] = ()) -> None:
        """Ask for the table over `dimensions`, with dimension `narrowed` held to `values`."""
        names = ", ".join(NAMES[at] for at in dimensions)
        where = "" if narrowed is None else f" WHERE {NAMES[narrowed]} IN ({', '.join(map(str, values))})"
        grouped = f" GROUP BY {names}" if names else ""
        for row in self.ask(f"SELECT {names}{', ' if names else ''}count(*) AS n FROM firm{where}{grouped}"):
            box = list(self.market.wholes())
            if narrowed is not None:
                box[narrowed] = frozenset(values)
            for at, cell in zip(dimensions, row, strict=False):
                box[at] = frozenset({int(str(cell))})
            if row[-1] is None:
                self.withheld.add(tuple(box))
            else:
                self.shown[tuple(box)] = int(str(row[-1]))

    def collect(self) -> None:
        """Ask all tables, then the complements and the pairs of each dimension's values over every other table."""
        dimensions = range(len(NAMES))
        every = [chosen for size in (3, 2, 1, 0) for chosen in combinations(dimensions, size)]
        for chosen in every:
            self.table(chosen)
        for at in dimensions:
            values = range(self.market.sizes[at])
            others = [chosen for chosen in every if at not in chosen]
            sets = [[value for value in values if value != one] for one in values]
            sets += [list(pair) for pair in combinations(values, 2)]
            for chosen in others:
                for members in sets:
                    self.table(chosen, at, members)

    def targets(self) -> list[Box]:
        """Return the withheld cells of the plain tables that one to nine firms are in."""
        singles = self.market.wholes()
        plain = [box for box in self.withheld if all(len(p) == 1 or p == w for p, w in zip(box, singles, strict=True))]
        return [box for box in plain if 0 < self.market.count(box) < 10]

    def complemented(self, target: Box) -> bool:
        """Whether all less all-but-the-target gives the target."""
        whole = self.market.wholes()
        return any(
            self._known(target, at, whole[at]) and self._known(target, at, whole[at] - target[at])
            for at in self._dimensions(target)
        )

    def tracked(self, target: Box) -> bool:
        """Whether two questions {t,p}, {p}, or three {t,p}, {p,r}, {t,r}, give the target."""
        for at in self._dimensions(target):
            (own,) = target[at]
            others = [value for value in range(self.market.sizes[at]) if value != own]
            padded = [value for value in others if self._known(target, at, frozenset({own, value}))]
            if any(self._known(target, at, frozenset({value})) for value in padded):
                return True
            if any(self._known(target, at, frozenset(pair)) for pair in combinations(padded, 2)):
                return True
        return False

    def _dimensions(self, target: Box) -> Iterator[int]:
        return (at for at, part in enumerate(target) if len(part) == 1)

    def _known(self, target: Box, at: int, values: frozenset[int]) -> bool:
        return (*target[:at], values, *target[at + 1 :]) in self.shown


def solvable(shown: Sequence[Box], sizes: tuple[int, int, int], targets: Sequence[Box]) -> int:
    """Return how many `targets` follow from all `shown` by any additions and subtractions (rank over a large prime)."""
    prime = (1 << 61) - 1
    cells = [(a, b, c) for a in range(sizes[0]) for b in range(sizes[1]) for c in range(sizes[2])]
    pivots: dict[int, dict[int, int]] = {}

    def reduced(box: Box) -> dict[int, int]:
        row = {at: 1 for at, cell in enumerate(cells) if all(v in part for v, part in zip(cell, box, strict=True))}
        while row:
            lead = min(row)
            if lead not in pivots:
                return row
            factor = row[lead]
            for at, value in pivots[lead].items():
                row[at] = (row.get(at, 0) - factor * value) % prime
                if not row[at]:
                    del row[at]
        return row

    for box in shown:
        row = reduced(box)
        if row:
            lead = min(row)
            inverse = pow(row[lead], -1, prime)
            pivots[lead] = {at: value * inverse % prime for at, value in row.items()}
    return sum(not reduced(target) for target in targets)
