"""Discrete Gaussian noise on integer vectors, calibrated so that OpenDP itself confirms the price.

The noise is drawn inside OpenDP from the operating system's randomness: it cannot be injected or
replayed, and no stage can see it apart from the sum.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

from yanmen.disclosure import mechanism
from yanmen.disclosure.accounting import rho_at_most
from yanmen.model.refusal import Fault, FaultCode
from yanmen.model.stages import Aggregate

_STEPS = 64
"""Roundings between the closed form and OpenDP's outward-rounded map are a few last places, never this many."""
_SUMMED_BELOW = 512.0
"""Up to this scale the quantile is summed term by term; above it a proven bound is at most one unit wider."""
_DOUBLES_REACH = 38.7
"""So many standard deviations out a double holds a mass; what lies beyond is below 1e-300."""
_MASS_MARGIN = 1e-12
"""More than the rounding error of the summed masses, so that the quantile errs on the wide side."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Noise for one aggregate: its standard deviation in the aggregate's integer units, and its cost."""

    scale: float
    micro_rho: int


def calibrate(aggregate: Aggregate, micro_rho: int) -> Gaussian:
    """Return the least noise whose cost for `aggregate`, by OpenDP's own map, is at most `micro_rho`."""
    rho = rho_at_most(micro_rho)
    moved = distance(aggregate)
    scale = moved / math.sqrt(2.0 * rho)
    for _ in range(_STEPS):
        if mechanism.cost(mechanism.gaussian(scale), moved) <= rho:
            return Gaussian(scale, micro_rho)
        scale = math.nextafter(scale, math.inf)
    raise Fault(FaultCode.INTERNAL, "noise could not be calibrated")


def add(noise: Gaussian, aggregate: Aggregate, values: list[int]) -> list[int]:
    """Return `values` with `noise` added, after OpenDP has confirmed once more what that costs."""
    if not values:
        return []
    measurement = mechanism.gaussian(noise.scale)
    if not mechanism.cost(measurement, distance(aggregate)) <= rho_at_most(noise.micro_rho):
        raise Fault(FaultCode.INTERNAL, "noise is less than its charge demands")
    return [int(value) for value in measurement(values)]


def vector(sigma_squared: int, count: int) -> list[int]:
    """Return `count` draws of discrete Gaussian noise, whose parameter is at least `sigma_squared`."""
    scale = math.sqrt(sigma_squared)
    while Fraction(scale) ** 2 < sigma_squared:
        scale = math.nextafter(scale, math.inf)
    return [int(value) for value in mechanism.gaussian(scale)([0] * count)]


def half_width(noise: Gaussian, alpha: float) -> int:
    """Return a whole number that the noise exceeds in size with probability at most `alpha`."""
    if noise.scale < _SUMMED_BELOW:
        return _quantile(noise.scale, alpha)
    # Canonne, Kamath, Steinke (2020), prop. 25: P[X >= m] <= P[N(0, scale^2) >= m - 1] for whole m >= 1.
    return math.ceil(noise.scale * NormalDist().inv_cdf(1.0 - alpha / 2.0) * (1.0 + _MASS_MARGIN))


@lru_cache(maxsize=256)
def _quantile(scale: float, alpha: float) -> int:
    """Return the least w with P[|X| <= w] >= 1 - `alpha` by summing the discrete Gaussian's masses."""
    reach = math.ceil(12.0 * scale) + 2
    masses = [math.exp(-0.5 * (k / scale) ** 2) for k in range(reach + 1)]
    whole = 2.0 * math.fsum(masses[1:]) + masses[0]
    outside = whole - masses[0]
    width = 0
    while outside > (alpha - _MASS_MARGIN) * whole and width < reach:
        width += 1
        outside -= 2.0 * masses[width]
    return width


@lru_cache(maxsize=1024)
def tail(scale: float, least: int) -> float:
    """Return a number that the probability of noise of `least` or more, a whole number from 1, does not exceed."""
    if scale >= _SUMMED_BELOW:
        # As above; the continuous tail one unit nearer.
        return 0.5 * math.erfc((least - 1) / (scale * math.sqrt(2.0))) * (1.0 + _MASS_MARGIN)
    masses = _masses(scale)
    whole = 2.0 * math.fsum(masses[1:]) + masses[0]
    return math.fsum(masses[least:]) / whole * (1.0 + _MASS_MARGIN)


@lru_cache(maxsize=64)
def _masses(scale: float) -> tuple[float, ...]:
    """Return the masses from 0 on, not normalised, as far as doubles hold them."""
    return tuple(math.exp(-0.5 * (k / scale) ** 2) for k in range(math.ceil(_DOUBLES_REACH * scale) + 1))


def distance(aggregate: Aggregate) -> float:
    """Return the least double not below the square root of the declared squared L2 sensitivity."""
    squared = max(aggregate.l2_squared, 1)
    root = math.sqrt(squared)
    while Fraction(root) ** 2 < squared:
        root = math.nextafter(root, math.inf)
    return root
