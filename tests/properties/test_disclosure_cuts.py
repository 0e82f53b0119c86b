"""The two cuts of a finest table, of any size: blocks are safe, whole, and tell no small cell even together."""

import time
from collections.abc import Iterable
from random import Random

import pytest
from yanmen.disclosure import partition
from yanmen.disclosure.linked import Block, graph_of, told
from yanmen.disclosure.partition import Cuts, Rule, cut

from tests.properties.finest_tables import finest

SIZES = ((6, 5, 4), (12, 8), (3, 3, 3, 3), (40,), (2, 30), (9, 7, 2))


def rule(cells: Iterable[Block], contributors: int = 10, *, alone: bool = True) -> Rule:
    return Rule(contributors, 10, alone).over(tuple(cells))


def cuts(cells: list[Block], sizes: tuple[int, ...], strict: int = 10, *, alone: bool = True) -> tuple[Cuts, Cuts]:
    return cut(cells, (rule(cells, alone=alone), rule(cells, strict, alone=alone)), len(sizes))


def leaks(found: Cuts, small: set[tuple[int, ...]], present: set[tuple[int, ...]]) -> int:
    """Count the small cells that follow from the totals of both cuts, but those that are a published block's none."""
    graph = graph_of(found.across, found.along, present)
    alone = {edges[0][0] for vertex, edges in graph.items() if vertex[0] == 0 and len(edges) == 1}
    return sum(place in small and place not in alone for place in told(graph))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_no_small_cell_follows_from_both_cuts(sizes: tuple[int, ...], seed: int) -> None:
    measures = 1 + seed % 3
    cells = finest(sizes, seed, filled=(0.3, 0.6, 0.95, 1.0)[seed], measures=measures, giant=seed == 2)
    alone = seed != 3
    strict = (10, 30)[seed % 2]
    last = rule(cells, strict, alone=alone)
    counts, sums = cuts(cells, sizes, strict, alone=alone)
    every = {cell.places[0] for cell in cells}
    assert leaks(counts, {cell.places[0] for cell in cells if not last.enough(cell)}, every) == 0
    for at in set(range(measures)) - last.rare:
        held = {cell.places[0] for cell in cells if cell.held[at].units > 0}
        small = {cell.places[0] for cell in cells if cell.places[0] in held and not last.shows(cell.held[at])}
        assert leaks(sums, small, held) == 0
    for found in (counts, sums):
        for blocks in (found.across, found.along):
            assert sorted(place for block in blocks for place in block.places) == sorted(every)
    base = cuts(cells, sizes, alone=alone)
    for finer, coarser in ((base[0], counts), (base[1], sums), (base[0], base[1])):
        assert grown(finer.across, coarser.across)
        assert grown(finer.along, coarser.along)


def grown(finer: Iterable[Block], coarser: Iterable[Block]) -> bool:
    """Tell whether every finer block lies in one coarser one: answers under both are sums of the finer."""
    home = {place: at for at, block in enumerate(coarser) for place in block.places}
    return all(len({home[place] for place in block.places}) == 1 for block in finer)


def test_the_check_sees_cuts_that_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the last step cells follow: this is what the test above would find."""
    monkeypatch.setattr(partition, "untold", lambda _, two, *__: two)
    cells = finest((6, 5, 4), 0, filled=0.6)
    counts, _ = cuts(cells, (6, 5, 4))
    assert leaks(counts, {cell.places[0] for cell in cells if cell.units < 10}, {cell.places[0] for cell in cells}) > 0


def test_what_is_shown_does_not_depend_on_the_order_of_rows() -> None:
    cells = finest((6, 5, 4), 3)
    mixed = list(cells)
    Random(1).shuffle(mixed)
    one, two = cuts(cells, (6, 5, 4)), cuts(mixed, (6, 5, 4))
    for found, other in zip(one, two, strict=True):
        for blocks, others in ((found.across, other.across), (found.along, other.along)):
            assert {frozenset(block.places) for block in blocks} == {frozenset(block.places) for block in others}


@pytest.mark.parametrize(("side", "giant"), [(23, False), (16, True)])
def test_a_table_of_many_cells_is_cut_in_seconds(side: int, giant: bool) -> None:
    """Each small cell that follows is closed by itself; looking at all again for each took the square of the cells."""
    sizes = (side, side, side)
    cells = finest(sizes, 2, giant=giant)
    begun = time.thread_time()
    counts, _ = cuts(cells, sizes)
    assert time.thread_time() - begun < 15
    assert len(counts.along) > len(cells) // 4
