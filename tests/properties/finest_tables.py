"""Finest tables of exact data, made up: many cells, most of them small, some dominated by one unit."""

from itertools import product
from random import Random

from yanmen.disclosure.linked import Block, Held


def finest(
    sizes: tuple[int, ...], seed: int, *, filled: float = 0.95, measures: int = 1, giant: bool = False
) -> list[Block]:
    """Return the `filled` share of all cells; with a `giant`, one unit has nearly all there is of the first measure."""
    pick = Random(seed)
    found = []
    for place in product(*map(range, sizes)):
        if pick.random() > filled:
            continue
        units = min(2000, int(pick.paretovariate(0.6)))
        held = [_held(pick, units if measures == 1 else pick.randrange(units + 1)) for _ in range(measures)]
        if giant and sum(place) == 0:
            held[0] = Held(units, 10**9 + held[0].total, 10**9, held[0].first)
        found.append(Block((place,), units, tuple(held)))
    return found


def _held(pick: Random, units: int) -> Held:
    if units == 0:
        return Held(0)
    first = pick.randrange(1, 1000) * (3 if pick.random() < 0.1 else 1)
    second = min(first, pick.randrange(1000)) if units > 1 else 0
    return Held(units, first + second + max(0, units - 2) * pick.randrange(1, 500), first, second)
