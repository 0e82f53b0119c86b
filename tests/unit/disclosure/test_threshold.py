"""Exact figures: enough contributors, nobody dominant, and absence told no more than smallness."""

from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.disclosure import disclose, quote
from yanmen.disclosure.release import exact_notice
from yanmen.model.catalogue import Cell, DatasetClass
from yanmen.model.refusal import Fault, JobFailed, Usage
from yanmen.model.stages import Frame, Plan, Raw, Released


@pytest.fixture
def exact(personal: Plan) -> Plan:
    keys = tuple(replace(key, domain=(*key.domain, None)) for key in personal.keys)
    chosen = tuple(key.domain for key in keys)
    rows, paid = personal.aggregates
    figures = (rows, replace(paid, valued=True))
    frame = Frame((), "", keys, figures, chosen, (0, 1), alone=True)
    charged = replace(personal, micro_rho=0, delta_e12=0, aggregates=figures)
    return replace(charged, release=DatasetClass.EXACT, min_group=10, frame=frame)


def release(plan: Plan, *rows: tuple[Cell, ...]) -> Released:
    """Release rows of the question; they are the finest table as well."""
    return disclose(Raw(plan, rows, Usage(), rows), lambda *_: ())


def test_large_cells_are_exact_and_small_or_absent_ones_are_blank(exact: Plan) -> None:
    small = (20, 10_000, 9, 9, 1_000, 900)
    released = release(
        exact, ("f", 1, 20, 10_000, 10, 10, 1_000, 900), ("f", 2, *small), ("m", 2, *small), ("m", 1, *small)
    )
    assert released.rows[0] == ("f", 1, None, None, None)  # withheld with the one that only stands together with it
    released = release(exact, ("f", 1, 20, 10_000, 10, 10, 1_000, 900), ("f", 2, *small), ("f", 3, *small))
    assert released.rows[0] == ("f", 1, 20, Decimal("100.00"), Decimal("5.00000000"))
    assert released.rows[1] == ("f", 2, None, None, None)
    assert released.rows[3] == ("m", 1, None, None, None)  # nobody at all looks the same
    assert released.suppressed == 5
    assert released.widths == ((None,) * 5,) * 6
    assert released.notice == exact_notice(exact)
    assert "少于 10 个" in released.notice
    assert "fewer than 10 units" in released.notice
    assert released.mechanism == "threshold k=10 p=10% whole-blocks"
    assert [column.width for column in quote(exact)] == [None] * 5


@pytest.mark.parametrize(("asked", "units", "blank"), [(25, 24, True), (25, 25, False), (3, 9, True), (3, 10, False)])
def test_a_contract_can_raise_the_threshold_and_not_lower_it(exact: Plan, asked: int, units: int, blank: bool) -> None:
    released = release(replace(exact, min_group=asked), ("f", 1, 50, 50_000, units, units, 100, 100))
    assert (released.rows[0][2] is None) is blank


@pytest.mark.parametrize(
    ("total", "first", "second", "blank"),
    [
        (1_000, 500, 400, False),  # 100 left beside the two, 10 % of the largest is 50
        (949, 500, 400, True),  # 49 left: the second knows the first within 10 %
        (950, 500, 400, False),  # exactly 10 %
        (-1_000, 500, 400, False),
        (-949, 500, 400, True),
        (0, 0, 0, False),
        (0, 500, 500, True),
    ],
)
def test_dominance_blanks_the_sum_and_its_average_only(
    exact: Plan, total: int, first: int, second: int, blank: bool
) -> None:
    released = release(exact, ("f", 1, 30, total, 30, 30, first, second))
    row = released.rows[0]
    assert row[2] == 30
    assert (row[3] is None) is blank
    assert (row[4] is None) is blank
    assert released.suppressed == 5 + blank


@pytest.mark.parametrize(("having", "blank"), [(9, True), (10, False), (0, True)])
def test_a_sum_rests_on_the_units_with_a_value(exact: Plan, having: int, blank: bool) -> None:
    row = release(exact, ("f", 1, 30, 1_000, 30, having, 100, 100)).rows[0]
    assert row[2] == 30
    assert (row[3] is None) is blank
    assert (row[4] is None) is blank


def test_a_sum_whose_contributors_nobody_counted_is_a_fault(exact: Plan) -> None:
    rows, paid = exact.aggregates
    figures = (rows, replace(paid, valued=False))
    assert exact.frame is not None
    plan = replace(exact, aggregates=figures, frame=replace(exact.frame, aggregates=figures))
    with pytest.raises(Fault):
        release(plan, ("f", 1, 30, 1_000, 30, 100, 100))


@pytest.mark.parametrize(
    "row",
    [
        ("f", 1, 30, 1_000, 30, 30, 100, 200),  # second largest above the largest
        ("f", 1, 30, 1_000, -1, -1, 100, 50),
        ("f", 1, 30, 1_000, 30, -1, 100, 50),
        ("f", 1, 30, 1_000, 30, 31, 100, 50),  # more units with a value than units
        ("f", 1, 30, 1_000, 30, 30, -100, -200),
        ("f", 1, 30, 1_000, 30, 30, None, None),
        ("f", 1, 30, 1_000, 30, 30, 100),
        ("f", 1, 30, 1_000, 30, 100, 50),
        ("f", 1, 30, 1_000),
    ],
)
def test_hostile_contributor_columns_fail_the_job(exact: Plan, row: tuple[Cell, ...]) -> None:
    with pytest.raises(JobFailed):
        release(exact, row)
