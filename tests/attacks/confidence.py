"""Exact confidence bounds of a share, by Clopper and Pearson (1934); no statistics package is needed for them."""

import math

_STEPS = 200
_TERMS = 10_000


def bounds(hits: int, trials: int, alpha: float) -> tuple[float, float]:
    """Return bounds of the share behind `hits` of `trials`, each missed with probability `alpha` / 2."""
    lower = 0.0 if hits == 0 else _quantile(alpha / 2, hits, trials - hits + 1)
    upper = 1.0 if hits == trials else _quantile(1 - alpha / 2, hits + 1, trials - hits)
    return lower, upper


def _quantile(probability: float, a: float, b: float) -> float:
    """Return where the Beta(a, b) distribution reaches `probability`."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-15 * max(high, 1e-300):
            break
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function (DLMF 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front - math.log(a)) * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(1.0 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + term * d or tiny)
            c = 1.0 + term / c or tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            return value
    return value
