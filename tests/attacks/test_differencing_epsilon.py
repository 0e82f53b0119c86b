"""Measures ε from outside: how far do the answers on two neighbouring inputs really differ?"""

import math
from statistics import NormalDist

from yanmen.disclosure import accounting, mechanism, noise
from yanmen.model.stages import Aggregate, AggregateKind

DRAWS = 60_000
DELTA_E12 = 10_000_000_000  # δ = 0.01, large enough for the events to be seen
MICRO_RHO = 500_000
SENSITIVITY = 3
COUNT = Aggregate("a0", AggregateKind.ROWS, 0, 0, 10**6, SENSITIVITY, SENSITIVITY**2)


def epsilon_seen(left: list[int], right: list[int], delta: float) -> float:
    """Return a lower bound on ε, wrong less than once in ten thousand over all thresholds tried."""
    best = 0.0
    for threshold in range(-SENSITIVITY * 4, SENSITIVITY * 6):
        hits, misses = sum(v >= threshold for v in right), sum(v >= threshold for v in left)
        low, high = _interval(hits)[0], _interval(misses)[1]
        if low > delta:
            best = max(best, math.log((low - delta) / high))
    return best


def _interval(hits: int) -> tuple[float, float]:
    """Return Wilson's interval for a probability, at 1e-6."""
    z = NormalDist().inv_cdf(1 - 5e-7)
    share, spread = hits / DRAWS, z * z / DRAWS
    middle = (share + spread / 2) / (1 + spread)
    reach = z / (1 + spread) * math.sqrt(share * (1 - share) / DRAWS + z * z / (4 * DRAWS * DRAWS))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def claimed() -> float:
    return float(accounting.epsilon(MICRO_RHO, DELTA_E12))


def test_measured_epsilon_is_within_the_claim() -> None:
    gaussian = noise.calibrate(COUNT, MICRO_RHO)
    left, right = ([at] * DRAWS for at in (0, SENSITIVITY))
    seen = epsilon_seen(noise.add(gaussian, COUNT, left), noise.add(gaussian, COUNT, right), 0.01)
    assert claimed() / 3 < seen <= claimed()


def test_a_third_of_the_noise_is_caught() -> None:
    scale = noise.calibrate(COUNT, MICRO_RHO).scale / 3
    measurement = mechanism.gaussian(scale)
    left, right = ([int(v) for v in measurement([at] * DRAWS)] for at in (0, SENSITIVITY))
    assert epsilon_seen(left, right, 0.01) > claimed()
