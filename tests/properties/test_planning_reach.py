"""How far one unit reaches into a grid: no unit moves an answer further, and nothing is ranked for nothing."""

from dataclasses import replace

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.stages import AggregateKind, Plan
from yanmen.planning.plan import plan

from tests.properties.test_planning_answers import TABLES, check_sensitivity, drawn
from tests.unit.planning.answering import Data, runner
from tests.unit.planning.engine import admitted

PER_WARD = "(SELECT pid, ward, sum(days) AS d, count(*) AS n FROM visit GROUP BY pid, ward) a"
PER_PLACE = "(SELECT pid, ward, town, sum(days) AS d FROM visit GROUP BY pid, ward, town) a"
WIDE = tuple(replace(item, groups_per_unit=item.rows_per_unit) for item in TABLES)

TOWNS = [("north", "east", 5, None, None), ("south", "west", 7, None, None), ("d1", "west", 1, None, None)]


def planned(sql: str, *, wide: bool = False) -> Plan:
    datasets = WIDE if wide else TABLES
    return plan(admitted(sql, datasets=datasets), runner(datasets, {}), NodeLimits())


def reached(sql: str, *, wide: bool = False) -> tuple[int, int, bool]:
    """Return the first figure's sensitivities, and whether groups of units are ranked."""
    found = planned(sql, wide=wide)
    return found.aggregates[0].l1, found.aggregates[0].l2_squared, "row_number" in found.sql


def heavy() -> Data:
    """Return rows of which some units have as many as they may, all alike."""
    rows = drawn(3, 6)
    full = [(pid, f"w{1 + (pid + n) % 4}", "north", 30, 500) for pid in range(1, 5) for n in range(4)]
    return {**rows, "visit": [*full, *(row for row in rows["visit"] if row[0] > 4)]}


QUESTIONS = (
    f"SELECT a.ward, sum(a.d), count(*), sum(a.n), count(DISTINCT a.pid) FROM {PER_WARD} GROUP BY a.ward",
    f"SELECT a.ward, a.town, sum(a.d) FROM {PER_PLACE} GROUP BY 1, 2",
    f"SELECT a.ward, sum(a.d) FROM {PER_PLACE} GROUP BY 1",
    "SELECT a.ward, t.region, count(*) FROM (SELECT pid, ward, town, count(*) AS n FROM visit GROUP BY ALL) a"
    " JOIN town t ON t.code = a.town GROUP BY 1, 2",
    f"SELECT upper(a.ward), sum(a.d) FROM {PER_WARD} GROUP BY 1",
    f"SELECT coalesce(a.ward, 'w1') AS w, sum(a.d) FROM {PER_WARD} GROUP BY 1",
    f"SELECT b.ward, count(*) FROM {PER_WARD} JOIN {PER_WARD.replace(') a', ') b')} ON a.pid = b.pid GROUP BY 1",
    "SELECT p.sex, p.district, count(*), count(DISTINCT p.pid), sum(v.days) FROM person p JOIN visit v USING (pid)"
    " GROUP BY 1, 2",
    "SELECT p.sex, v.ward, count(*) FROM person p JOIN visit v USING (pid) GROUP BY 1, 2",
    "SELECT p.sex, count(*) FROM visit v LEFT JOIN person p USING (pid) GROUP BY 1",
    "SELECT v.town, count(*) FROM visit v LEFT JOIN person p USING (pid) GROUP BY 1",
    "SELECT ward, sum(n) FROM (SELECT pid, ward, count(*) AS n FROM visit WHERE ward IN ('w1', 'w2') GROUP BY 1, 2)"
    " GROUP BY 1",
)


@pytest.mark.parametrize("sql", QUESTIONS)
@pytest.mark.parametrize("seed", range(2))
def test_no_unit_reaches_further_than_declared(sql: str, seed: int) -> None:
    rows = {**(heavy() if seed == 0 else drawn(seed, 6)), "town": TOWNS}
    check_sensitivity(plan(admitted(sql, datasets=TABLES), runner(TABLES, {}), NodeLimits()), rows)


def test_one_row_of_a_unit_lies_in_each_cell_where_rows_are_grouped_as_they_were_made() -> None:
    plain = reached("SELECT ward, sum(days) FROM visit GROUP BY ward", wide=True)
    assert plain == (4 * 30, (4 * 30) ** 2, False)
    most = 4 * 30  # a unit's sum in one ward, of at most four rows
    assert reached(f"SELECT ward, sum(d) FROM {PER_WARD} GROUP BY ward", wide=True)[:2] == (4 * most, 4 * most**2)
    assert reached(f"SELECT ward, sum(d) FROM {PER_WARD} GROUP BY ward") == (2 * most, 2 * most**2, True)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT ward, sum(d) FROM {PER_PLACE} GROUP BY ward",
        f"SELECT sum(d) FROM {PER_WARD}",
        f"SELECT upper(ward), sum(d) FROM {PER_WARD} GROUP BY 1",
        f"SELECT CASE WHEN d > 3 THEN 1 ELSE 0 END, sum(d) FROM {PER_WARD} GROUP BY 1",
        f"SELECT ward, sum(d) FROM (SELECT pid, ward, d FROM {PER_WARD} UNION ALL"
        f" SELECT pid, ward, d FROM {PER_WARD}) GROUP BY ward",
        f"SELECT a.ward, sum(a.d) FROM {PER_WARD} JOIN visit v USING (pid) GROUP BY a.ward",
        f"SELECT a.ward, sum(a.d) FROM {PER_WARD}, town GROUP BY a.ward",
    ],
)
def test_otherwise_all_rows_of_a_unit_may_lie_in_one_cell(sql: str) -> None:
    found = planned(sql, wide=True)
    assert found.aggregates[0].l2_squared == found.aggregates[0].l1 ** 2


def test_keys_of_a_units_own_row_are_not_ranked() -> None:
    joined = "FROM person p JOIN visit v ON p.pid = v.pid"
    units = "SELECT {0}, count(DISTINCT p.pid) " + joined + " GROUP BY ALL"
    assert reached(units.format("p.sex, p.district")) == (1, 1, False)
    assert reached(units.format("p.sex, upper(p.district), p.age // 7")) == (1, 1, False)
    assert reached(units.format("p.sex, v.town")) == (2, 2, False)
    assert reached(units.format("p.sex, v.ward")) == (2, 2, True)
    assert reached(units.format("CASE WHEN p.age > v.days THEN v.ward ELSE p.sex END")) == (2, 2, True)


def test_an_optional_row_is_not_the_units_own() -> None:
    sql = "SELECT p.district, count(DISTINCT v.pid) FROM visit v LEFT JOIN person p ON p.pid = v.pid AND {0} GROUP BY 1"
    assert reached(sql.format("v.town = p.sex"))[2]


def test_what_an_own_row_looks_up_is_its_own() -> None:
    looked = "SELECT t.region, count(DISTINCT p.pid) FROM person p JOIN visit v USING (pid) JOIN town t ON t.code = {0}"
    assert reached(looked.format("p.district") + " GROUP BY 1")[:2] == (1, 1)
    assert reached(looked.format("v.town") + " GROUP BY 1")[0] == 2


def test_a_where_that_leaves_few_keys_leaves_few_groups() -> None:
    sql = "SELECT sum(n) FROM (SELECT pid, ward, count(*) AS n FROM visit WHERE ward = 'w1' GROUP BY pid, ward)"
    found = planned(sql, wide=True)
    assert found.aggregates[0].kind is AggregateKind.SUM
    assert found.aggregates[0].l1 == 2 * 4, "one ward, and none"
