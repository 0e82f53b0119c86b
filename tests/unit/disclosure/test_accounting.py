"""Budgets are integers, rounded against the asker; ε is only a report of them."""

import math
from decimal import Decimal

import pytest
from yanmen.disclosure import accounting
from yanmen.model.refusal import Fault, Reason, Refused

DELTA = 1_000_000  # 1e-6


@pytest.mark.parametrize(("micro_rho", "parts", "each"), [(20_000, 1, 20_000), (20_000, 3, 6_666), (3, 3, 1)])
def test_share_is_even_and_never_more_than_the_charge(micro_rho: int, parts: int, each: int) -> None:
    assert accounting.share(micro_rho, parts) == each
    assert each * parts <= micro_rho


@pytest.mark.parametrize(("micro_rho", "parts"), [(2, 3), (0, 1), (-5, 1), (100, 0), (10**12, 1)])
def test_share_of_nothing_is_a_fault(micro_rho: int, parts: int) -> None:
    with pytest.raises(Fault):
        accounting.share(micro_rho, parts)


def test_too_small_a_charge_is_refused_with_the_least_that_works() -> None:
    accounting.refuse_too_little(3, 3)
    with pytest.raises(Refused) as refused:
        accounting.refuse_too_little(2, 3)
    assert refused.value.reason is Reason.SPEND_LIMIT
    assert "3" in refused.value.detail.hint_en
    assert "3" in refused.value.detail.hint_zh


def test_rounding_is_against_the_asker() -> None:
    assert accounting.micro_rho_up(Decimal("0.0243601")) == 24_361
    assert accounting.micro_rho_up(Decimal("0.02436")) == 24_360
    for micro_rho in (1, 3, 7, 24_360, 999_999):
        assert accounting.rho_at_most(micro_rho) * 1e6 <= micro_rho * (1 + 1e-15)
        assert accounting.rho_at_most(micro_rho) == pytest.approx(micro_rho / 1e6, rel=1e-15)


def test_epsilon_is_between_the_true_gaussian_and_the_textbook_bound() -> None:
    for micro_rho in (100, 24_360, 500_000):
        rho = micro_rho / 1e6
        reported = float(accounting.epsilon(micro_rho, DELTA))
        assert reported <= rho + 2 * math.sqrt(rho * math.log(1e6)) + 1e-4
        assert _gaussian_delta(rho, reported) <= 1e-6


def _gaussian_delta(rho: float, epsilon: float) -> float:
    """Return the true δ of a Gaussian costing `rho` (Balle and Wang 2018, thm 8): the report must be above it."""
    mu = math.sqrt(2 * rho)

    def phi(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return phi(mu / 2 - epsilon / mu) - math.exp(epsilon) * phi(-mu / 2 - epsilon / mu)


def test_epsilon_one_is_the_rho_of_the_design_measurements() -> None:
    assert accounting.epsilon(24_360, DELTA) == Decimal("1.0001")
    assert accounting.micro_rho_within(Decimal(1), DELTA) == pytest.approx(24_355, abs=5)


def test_micro_rho_within_is_the_largest() -> None:
    for target in (Decimal("0.1"), Decimal(3)):
        most = accounting.micro_rho_within(target, DELTA)
        assert accounting.epsilon(most, DELTA) <= target < accounting.epsilon(most + 1, DELTA)
    assert accounting.micro_rho_within(Decimal(0), DELTA) == 0


def test_epsilon_of_nothing_is_zero_and_delta_must_be_real() -> None:
    assert accounting.epsilon(0, DELTA) == 0
    for delta in (0, -1, 10**12):
        with pytest.raises(ValueError, match="delta"):
            accounting.epsilon(1, delta)


@pytest.mark.parametrize(("micro_rho", "stated"), [(243, "0.0863"), (24_355, "1.0000"), (172_000, "2.8816")])
def test_the_figures_of_the_documentation(micro_rho: int, stated: str) -> None:
    assert accounting.epsilon(micro_rho, DELTA) == Decimal(stated)
