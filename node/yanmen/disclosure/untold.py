"""Joins blocks of the second cut until no small cell follows from the totals of both cuts.

A cell follows when nothing but itself links its two blocks. Joining a block on its one side with a block on
its other side closes a cycle through it. Such a pair is looked for in one value of the last dimension, so that
totals over the others stay whole; where there is none, across values.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from yanmen.disclosure.linked import Block, Edge, Place, Vertex, graph_of, near, told

_NEAR = 64
"""Blocks looked at on each side of a cell."""

Graph = dict[Vertex, list[Edge]]
Unite = Callable[[Block, Block], Block]


@dataclass(frozen=True, slots=True)
class Layer:
    """What one kind of total adds up: the cells that hold any of it (others add nothing), and the small among them."""

    present: frozenset[Place]
    small: frozenset[Place]


def untold(one: list[Block], two: list[Block], layers: Sequence[Layer], unite: Unite) -> list[Block]:
    """Return `two` with blocks joined by `unite` until the totals of both tell no small cell of any of the `layers`."""
    while True:
        pairs = next(filter(None, (dict(_pairs(one, two, layer)) for layer in layers)), None)
        if pairs is None:
            return two
        gone = set(pairs.values())
        two = [unite(block, two[pairs[at]]) if at in pairs else block for at, block in enumerate(two) if at not in gone]


def _pairs(one: list[Block], two: list[Block], layer: Layer) -> Iterator[tuple[int, int]]:
    """Yield which blocks of `two` to join, each block at most once.

    A small cell that stands alone in `one` could not be joined with anything: no block with it is published.
    """
    graph = graph_of(one, two, layer.present)
    leaked = [place for place in told(graph) if place in layer.small]
    lone = {place: (0, at) for at, block in enumerate(one) for place in block.places}
    home = {place: (1, at) for at, block in enumerate(two) for place in block.places}
    taken: set[int] = set()
    here_only = ([place for place in block.places if place in layer.present] for block in one)
    alone = {places[0] for places in here_only if len(places) == 1}
    for place in leaked:
        if place in alone:
            continue
        here = _second(near(graph, lone[place], place, _NEAR), taken)
        there = _second(near(graph, home[place], place, _NEAR), taken)
        pair = _alike(two, here, there) or _beyond(two, home[place][1], taken) or _lightest(two, here, there)
        if pair is not None:
            taken.update(pair)
            yield pair


def _second(found: list[Vertex], taken: set[int]) -> list[int]:
    """Return the blocks of the second cut among `found` that are not `taken`."""
    return [at for side, at in found if side == 1 and at not in taken]


def _alike(two: list[Block], here: list[int], there: list[int]) -> tuple[int, int] | None:
    """Return the lightest pair, one from each side, that lies in one value of the last dimension."""
    lightest: dict[frozenset[Place], int] = {}
    for at in sorted(there, key=lambda at: two[at].units, reverse=True):
        lightest[_values(two[at])] = at
    pairs = [(at, lightest[_values(two[at])]) for at in here if _values(two[at]) in lightest]
    return min(pairs, key=lambda pair: two[pair[0]].units + two[pair[1]].units, default=None)


def _beyond(two: list[Block], own: int, taken: set[int]) -> tuple[int, int] | None:
    """Return the block and the lightest other in its value of the last dimension: it leads to more blocks."""
    if own in taken:
        return None
    values = _values(two[own])
    others = [at for at, block in enumerate(two) if at != own and at not in taken and _values(block) == values]
    return None if not others else (own, min(others, key=lambda at: two[at].units))


def _lightest(two: list[Block], here: list[int], there: list[int]) -> tuple[int, int] | None:
    if not here or not there:
        return None
    return min(here, key=lambda at: two[at].units), min(there, key=lambda at: two[at].units)


def _values(block: Block) -> frozenset[Place]:
    """Return the values of the last dimension that `block` lies in."""
    return frozenset(place[-1:] for place in block.places)
