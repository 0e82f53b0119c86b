"""Two aggregators see chance; three see the table; the noise is no less than what is charged for."""

import pytest

from tests.attacks import views

ONE = ((5, 7, -3), (1, 1, 1))
SAME_TOTAL = ((-1_000_000, 2**39, 0), (1_000_006, 8 - 2**39, -2))


@pytest.mark.parametrize("pair", views.PAIRS)
def test_two_views_of_inputs_with_the_same_total_do_not_differ(pair: tuple[int, int]) -> None:
    # Seven deviations: by chance less often than once in 10^11 tests.
    assert abs(views.differ(views.views(ONE, pair, 400), views.views(SAME_TOTAL, pair, 400))) < 7


def test_three_views_differ_so_the_measure_can_tell() -> None:
    assert views.differ(views.views(ONE, (0, 1, 2), 50), views.views(SAME_TOTAL, (0, 1, 2), 50)) > 7


@pytest.mark.parametrize("sigma_squared", [1, 2, 20, 1200])
@pytest.mark.parametrize("moved", [1, 3])
def test_the_noise_that_two_colluders_leave_costs_what_is_charged(sigma_squared: int, moved: int) -> None:
    exact, claim = views.rho(sigma_squared, moved), views.claimed(sigma_squared, moved)
    assert 0.9 * claim < exact <= 1.01 * claim
    assert views.rho(sigma_squared, moved, dealers=2) <= claim


def test_noise_below_one_would_cost_more_than_is_charged() -> None:
    """Why no variance below one is taken when dealers' noise is added up (formats/manifest)."""
    assert views.rho(0.047, 1, dealers=86) > 1.01 * views.claimed(0.047 * 86, 1)


@pytest.mark.parametrize("sigma_squared", [1, 48, 5_000_000])
def test_drawn_noise_has_the_variance_it_claims(sigma_squared: int) -> None:
    assert abs(views.variance_off(sigma_squared, 20_000)) < 7
