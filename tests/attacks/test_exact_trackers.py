"""Withheld cells of exact data stay withheld: complements, trackers, and anything that adds and subtracts."""

from threading import Event
from typing import Any

import pytest
from typing_extensions import override
from yanmen.disclosure import disclose, threshold
from yanmen.disclosure.partition import Cuts
from yanmen.execution.run import run
from yanmen.model.catalogue import Column, ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Reserved
from yanmen.planning.plan import plan

from tests.attacks.trackers import NAMES, Attacker, Market, market, solvable
from tests.unit.planning.engine import InProcessRunner, admitted, connect, create, dataset, key, measure, planned, unit

SIZES = (3, 4, 3)
MADE = market(SIZES, 400, 7)


class Kept(InProcessRunner):
    """Loads its one table once and remembers its replies: these attacks ask the same tables hundreds of times."""

    def __init__(self, columns: tuple[tuple[str, str], ...], rows: list[tuple[Any, ...]]) -> None:
        super().__init__()
        self._engine = connect()
        self._engine.execute("ATTACH ':memory:' AS \"s0\"")
        create(self._engine, '"s0"."data"', columns, rows)
        self._known: dict[str, Any] = {}

    @override
    def rows(self, scans: tuple[tuple[str, str], ...], sql: str) -> Any:
        if sql not in self._known:
            self._known[sql] = self._engine.execute(sql).fetchall()
        return self._known[sql]


def firm(dimensions: tuple[int, int, int] = SIZES, rows: int = 1) -> Any:
    keys = [key(name, *range(size), type=ColumnType.INTEGER) for name, size in zip(NAMES, dimensions, strict=True)]
    columns: list[Column] = [unit("id"), *keys, measure("output", "0", "1000000")]
    return dataset("firm", DatasetClass.EXACT, *columns, rows=rows, groups=rows, upto=20_000)


def asking(made: Market, rows: int = 1) -> Any:
    """Return what answers SQL over `made` as a node does, jail and books left out."""
    declared = firm(made.sizes, rows)
    runner = Kept(tuple((name, "BIGINT") for name in ("id", *NAMES, "output")), [tuple(each) for each in made.firms])

    def ask(sql: str) -> Any:
        found = plan(admitted(sql, datasets=(declared,)), runner, NodeLimits())
        return disclose(run(Reserved(found, 0, ""), runner, NodeLimits(), Event()), runner.post).rows

    return ask


@pytest.fixture(scope="module")
def attacker() -> Attacker:
    made = Attacker(asking(MADE), MADE)
    made.collect()
    return made


def test_no_withheld_cell_follows_by_complement_or_tracker(attacker: Attacker) -> None:
    targets = attacker.targets()
    assert len(targets) > 10
    assert not [box for box in targets if attacker.complemented(box) or attacker.tracked(box)]


def test_nor_by_any_sum_of_everything_that_was_shown(attacker: Attacker) -> None:
    assert len(attacker.shown) > 100
    assert solvable(list(attacker.shown), SIZES, attacker.targets()) == 0


def test_what_is_shown_is_exact(attacker: Attacker) -> None:
    assert all(MADE.count(box) == value for box, value in attacker.shown.items())


def test_the_attack_recovers_cells_withheld_by_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threshold, "cut", lambda *_: (Cuts((), ()), Cuts((), ())))
    made = Attacker(asking(MADE), MADE)
    made.collect()
    targets = made.targets()
    assert sum(made.complemented(box) for box in targets) > len(targets) / 2
    assert sum(made.tracked(box) for box in targets) > len(targets) / 2
    assert solvable(list(made.shown), SIZES, targets) > len(targets) / 2


def test_a_filter_written_backwards_is_the_same_filter() -> None:
    ask = asking(MADE)
    pairs = (("size >= 1", "1 <= size"), ("region <> 2", "2 <> region"), ("sector = 1", "1 = sector"))
    for one, other in pairs:
        sql = "SELECT region, count(*) AS n, sum(output) AS s FROM firm WHERE {} GROUP BY region"
        shown = [[row for row in ask(sql.format(text)) if row[1] is not None] for text in (one, other)]
        assert shown[0] == shown[1] != []


def test_two_contracts_with_different_minimums_find_nothing_together(
    attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stricter contract's blocks are made of the looser one's, so their answers put together split none."""
    monkeypatch.setattr(threshold, "contributors", lambda _: 25)
    other = Attacker(asking(MADE), MADE)
    other.collect()
    both = [*attacker.shown, *other.shown]
    assert solvable(both, SIZES, attacker.targets()) == 0


def test_a_figure_with_a_condition_inside_is_refused() -> None:
    hidden = (
        "sum(CASE WHEN size = 1 THEN output ELSE 0 END)",
        "count(nullif(size, 1))",
        "sum(coalesce(output, 1))",
        "sum(output) FILTER (WHERE size = 1)",
        "count(*) FILTER (WHERE size = 1)",
        # Dimensions are conditions too: zero for all sizes but one, or counted where there is one at all.
        "sum(size * (size - 1))",
        "sum(output * size)",
        "count(size)",
        "avg(size)",
    )
    for figure in hidden:
        with pytest.raises(Refused) as caught:
            planned(f"SELECT region, {figure} AS n FROM firm GROUP BY region", datasets=(firm(),))
        assert caught.value.reason is Reason.DIMENSION_NOT_DECLARED


def test_joins_and_unbounded_frames_are_refused() -> None:
    towns = dataset("town", DatasetClass.OPEN, key("region", *range(4), type=ColumnType.INTEGER))
    with pytest.raises(Refused) as joined:
        planned("SELECT count(*) FROM firm JOIN town USING (region)", datasets=(firm(), towns))
    assert joined.value.reason is Reason.CLAUSE_NOT_ADMITTED
    with pytest.raises(Refused) as large:
        planned("SELECT count(*) FROM firm", datasets=(firm((100, 100, 100)),))
    assert large.value.reason is Reason.TOO_MANY_CELLS


def test_dominance_cannot_be_hidden_behind_a_constant() -> None:
    """SUM(output + 1000000) less 1000000 times COUNT(*) would be SUM(output) of a dominated cell."""
    made = Market(SIZES, [(n, 0, 0, 0, 1 if n else 1_000) for n in range(30)])
    made.firms += [(100 + n, 1, n % 4, n % 3, 100) for n in range(600)]
    ask = asking(made)
    sql = "SELECT region, sum({}) AS s, count(*) AS n FROM firm GROUP BY region"
    for argument in ("output", "output + 1000", "output * 1 + 1000000"):
        assert ask(sql.format(argument))[0][1:] == (None, 30)
        assert ask(sql.format(argument))[1][1] is None or made.sizes  # joined with what it hides behind


def test_units_with_many_rows_are_not_counted_twice() -> None:
    """Five firms in each of three years are five firms, not fifteen."""
    rows = [(number, 0, 0, year, 5) for number in range(5) for year in range(3)]
    assert asking(Market(SIZES, rows), rows=3)("SELECT region, count(*) FROM firm GROUP BY region")[0] == (0, None)
