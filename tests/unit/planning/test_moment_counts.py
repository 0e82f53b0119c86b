"""Moments beside counts and averages of the same column: one count, and nothing where noise leaves nothing."""

from decimal import Decimal

import pytest

from tests.unit.planning.engine import planned, shared

MOMENTS = ("var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev")


@pytest.mark.parametrize("beside", ["count(age)", "avg(age)", "count(age + 1)", "count(2 * age)", "count(-age)"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_count_of_a_column_is_one_figure(beside: str, moment: str) -> None:
    alone = planned(f"SELECT {moment}(age) FROM person")
    both = planned(f"SELECT {moment}(age), count(age) FROM person")
    assert len(both.aggregates) == len(alone.aggregates) == 3
    # An average needs the sum of the column itself beside the sum of the centred one.
    assert len(planned(f"SELECT {moment}(age), {beside} FROM person").aggregates) == 3 + ("avg" in beside)


def test_two_columns_of_which_either_may_be_missing_are_counted_together() -> None:
    found = planned("SELECT count(age), count(age + income), count(income) FROM person")
    assert len(found.aggregates) == 3


def shown(sql: str, *cells: int) -> object:
    """Return what becomes of released `cells`, in the order of the plan's figures."""
    plan = planned(sql)
    assert len(plan.aggregates) == len(cells)
    held = ", ".join(
        f"CAST({Decimal(value).scaleb(-aggregate.scale)} AS {'DECIMAL(38,4)' if aggregate.scale else 'BIGINT'}) "
        f'AS "{aggregate.name}", CAST(0 AS DOUBLE) AS "w_{aggregate.name}"'
        for aggregate, value in zip(plan.aggregates, cells, strict=True)
    )
    row = shared().execute(f'WITH "cells" AS (SELECT {held}) {plan.post_sql}').fetchone()
    return None if row is None else row[0]


def _cells(sql: str, count: int, total: int, squares: int) -> list[int]:
    kinds = [aggregate.kind.value for aggregate in planned(sql).aggregates]
    sums = iter((squares, total))
    return [count if kind == "rows" else next(sums) for kind in kinds]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("count", "squares"), [(10, -5), (-10, 50), (0, 50), (-10, -50)])
def test_a_variance_that_noise_leaves_below_zero_is_null(moment: str, count: int, squares: int) -> None:
    sql = f"SELECT {moment}(age) FROM person"
    assert shown(sql, *_cells(sql, count, 0, squares)) is None
    assert shown(sql, *_cells(sql, 10, 0, 50)) is not None


@pytest.mark.parametrize("function", ["regr_sxx", "regr_syy", "regr_r2", "corr", "regr_slope", "covar_pop"])
def test_what_is_made_of_one_is_null_too(function: str) -> None:
    sql = f"SELECT {function}(age, age) FROM person"
    assert shown(sql, *_cells(sql, 10, 0, -5)) is None
    assert shown(sql, *_cells(sql, 10, 0, 50)) is not None


@pytest.mark.parametrize("count", [0, -3])
def test_a_mean_over_no_pairs_is_null(count: int) -> None:
    sql = "SELECT regr_avgx(age, age) FROM person"
    plan = planned(sql)
    assert shown(sql, *(count if item.kind.value == "rows" else 7 for item in plan.aggregates)) is None
