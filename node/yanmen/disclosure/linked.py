"""What two partitions of the same cells tell together: the cells whose value follows from the totals of both.

Blocks are the vertices of a bipartite graph, each cell the edge between its two blocks. A cell follows from the
block totals exactly when its edge lies on no cycle: along a cycle, 1 can be added and taken away by turns
without any total changing.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

Place = tuple[int, ...]
"""A cell of the finest table: its place in each dimension's domain."""


class Held(NamedTuple):
    """What a block holds of one measure: the units that have it, the size of the total and of its two largest."""

    units: int
    total: int = 0
    first: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Cells that are published together or not at all.

    `units` is a number of distinct contributors that is never too large, `held` has its like and sizes for each
    measure, never too favourable.
    """

    places: tuple[Place, ...]
    units: int
    held: tuple[Held, ...]


Vertex = tuple[int, int]
Edge = tuple[Place, Vertex]


def graph_of(one: Iterable[Block], two: Iterable[Block], among: Container[Place]) -> dict[Vertex, list[Edge]]:
    """Return for each block of either cut the cells `among` that it shares with blocks of the other."""
    ends: dict[Place, Vertex] = {place: (0, at) for at, block in enumerate(one) for place in block.places}
    graph: dict[Vertex, list[Edge]] = {}
    for at, block in enumerate(two):
        for place in filter(among.__contains__, block.places):
            graph.setdefault(ends[place], []).append((place, (1, at)))
            graph.setdefault((1, at), []).append((place, ends[place]))
    return graph


def told(graph: dict[Vertex, list[Edge]]) -> list[Place]:
    """Return the cells that the totals of all blocks tell."""
    search = _Search(graph)
    for vertex in graph:
        search.visit(vertex)
    return search.bridges


class _Search:
    """Tarjan's search for bridges, without recursion; parallel edges are told apart by their cell."""

    def __init__(self, graph: dict[Vertex, list[Edge]]) -> None:
        """Search `graph`."""
        self._graph = graph
        self._order: dict[Vertex, int] = {}
        self._low: dict[Vertex, int] = {}
        self.bridges: list[Place] = []

    def visit(self, root: Vertex) -> None:
        """Search what `root` is connected to, once."""
        if root in self._order:
            return
        self._enter(root)
        path: list[tuple[Vertex, Place | None, list[Edge]]] = [(root, None, list(self._graph[root]))]
        while path:
            vertex, came, left = path[-1]
            if left:
                place, other = left.pop()
                if place == came:
                    continue
                if other in self._order:
                    self._low[vertex] = min(self._low[vertex], self._order[other])
                else:
                    self._enter(other)
                    path.append((other, place, list(self._graph[other])))
                continue
            path.pop()
            if path and came is not None:
                self._leave(path[-1][0], vertex, came)

    def _enter(self, vertex: Vertex) -> None:
        self._order[vertex] = self._low[vertex] = len(self._order)

    def _leave(self, parent: Vertex, vertex: Vertex, came: Place) -> None:
        self._low[parent] = min(self._low[parent], self._low[vertex])
        if self._low[vertex] > self._order[parent]:
            self.bridges.append(came)
