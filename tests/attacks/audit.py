"""An auditor's lower bound on ε: from how differently answers fall on two neighbouring inputs."""

import math
from collections.abc import Sequence

from tests.attacks.confidence import bounds

ALPHA = 1e-4


def epsilon_seen(left: Sequence[int], right: Sequence[int], delta: float) -> float:
    """Return an ε that (ε, `delta`)-DP must at least have; wrong less than once in ten thousand.

    The threshold that tells the two apart best is chosen on the first half of the draws and measured
    on the second, so that choosing it does not flatter the attacker.
    """
    half = len(left) // 2
    best, chosen = 0.0, (0, True)
    values = sorted({*left[:half], *right[:half]})
    for at in range(len(values) // 200, len(values), max(1, len(values) // 200)):
        for above in (True, False):
            seen = _epsilon(left[:half], right[:half], (values[at], above), delta)
            if seen > best:
                best, chosen = seen, (values[at], above)
    return _epsilon(left[half:], right[half:], chosen, delta)


def _epsilon(left: Sequence[int], right: Sequence[int], event: tuple[int, bool], delta: float) -> float:
    """Return the bound that one event gives, whichever input makes it likelier."""
    hits = [_hits(left, event), _hits(right, event)]
    found = 0.0
    for one, other in ((0, 1), (1, 0)):
        low = bounds(hits[one], len(left), ALPHA / 2)[0]
        high = bounds(hits[other], len(right), ALPHA / 2)[1]
        if low > delta:
            found = max(found, math.log((low - delta) / high))
    return found


def _hits(draws: Sequence[int], event: tuple[int, bool]) -> int:
    threshold, above = event
    return sum((value >= threshold) == above for value in draws)
