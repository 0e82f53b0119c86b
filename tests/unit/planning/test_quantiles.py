"""Medians and quantiles of bins: what DuckDB says of the same rows, NULL where noise leaves no total, an honest ±."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from yanmen.disclosure import release
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused, Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, direct, runner
from tests.unit.planning.engine import CATALOGUE, PERSON, VISIT, InProcessRunner, admitted

AGE = "floor(age / 10) * 10"


def rows(persons: int = 60) -> Data:
    pick = Random(7)
    people = [
        (
            pid,
            pick.choice("fm"),
            f"d{pid % 3}",
            True,
            None,
            None,
            pick.choice([None, *range(0, 121, 7)]),
            None,
            None,
            "a",
        )
        for pid in range(1, persons + 1)
    ]
    visits = [
        (pid, f"w{pick.randrange(1, 5)}", "north", pick.randrange(-10, 31), Decimal(1))
        for pid in range(1, persons + 1)
        for _ in range(2)
    ]
    return {"person": people, "visit": visits}


def planned(sql: str) -> Plan:
    return plan(admitted(sql), InProcessRunner(), NodeLimits())


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT quantile({AGE}, 0.25), quantile_disc({AGE}, 0.75), approx_quantile({AGE}, 0.9) FROM person",
        f"SELECT sex, quantile_disc({AGE}, 0.5) AS m, count(*) FROM person GROUP BY sex ORDER BY sex",
        f"SELECT sex, district, quantile_disc({AGE}, 0.125) FROM person GROUP BY ALL ORDER BY 1, 2",
        f"SELECT district, quantile_disc({AGE}, 0.5) AS m FROM person GROUP BY 1 HAVING m > 20 ORDER BY 1",
        f"SELECT quantile_disc({AGE}, 0.5) FILTER (WHERE sex = 'f') FROM person",
        "SELECT quantile_disc(CASE WHEN age < 30 THEN 1.5 WHEN age < 70 THEN 2.5 END, 0.5) FROM person",
        "SELECT ward, quantile_disc(floor(days), 0.5), sum(days) FROM visit GROUP BY ward ORDER BY 1",
        "SELECT quantile_disc(n, 0.75) FROM (SELECT pid, count(*) AS n FROM visit GROUP BY pid)",
        "SELECT quantile_disc(n, 0.5) FROM (SELECT ward, count(*) AS n FROM visit GROUP BY ward)",
    ],
)
def test_without_noise_it_is_what_duckdb_says(sql: str) -> None:
    tables = rows()
    engine = runner((PERSON, VISIT), tables)
    ours = answer(planned(sql), engine)
    theirs = direct((PERSON, VISIT), tables, sql.replace("approx_quantile", "quantile_disc"))
    shown = [row for row in ours if row[-1] is not None]  # of cells with nobody there is none
    assert [tuple(map(_plain, row)) for row in shown] == [tuple(map(_plain, row)) for row in theirs]


def test_the_median_is_the_bin_of_the_lower_middle() -> None:
    people = {"person": [(pid, "f", "d1", True, None, None, age, 0, 0, "a") for pid, age in enumerate((5, 15, 35, 95))]}
    assert answer(planned(f"SELECT median({AGE}) FROM person"), runner((PERSON,), people)) == [(10,)]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            f"SELECT sex, m - (SELECT median({AGE}) FROM person) FROM ({{}}) GROUP BY ALL ORDER BY 1",
            [("f", 0), ("m", 0)],
        ),
        ("SELECT a.sex, b.m - a.m FROM ({}) a JOIN ({}) b USING (sex) ORDER BY 1", [("f", 0), ("m", 0)]),
        (f"SELECT 'all', median({AGE}) AS m FROM person UNION ALL {{}}", [("all", 50), ("f", 50), ("m", 50)]),
        ("SELECT max(m), count(*) FROM ({})", [(50, 2)]),
    ],
)
def test_released_quantiles_go_into_further_queries(sql: str, shown: list[tuple[Any, ...]]) -> None:
    engine = runner((PERSON,), rows())
    sexes = f"SELECT sex, median({AGE}) AS m FROM person GROUP BY sex"
    assert answer(planned(sql.replace("{}", sexes)), engine) == shown


def test_equal_bins_share_a_histogram() -> None:
    found = planned(f"SELECT sex, median({AGE}), quantile({AGE}, 0.9), count(*) FROM person GROUP BY sex")
    assert [len(block.aggregates) for block in found.blocks] == [1, 1]
    assert [key.domain for key in found.keys] == [("f", "m"), ("f", "m"), tuple(range(0, 121, 10))]
    assert [output.source for output in found.outputs] == ["", "q0", "q1", "a0"]


def test_nobody_has_no_median() -> None:
    engine = runner((PERSON,), {"person": []})
    assert answer(planned(f"SELECT sex, median({AGE}), count(*) FROM person GROUP BY 1 ORDER BY 1"), engine) == [
        ("f", None, 0),
        ("m", None, 0),
    ]
    assert answer(planned(f"SELECT median({AGE}) FROM person"), engine) == [(None,)]


COUNTS = {0: 20, 10: 0, 20: 60, 30: 90, 40: 0, 50: 0, 60: 40, 70: 80, 80: 70, 90: 0, 100: 5, 110: 0, 120: 1}
"""366 persons with gaps: the 75 % quantile is 70, the median 30."""


def noisy(share: str) -> list[tuple[float | None, float | None]]:
    """Release 501 groups with the same counts under real noise; return each group's quantile and its ±."""
    found = planned(f"SELECT floor(income / 200) AS g, quantile({AGE}, {share}) FROM person GROUP BY 1")
    raw = Raw(found, tuple((g, age, count) for g in range(501) for age, count in COUNTS.items() if count), Usage())
    released = release.disclose(raw, InProcessRunner().post)
    return [(_plain(row[1]), widths[1]) for row, widths in zip(released.rows, released.widths, strict=True)]


@pytest.mark.parametrize(("share", "truth"), [("0.5", 30), ("0.75", 70), ("0.06", 20), ("0.98", 100)])
def test_the_width_covers_the_true_bin(share: str, truth: int) -> None:
    told = [(value, width) for value, width in noisy(share) if value is not None and width is not None]
    assert len(told) > 450
    held = sum(abs(value - truth) <= width for value, width in told)
    assert held >= 0.88 * len(told), "95 % is promised: fewer than 88 % of 450 happens once in 10^9"


def test_a_width_is_wide_where_counts_are_few() -> None:
    widths = [width for _, width in noisy("0.5") if width is not None]
    assert max(widths) >= 20
    assert all(0 <= width <= 120 for width in widths)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT median(age) FROM person", Reason.KEY_WITHOUT_DOMAIN),
        ("SELECT quantile(floor(raw), 0.5) FROM person", Reason.KEY_WITHOUT_DOMAIN),
        ("SELECT quantile(floor(income), 0.5) FROM person", Reason.KEY_WITHOUT_DOMAIN),
        ("SELECT median(sex) FROM person", Reason.TYPE_MISMATCH),
        ("SELECT median(born) FROM person", Reason.TYPE_MISMATCH),
        (f"SELECT quantile({AGE}, 0) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}, 1) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}, -0.5) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}, 0.1234567) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}, age) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}, '0.5') FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT quantile({AGE}) FROM person", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT median(DISTINCT {AGE}) FROM person", Reason.CLAUSE_NOT_ADMITTED),
        (f"SELECT sex, median({AGE}) FROM person GROUP BY ROLLUP (sex)", Reason.CLAUSE_NOT_ADMITTED),
        (f"SELECT median({AGE}) OVER () FROM person", Reason.CLAUSE_NOT_ADMITTED),
        ("SELECT size, median(size) FROM firm GROUP BY size", Reason.FUNCTION_NOT_ADMITTED),
        ("SELECT median(people) FROM town", Reason.FUNCTION_NOT_ADMITTED),
        (f"SELECT sum(m) FROM (SELECT pid, median({AGE}) AS m FROM person GROUP BY pid)", Reason.FUNCTION_NOT_ADMITTED),
        ("SELECT floor(income / 200), median(floor(age)) FROM person GROUP BY 1", Reason.TOO_MANY_CELLS),
    ],
)
def test_what_is_refused(sql: str, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        plan(admitted(sql, datasets=CATALOGUE), InProcessRunner(), NodeLimits())
    assert caught.value.reason is reason
