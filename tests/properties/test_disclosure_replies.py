"""A hostile reply is either exactly what the plan allows or fails the job, and says nothing else."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.disclosure import disclose, grid
from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.refusal import JobCode, JobFailed, Usage
from yanmen.model.stages import Admitted, Aggregate, AggregateKind, Key, Output, Plan, Raw

DOMAINS: tuple[tuple[Cell, ...], ...] = (("f", "m", ""), (0, 1), (False, True), (date(2024, 1, 1), None))
TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DATE)
PLAN = Plan(
    admitted=cast("Admitted", None),
    release=DatasetClass.PERSONAL,
    subject_space="residents",
    scans=(),
    sql="",
    keys=tuple(Key(f"k{at}", type_, domain) for at, (type_, domain) in enumerate(zip(TYPES, DOMAINS, strict=True))),
    aggregates=(
        Aggregate("a0", AggregateKind.ROWS, 0, 0, 50, 1, 1),
        Aggregate("a1", AggregateKind.SUM, 0, -500, 500, 10, 100),
    ),
    averages=(),
    outputs=(Output("n", ColumnType.INTEGER, "a0"),),
    post_sql="",
    canonical="",
    rows_max=24,
    deadline_ms=1,
    micro_rho=1_000,
    delta_e12=1,
    price_fen=0,
    min_group=10,
)
GRID = list(product(*DOMAINS))

right_rows = st.dictionaries(
    st.sampled_from(range(len(GRID))), st.tuples(st.integers(0, 50), st.integers(-500, 500)), max_size=len(GRID)
)
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**127), 2**127),
    st.decimals(),
    st.text(max_size=3),
    st.dates(),
    st.floats(),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["f", "m", "", 0, 1, True, False, Decimal(1), Decimal("sNaN"), date(2024, 1, 1), None, 51, -501]),
)


def cells(rows: tuple[tuple[Cell, ...], ...]) -> list[tuple[int, ...]]:
    return grid.cells(Raw(PLAN, rows, Usage()), ())


@settings(deadline=None)
@given(right_rows, st.data())
def test_right_replies_fill_their_cells_in_any_order(filled: dict[int, tuple[int, int]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(filled)))
    rows = tuple((*GRID[at], *filled[at]) for at in order)
    assert cells(rows) == [filled.get(at, (0, 0)) for at in range(len(GRID))]


@settings(max_examples=400, deadline=None)
@given(right_rows, st.data())
def test_one_wrong_thing_fails_the_job(filled: dict[int, tuple[int, int]], data: st.DataObject) -> None:
    filled = filled or {0: (1, 1)}
    rows = [(*GRID[at], *numbers) for at, numbers in filled.items()]
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 5))
    wrong = data.draw(anything)
    row = rows[at]
    spoilt = cast("tuple[Cell, ...]", (*row[:column], wrong, *row[column + 1 :]))
    after = (*rows[:at], spoilt, *rows[at + 1 :])
    legal = is_legal(after)
    if legal:
        assert len(cells(after)) == len(GRID)
    else:
        with pytest.raises(JobFailed) as failed:
            cells(after)
        assert failed.value.code is JobCode.BAD_REPLY
        assert str(failed.value) == "BAD_REPLY"


def is_legal(rows: tuple[tuple[object, ...], ...]) -> bool:
    """Say by brute force, without hashing, what the plan allows."""
    seen: list[int] = []
    for row in rows:
        found = [
            at
            for at, keys in enumerate(GRID)
            if all(type(a) is type(b) and a == b for a, b in zip(keys, row, strict=False))
        ]
        numbers = row[len(TYPES) :]
        if not found or found[0] in seen or [type(n) for n in numbers] != [int, int]:
            return False
        seen.append(found[0])
        count, total = cast("tuple[int, int]", numbers)
        if not (0 <= count <= 50 and -500 <= total <= 500):
            return False
    return True


@settings(deadline=None)
@given(st.lists(st.lists(anything, max_size=8).map(tuple), max_size=8).map(tuple))
def test_any_reply_ends_in_a_table_or_bad_reply(rows: tuple[tuple[Cell, ...], ...]) -> None:
    outcome: JobCode | int
    try:
        outcome = len(disclose(Raw(PLAN, rows, Usage()), lambda *_: ()).rows)
    except JobFailed as failure:
        outcome = failure.code
    assert outcome in (JobCode.BAD_REPLY, len(GRID))


def test_a_cell_told_twice_fails_the_job() -> None:
    row = (*GRID[3], 1, 1)
    assert cells((row,))
    with pytest.raises(JobFailed):
        cells((row, row))


def test_true_is_not_one_and_one_is_not_true() -> None:
    for keys in (("f", True, False, None), ("f", 1, 0, None), ("f", Decimal(1), True, None)):
        with pytest.raises(JobFailed):
            cells(((*cast("tuple[Cell, ...]", keys), 1, 1),))
