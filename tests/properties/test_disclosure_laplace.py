"""Laplace or Gaussian: over a grid of bounds and charges, both computed, the Gaussian's ± is never the wider one.

Both are priced by OpenDP itself in ρ, and both widths are exact quantiles of the integer distributions.
"""

import math
from fractions import Fraction
from itertools import product

import pytest
from yanmen.disclosure import mechanism, noise
from yanmen.disclosure.accounting import rho_at_most
from yanmen.model.stages import Aggregate, AggregateKind

L1 = (1, 2, 3, 7, 20, 1_000, 3_000_000)
MICRO_RHO = (1, 100, 1_000, 24_355, 500_000, 3_000_000, 20_000_000, 900_000_000)
ALPHAS = (0.05, 0.025)


def laplace_scale(l1: int, micro_rho: int) -> float:
    """Return the least scale whose ρ, by OpenDP's conversion of its own pure ε, is within the charge."""
    import opendp.prelude as dp

    rho = rho_at_most(micro_rho)
    scale = l1 / math.sqrt(2.0 * rho)
    for _ in range(64):
        made = dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="f64"), scale=scale)
        if float(dp.c.make_pureDP_to_zCDP(made).map(float(l1))) <= rho:  # type: ignore[no-untyped-call]
            return scale
        scale = math.nextafter(scale, math.inf)
    raise AssertionError("Laplace noise could not be calibrated")


def laplace_width(scale: float, alpha: float) -> int:
    """Return the least w with P[|X| > w] <= alpha: 2 q^(w+1) / (1 + q) with q = exp(-1 / scale)."""
    return max(0, math.ceil(-1 - scale * math.log(alpha * (1 + math.exp(-1 / scale)) / 2)))


def gaussian_width(l1: int, l2_squared: int, micro_rho: int, alpha: float) -> int:
    aggregate = Aggregate("a0", AggregateKind.ROWS, 0, 0, 10**9, l1, l2_squared)
    return noise.half_width(noise.calibrate(aggregate, micro_rho), alpha)


@pytest.mark.parametrize("l1", L1)
def test_the_gaussian_is_never_wider_at_the_same_charge(l1: int) -> None:
    mechanism.gaussian(1.0)  # enables the library's features
    for l2_squared, micro_rho, alpha in product(sorted({l1 * l1, l1, max(1, l1 * l1 // 4)}), MICRO_RHO, ALPHAS):
        if l2_squared > l1 * l1:
            continue
        laplace = laplace_width(laplace_scale(l1, micro_rho), alpha)
        # Above scale 512 the Gaussian's is a proven bound, at most one unit above the quantile.
        assert gaussian_width(l1, l2_squared, micro_rho, alpha) <= laplace + 1, (l1, l2_squared, micro_rho, alpha)


def test_the_laplace_width_is_its_quantile() -> None:
    for scale, alpha in product((0.3, 1.0, 4.5, 40.0), ALPHAS):
        q = math.exp(-1 / scale)
        width = laplace_width(scale, alpha)
        assert 2 * q ** (width + 1) / (1 + q) <= alpha * (1 + 1e-9)
        assert width == 0 or 2 * q**width / (1 + q) > alpha * (1 - 1e-9)


def test_a_pure_guarantee_would_need_laplace_and_cost_more_rho() -> None:
    """One answer of pure ε = 1 is ρ = 1/2 to the ledger; for that the Gaussian has the same error and a smaller ±."""
    micro_rho = 500_000
    laplace, gaussian = (
        laplace_scale(1, micro_rho),
        noise.calibrate(Aggregate("a0", AggregateKind.ROWS, 0, 0, 10, 1, 1), micro_rho),
    )
    assert Fraction(laplace) == pytest.approx(1.0, rel=1e-12)
    assert gaussian.scale == pytest.approx(1.0, rel=1e-12)
    assert noise.half_width(gaussian, 0.05) < laplace_width(laplace, 0.05)
