"""How many rows joins of released tables can have is known before anything is charged, whatever the figures are."""

from itertools import product

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused

from tests.properties.test_planning_answers import TABLES, drawn
from tests.unit.planning.answering import answer, runner
from tests.unit.planning.engine import planned

TEN = "WITH t AS (SELECT district, sex, count(*) AS n FROM person GROUP BY 1, 2)"
FIVE = f"{TEN}, s AS (SELECT district, count(*) AS m FROM person GROUP BY 1)"

JOINED = [
    # Every key equated: no more rows than one side has.
    (f"{TEN} SELECT a.n FROM t a JOIN t b ON a.sex = b.sex AND a.district = b.district", 10),
    (f"{TEN} SELECT a.n FROM t a JOIN t b USING (sex, district)", 10),
    (f"{TEN} SELECT a.n FROM t a, t b WHERE b.sex = a.sex AND b.district = a.district AND a.n < b.n", 10),
    (f"{FIVE} SELECT t.n, s.m FROM t JOIN s USING (district)", 10),
    (f"{FIVE} SELECT t.n, s.m FROM s JOIN t ON s.district = t.district", 10),
    (f"{FIVE} SELECT t.n, s.m FROM t LEFT JOIN s ON s.district = t.district", 10),
    (f"{FIVE} SELECT t.n, s.m FROM s LEFT JOIN t ON s.district = t.district", 10),
    (f"{FIVE} SELECT t.n FROM t JOIN s ON t.district = 'd' || substr(s.district, 2, 1) AND t.sex = 'f'", 5),
    # A key left over: as many as it has values.
    (f"{TEN} SELECT a.n FROM t a JOIN t b USING (sex)", 50),
    (f"{TEN} SELECT a.n FROM t a JOIN t b USING (district)", 20),
    (f"{TEN} SELECT a.n FROM t a LEFT JOIN t b ON a.district = b.district AND a.n < b.n", 20),
    (f"{TEN} SELECT a.n FROM t a JOIN t b USING (district) JOIN t c ON c.sex = b.sex AND c.district = a.district", 20),
    # Nothing of use equated.
    (f"{TEN} SELECT a.n FROM t a JOIN t b ON a.n < b.n", 100),
    (f"{TEN} SELECT a.n FROM t a JOIN t b ON a.n = b.n", 100),
    (f"{TEN} SELECT a.n FROM t a JOIN t b ON a.sex = b.sex OR a.district = b.district", 100),
    (f"{TEN} SELECT a.n FROM t a JOIN t b ON lower(a.sex) = lower(b.sex)", 100),
    (f"{TEN} SELECT a.n FROM t a LEFT JOIN t b ON a.sex = 'f' AND a.district = 'd1'", 100),
    # Tables of tables: keys that are shown stay keys.
    (f"{TEN}, u AS (SELECT district AS d, sex, n * 2 AS n FROM t WHERE n > 3) SELECT 1 FROM u JOIN t USING (sex)", 50),
    (
        f"{TEN}, u AS (SELECT district, sum(n) AS n FROM t GROUP BY 1) SELECT t.n FROM t JOIN u USING (district)",
        10,
    ),
    (f"{TEN}, u AS (SELECT sex, n FROM t) SELECT t.n FROM t JOIN u USING (sex)", 50),
    (f"{TEN}, u AS (SELECT n, count(*) AS c FROM t GROUP BY n) SELECT t.n FROM t JOIN u ON t.n = u.n", 100),
    (
        f"{TEN}, u AS (SELECT district, sex, sum(n) AS n FROM t GROUP BY CUBE (district, sex)) SELECT 1 FROM u, t"
        " WHERE t.sex = u.sex",
        200,
    ),
    (f"{TEN}, u AS (SELECT * FROM t UNION ALL SELECT * FROM t) SELECT u.n FROM t JOIN u USING (district, sex)", 20),
    (f"{TEN} SELECT t.n FROM t JOIN (SELECT count(*) AS c FROM person) x ON t.n > x.c", 10),
    (
        f"{TEN}, u AS (SELECT a.district AS d, a.sex AS s, b.district AS e, a.n FROM t a JOIN t b USING (sex))"
        " SELECT t.n FROM t JOIN u ON u.d = t.district AND u.s = t.sex AND u.e = t.district",
        10,
    ),
]


@pytest.mark.parametrize(("sql", "rows"), JOINED)
def test_the_bound_is_known_and_holds(sql: str, rows: int) -> None:
    found = planned(sql, datasets=TABLES)
    assert found.answer_rows == rows
    for seed in range(2):
        assert len(answer(found, runner(TABLES, drawn(seed)))) <= rows


def test_a_join_that_could_have_too_many_rows_is_refused_before_it_is_charged() -> None:
    thousand = "WITH t AS (SELECT floor(income / 200) AS k, count(*) AS n FROM person GROUP BY 1)"
    assert planned(f"{thousand} SELECT a.n FROM t a JOIN t b ON a.k = b.k").answer_rows == 501
    assert planned(f"{thousand} SELECT a.n FROM t a JOIN t b ON a.k < b.k LIMIT 5").answer_rows == 5
    for condition in ("a.k < b.k", "a.n = b.n", "a.k = b.k OR a.n = b.n", "a.n < b.n AND a.k <> b.k"):
        with pytest.raises(Refused) as caught:
            planned(f"{thousand} SELECT a.n FROM t a JOIN t b ON {condition}")
        assert caught.value.reason is Reason.TOO_MANY_CELLS
        assert "equate all keys" in caught.value.detail.hint_en
        assert caught.value.detail.line == 1


def test_what_meets_before_groups_or_a_limit_is_bounded_too() -> None:
    thousand = "WITH t AS (SELECT floor(income / 200) AS k, count(*) AS n FROM person GROUP BY 1)"
    three = f"{thousand} SELECT {{}} FROM t a JOIN t b ON a.n < b.n JOIN t c ON b.n < c.n"
    for items in ("count(*)", "a.n"):
        with pytest.raises(Refused) as caught:
            planned(f"{three.format(items)} LIMIT 1")
        assert caught.value.reason is Reason.TOO_MANY_CELLS


def test_a_condition_speaks_of_tables_before_it_only() -> None:
    """The engine would not know the others, and that was found out after the charge."""
    with pytest.raises(Refused) as caught:
        planned(f"{TEN} SELECT a.n FROM t a JOIN t b ON a.sex = c.sex JOIN t c ON c.sex = b.sex")
    assert caught.value.reason is Reason.UNKNOWN_COLUMN
    assert planned(f"{TEN} SELECT a.n FROM t a JOIN t b ON a.sex = b.sex JOIN t c ON c.sex = b.sex").answer_rows == 250


def test_numbers_that_are_equal_as_floats_tell_no_rows_apart() -> None:
    near = "CASE WHEN age > 3 THEN 9007199254740992 ELSE 9007199254740993 END"
    sql = f"WITH t AS (SELECT {near} AS k, sex, count(*) AS n FROM person GROUP BY 1, 2) SELECT a.n FROM t a JOIN t b"
    assert planned(f"{sql} USING (k, sex)").answer_rows == 16
    assert planned(f"{sql.replace('9007199254740993', '7')} USING (k, sex)").answer_rows == 4


@pytest.mark.parametrize(("kind", "left"), list(product(("JOIN", "LEFT JOIN"), ("a.sex = b.sex", "b.sex = a.sex"))))
def test_the_limit_is_the_nodes_own(kind: str, left: str) -> None:
    sql = f"{TEN} SELECT a.n FROM t a {kind} t b ON {left}"
    assert planned(sql, limits=NodeLimits(cells=50)).answer_rows == 50
    with pytest.raises(Refused):
        planned(sql, limits=NodeLimits(cells=49))
