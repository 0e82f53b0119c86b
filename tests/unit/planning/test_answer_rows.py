"""How many rows an answer may have: released rows may be repeated, put beside each other and summed up again."""

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.rendering import render

from tests.unit.planning.engine import planned

TEN = "WITH t AS (SELECT district, sex, count(*) AS n FROM person GROUP BY 1, 2)"
PART = "SELECT sex, count(*) AS n FROM person GROUP BY sex"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM person", 1),
        (PART, 2),
        (f"{PART} HAVING count(*) > 5", 2),
        (f"{PART} LIMIT 1", 1),
        (f"{PART} UNION ALL {PART}", 4),
        ("SELECT count(*) AS n FROM person UNION ALL SELECT count(*) AS n FROM person", 2),
        (f"{PART} UNION ALL {PART} LIMIT 3", 3),
        ("SELECT district, sex, count(*) FROM person GROUP BY ROLLUP (district, sex)", 10 + 5 + 1),
        (f"{TEN} SELECT * FROM t", 10),
        (f"{TEN} SELECT a.n - b.n AS d FROM t a CROSS JOIN t b", 100),
        (f"{TEN} SELECT a.n - b.n AS d FROM t a JOIN t b ON a.sex = b.sex", 50),
        (f"{TEN} SELECT a.n - b.n AS d FROM t a, t b WHERE a.sex = b.sex", 50),
        (f"{TEN} SELECT a.n - b.n AS d FROM t a JOIN t b USING (sex) LIMIT 7", 7),
        (f"{TEN} SELECT sum(n) FROM t", 1),
        (f"{TEN} SELECT district, sum(n) FROM t GROUP BY CUBE (district, sex)", 40),
        ("SELECT sex, median(floor(age / 10) * 10) FROM person GROUP BY sex", 2),
        ("SELECT * FROM town LIMIT 3", 3),
    ],
)
def test_an_answer_says_how_many_rows_it_may_have(sql: str, rows: int) -> None:
    assert planned(sql).answer_rows == rows


def test_more_rows_than_a_node_releases_are_refused_before_they_are_charged() -> None:
    five = f"{TEN} SELECT t0.n FROM {', '.join(f't t{number}' for number in range(5))}"
    with pytest.raises(Refused) as caught:
        planned(five)
    assert caught.value.reason is Reason.TOO_MANY_CELLS
    assert "LIMIT" in caught.value.detail.hint_en
    assert planned(f"{five} LIMIT 10").answer_rows == 10
    assert planned(five, limits=NodeLimits(cells=100_000)).answer_rows == 100_000


def test_what_is_put_beside_each_other_is_bounded_whatever_is_left_of_it() -> None:
    seven = f"{TEN} SELECT count(*) FROM {', '.join(f't t{number}' for number in range(7))} LIMIT 1"
    with pytest.raises(Refused) as caught:
        planned(seven)
    assert caught.value.reason is Reason.TOO_MANY_CELLS


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT ward, count(*) FROM visit GROUP BY ward", 2),
        ("SELECT count(*) FROM visit", None),
        ("SELECT sex, count(*) FROM person GROUP BY sex", None),
        ("SELECT t.region, count(*) FROM person CROSS JOIN town t GROUP BY 1", 1),
        ("SELECT sector, sum(output) FROM firm GROUP BY sector", None),
    ],
)
def test_the_asker_is_told_where_groups_of_a_unit_are_left_out(sql: str, kept: int | None) -> None:
    found = planned(sql)
    assert found.groups_kept == kept
    assert (f"in at most {kept} cells" in render(found)) is (kept is not None)


def test_other_quantiles_are_told_of_admitted_ones() -> None:
    with pytest.raises(Refused) as caught:
        planned("SELECT quantile_cont(age, 0.5) FROM person")
    assert "median(floor(x / 10) * 10)" in caught.value.detail.hint_en
