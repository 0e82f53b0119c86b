"""The noise is the one it claims to be, at the price OpenDP itself confirms."""

import math
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist

import pytest
from yanmen.disclosure import mechanism, noise
from yanmen.disclosure.accounting import rho_at_most
from yanmen.model.refusal import Fault
from yanmen.model.stages import Aggregate, AggregateKind

COUNT = Aggregate("a0", AggregateKind.ROWS, 0, 0, 10**9, 1, 1)
SUM = Aggregate("a1", AggregateKind.SUM, 2, -(10**12), 10**12, 7 * 10**6, 49 * 10**12)
DRAWS = 60_000


def pmf(scale: float) -> dict[int, float]:
    """Return the masses of the discrete Gaussian, by its definition."""
    reach = math.ceil(10 * scale) + 2
    weights = {k: math.exp(-k * k / (2 * scale * scale)) for k in range(-reach, reach + 1)}
    whole = math.fsum(weights.values())
    return {k: weight / whole for k, weight in weights.items()}


def chi_square_rejects(drawn: list[int], scale: float) -> bool:
    """Tell whether `drawn` is not discrete Gaussian of `scale`, wrongly once in ten thousand million."""
    masses = pmf(scale)
    seen = Counter(drawn)
    edge = max(k for k, mass in masses.items() if mass * len(drawn) >= 20)
    expected = {k: masses[k] * len(drawn) for k in range(-edge, edge + 1)}
    statistic = sum((seen[k] - e) ** 2 / e for k, e in expected.items())
    rest = len(drawn) - sum(expected.values())
    statistic += (len(drawn) - sum(seen[k] for k in expected) - rest) ** 2 / rest
    degrees = len(expected)
    z = NormalDist().inv_cdf(1 - 1e-10)
    critical = degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3
    return statistic > critical


@pytest.fixture(scope="module")
def drawn() -> tuple[noise.Gaussian, list[int]]:
    gaussian = noise.calibrate(COUNT, 20_000)
    return gaussian, noise.add(gaussian, COUNT, [0] * DRAWS)


def test_scale_is_the_least_that_opendp_prices_within_the_charge() -> None:
    for aggregate in (COUNT, SUM):
        for micro_rho in (1, 7, 999, 24_360, 10**6):
            gaussian = noise.calibrate(aggregate, micro_rho)
            distance = math.sqrt(aggregate.l2_squared)
            assert mechanism.cost(mechanism.gaussian(gaussian.scale), distance) <= rho_at_most(micro_rho)
            assert gaussian.scale == pytest.approx(distance / math.sqrt(2 * micro_rho / 1e6), rel=1e-12)
            # And by exact arithmetic, without OpenDP: squared distance over twice the variance.
            assert Fraction(aggregate.l2_squared) / (2 * Fraction(gaussian.scale) ** 2) <= Fraction(micro_rho, 10**6)


def test_less_noise_than_the_charge_demands_is_a_fault() -> None:
    right = noise.calibrate(COUNT, 20_000)
    noise.add(right, COUNT, [0])
    with pytest.raises(Fault):
        noise.add(noise.Gaussian(right.scale * 0.999, right.micro_rho), COUNT, [0])


def test_distribution_is_the_discrete_gaussian_claimed(drawn: tuple[noise.Gaussian, list[int]]) -> None:
    gaussian, values = drawn
    assert not chi_square_rejects(values, gaussian.scale)
    assert abs(sum(values)) < 7 * gaussian.scale * math.sqrt(len(values))  # 3e-12


@pytest.mark.parametrize("factor", [0.5, 0.93, 1.07, 2.0])
def test_wrong_scale_is_rejected(drawn: tuple[noise.Gaussian, list[int]], factor: float) -> None:
    """At 7 % the statistic is expected ten of its standard deviations above what is allowed."""
    gaussian, values = drawn
    assert chi_square_rejects(values, gaussian.scale * factor)


def test_cells_are_independent(drawn: tuple[noise.Gaussian, list[int]]) -> None:
    gaussian, values = drawn
    products = sum(a * b for a, b in pairwise(values))
    assert abs(products) < 7 * gaussian.scale**2 * math.sqrt(len(values))  # 3e-12


def test_two_draws_differ() -> None:
    gaussian = noise.calibrate(COUNT, 20_000)
    assert noise.add(gaussian, COUNT, [0] * 64) != noise.add(gaussian, COUNT, [0] * 64)


@pytest.mark.parametrize("alpha", [0.05, 0.025])
@pytest.mark.parametrize("scale", [0.2, 0.7, 1.0, 4.5, 38.1, 511.0])
def test_half_width_is_the_exact_quantile(scale: float, alpha: float) -> None:
    masses = pmf(scale)

    def covered(width: int) -> float:
        return math.fsum(masses.get(k, 0.0) for k in range(-width, width + 1))

    width = noise.half_width(noise.Gaussian(scale, 1), alpha)
    assert covered(width) >= 1 - alpha
    assert width == 0 or covered(width - 1) < 1 - alpha


@pytest.mark.parametrize("scale", [1.0, 7.3, 100.0, 500.0])
def test_bound_for_large_scales_covers_and_is_at_most_one_wider(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = noise.half_width(noise.Gaussian(scale, 1), 0.05)
    monkeypatch.setattr(noise, "_SUMMED_BELOW", 0.0)
    assert exact <= noise.half_width(noise.Gaussian(scale, 1), 0.05) <= exact + 1


def test_width_covers_95_percent_of_draws(drawn: tuple[noise.Gaussian, list[int]]) -> None:
    gaussian, values = drawn
    width = noise.half_width(gaussian, 0.05)
    covered = sum(1 for value in values if abs(value) <= width) / len(values)
    claimed = sum(mass for k, mass in pmf(gaussian.scale).items() if abs(k) <= width)
    assert 0.95 <= claimed < 0.97
    assert covered == pytest.approx(claimed, abs=7 * math.sqrt(claimed * (1 - claimed) / len(values)))  # 3e-12


def test_large_sums_take_noise_without_wrapping() -> None:
    edge = 2**63 - 1
    wide = Aggregate("a0", AggregateKind.SUM, 0, -edge, edge, 10**9, 10**18)
    gaussian = noise.calibrate(wide, 1_000)
    for value in noise.add(gaussian, wide, [edge] * 50):
        assert value > 2**62
    for value in noise.add(gaussian, wide, [-edge] * 50):
        assert value < -(2**62)


def test_zero_sensitivity_still_gets_noise() -> None:
    nothing = Aggregate("a0", AggregateKind.SUM, 0, 0, 0, 0, 0)
    gaussian = noise.calibrate(nothing, 1_000)
    assert gaussian.scale > 10
    assert len(set(noise.add(gaussian, nothing, [0] * 100))) > 5


def test_opendp_is_loaded_on_first_use_only() -> None:
    code = "import sys, yanmen.disclosure; sys.exit('opendp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
