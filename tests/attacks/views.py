"""What two of three aggregators see, and what the noise is: held to chance and to the claim."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from yanmen.crypto import sharing
from yanmen.crypto.pedersen import ORDER
from yanmen.crypto.system import SystemRandomness
from yanmen.disclosure import noise

RANDOM = SystemRandomness()
BINS = 256
PAIRS = ((0, 1), (0, 2), (1, 2))


def views(tables: Sequence[Sequence[int]], seen: Sequence[int], deals: int) -> list[list[int]]:
    """Deal `tables` so often and return, for each byte place and node, how often what is `seen` adds up to each byte.

    The sum of what colluders hold of a node's table is the one number that could depend on the table.
    """
    counts = [Counter[int]() for _ in range(8 * len(tables))]
    for _ in range(deals):
        for node, values in enumerate(tables):
            blinding = int.from_bytes(RANDOM.token(64), "little") % ORDER
            shares = sharing.split(values, blinding, 3, RANDOM)
            cells = sharing.expand(sharing.total([shares[at] for at in seen], len(values)))[0]
            data = np.frombuffer(cells.astype("<u8").tobytes(), dtype=np.uint8).reshape(-1, 8)
            for place in range(8):
                counts[node * 8 + place].update(data[:, place].tolist())
    return [[count[byte] for byte in range(BINS)] for count in counts]


def differ(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> float:
    """Return the χ² statistic of homogeneity of two sets of counts, over all places, in standard deviations."""
    statistic, free = 0.0, 0
    for left, right in zip(one, other, strict=True):
        a, b = sum(left), sum(right)
        for x, y in zip(left, right, strict=True):
            if x + y:
                statistic += (x * math.sqrt(b / a) - y * math.sqrt(a / b)) ** 2 / (x + y)
        free += sum(1 for x, y in zip(left, right, strict=True) if x + y) - 1
    return _deviations(statistic, free)


def p_value(deviations: float) -> float:
    """Return how likely chance alone gives as much or more."""
    return 1 - NormalDist().cdf(deviations)


def _deviations(statistic: float, free: int) -> float:
    """Wilson and Hilferty 1931: the cube root of χ² over its degrees of freedom is very nearly normal."""
    if not free:
        return 0.0
    spread = 2 / (9 * free)
    return (math.pow(statistic / free, 1 / 3) - (1 - spread)) / math.sqrt(spread)


def rho(sigma_squared: float, moved: int, dealers: int = 1) -> float:
    """Return the least ρ that holds for the summed noise of so many dealers: the largest D_a / a over orders a.

    The masses of the discrete Gaussian are summed as they are, far beyond its last place in doubles.
    """
    reach = math.ceil(14 * math.sqrt(sigma_squared * dealers)) + moved + 8
    points = np.arange(-reach, reach + 1, dtype=np.float64)
    mass = np.exp(-(points**2) / (2 * sigma_squared))
    mass /= mass.sum()
    whole = mass
    for _ in range(dealers - 1):
        whole = np.convolve(whole, mass, mode="same")
    logs = np.log(np.maximum(whole, 1e-300))
    here, there = logs[moved:], logs[:-moved]
    trusted = (here > -600) & (there > -600)
    found = 0.0
    for order in (1.01, 1.1, 1.5, 2, 3, 4, 6, 8, 12, 16):
        terms = order * here[trusted] + (1 - order) * there[trusted]
        top = float(terms.max())
        divergence = (top + math.log(float(np.exp(terms - top).sum()))) / (order - 1)
        found = max(found, divergence / order)
    return found


def claimed(sigma_squared: float, moved: int) -> float:
    """Return the ρ that nodes charge for this variance."""
    return moved**2 / (2 * sigma_squared)


def variance_off(sigma_squared: int, draws: int) -> float:
    """Draw noise as an aggregator does; return its variance's distance from the claim, in standard deviations."""
    drawn = np.array(noise.vector(sigma_squared, draws), dtype=np.float64)
    return float((np.mean(drawn**2) - sigma_squared) / (sigma_squared * math.sqrt(2 / draws)))
