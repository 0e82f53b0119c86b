"""What a plan says beside its SQL: charge, price, deadline, identity, bounds; and what never gets as far."""

from dataclasses import replace

import pytest
from typing_extensions import override
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import AggregateKind
from yanmen.model.tariff import metered
from yanmen.planning import plan, render

from tests.unit.planning.engine import CATALOGUE, PERSON, VISIT, InProcessRunner, admitted, planned, version

LIMITS = NodeLimits()


def refusal(sql: str, limits: NodeLimits = LIMITS) -> Refused:
    with pytest.raises(Refused) as caught:
        plan(admitted(sql), InProcessRunner(), limits)
    return caught.value


def bounds(sql: str) -> list[tuple[AggregateKind, int, int, int, int]]:
    found = planned(sql).aggregates
    return [(a.kind, a.lower, a.upper, a.l1, a.l2_squared) for a in found]


ROWS, UNITS, SUM = AggregateKind.ROWS, AggregateKind.UNITS, AggregateKind.SUM


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) FROM person", [(ROWS, 0, 20_000, 1, 1)]),
        ("SELECT count(*) FROM visit", [(ROWS, 0, 100_000, 4, 16)]),
        ("SELECT count(DISTINCT pid) FROM visit", [(UNITS, 0, 100_000, 1, 1)]),
        ("SELECT ward, count(DISTINCT pid) FROM visit GROUP BY ward", [(UNITS, 0, 100_000, 2, 2)]),
        ("SELECT sum(days) FROM visit", [(SUM, -1_000_000, 3_000_000, 120, 14_400)]),
        ("SELECT sum(-days) FROM visit", [(SUM, -3_000_000, 1_000_000, 120, 14_400)]),
        ("SELECT sum(age) FROM person", [(SUM, 0, 2_400_000, 120, 14_400)]),
        ("SELECT sum(age - 120) FROM person", [(SUM, -2_400_000, 0, 120, 14_400)]),
        ("SELECT sum(0) FROM person", [(SUM, 0, 0, 1, 1)]),
        ("SELECT sum(cost) FROM visit", [(SUM, -5_000_000, 500_000_000, 20_000, 400_000_000)]),
        ("SELECT count(note) FROM person", [(ROWS, 0, 20_000, 1, 1)]),
        # Rows of one unit multiply in a join of tables about units.
        ("SELECT count(*) FROM visit a JOIN visit b USING (pid)", [(ROWS, 0, 400_000, 16, 256)]),
        ("SELECT count(*) FROM person a JOIN visit b USING (pid)", [(ROWS, 0, 80_000, 4, 16)]),
        (
            "SELECT a.ward, count(DISTINCT a.pid) FROM visit a JOIN visit b USING (pid) GROUP BY 1",
            [(UNITS, 0, 400_000, 4, 4)],
        ),
        # An open table multiplies nobody.
        ("SELECT count(*) FROM visit v JOIN town t ON v.town = t.code", [(ROWS, 0, 100_000, 4, 16)]),
    ],
)
def test_public_ranges_and_sensitivities(sql: str, expected: list[tuple[AggregateKind, int, int, int, int]]) -> None:
    assert bounds(sql) == expected


def test_equal_figures_are_asked_once_and_averages_share_them() -> None:
    found = planned("SELECT count(*), avg(age), sum(age), avg(age) * 2, count(age), count(*) FROM person")
    assert [a.kind for a in found.aggregates] == [ROWS, SUM, ROWS]
    assert [(m.sum, m.count) for m in found.averages] == [("a1", "a2")]


def test_a_column_that_where_has_proven_present_needs_no_count_of_its_own() -> None:
    assert len(planned("SELECT count(*), avg(age) FROM person WHERE age > 3").aggregates) == 2
    assert len(planned("SELECT count(*), avg(age + income) FROM person WHERE age > income").aggregates) == 2
    for where in ("age > 3 OR sex = 'f'", "income > 3", "age IS NULL", "age IS DISTINCT FROM 3", "NOT (age IS NULL)"):
        assert len(planned(f"SELECT count(*), avg(age) FROM person WHERE {where}").aggregates) == 3


@pytest.mark.parametrize(
    ("where", "domain"),
    [
        ("true", ("f", "m")),
        ("sex = 'f'", ("f",)),
        ("sex IN ('m', 'x')", ("m",)),
        ("sex <> 'm' AND age > 3", ("f",)),
        ("sex > 'f'", ("m",)),
        ("sex BETWEEN 'a' AND 'g'", ("f",)),
        ("sex = 'f' OR age > 3", ("f", "m")),
        ("NOT sex = 'f'", ("f", "m")),
        ("sex = 'x'", ("f", "m")),
        ("sex LIKE 'f'", ("f", "m")),
    ],
)
def test_where_narrows_the_grid_only_by_what_is_public(where: str, domain: tuple[str, ...]) -> None:
    assert planned(f"SELECT sex, count(*) FROM person WHERE {where} GROUP BY sex").keys[0].domain == domain


@pytest.mark.parametrize(
    ("key", "domain"),
    [
        ("CASE WHEN age > 3 THEN 'a' ELSE 'b' END", ("a", "b")),
        ("CASE WHEN age > 3 THEN 'a' WHEN age > 2 THEN 'b' END", ("a", "b", None)),
        ("CASE sex WHEN 'f' THEN 1 WHEN 'm' THEN 2 END", (1, 2, None)),
        ("CASE WHEN age > 3 THEN sex ELSE 'x' END", ("f", "m", "x")),
        ("coalesce(sex, 'x')", ("f", "m", "x")),
        ("insured", (False, True)),
        ("age > 3", (False, True, None)),
        ("age IS NULL", (False, True)),
        ("quarter(born)", (1, 2, 3, 4)),
        ("'all'", ("all",)),
    ],
)
def test_key_domains_follow_from_the_question_and_the_catalogue(key: str, domain: tuple[object, ...]) -> None:
    assert planned(f"SELECT {key} AS k, count(*) FROM person GROUP BY k").keys[0].domain == domain


def test_charge_price_and_deadline_are_fixed_by_public_facts() -> None:
    personal = planned("SELECT count(*) FROM person JOIN visit USING (pid)")
    assert (personal.micro_rho, personal.delta_e12, personal.price_fen) == (1000, 0, 7)
    assert (personal.subject_space, personal.min_group) == ("persons", 10)
    assert personal.deadline_ms == 2 * LIMITS.deadline_ms
    exact = planned("SELECT count(*) FROM firm")
    assert (exact.micro_rho, exact.release, exact.deadline_ms) == (0, DatasetClass.EXACT, 5 * LIMITS.deadline_ms)
    # 2 outputs x 2 values of sex; two tables of so many declared rows.
    grouped = planned("SELECT sex, count(*) FROM person JOIN visit USING (pid) GROUP BY sex")
    rows = {scan.version.dataset.name: scan.version.dataset.rows_upto for scan in grouped.scans}
    assert grouped.metered == metered(2 * len(grouped.keys[0].domain), rows.items())
    assert dict(grouped.metered.rows) == {name: max(1, -(-upto // 10_000)) for name, upto in rows.items()}
    big = replace(PERSON, rows_upto=2_500_000)
    assert planned("SELECT count(*) FROM person", datasets=(big,)).deadline_ms == 3 * LIMITS.deadline_ms


def test_the_same_question_written_otherwise_is_the_same_question() -> None:
    one = planned("SELECT sex, count(*) AS n FROM person WHERE age > 50 GROUP BY sex").canonical
    for sql in (
        "select\n sex,  COUNT( * ) as n -- yes\n from PERSON where (AGE) > 50.0 group by 1;",
        "SELECT p.sex, count(*) n FROM person p WHERE p.age > 50 GROUP BY p.sex",
        "/* x */ FROM person SELECT sex, count() AS n WHERE age > 050 GROUP BY ALL",
    ):
        assert planned(sql).canonical == one
    for sql in (
        "SELECT sex, count(*) AS n FROM person WHERE age > 51 GROUP BY sex",
        "SELECT sex, count(*) AS m FROM person WHERE age > 50 GROUP BY sex",
        "SELECT sex, count(*) AS n FROM person WHERE age > 50 GROUP BY sex LIMIT 1",
    ):
        assert planned(sql).canonical != one


def test_a_new_version_or_another_charge_is_another_question() -> None:
    sql = "SELECT count(*) FROM person"
    first = admitted(sql)
    again = replace(first, versions=tuple(replace(v, version=v.version + "2") for v in first.versions))
    dearer = replace(first, micro_rho=2000)
    found = {plan(item, InProcessRunner(), LIMITS).canonical for item in (first, again, dearer, first)}
    assert len(found) == 3


def test_a_retracted_dataset_is_refused() -> None:
    asked = admitted("SELECT count(*) FROM person")
    gone = replace(asked, versions=(replace(version(PERSON), retracted=True),))
    with pytest.raises(Refused) as caught:
        plan(gone, InProcessRunner(), LIMITS)
    assert caught.value.reason is Reason.DATASET_RETRACTED


def test_the_caller_s_text_never_reaches_the_engine() -> None:
    runner = InProcessRunner()
    marked = (
        "SELECT sex AS zebra, count(*) /* zebra */ FROM person AS zebra WHERE zebra.age > 3 GROUP BY zebra.sex -- zebra"
    )
    found = plan(admitted(marked), runner, LIMITS)
    assert runner.vetted == [marked]
    assert runner.bound == [found.sql]
    assert "zebra" not in found.sql + found.post_sql
    assert [output.label for output in found.outputs] == ["zebra", "count(*)"]


@pytest.mark.parametrize("sql", ["SELECT a\0b", "SELECT '\ud800'", "x" * (16 * 1024 + 1), "中" * 6000])
def test_text_that_is_too_long_or_no_text_never_reaches_the_parser(sql: str) -> None:
    runner = InProcessRunner()
    with pytest.raises(Refused) as caught:
        plan(admitted(sql), runner, LIMITS)
    assert caught.value.reason in (Reason.SQL_TOO_LONG, Reason.SQL_MALFORMED)
    assert runner.vetted == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT count(*) FROM person WHERE " + "NOT " * 400 + "insured",
        "SELECT count(*) FROM person WHERE " + "(insured AND (NOT insured OR " * 100 + "true" + "))" * 100,
        "SELECT count(*) FROM person WHERE age = " + "1+" * 900 + "1",
        "SELECT sum(" + "CASE WHEN insured THEN " * 300 + "1" + " END" * 300 + ") FROM person",
        "SELECT sum(" + "nullif(" * 20 + "age" + ", 1)" * 20 + ") FROM person",
        "SELECT count(*) FROM person WHERE " + "CAST(" * 20 + "age" + " AS TINYINT) AS DECIMAL(9,1))" * 10 + " > 1",
        "SELECT count(*) FROM person HAVING " + "nullif(" * 20 + "count(*)" + ", 1)" * 20 + " > 1",
        "SELECT " + ", ".join(f"sum(age + {n})" for n in range(33)) + " FROM person",
        "SELECT count(*) FROM " + ", ".join(f"person p{n}" for n in range(20)),
    ],
)
def test_bombs_are_refused_quickly(sql: str) -> None:
    found = refusal(sql)
    assert found.reason in (Reason.SQL_MALFORMED, Reason.CLAUSE_NOT_ADMITTED, Reason.TOO_MANY_CELLS)


def test_limits_are_the_node_s() -> None:
    small = NodeLimits(cells=3, open_rows=2, ast_bytes=500)
    assert refusal("SELECT ward, count(*) FROM visit GROUP BY ward", small).reason is Reason.SQL_TOO_LONG
    small = replace(small, ast_bytes=LIMITS.ast_bytes)
    assert refusal("SELECT ward, count(*) FROM visit GROUP BY ward", small).reason is Reason.TOO_MANY_CELLS
    assert planned("SELECT * FROM town LIMIT 9", limits=small).rows_max == 2
    assert planned("SELECT * FROM town LIMIT 1", limits=small).rows_max == 1


def test_a_vetting_job_that_dies_is_not_hidden() -> None:
    class Dying(InProcessRunner):
        @override
        def vet(self, sql: str) -> str:
            raise JobFailed(JobCode.MEMORY)

    with pytest.raises(JobFailed):
        plan(admitted("SELECT count(*) FROM person"), Dying(), LIMITS)


def test_places_count_characters_and_lines() -> None:
    detail = refusal("SELECT '中文', count(*)\n  FROM person\nWHERE 年 = 1").detail
    assert (detail.line, detail.column, detail.subject) == (3, 7, "年")
    assert refusal("SELECT '中文' FORM person x y").detail.line == 1


def test_names_are_found_whatever_their_case_and_unknown_ones_are_not() -> None:
    assert planned("SELECT Sex, COUNT(*) FROM Person GROUP BY SEX").outputs[0].label == "Sex"
    for name in ("person.person.age", "v.age", "age.x", '"age "'):
        assert refusal(f"SELECT avg({name}) FROM person").reason is Reason.UNKNOWN_COLUMN


def test_a_plan_is_explained_without_its_sql() -> None:
    text = render(planned("SELECT ward, avg(cost) AS mean FROM visit GROUP BY ward ORDER BY mean"))
    assert "one unit moves it by at most 20000" in text
    assert "SELECT" not in text.replace("select", "")
    assert len(render(planned("SELECT month(born), count(*) FROM person GROUP BY 1")).splitlines()) < 10


def test_labels_are_distinct_short_and_printable() -> None:
    sql = f'SELECT count(*), count(*), count(*) AS "a\x1b[2Jb\nc", count(*) AS "{"x" * 300}" FROM person'
    assert [output.label for output in planned(sql).outputs] == ["count(*)", "count(*)_2", "a [2Jb c", "x" * 200]


def test_the_unit_itself_must_be_granted() -> None:
    asked = admitted("SELECT count(DISTINCT pid) FROM visit", datasets=(VISIT,))
    grants = tuple(replace(grant, columns=("ward",)) for grant in asked.contract.terms.grants)
    narrow = replace(asked, contract=replace(asked.contract, terms=replace(asked.contract.terms, grants=grants)))
    with pytest.raises(Refused) as caught:
        plan(narrow, InProcessRunner(), LIMITS)
    assert caught.value.reason is Reason.COLUMN_NOT_IN_CONTRACT


def test_the_catalogue_of_these_tests_has_every_class() -> None:
    assert {item.cls for item in CATALOGUE} == set(DatasetClass)
