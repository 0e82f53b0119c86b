"""Joins blocks of the second cut until no small cell follows from the totals of both cuts.

A cell follows when nothing but itself links its two blocks. Joining a block on its one side with a block on
its other side closes a cycle through it. A partner in the same value of the last dimension is taken first, so that
totals over the others stay whole; where there is none, the lightest of all. A cell on a cycle stays on one
whatever else is joined, so each is looked at once.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from yanmen.disclosure.linked import Block, Edge, Place, Vertex, graph_of, told

_NEAR = 512
"""Blocks looked at on the larger side of a cell."""
Graph = dict[Vertex, list[Edge]]
Unite = Callable[[Block, Block], Block]
Values = frozenset[int]
"""The values of the last dimension that a block lies in."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one kind of total adds up: the cells that hold any of it (others add nothing), and the small among them."""

    present: frozenset[Place]
    small: frozenset[Place]


def untold(one: list[Block], two: list[Block], layers: Sequence[Layer], unite: Unite) -> list[Block]:
    """Return `two` with blocks joined by `unite` until the totals of both tell no small cell of any of the `layers`."""
    merged = tuple(_merged(layers))
    while True:
        before = len(two)
        for layer in merged:
            two = _mended(one, two, layer, unite)
        if len(two) == before:
            return two


def _merged(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield one layer for all that hold the same cells: what follows from totals does not depend on the figure."""
    small: dict[frozenset[Place], frozenset[Place]] = {}
    for layer in layers:
        small[layer.present] = small.get(layer.present, frozenset()) | layer.small
    for present, cells in small.items():
        yield Layer(present, cells)


def _mended(one: list[Block], two: list[Block], layer: Layer, unite: Unite) -> list[Block]:
    """Return `two` with blocks joined for one layer.

    A small cell that stands alone in `one` could not be joined with anything: no block with it is published.
    """
    graph = graph_of(one, two, layer.present)
    leaked = [place for place in told(graph) if place in layer.small]
    if not leaked:
        return two
    ends = {place: vertex for vertex, edges in graph.items() if vertex[0] == 0 for place, _ in edges}
    joining = _Joining(graph, two, unite)
    for place in leaked:
        start = ends[place]
        if len(graph[start]) > 1:
            joining.close(place, start, next(far for own, far in graph[start] if own == place))
    return joining.blocks()


class _Joining:
    """The blocks of the second cut while they are joined: each known by the number of the first that is in it."""

    def __init__(self, graph: Graph, two: list[Block], unite: Unite) -> None:
        """Begin with nothing joined."""
        self._graph = graph
        self._unite = unite
        self._held = dict(enumerate(two))
        self._into = list(range(len(two)))
        self._alike: dict[Values, list[tuple[int, int]]] = {}
        for at, block in self._held.items():
            self._alike.setdefault(_values(block), []).append((block.units, at))
        for listed in self._alike.values():
            listed.sort()

    def blocks(self) -> list[Block]:
        """Return the blocks as they stand."""
        return list(self._held.values())

    def close(self, place: Place, one: Vertex, two: Vertex) -> None:
        """Join blocks until something else than `place` links `one` and `two`, or nothing is left to join."""
        while (sides := self._apart(place, one, two)) is not None:
            pair = self._pair(*sides)
            if pair is None:
                return
            self._join(*pair)

    def _found(self, vertex: Vertex) -> Vertex:
        number, at = vertex
        if number == 0:
            return vertex
        while self._into[at] != at:
            self._into[at] = self._into[self._into[at]]
            at = self._into[at]
        return (1, at)

    def _apart(self, place: Place, one: Vertex, two: Vertex) -> "tuple[set[Vertex], set[Vertex]] | None":
        """Return what one of the two blocks is linked to without `place`, all of it, and what is near the other.

        None when something links them. Both are searched by turns: it takes no longer than the smaller.
        """
        sides = [_Side(self._found(one)), _Side(self._found(two))]
        while True:
            for side, other in (sides, sides[::-1]):
                if not side.waiting:
                    while other.waiting and len(other.known) < _NEAR:
                        self._meets(place, other, side)
                    return side.known, other.known
                if self._meets(place, side, other):
                    return None

    def _meets(self, place: Place, side: "_Side", other: "_Side") -> bool:
        """Look at one more block of `side`, and tell whether it is linked to the `other`."""
        for own, far in self._graph.get(side.waiting.popleft(), ()):
            vertex = self._found(far)
            if own != place and vertex not in side.known:
                side.known.add(vertex)
                side.waiting.append(vertex)
                if vertex in other.known:
                    return True
        return False

    def _pair(self, side: set[Vertex], far: set[Vertex]) -> tuple[int, int] | None:
        """Return the lightest pair, one block of this side and one of the other, in the same values if there is one.

        Partners near the other side close the cycle; others lead to more of them.
        """
        here, there = self._lightest(side), self._lightest(far)
        pairs = [(at, there[values]) for values, at in here.items() if values in there]
        if not pairs:
            found = ((at, self._other(values, side)) for values, at in here.items())
            pairs = [(at, other) for at, other in found if other is not None]
        if not pairs:
            pairs = [(at, other) for at in here.values() for other in there.values()]
        return min(pairs, key=lambda pair: self._held[pair[0]].units + self._held[pair[1]].units, default=None)

    def _lightest(self, side: set[Vertex]) -> dict[Values, int]:
        """Return for all values in which blocks of `side` lie the lightest of them."""
        found: dict[Values, int] = {}
        for at in sorted((at for number, at in side if number == 1), key=lambda at: (self._held[at].units, at)):
            found.setdefault(_values(self._held[at]), at)
        return found

    def _other(self, values: Values, side: set[Vertex]) -> int | None:
        """Return the lightest block in `values` that is not on `side`, None when there is none."""
        return next((at for _, at in self._alike[values] if (1, at) not in side), None)

    def _join(self, one: int, two: int) -> None:
        kept, gone = (one, two) if len(self._edges(one)) >= len(self._edges(two)) else (two, one)
        for at in (kept, gone):
            self._alike[_values(self._held[at])].remove((self._held[at].units, at))
        block = self._unite(self._held[kept], self._held.pop(gone))
        self._held[kept] = block
        self._into[gone] = kept
        self._edges(kept).extend(self._edges(gone))
        insort(self._alike.setdefault(_values(block), []), (block.units, kept))

    def _edges(self, at: int) -> list[Edge]:
        return self._graph.setdefault((1, at), [])


class _Side:
    """What is found on one side of a cell, and what of it is still to be looked at."""

    def __init__(self, start: Vertex) -> None:
        """Begin at the block `start`."""
        self.known = {start}
        self.waiting = deque((start,))


def _values(block: Block) -> Values:
    return frozenset(place[-1] for place in block.places)
