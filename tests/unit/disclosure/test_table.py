"""Averages are made of released figures, with an interval that holds when both parts hold."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from yanmen.disclosure import table
from yanmen.disclosure.table import Estimate, Figures
from yanmen.model.catalogue import ColumnType
from yanmen.model.stages import Plan


def row(personal: Plan, *estimates: Estimate, noisy: bool = True) -> tuple[object, ...]:
    figures = Figures([("f", 1)], [estimates], noisy=noisy)
    return table.rows(replace(personal, outputs=()), figures)[0]


def test_width_of_an_average_is_its_farthest_corner(personal: Plan) -> None:
    # 1,000.00 ± 100.00 over 100 ± 20: from 900/120 = 7.5 to 1100/80 = 13.75, and the mean is 10.
    made = row(personal, Estimate(100, 1, 20), Estimate(100_000, 1, 10_000))
    assert made[:5] == ("f", 1, 100, Decimal("1000.00"), Decimal("10.00000000"))
    assert made[5:] == (1.0, 0.01, 3.75)
    # Of a negative sum the farthest corner is the most negative.
    assert row(personal, Estimate(100, 1, 20), Estimate(-100_000, 1, 10_000))[7] == 3.75


def test_an_average_is_rounded_and_its_width_counts_the_rounding(personal: Plan) -> None:
    made = row(personal, Estimate(3, 0, 0), Estimate(100, 0, 0))
    assert made[4] == Decimal("0.33333333")
    assert isinstance(made[7], float)
    assert Fraction(made[7]) >= Fraction(1, 3) - Fraction(Decimal("0.33333333")) > 0


@pytest.mark.parametrize(("count", "spread"), [(20, 20), (0, 0), (-5, 1), (5, 9)])
def test_no_average_over_a_count_that_may_be_zero(personal: Plan, count: int, spread: int) -> None:
    made = row(personal, Estimate(count, 1, spread), Estimate(100_000, 1, 1))
    assert made[4] is None
    assert made[7] is None


def test_withheld_figures_have_neither_value_nor_width(personal: Plan) -> None:
    assert row(personal, Estimate(None), Estimate(None), noisy=False)[2:] == (None,) * 6
    assert row(personal, Estimate(20), Estimate(None), noisy=False)[2:] == (20, None, None, None, None, None)


def test_a_width_is_never_understated(personal: Plan) -> None:
    summed = personal.aggregates[1]
    for units in (1, 7, 29, 10**17 + 1):
        assert Fraction(table.width_of(summed, units)) >= Fraction(units, 100)


def test_whole_sums_stay_integers(personal: Plan) -> None:
    assert table.figure_type(personal.aggregates[0]) is ColumnType.INTEGER
    assert table.figure_type(personal.aggregates[1]) is ColumnType.DECIMAL
    assert table.figure_type(replace(personal.aggregates[1], scale=0)) is ColumnType.INTEGER
