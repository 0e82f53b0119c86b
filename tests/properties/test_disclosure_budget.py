"""Whatever the plan, the noise costs no more than was charged, and the ± is the noise's own."""

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.disclosure import accounting, mechanism, noise
from yanmen.model.stages import Aggregate, AggregateKind

COUNT = Aggregate("a0", AggregateKind.ROWS, 0, 0, 10, 1, 1)
micro_rhos = st.integers(1, accounting.MICRO_RHO_MAX)
aggregates = st.integers(1, 10**13).map(lambda most: replace(COUNT, l1=most, l2_squared=most * most))


@settings(max_examples=150, deadline=None)
@given(aggregates, micro_rhos, st.integers(1, 40))
def test_parts_never_cost_more_than_the_whole(aggregate: Aggregate, micro_rho: int, parts: int) -> None:
    micro_rho = max(micro_rho, parts)
    each = accounting.share(micro_rho, parts)
    gaussian = noise.calibrate(aggregate, each)
    exact = Fraction(aggregate.l2_squared) / (2 * Fraction(gaussian.scale) ** 2)
    assert exact * parts <= Fraction(micro_rho, accounting.MICRO)
    priced = mechanism.cost(mechanism.gaussian(gaussian.scale), math.sqrt(aggregate.l2_squared))
    assert Fraction(priced) * parts <= Fraction(micro_rho, accounting.MICRO)


@settings(deadline=None)
@given(st.integers(1, 10**26), micro_rhos)
def test_sensitivities_that_are_no_squares_are_rounded_up(squared: int, micro_rho: int) -> None:
    gaussian = noise.calibrate(replace(COUNT, l1=squared, l2_squared=squared), micro_rho)
    assert Fraction(squared) / (2 * Fraction(gaussian.scale) ** 2) <= Fraction(micro_rho, accounting.MICRO)


@settings(deadline=None)
@given(st.floats(0.05, 2_000.0), st.sampled_from([0.05, 0.025, 0.5]))
def test_half_width_is_near_the_continuous_one(scale: float, alpha: float) -> None:
    width = noise.half_width(noise.Gaussian(scale, 1), alpha)
    z = {0.05: 1.959964, 0.025: 2.241403, 0.5: 0.674490}[alpha]
    assert z * scale - 1.0 <= width <= z * scale + 1.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**7), st.integers(1, 10**11))
def test_epsilon_grows_with_rho(micro_rho: int, delta_e12: int) -> None:
    less, more = accounting.epsilon(micro_rho, delta_e12), accounting.epsilon(micro_rho + 1_000, delta_e12)
    assert Decimal(0) <= less <= more
