"""Ten attacks on what a node itself answers, from the specification to the receipt: `personal` and `exact` tables."""

import importlib
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from yanmen.model.refusal import Reason, Refused

from tests.attacks.trackers import NAMES, Box, market, solvable

SIZES = (3, 4, 3)
MADE = market(SIZES, 400, 7)
OUTSIDE = [(9_000 + at, 7, 0, 0, 500) for at in range(3)]
"""Three firms in a region that is not in the domain."""
FIRM = """
class = "exact"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = 5000

[columns.id]
type = "integer"
role = "unit"
[columns.output]
type = "integer"
role = "measure"
lower = 0
upper = 1000
"""
KEY = """
[columns.{0}]
type = "integer"
role = "key"
domain = {1}
"""
STAY = """
class = "personal"
subject_space = "person"
rows_per_unit = 6
groups_per_unit = 2
rows_upto = 20000

[columns.pid]
type = "integer"
role = "unit"
[columns.ward]
type = "integer"
role = "key"
domain = [0, 1, 2, 3, 4, 5, 6, 7]
[columns.days]
type = "integer"
role = "measure"
lower = 0
upper = 10
"""
HEAVY = [(1, ward, 10) for ward in range(8) for _ in range(200)]
"""One person with 1,600 rows in all wards: 6 may stay, in two wards."""
LIGHT = [(pid, pid % 8, 1) for pid in range(2, 400)]
EVERY = 900_000
"""A charge at which the noise is small: what is left of one person is seen at once."""


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Open a node with both tables."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
    place = importlib.import_module("bench_files.attack_place")
    dimensions = "".join(KEY.format(name, list(range(size))) for name, size in zip(NAMES, SIZES, strict=True))
    columns = ("id", *NAMES, "output")
    tables = [
        place.Table("firm", FIRM + dimensions, columns, [*MADE.firms, *OUTSIDE], columns),
        place.Table("stay", STAY, ("pid", "ward", "days"), [*HEAVY, *LIGHT], ("pid", "ward", "days")),
    ]
    with place.opened(tmp_path_factory.mktemp("surface"), tables, 1_000_000_000) as opened:
        yield opened


@pytest.fixture(scope="module")
def asker(arena: Any) -> Any:
    return arena.contract(100_000_000)


def left(arena: Any, asker: Any) -> Any:
    return arena.holder.ledger.space_left("person")


def boxed(rows: Any) -> dict[Box, Any]:
    """Return the last figure of each set of firms in a CUBE with `grouping`."""
    found: dict[Box, Any] = {}
    for *keys, kind, value in rows:
        parts = []
        for at, (key, size) in enumerate(zip(keys, SIZES, strict=True)):
            whole = int(kind) & 1 << (len(NAMES) - 1 - at)
            parts.append(frozenset(range(size)) if whole else frozenset({key}))
        found[tuple(parts)] = value
    return found


CUBE = "SELECT region, sector, size, grouping(region, sector, size) AS g, {} AS v FROM firm GROUP BY CUBE"
CUBE += " (region, sector, size)"


def truth(box: Box) -> int:
    """Count the firms of a box, those of no region among them where all regions are meant."""
    return MADE.count(box) + (len(OUTSIDE) if len(box[0]) == SIZES[0] and 0 in box[1] and 0 in box[2] else 0)


def test_a_person_with_a_thousand_rows_counts_in_two_wards_with_six(asker: Any) -> None:
    """Heavy units are ranked, by the count that the import job itself wrote into the sealed snapshot."""
    rows = asker.rows("SELECT ward, count(*) AS n, sum(days) AS d FROM stay GROUP BY ward", EVERY)
    light = {ward: sum(place == ward for _, place, _ in LIGHT) for ward in range(8)}
    over = {ward: count - light[ward] for ward, count, _ in rows}
    assert len(rows) == 8
    assert sum(value > 60 for value in over.values()) == 0, "200 rows of one person would be seen in each ward"
    assert all(abs(value) < 150 for value in over.values())


def test_the_count_of_a_persons_rows_cannot_be_asked_for(arena: Any, asker: Any) -> None:
    before = left(arena, asker)
    for text in (
        'sum("unit rows")',
        'max("UNIT ROWS")',
        'count(DISTINCT "unit rows")',
        'sum(s."unit rows")',
        "sum(columns(*))",
    ):
        assert asker.refused(f"SELECT {text} FROM stay s", EVERY) != ""
    for text in ('GROUP BY "unit rows"', 'WHERE "unit rows" > 5', 'ORDER BY "unit rows"'):
        assert asker.refused(f"SELECT count(*) AS n FROM stay {text}", EVERY) == Reason.UNKNOWN_COLUMN.value
    assert left(arena, asker) == before, "what is refused is not charged"


def test_a_join_of_released_tables_that_could_fail_is_not_charged(arena: Any, asker: Any) -> None:
    before = left(arena, asker)
    wide = "WITH t AS (SELECT ward, days // 1 AS d, count(*) AS n FROM stay GROUP BY 1, 2)"
    for condition in ("a.n < b.n", "a.n = b.n", "a.n <> b.n OR a.d = b.d"):
        sql = f"{wide} SELECT a.n FROM t a JOIN t b ON {condition} JOIN t c ON a.n < c.n"
        assert asker.refused(sql, EVERY) == Reason.TOO_MANY_CELLS.value
    assert asker.refused(f"{wide} SELECT 1 FROM t a JOIN t b ON a.n = c.n JOIN t c ON a.d = c.d", EVERY) != ""
    assert left(arena, asker) == before


def test_figures_repeated_in_one_answer_are_drawn_once(asker: Any) -> None:
    """Else their mean would be nearer than the charge pays for."""
    once = "SELECT ward, count(*) AS n FROM stay GROUP BY ward"
    rows = asker.rows(f"WITH t AS ({once}) SELECT * FROM t UNION ALL SELECT * FROM t UNION ALL ({once})", EVERY)
    found: dict[Any, set[Any]] = {}
    for ward, count in rows:
        found.setdefault(ward, set()).add(count)
    assert len(rows) == 24
    assert all(len(values) == 1 for values in found.values())
    rows = asker.rows(f"WITH t AS ({once}) SELECT a.n - b.n AS d FROM t a JOIN t b USING (ward)", EVERY)
    assert {row[0] for row in rows} == {0}


def test_no_firm_is_told_by_what_a_cube_shows_with_all_its_margins(asker: Any) -> None:
    counts, sums = boxed(asker.rows(CUBE.format("count(*)"))), boxed(asker.rows(CUBE.format("sum(output)")))
    small = [box for box in counts if 0 < MADE.count(box) < 10]
    assert small
    for found in (counts, sums):
        shown = [box for box, value in found.items() if value is not None]
        assert len(shown) > 5
        assert solvable(shown, SIZES, small) == 0
    assert all(value in (None, truth(box)) for box, value in counts.items())


def test_two_contracts_with_other_minimums_and_other_grids_tell_nothing_together(arena: Any, asker: Any) -> None:
    other = arena.contract(1_000, min_group=25)
    found = boxed(asker.rows(CUBE.format("count(*)")))
    stricter = boxed(other.rows(CUBE.format("count(*)")))
    pairs = [box for each in (found, stricter) for box, value in each.items() if value is not None]
    for region in range(2):
        for asked in (asker, other):
            for sector, size, count in asked.rows(
                f"SELECT sector, size, count(*) AS n FROM firm WHERE region <> {region} GROUP BY sector, size"
            ):
                box = (frozenset(range(SIZES[0])) - {region}, frozenset({sector}), frozenset({size}))
                pairs += [box] if count is not None else []
    assert solvable(pairs, SIZES, [box for box in found if 0 < MADE.count(box) < 10]) == 0
    assert all(value is None or truth(box) >= 25 for box, value in stricter.items())


def test_what_lies_outside_the_domain_is_not_told_by_the_total(asker: Any) -> None:
    """Three firms have a region that is not declared: all less every region would be those three."""
    rows = asker.rows("SELECT region, count(*) AS n, sum(output) AS s FROM firm GROUP BY ROLLUP (region)")
    for at in (1, 2):
        assert any(row[at] is None for row in rows)
    for sector, size in ((0, 0), (1, 1), (0, 2)):
        where = f"sector = {sector} AND size = {size}"
        rows = asker.rows(f"SELECT region, count(*) AS n FROM firm WHERE {where} GROUP BY ROLLUP (region)")
        outside = (sector, size) == (0, 0)
        assert not outside or any(row[1] is None for row in rows)


def test_an_average_and_a_count_give_no_withheld_sum(asker: Any) -> None:
    averages = boxed(asker.rows(CUBE.format("avg(output)")))
    sums, counts = boxed(asker.rows(CUBE.format("sum(output)"))), boxed(asker.rows(CUBE.format("count(output)")))
    for box, average in averages.items():
        assert (average is None) == (sums[box] is None)
        if average is not None:
            assert abs(Fraction(average) * counts[box] - sums[box]) < counts[box]


def test_withheld_figures_have_no_order_and_no_size(asker: Any) -> None:
    """Windows, HAVING, joins and arithmetic over released cells see nothing where nothing was released."""
    grouped = "FROM firm GROUP BY region, sector, size"
    rows = asker.rows(f"SELECT sum(output) AS s, rank() OVER (ORDER BY sum(output)) AS r {grouped}")
    assert len({rank for total, rank in rows if total is None}) == 1
    for condition in ("sum(output) > 0", "NOT (sum(output) > 5)"):
        kept = asker.rows(f"SELECT region, sector, size, sum(output) AS s {grouped} HAVING {condition}")
        assert all(row[3] is not None for row in kept)
    cells = f"WITH t AS (SELECT region, sector, size, sum(output) AS s {grouped})"
    met = asker.rows(f"{cells} SELECT a.s, b.s FROM t a JOIN t b ON a.s = b.s")
    assert all(None not in row for row in met)
    seen = asker.rows(
        f"{cells} SELECT coalesce(s, -1) AS s, s IS NULL AS w, s + 1 AS p, sum(s) OVER () AS total FROM t"
    )
    assert {(s, p) for s, w, p, _ in seen if w} == {(-1, None)}
    assert {total for *_, total in seen} == {sum(s for s, w, _, _ in seen if not w)}


def test_a_part_of_the_answer_about_others_is_refused(asker: Any) -> None:
    """A grid of persons beside one of firms: neither the noise nor the blocks of one would hold for the other."""
    for one, two in (("firm", "stay"), ("stay", "firm")):
        with pytest.raises(Refused) as caught:
            asker.rows(f"SELECT count(*) AS n FROM {one} UNION ALL SELECT count(*) AS n FROM {two}", EVERY)
        assert caught.value.reason in (Reason.DIMENSION_NOT_DECLARED, Reason.JOIN_NOT_ON_UNIT)
