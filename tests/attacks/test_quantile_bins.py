"""Quantiles show public bins by noisy counts: no bin can be a value of a row, and nobody's presence decides one."""

import re

import pytest
from yanmen.disclosure import release
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused, Usage
from yanmen.model.stages import AggregateKind, Plan, Raw
from yanmen.planning.plan import plan

from tests.properties.test_planning_answers import TABLES, check_sensitivity, drawn
from tests.unit.planning.engine import InProcessRunner, admitted

BINS = "floor(age / 10) * 10"
LAUNDERED = (
    "median(pid)",
    "median(pid % 10)",
    "median(length(diary))",
    "median(raw)",
    "median(floor(raw / 1000000))",
    "median(floor(income))",
    "median(CASE WHEN age > 3 THEN age ELSE 0 END)",
    "median(CASE WHEN age > 3 THEN raw ELSE 0 END)",
    "median(coalesce(age, 0))",
    "median(CAST(note AS INTEGER))",
    "median(length(note))",
    "median(age * 1000 + income)",
    "median(floor(age / 10) + income)",
    "median(date_diff('day', born, DATE '2000-01-01'))",
    "quantile(floor(age / 10), (SELECT 0.5))",
    "quantile(floor(age / 10), age / 100)",
    "quantile_cont(age, 0.5)",
    "quantile(floor(age), [0.1, 0.9])",
    "mode(floor(age))",
    "histogram(floor(age))",
    "quantile_disc(floor(age) ORDER BY pid, 0.5)",
    "median(floor(age)) EXPORT_STATE",
    "reservoir_quantile(floor(age), 0.5)",
)


def planned(sql: str) -> Plan:
    return plan(admitted(sql), InProcessRunner(), NodeLimits())


@pytest.mark.parametrize("figure", LAUNDERED)
def test_bins_that_are_not_public_are_refused(figure: str) -> None:
    for sql in (
        f"SELECT {figure} FROM person",
        f"SELECT sex, count(*) FROM person GROUP BY sex HAVING {figure} > 0",
        f"SELECT count(*) FROM person ORDER BY {figure}",
    ):
        with pytest.raises(Refused):
            planned(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT median(m) FROM (SELECT pid, max(age) AS m FROM person GROUP BY pid)",
        "SELECT median(m) FROM (SELECT pid, avg(age) AS m FROM person GROUP BY pid)",
        "SELECT median(m) FROM (SELECT pid, age AS m FROM person UNION ALL SELECT pid, 3 AS m FROM person)",
        "SELECT median(x) FROM (SELECT pid AS x FROM person)",
        "SELECT median(t.people) FROM person p JOIN town t ON t.code = p.district",
        f"WITH q AS (SELECT median({BINS}) AS m FROM person) SELECT count(*) FROM person, q WHERE age > m",
    ],
)
def test_nor_are_those_that_come_out_of_a_query(sql: str) -> None:
    with pytest.raises(Refused):
        planned(sql)


def test_the_engine_that_holds_rows_is_asked_for_counts_only() -> None:
    found = planned(f"SELECT sex, median({BINS}), quantile({BINS}, 0.9) FROM person GROUP BY sex")
    assert [aggregate.kind for aggregate in found.aggregates] == [AggregateKind.ROWS]
    assert not re.search("median|quantile|list|max|min", found.sql)
    shown = {output.label: output.type for output in found.outputs}
    assert set(shown.values()) == {ColumnType.TEXT, ColumnType.INTEGER}


@pytest.mark.parametrize("seed", range(2))
def test_nobody_moves_a_histogram_further_than_declared(seed: int) -> None:
    sql = f"SELECT ward, median(floor(days)), quantile({BINS}, 0.9), sum(days) FROM person JOIN visit USING (pid)"
    sql += " GROUP BY 1"
    check_sensitivity(plan(admitted(sql, datasets=TABLES), InProcessRunner(), NodeLimits()), drawn(seed, 6))


def asked(counts: dict[int, int]) -> list[float | None]:
    """Return the medians of 501 groups with the same people in each, all under real noise."""
    found = planned(f"SELECT floor(income / 200) AS g, median({BINS}) FROM person GROUP BY 1")
    raw = Raw(found, tuple((g, age, count) for g in range(501) for age, count in counts.items()), Usage())
    released = release.disclose(raw, InProcessRunner().post)
    return [None if row[1] is None else float(str(row[1])) for row in released.rows]


def test_one_person_has_no_median() -> None:
    told = [value for value in asked({90: 1}) if value is not None]
    assert len(told) < 60, "noise alone passes in one group of forty: 60 of 501 happens once in 10^9"


def test_a_median_is_as_noisy_as_its_counts() -> None:
    """Two equal halves with one person more in one: the exact median would be told by every group."""
    told = [value for value in asked({10: 1001, 90: 1000}) if value is not None]
    assert len(told) > 450
    assert sum(value == 10 for value in told) < 0.75 * len(told)
