"""Exact data with values missing: a sum or a count of values rests on the units that have one, not on all of its cell.

A cell of twelve firms of which one reports its output is a cell of one firm, for every figure of the output: as
asked, and as the difference of figures that were shown.
"""

from fractions import Fraction
from itertools import product
from random import Random
from threading import Event
from typing import Any

import pytest
from yanmen.disclosure import disclose
from yanmen.execution.run import run
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Reserved
from yanmen.planning.plan import plan

from tests.attacks.test_exact_trackers import Kept
from tests.unit.planning.engine import admitted, dataset, key, measure, planned, unit

K = 10
SIZES = (3, 4)
Firm = tuple[int, int, int, int | None, int | None, str | None]
Ends = tuple[tuple[int, ...], ...]


def firms(rows: int = 1) -> Dataset:
    keys = [key(name, *range(size), type=ColumnType.INTEGER) for name, size in zip("rs", SIZES, strict=True)]
    note = Column("note", ColumnType.TEXT, Role.MEASURE)
    columns: list[Column] = [unit("id"), *keys, measure("output", "0", "1000"), measure("staff", "0", "1000"), note]
    return dataset("firm", DatasetClass.EXACT, *columns, rows=rows, groups=rows, upto=20_000)


def asking(made: list[Firm], rows: int = 1) -> Any:
    declared = firms(rows)
    kinds = ("BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "VARCHAR")
    columns = tuple(zip(("id", "r", "s", "output", "staff", "note"), kinds, strict=True))

    def ask(sql: str) -> Any:
        found = plan(admitted(sql, datasets=(declared,)), runner, NodeLimits())
        return disclose(run(Reserved(found, 0, ""), runner, NodeLimits(), Event()), runner.post).rows

    runner = Kept(columns, list(made))
    return ask


def full(region: int, size: int, count: int, start: int) -> list[Firm]:
    return [(start + at, region, size, 10, 10, "x") for at in range(count)]


def one_in_twelve() -> list[Firm]:
    """One firm of twelve in region 0 reports; forty in each other cell do."""
    lone: list[Firm] = [(at, 0, 0, 777 if at == 0 else None, 10, "x" if at == 0 else None) for at in range(12)]
    others = [full(region, size, 40, 1000 * (1 + region) + 100 * size) for region in (1, 2) for size in range(4)]
    return [*lone, *(each for group in others for each in group)]


@pytest.mark.parametrize(
    "figure", ["sum(output)", "avg(output)", "count(output)", "sum(2 * output - 1)", "count(note)"]
)
def test_a_figure_of_values_that_one_unit_has_is_not_shown(figure: str) -> None:
    ask = asking(one_in_twelve())
    rows = dict(ask(f"SELECT r, {figure} FROM firm GROUP BY r"))
    assert rows[0] is None
    assert rows[2] is not None  # region 1 stands in the block that hides it
    assert dict(ask("SELECT r, count(*) FROM firm GROUP BY r"))[0] == 12  # the cell itself is large enough


@pytest.mark.parametrize("figure", ["sum(output)", "count(output)", "count(note)"])
def test_nor_does_it_follow_from_what_is_shown_around_it(figure: str) -> None:
    ask = asking(one_in_twelve())
    (whole,) = ask(f"SELECT {figure} FROM firm")[0]
    rest = ask(f"SELECT {figure} FROM firm WHERE r > 0")[0][0]
    assert whole is None or rest is None


@pytest.mark.parametrize(("reporting", "shown"), [(9, False), (10, True)])
def test_the_threshold_counts_units_with_a_value(reporting: int, shown: bool) -> None:
    made: list[Firm] = [(at, 0, 0, 10 if at < reporting else None, 10, "x") for at in range(30)]
    found = asking(made)("SELECT r, sum(output), avg(output), count(output), sum(staff), count(*) FROM firm GROUP BY r")
    total = (10 * reporting, 10, reporting) if shown else (None, None, None)
    assert found[0] == (0, *total, 300, 30)


def test_a_units_rows_are_one_contributor() -> None:
    """Three firms of three years each have nine values, and are three."""
    made: list[Firm] = [(at, 0, year, 10, 10, "x") for at in range(3) for year in range(3)]
    made += [(100 + at, 0, year, None, 10, "x") for at in range(20) for year in range(3)]
    found = asking(made, rows=3)("SELECT r, sum(output), count(output), sum(staff) FROM firm GROUP BY r")
    assert found[0] == (0, None, None, 23 * 3 * 10)


def test_no_figure_combines_measures() -> None:
    """SUM(output + staff) would count only who has both: nobody's block was made for them."""
    for figure in ("sum(output + staff)", "avg(output - staff)", "count(output + staff)", "sum(output + 0 * staff)"):
        with pytest.raises(Refused) as caught:
            planned(f"SELECT r, {figure} FROM firm GROUP BY r", datasets=(firms(),))
        assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED
        assert "sum(a) + sum(b)" in caught.value.detail.hint_en


def test_four_of_them_with_twelve_values_are_still_four() -> None:
    made: list[Firm] = [(at, 0, year, 10, 10, "x") for at in range(4) for year in range(3)]
    made += [(100 + at, 0, year, None, 10, "x") for at in range(20) for year in range(3)]
    found = asking(made, rows=3)("SELECT r, sum(output), count(output), count(*) FROM firm GROUP BY r")
    assert found[0] == (0, None, None, 72)


def test_a_measure_that_hardly_anybody_has_hides_no_other() -> None:
    made: list[Firm] = [(at, at % 3, at % 4, 5 if at < 3 else None, 10, None) for at in range(600)]
    found = asking(made)("SELECT r, sum(output), sum(staff) FROM firm GROUP BY r")
    assert found == ((0, None, 2000), (1, None, 2000), (2, None, 2000))


@pytest.mark.parametrize("seed", range(4))
def test_no_small_figure_follows_from_everything_shown(seed: int) -> None:
    """All boxes of a market in which many values are missing: what can be added up of sums shown rests on K units."""
    draw = Random(seed)
    made: list[Firm] = []
    for region, size in product(*map(range, SIZES)):
        share = draw.choice([0.0, 0.1, 0.4, 1.0])
        for _ in range(draw.choice([0, 5, 15, 60])):
            value = draw.randrange(1, 20) if draw.random() < share else None
            made.append((len(made), region, size, value, draw.randrange(1, 20), None))
    ask = asking(made)
    boxes = [(r, s) for r in _ranges(SIZES[0]) for s in _ranges(SIZES[1])]
    shown = [box for box in boxes if ask(f"SELECT sum(output) FROM firm WHERE {_where(box)}")[0][0] is not None]
    cells = [cell for cell in product(*map(range, SIZES)) if 0 < _having(made, [cell]) < K]
    assert shown
    present = [cell for cell in product(*map(range, SIZES)) if _having(made, [cell]) > 0]
    rows = [[Fraction(cell[0] in r and cell[1] in s) for cell in present] for r, s in shown]
    for cell in cells:
        assert not _spans(rows, [Fraction(cell == other) for other in present])


def _ranges(size: int) -> list[tuple[int, ...]]:
    return [tuple(range(low, high)) for low in range(size) for high in range(low + 1, size + 1)]


def _where(box: Ends) -> str:
    return " AND ".join(f"{name} >= {ends[0]} AND {name} <= {ends[-1]}" for name, ends in zip("rs", box, strict=True))


def _having(made: list[Firm], cells: list[tuple[int, ...]]) -> int:
    return len({firm[0] for firm in made if firm[1:3] in cells and firm[3] is not None})


def _spans(rows: list[list[Fraction]], target: list[Fraction]) -> bool:
    """Tell whether `target` is a sum of multiples of `rows`."""
    return _rank([*rows, target]) == _rank(rows)


def _rank(rows: list[list[Fraction]]) -> int:
    left = [list(row) for row in rows]
    rank = 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((at for at in range(rank, len(left)) if left[at][column] != 0), None)
        if pivot is None:
            continue
        left[rank], left[pivot] = left[pivot], left[rank]
        for at in range(rank + 1, len(left)):
            factor = left[at][column] / left[rank][column]
            left[at] = [a - factor * b for a, b in zip(left[at], left[rank], strict=True)]
        rank += 1
    return rank
