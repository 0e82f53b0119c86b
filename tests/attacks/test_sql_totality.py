"""An admitted question cannot fail on a value: a failure would be an answer about a row."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, answer, runner, scans
from tests.unit.planning.engine import CATALOGUE, admitted, planned, shared

TABLES = tuple(item for item in CATALOGUE if item.name in ("person", "visit", "town", "firm"))
TEXTS = [None, "", "0", "-1", "1e9", "1e999", "9223372036854775808", "nan", "inf", "x", "2020-13-01", "\\", "%", "!"]
"""What a cast, a pattern or a comparison may stumble over."""
DAY = date(1, 1, 1)
EDGES: Data = {
    "person": [
        (n, "fm"[n % 2], f"d{n % 5}", [None, True, False][n % 3], day, text, age, income, raw, "a")
        for n, (text, (age, income, raw), day) in enumerate(
            product(
                TEXTS,
                [(0, Decimal("0.00"), 0), (120, Decimal("100000.00"), 2**63 - 1), (None, None, -(2**63))],
                [None, date(1, 1, 1), date(9999, 12, 31)],
            )
        )
    ],
    "visit": [
        (n, f"w{1 + n % 4}", None, days, cost)
        for n, (days, cost) in enumerate(product([None, -10, 0, 30], [None, Decimal("-5.0"), Decimal("500.0")]))
    ],
    "town": [("a", "east", 2**63 - 1, Decimal("9999999999999999.99"), None), ("b", None, -(2**63), None, date(1, 1, 1))]
    * 2,
    "firm": [(n, "abc"[n % 3], 1 + n % 3, None, [0, 1_000_000, -1000, None][n % 4]) for n in range(20)],
}
EXPRESSIONS = [
    *(
        "CAST(note AS INTEGER) = 1",
        "CAST(note AS BIGINT) = 1",
        "CAST(note AS TINYINT) = 1",
        "CAST(note AS DATE) > born",
    ),
    *(
        "CAST(note AS DECIMAL(18,6)) > 0",
        "CAST(note AS DECIMAL(18,18)) > 0",
        "CAST(note AS BOOLEAN)",
        "note::DATE IS NULL",
    ),
    *(
        "CAST(raw AS TINYINT) > 1",
        "CAST(raw AS DECIMAL(3,1)) > 1",
        "CAST(income AS TINYINT) > 1",
        "CAST(age AS DECIMAL(1,1)) > 0",
    ),
    *("raw + raw > 0", "raw * raw > 0", "raw - raw = 0"),
    *("-raw > 0", "abs(raw) > 0", "raw * 1000 > raw", "raw / 2 > 1"),
    *("raw * age * 1000000 > 1", "income * income * income > 1"),
    *("round(raw, -18) > 0", "round(raw, -1) = raw"),
    *("round(income, -10) = 0", "round(income * 0.123456789, 3) > 1", "raw + 0.000000000000000001 > 1"),
    *("nullif(raw, 0) > 0", "coalesce(raw, income, 0) > 0", "CASE WHEN raw > 0 THEN raw ELSE income END > 1"),
    *(
        "note LIKE '%'",
        "note LIKE '%!%' ESCAPE '!'",
        "note LIKE '!!%' ESCAPE '!'",
        "note ILIKE '_%_'",
        "note NOT LIKE ''",
    ),
    *("year(born) > 0", "month(born) = 12"),
    *("day(born) = 31", "quarter(born) = 4", "born < DATE '9999-12-31'"),
    *(
        "born > DATE '0001-01-01'",
        "age IN (1, 2.5, NULL)",
        "income BETWEEN 0.001 AND 99999.999",
        "age IS DISTINCT FROM NULL",
    ),
    *(
        "CAST(raw AS VARCHAR) LIKE '9%'",
        "CAST(income AS VARCHAR) = '0.00'",
        "CAST(born AS VARCHAR) <> ''",
        "insured IS NOT TRUE",
    ),
    *("CAST(insured AS INTEGER) * raw > 1", "nullif(note, '') = note", "age * 0.5 = age / 2"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_value_makes_an_admitted_expression_fail(expression: str) -> None:
    engine = runner(TABLES, EDGES)
    for sql in (
        f"SELECT count(*) FROM person WHERE {expression}",
        f"SELECT sum(CASE WHEN {expression} THEN age ELSE -income END), avg(age) FROM person",
        f"SELECT ({expression}), count(DISTINCT pid) FROM person GROUP BY 1",
    ):
        found = plan(admitted(sql, datasets=TABLES), engine, NodeLimits())
        assert answer(found, engine)


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "raw * raw * raw",
            "raw * raw * raw * raw",
            "income * income * income * income * income * income",
            "raw * 100000000000000000 * 1000",
        ),
        *("raw * 0.000000000000000001 * 0.000000000000000001 * 0.1", "round(raw * raw, 5) * raw"),
    ],
)
def test_what_could_overflow_is_refused_for_what_it_is(expression: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(f"SELECT count(*) FROM person WHERE {expression} > 0")
    assert caught.value.reason is Reason.MEASURE_WITHOUT_BOUNDS


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(people), avg(people), sum(area), avg(area), max(people), count(DISTINCT founded) FROM town",
        "SELECT people * people, people + people, -people, abs(people), round(people, -18), area + people FROM town",
        "SELECT CAST(people AS TINYINT), CAST(area AS INTEGER), CAST(code AS INTEGER), CAST(area AS VARCHAR) FROM town",
        "SELECT region, sum(people * 2), sum(area) / count(founded) FROM town GROUP BY region ORDER BY 2",
        "SELECT sector, sum(output), avg(output * 3), count(output) FROM firm GROUP BY sector",
        "SELECT size, sum(-output) / nullif(count(*), 0) AS x FROM firm WHERE sector <> 'a' GROUP BY size HAVING x > 1",
    ],
)
def test_open_and_exact_questions_do_not_fail_either(sql: str) -> None:
    engine = runner(TABLES, EDGES)
    found = plan(admitted(sql, datasets=TABLES), engine, NodeLimits())
    assert engine.rows(scans(found), found.sql)


def nothing(found: Plan) -> Data:
    return {scan.version.dataset.name: [] for scan in found.scans}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sex, count(*), sum(age), avg(age), sum(age) / count(*), round(avg(income), 2) FROM person GROUP BY sex",
        "SELECT sum(age) / sum(age), avg(age) * avg(age) * avg(age), -avg(age), abs(sum(age) - 1) FROM person",
        "SELECT CASE WHEN avg(age) > 3 THEN 'old' END, coalesce(avg(age), 0), nullif(count(*), 0), NULL FROM person",
        "SELECT count(*) * 123456789012345678 * 123456789012345678 * count(*) FROM person",
        "SELECT CAST(avg(age) AS INTEGER), CAST(sum(income) AS DECIMAL(4,1)), CAST(count(*) AS DOUBLE) FROM person",
        "SELECT sex FROM person GROUP BY sex HAVING sum(age) / count(*) > 1 ORDER BY avg(age) / count(*) DESC",
    ],
)
def test_post_processing_of_any_released_figure_does_not_fail(sql: str) -> None:
    found = planned(sql)
    engine = runner(TABLES, nothing(found))
    rows = answer(found, engine)
    assert rows or "HAVING" in sql
    assert all(len(row) == len(found.outputs) for row in rows)


def test_the_probe_would_notice_a_failure() -> None:
    with pytest.raises(Exception, match="Could not convert"):
        shared().execute("SELECT CAST(x AS INTEGER) FROM (VALUES ('x')) AS t(x)").fetchall()
