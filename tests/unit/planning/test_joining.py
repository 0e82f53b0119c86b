"""Joins mean what SQL means by them, an open table is a lookup, and tables of two nodes never meet."""

from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, both, runner
from tests.unit.planning.engine import CATALOGUE, InProcessRunner, admitted, planned

TABLES = tuple(item for item in CATALOGUE if item.name in ("person", "visit", "town"))
MANY = Reason.CLAUSE_NOT_ADMITTED
ROWS: Data = {
    "person": [
        (n, "fm"[n % 2], f"d{n % 5}", n % 3 == 0, None, "ab"[n % 2], 10 * n, Decimal(n), n, "a") for n in range(1, 7)
    ],
    "visit": [(n, f"w{1 + n % 2}", ["north", "south", None][n % 3], n, Decimal(n)) for n in (1, 1, 2, 3, 5, 8)],
    "town": [("north", "east", 1, None, None), ("south", "west", 2, None, None), ("a", "east", 3, None, None)],
}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sex, count(*) FROM person, visit WHERE person.pid = visit.pid GROUP BY sex HAVING count(*) > 0",
        "SELECT sex, count(*) FROM person p CROSS JOIN visit v WHERE p.pid = v.pid GROUP BY sex HAVING count(*) > 0",
        "SELECT count(*), sum(age), sum(days) FROM person JOIN visit USING (pid)",
        "SELECT count(*), count(v.days) FROM person p LEFT JOIN visit v ON p.pid = v.pid",
        "SELECT count(*) FROM person p LEFT JOIN visit v ON p.pid = v.pid WHERE v.days IS NULL",
        "SELECT count(*) FROM person p LEFT JOIN visit v USING (pid) WHERE v.days = p.age",
        "SELECT region, count(*) FROM visit v JOIN town t ON v.town = t.code GROUP BY region HAVING count(*) > 0",
        "SELECT region, count(*) FROM town t JOIN visit v ON v.town = t.code GROUP BY region HAVING count(*) > 0",
        "SELECT coalesce(region, 'x'), count(*) FROM visit LEFT JOIN town t ON town = code GROUP BY 1 HAVING true",
        "SELECT count(*) FROM town t, person p, visit v WHERE v.pid = p.pid AND t.code = v.town AND p.age > 3",
        "SELECT count(*) FROM person p JOIN visit v ON p.pid = v.pid AND v.days > 2 JOIN town t ON t.code = p.note",
        "SELECT count(DISTINCT a.pid) FROM visit a JOIN visit b ON a.pid = b.pid JOIN person c ON c.pid = b.pid",
        "SELECT count(*) FROM person p LEFT JOIN visit v USING (pid) JOIN visit w ON w.pid = p.pid AND w.days = v.days",
        "SELECT a.code, b.people FROM town a LEFT JOIN town b ON a.region = b.code ORDER BY 1",
    ],
)
def test_a_join_is_what_duckdb_makes_of_it(sql: str) -> None:
    if "town a" in sql:
        engine = runner(TABLES, ROWS)
        found = plan(admitted(sql, datasets=TABLES), engine, NodeLimits())
        assert engine.rows((("s0", "v-town"),), found.sql) == [("a", None), ("north", None), ("south", None)]
        return
    ours, theirs = both(TABLES, ROWS, sql)
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


def test_an_open_table_with_several_rows_for_a_key_counts_one_of_them() -> None:
    double = {**ROWS, "town": [row for row in ROWS["town"] for _ in range(5)] + [("north", "west", 0, None, None)]}
    engine = runner(TABLES, double)
    sql = "SELECT region, count(*) FROM visit v JOIN town t ON v.town = t.code GROUP BY region"
    found = plan(admitted(sql, datasets=TABLES), engine, NodeLimits())
    assert answer(found, engine) == answer(found, runner(TABLES, ROWS))
    assert found.aggregates[0].l1 == 4


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT count(*) FROM town t LEFT JOIN visit v ON v.town = t.code", Reason.CLAUSE_NOT_ADMITTED),
        ("SELECT count(*) FROM person p LEFT JOIN visit v ON p.pid = v.pid AND v.days > 3", Reason.CLAUSE_NOT_ADMITTED),
        ("SELECT count(*) FROM person p LEFT JOIN visit v ON p.age = v.days", Reason.JOIN_NOT_ON_UNIT),
        ("SELECT count(DISTINCT v.pid) FROM person p LEFT JOIN visit v USING (pid)", Reason.UNIT_NOT_ADMITTED_HERE),
        ("SELECT count(*) FROM visit v JOIN town t ON v.days = t.area", Reason.TYPE_MISMATCH),
        ("SELECT count(*) FROM visit v JOIN town t ON v.pid = t.people", Reason.JOIN_NOT_ON_UNIT),
        ("SELECT count(*) FROM person p JOIN stranger s USING (pid)", Reason.JOIN_NOT_ON_UNIT),
        ("SELECT count(*) FROM person p JOIN firm f ON p.pid = f.fid", Reason.JOIN_NOT_ON_UNIT),
        ("SELECT count(*) FROM firm f JOIN firm g USING (fid)", Reason.JOIN_NOT_ON_UNIT),
        ("SELECT count(*) FROM person JOIN visit USING (days)", Reason.UNKNOWN_COLUMN),
        ("SELECT pid FROM town, person WHERE pid = people", Reason.JOIN_NOT_ON_UNIT),
        # 4^7 rows of one unit could make the run fail, which would tell that there is such a unit.
        ("SELECT count(*) FROM visit a" + "".join(f" JOIN visit v{n} USING (pid)" for n in range(6)), MANY),
    ],
)
def test_joins_that_are_refused(sql: str, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("sql", "instead"),
    [
        (
            "SELECT p.sex, avg(l.value) AS mean FROM person p JOIN ward_stay l ON p.pid = l.pid "
            "WHERE l.test = 'hdl' AND p.age >= 60 GROUP BY p.sex",
            (
                "SELECT sex, count(*) FROM person WHERE age >= 60 GROUP BY sex",
                "SELECT avg(value) FROM ward_stay WHERE test = 'hdl' -- health",
            ),
        ),
        (
            "SELECT count(*), max(age) FROM person JOIN insurance.claim USING (pid) WHERE income > paid OR sex = 'f'",
            ("SELECT count(*) FROM person", "SELECT count(*) FROM claim -- insurance"),
        ),
        (
            "SELECT p.religion, p.note, sum(c.paid) FROM person p, claim c WHERE p.pid = c.pid GROUP BY 1, 2",
            ("SELECT count(*) FROM person", "SELECT sum(paid) FROM claim -- insurance"),
        ),
        (
            "SELECT * FROM diagnosis d JOIN claim c ON d.pid = c.pid",
            ("SELECT count(*) FROM diagnosis -- health", "SELECT count(*) FROM claim -- insurance"),
        ),
    ],
)
def test_a_join_of_two_nodes_is_refused_with_the_nearest_questions(sql: str, instead: tuple[str, ...]) -> None:
    runner = InProcessRunner()
    with pytest.raises(Refused) as caught:
        plan(admitted(sql), runner, NodeLimits())
    assert caught.value.reason is Reason.CROSS_NODE_JOIN
    assert caught.value.detail.instead == instead
    assert runner.bound == []
    for offered in instead:
        if " -- " not in offered:
            assert planned(offered).sql


def test_a_table_of_another_node_alone_is_asked_there() -> None:
    for sql in ("SELECT count(*) FROM claim", "SELECT count(*) FROM health.diagnosis a JOIN ward_stay b USING (pid)"):
        with pytest.raises(Refused) as caught:
            planned(sql)
        assert caught.value.reason is Reason.DATASET_NOT_IN_CONTRACT


def test_a_local_table_hides_a_listed_one_of_the_same_name() -> None:
    asked = admitted("SELECT count(*) FROM person", elsewhere=(("health", "person"),))
    assert plan(asked, InProcessRunner(), NodeLimits()).scans[0].version.dataset.name == "person"


def test_one_units_rows_do_not_meet_without_a_ceiling() -> None:
    """Eight tables of sixty rows a person made a run fail for the one person who matched: a bit, free of noise."""
    many = tuple(replace(item, rows_per_unit=60) if item.name == "visit" else item for item in CATALOGUE)
    twice = "SELECT count(*) FROM visit a JOIN visit b ON a.pid = b.pid"
    assert planned(twice, datasets=many).aggregates[0].l1 == 3600
    with pytest.raises(Refused) as caught:
        planned(f"{twice} JOIN visit c ON a.pid = c.pid", datasets=many)
    assert caught.value.reason is Reason.CLAUSE_NOT_ADMITTED
    assert caught.value.detail.subject == "JOIN"
