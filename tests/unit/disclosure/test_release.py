"""Noise for persons over the full public grid, with a ± known before asking."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.disclosure import disclose, quote
from yanmen.disclosure.release import OPEN_NOTICE, PERSONAL_NOTICE
from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.refusal import Fault, JobCode, JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Key, Output, Plan, Raw, Released

Columns = tuple[tuple[str, ColumnType | None], ...]
Table = tuple[tuple[Cell | float, ...], ...]


def no_post(columns: Columns, rows: Table, sql: str, types: tuple[ColumnType | None, ...]) -> Table:
    raise AssertionError(f"not asked for: {sql}")


def release(plan: Plan, *rows: tuple[Cell, ...]) -> Released:
    return disclose(Raw(plan, rows, Usage()), no_post)


def test_every_public_cell_is_there_whether_or_not_the_engine_saw_it(personal: Plan) -> None:
    grid = [("f", 1), ("f", 2), ("f", 3), ("m", 1), ("m", 2), ("m", 3)]
    for rows in ((), (("m", 2, 5_000, 123_456),)):
        released = release(personal, *rows)
        assert released.labels == ("sex", "district", "n", "paid", "mean")
        assert released.notice == PERSONAL_NOTICE
        assert released.suppressed == 0
        assert [row[:2] for row in released.rows] == grid
        assert all(isinstance(row[2], int) and isinstance(row[3], Decimal) for row in released.rows)


def test_empty_cells_are_as_noisy_as_full_ones(personal: Plan) -> None:
    empty = [value for _ in range(20) for value in (row[2] for row in release(personal).rows)]
    assert len(set(empty)) > 10  # of 120 draws at sigma 7.07 fewer than 11 values have odds of 8e-34
    assert any(isinstance(value, int) and value < 0 for value in empty)


def test_values_come_back_in_their_own_measure(personal: Plan) -> None:
    released = release(personal, ("f", 1, 1_000_000, 500_000_000))
    row, widths = released.rows[0], released.widths[0]
    assert row[2] == pytest.approx(1_000_000, abs=100)
    assert isinstance(row[3], Decimal)
    assert row[3].as_tuple().exponent == -2
    assert float(row[3]) == pytest.approx(5_000_000, abs=10_000)
    assert isinstance(row[4], Decimal)
    assert float(row[4]) == pytest.approx(5, abs=0.01)
    assert widths[:2] == (None, None)
    # ρ 0.01 for each: sigma = sqrt(1 / 0.02) units, 1.96 sigma of them.
    assert widths[2] == 14
    assert widths[3] == pytest.approx(1.959964 * 10_000 * math.sqrt(50) / 100, abs=0.02)


def test_quote_is_the_width_of_the_answer(personal: Plan) -> None:
    quoted = [column.width for column in quote(personal)]
    answered = release(personal, ("f", 1, 1_000, 5_000)).widths[0]
    assert quoted[:4] == list(answered[:4])
    assert quoted[4] is None
    assert answered[4] is not None
    assert [(c.label, c.type) for c in quote(personal)] == [(o.label, o.type) for o in personal.outputs]


def test_more_budget_is_less_noise(personal: Plan) -> None:
    assert quote(replace(personal, micro_rho=80_000))[2].width == 7
    assert quote(personal)[2].width == 14


def test_budget_too_small_to_split_is_refused_before_asking(personal: Plan) -> None:
    starved = replace(personal, micro_rho=1)
    with pytest.raises(Refused) as refused:
        quote(starved)
    assert refused.value.reason is Reason.SPEND_LIMIT
    with pytest.raises(Fault):
        release(starved)


def test_mechanism_names_scale_and_cost_of_each_aggregate(personal: Plan) -> None:
    mechanism = release(personal).mechanism
    assert mechanism.startswith("discrete-gaussian opendp-0.16.")
    assert "a0 sigma=7.0710678" in mechanism
    assert mechanism.count("micro_rho=10000") == 2


def test_average_is_not_given_when_its_count_may_be_zero(personal: Plan) -> None:
    """The rule looks at the released count and its ±, so it is held against those, whatever the noise was."""
    cells = 1_000
    grid = replace(personal, keys=(Key("k0", ColumnType.INTEGER, tuple(range(cells))),), outputs=personal.outputs[1:])
    released = release(grid, *((at, 14, 5_000) for at in range(cells)))
    given = 0
    for (_, count, _, mean), (_, width, _, _) in zip(released.rows, released.widths, strict=True):
        assert isinstance(count, int)
        assert width is not None
        # Sum and count share the 5 %, so the count must clear more than its own ±: 2.25 sigma instead of 1.96.
        if count <= width:
            assert mean is None
        elif count > 1.25 * width:
            assert mean is not None
        given += mean is not None
    assert 0 < given < cells


def test_average_interval_covers_the_truth(personal: Plan) -> None:
    cells = 2_000
    grid = replace(personal, keys=(Key("k0", ColumnType.INTEGER, tuple(range(cells))),), outputs=personal.outputs[1:])
    released = release(grid, *((at, 400, 4_000_000) for at in range(cells)))
    hits = 0
    for row, widths in zip(released.rows, released.widths, strict=True):
        assert isinstance(row[3], Decimal)
        assert widths[3] is not None
        hits += abs(float(row[3]) - 100.0) <= widths[3]
    # The true share is 0.999, for the interval holds when both parts hold; at 0.95 the odds of fewer are 1e-12.
    assert hits / cells >= 0.95 - 7 * math.sqrt(0.95 * 0.05 / cells)


def test_one_total_without_keys(personal: Plan) -> None:
    plan = replace(personal, keys=(), outputs=personal.outputs[2:])
    released = release(plan, (1_000_000, 5_000))
    assert len(released.rows) == 1
    assert len(release(plan).rows) == 1


def test_post_processing_sees_released_columns_and_gives_the_outputs(personal: Plan) -> None:
    seen: list[tuple[Columns, Table]] = []

    def post(columns: Columns, rows: Table, sql: str, types: tuple[ColumnType | None, ...]) -> Table:
        seen.append((columns, rows))
        assert sql == "SELECT"
        assert types == (ColumnType.TEXT, ColumnType.INTEGER, None)
        return (("f", 7, 14.0), ("m", None, None), ("m", 3, math.inf))

    outputs = (personal.outputs[0], personal.outputs[2])
    released = disclose(Raw(replace(personal, post_sql="SELECT", outputs=outputs), (), Usage()), post)
    assert released.rows == (("f", 7), ("m", None), ("m", 3))
    assert released.widths == ((None, 14.0), (None, None), (None, None))
    columns, rows = seen[0]
    assert [name for name, _ in columns] == ["k0", "k1", "a0", "a1", "m0", "w_a0", "w_a1", "w_m0"]
    types = [ColumnType.TEXT, ColumnType.INTEGER, ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.DECIMAL]
    assert [type_ for _, type_ in columns] == [*types, None, None, None]
    assert all(len(row) == 8 for row in rows)
    assert rows[0][5] == 14.0


@pytest.mark.parametrize(
    "row",
    [
        ("f", 7),
        ("f", 7, 14.0, 1),
        (1, 7, 14.0),
        ("f", True, 14.0),
        ("f", "7", 14.0),
        ("f", 7, -1.0),
        ("f", 7, math.nan),
    ],
)
def test_post_processing_is_checked_like_any_job(personal: Plan, row: tuple[Cell | float, ...]) -> None:
    outputs = (personal.outputs[0], personal.outputs[2])
    plan = replace(personal, post_sql="SELECT", outputs=outputs)
    with pytest.raises(JobFailed) as failed:
        disclose(Raw(plan, (), Usage(reply_bytes=9)), lambda *_: (row,))
    assert failed.value.code is JobCode.BAD_REPLY
    assert failed.value.usage.reply_bytes == 9


def test_open_rows_leave_as_asked_and_typed(personal: Plan) -> None:
    plan = replace(
        personal, release=DatasetClass.OPEN, keys=(), aggregates=(), averages=(), outputs=personal.outputs[:3]
    )
    released = release(plan, ("f", 1, 3), ("m", None, 4))
    assert released.rows == (("f", 1, 3), ("m", None, 4))
    assert released.widths == ((None,) * 3,) * 2
    assert released.notice == OPEN_NOTICE
    assert [column.width for column in quote(plan)] == [None] * 3
    for bad in [(("f", 1),), (("f", 1, 3, 4),), ((1, 1, 3),), (("f", "1", 3),), (("f", 1, 3),) * 7]:
        with pytest.raises(JobFailed):
            release(plan, *bad)


@pytest.mark.parametrize(
    "broken",
    [
        Aggregate("a0", AggregateKind.ROWS, 0, 1, 10, 1, 1),
        Aggregate("a0", AggregateKind.ROWS, 0, 0, 2**63, 1, 1),
        Aggregate("a0", AggregateKind.ROWS, 0, 0, 10, 1, 2),
        Aggregate("a0", AggregateKind.ROWS, 2, 0, 10, 1, 1),
        Aggregate("a0", AggregateKind.SUM, 19, 0, 10, 1, 1),
        Aggregate("a1", AggregateKind.ROWS, 0, 0, 10, 1, 1),
    ],
)
def test_a_plan_with_impossible_bounds_is_a_fault(personal: Plan, broken: Aggregate) -> None:
    plan = replace(personal, aggregates=(broken, personal.aggregates[1]))
    with pytest.raises(Fault):
        release(plan)
    with pytest.raises(Fault):
        quote(plan)


def test_an_output_without_a_source_is_a_fault(personal: Plan) -> None:
    for output in (Output("x", ColumnType.INTEGER, "a9"), Output("x", ColumnType.TEXT, "k0")):
        with pytest.raises(Fault):
            release(replace(personal, outputs=(output,)))
    with pytest.raises(Fault):
        release(replace(personal, keys=()))


def test_raw_rows_do_not_print(personal: Plan) -> None:
    assert "canary" not in repr(Raw(personal, (("canary", 1, 2, 3),), Usage()))
