"""Exact data: the sum of squares of a dominated cell cannot be had, neither as asked nor from the totals around it.

One firm of a cell makes 1,000, fifty others 10 each: their sum is not dominated (the rest is half of the largest), the
sum of squares is (the rest is 0.5 %). Asked for that cell it would be withheld; asked for all cells and for all
others it would not, and the difference would tell the largest firm's figure to 0.3 %.
"""

from typing import Any

import pytest
from yanmen.disclosure.partition import dominated
from yanmen.model.refusal import Reason, Refused

from tests.unit.planning.engine import planned

PERCENT = 10
FIRMS = [1_000, *[10] * 50]
OF_ONE = ["var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev"]
OF_TWO = [
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
    "regr_slope",
    "regr_r2",
    "regr_count",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
]


def totals(values: list[int]) -> tuple[int, int, int]:
    first, second, *_ = sorted(values, reverse=True)
    return sum(values), first, second


def test_a_sum_that_is_balanced_may_have_squares_that_are_not() -> None:
    assert not dominated(totals(FIRMS), PERCENT)
    assert dominated(totals([value * value for value in FIRMS]), PERCENT)


@pytest.mark.parametrize(
    "figure",
    [
        "sum(output * output)",
        "avg(output * output)",
        "count(output * output)",
        "sum((output + 1) * (output - 1))",
        "sum(- (output * (2 - output)))",
        "sum(output * output * 0)",
        *(f"{name}(output)" for name in OF_ONE),
        *(f"{name}(output, output)" for name in OF_TWO),
    ],
)
@pytest.mark.parametrize("tail", ["GROUP BY sector", "WHERE size > 1 GROUP BY sector", "GROUP BY size, sector"])
def test_no_figure_multiplies_measures(figure: str, tail: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(f"SELECT {figure} FROM firm {tail}")
    assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED
    assert "literals" in caught.value.detail.hint_en


@pytest.mark.parametrize(
    "figure", ["sum(output - 5)", "sum(3 * output)", "avg(output * 2 - 7)", "sum(output + output)", "sum(- output)"]
)
def test_what_follows_from_sums_of_measures_is_answered(figure: str) -> None:
    found: Any = planned(f"SELECT sector, {figure} FROM firm GROUP BY sector")
    assert found.frame is not None
