"""A question over tables of two or three departments that never meet: who has which part, what aggregators may see."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations, product
from math import isqrt, prod

from yanmen.model.catalogue import ColumnType, Version

SIDES_MAX = 3
GROUPS_MAX = 1_000
ITEMS_MAX = 4_000_000
"""Longest list of one department: 128 MB of points."""
ITEM_US = 100
"""Time for one item, twice what it takes: that some items are rows and others filler is a few hundredths of it."""
CANARIES = 2
"""Rows of each group that both have and that add up to nothing: whoever drops or alters one spoils the total."""
VIEW_PERCENT = 20
"""Share of the charge that pays for what aggregators see of sizes."""
SIGMAS = 14
"""Dummies are enough for noise so many deviations from the middle.

Beyond it lies, of all groups together, less than 2^-128: no more than what the ciphers and the curve leave open.
"""


@dataclass(frozen=True, slots=True)
class Joinable:
    """A dataset of another node, as that node stated it for the same consumer; `sha256` is the statement's content.

    What departments hand on to that node is sealed with its `envelope_key`.
    """

    node: str
    alias: str
    version: Version
    sha256: str
    envelope_key: bytes


class Folding(Enum):
    """What one item of a list is: a row, or all rows of a unit that have one place in the grid.

    SUMMED: with the sum of their values. MET: with the value of one, because only whether there is any counts.
    """

    ROWS = "rows"
    SUMMED = "summed"
    MET = "met"


@dataclass(frozen=True, slots=True)
class Side:
    """One department's part, by public facts: bounds on its rows, on its items, which aggregates are of its columns."""

    node: str
    rows_upto: int
    rows_per_unit: int
    columns: tuple[int, ...]
    sha256: str
    folding: Folding
    items_upto: int
    items_per_unit: int


@dataclass(frozen=True, slots=True)
class Link:
    """The whole join: its sides in order of node ids, groups of its grid, public range of each aggregate.

    `view` is the variance of the noise on what aggregators see: how many rows meet in each group.
    """

    sides: tuple[Side, ...]
    groups: int
    ranges: tuple[tuple[int, int], ...]
    view: int

    @property
    def middle(self) -> int:
        """Dummies of a group that are in on average."""
        return SIGMAS * (isqrt(self.view - 1) + 1)

    @property
    def dummies(self) -> int:
        """Dummies of each group, some of which are in."""
        return 2 * self.middle

    def patterns(self) -> tuple[tuple[int, ...], ...]:
        """Return the sides whose rows can meet without those of the others: pairs of three, none of two."""
        everyone = range(len(self.sides))
        return tuple(one for size in range(2, len(self.sides)) for one in combinations(everyone, size))

    def others(self, place: int) -> Iterator[int]:
        """Yield how many items of one unit each other side may have, in order."""
        for at, side in enumerate(self.sides):
            if at != place:
                yield side.items_per_unit

    def items(self, place: int) -> int:
        """Return how long the list of the side at `place` is, whatever its rows are."""
        own = self.sides[place].items_upto * prod(self.others(place))
        partial = sum(place in pattern for pattern in self.patterns())
        return own + self.groups * (CANARIES + self.dummies) + partial * self.dummies


def view_squared(sides: int, rows: int) -> int:
    """Return how far one unit of `rows` joined items moves what aggregators see of sizes, squared.

    Of three sides, a row that meets two where it met one leaves one count and enters another.
    """
    return rows**2 * (1 if sides == 2 else 2)


@dataclass(frozen=True, slots=True)
class LocalKey:
    """A key of this side: the values of its domain, and by how much one step in them moves the place in the grid."""

    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class LocalColumn:
    """An aggregate of this side: one for every row (`counts_rows`), or the reply's next column within a range."""

    counts_rows: bool
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Part:
    """What this node runs of a join: its reply is the unit, what all `keys` add to the place, what `columns` need.

    No text comes back but digests of units: how long a row is depends on nobody's values and on no literal.
    """

    link: Link
    place: int
    unit: ColumnType
    keys: tuple[LocalKey, ...]
    columns: tuple[LocalColumn, ...]

    @property
    def blinding_ms(self) -> int:
        """How long blinding the list takes at most, by its public length: this much later its answer leaves."""
        return -(-self.link.items(self.place) * ITEM_US // 1_000)

    def places(self) -> frozenset[int]:
        """Return what the keys of a row may add to its place in the grid."""
        steps = (range(0, key.size * key.stride, key.stride) for key in self.keys)
        return frozenset(map(sum, product(*steps)))


@dataclass(frozen=True, slots=True)
class Handed:
    """A piece of a part as the consumer hands it on: what it is of, and what shows that it is the right one.

    `of` is the department whose list or rows it is, or the aggregator whose places; `words` are what those signed
    who blinded the list before, or, of places, the one word of that aggregator. `size` is that of the whole part.
    """

    name: str
    of: str
    sdjwt: str
    proof: str
    words: tuple[bytes, ...]
    size: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a part that is whole, and the size of all of it."""

    data: bytes
    size: int
