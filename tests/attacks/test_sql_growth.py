"""What a question makes of one person's row cannot grow until the run fails: the failure would tell who is there.

`||` in queries in queries multiplies a text by eight each time; where all texts but one person's are empty, the run
fails if and only if that person is in the data. Written without a barrier, the expression itself is what grows.
"""

import pytest
from yanmen.model.catalogue import TEXT_MAX, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan
from yanmen.planning.syntax import Expression
from yanmen.planning.terms import Term, parts
from yanmen.planning.typed import RowTyper
from yanmen.planning.typed_functions import TEXT_MADE_MAX

from tests.unit.planning.answering import answer, runner
from tests.unit.planning.engine import CATALOGUE, admitted, planned

TABLES = tuple(item for item in CATALOGUE if item.name in ("person", "visit", "town"))
GATED = "CASE WHEN age = 95 AND sex = 'f' THEN 'xxxxxxxxxxxxxxxx' ELSE '' END"


def _levels(first: str, step: str, levels: int, last: str, group: str = " GROUP BY pid") -> str:
    """Write a question in which `step` is applied to `first` again and again, each time in a CTE of its own."""
    made = [f"WITH a0 AS (SELECT pid, {first} AS s FROM person)"]
    made += [f"a{at + 1} AS (SELECT pid, {step} AS s FROM a{at}{group})" for at in range(levels)]
    return f"{', '.join(made)} SELECT count(*) AS n FROM a{levels} WHERE {last}"


EIGHTFOLD = "||".join("s" * 8)
GROWING = [
    f"max({EIGHTFOLD})",
    f"min({EIGHTFOLD})",
    f"max(upper({EIGHTFOLD}))",
    f"max(trim({EIGHTFOLD}))",
    f"max(coalesce({EIGHTFOLD}, s))",
    f"max(nullif({EIGHTFOLD}, 'x'))",
    f"max(CASE WHEN s = '' THEN s ELSE {EIGHTFOLD} END)",
    f"max(substring({EIGHTFOLD}, 2))",
    f"max(CAST({EIGHTFOLD} AS VARCHAR))",
]


@pytest.mark.parametrize("step", GROWING)
def test_a_text_does_not_grow_from_query_to_query(step: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(_levels(GATED, step, 9, "length(s) > 5"))
    assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED
    assert caught.value.detail.subject == "||"
    assert (caught.value.detail.line, caught.value.detail.column) > (0, 0)
    assert str(TEXT_MADE_MAX) in caught.value.detail.hint_en
    assert str(TEXT_MADE_MAX) in caught.value.detail.hint_zh


def test_a_text_does_not_grow_through_a_union_or_a_join() -> None:
    both = "SELECT pid, s FROM a UNION ALL SELECT pid, '' AS s FROM a"
    for inside in (both, "SELECT x.pid, x.s FROM a x JOIN a y ON x.pid = y.pid"):
        ten = "||".join(["s"] * 10)
        with pytest.raises(Refused) as caught:
            planned(
                f"WITH a AS (SELECT pid, max(left(note, 500)) AS s FROM person GROUP BY pid), b AS ({inside}) "
                f"SELECT count(*) FROM b WHERE length({ten}) > 5"
            )
        assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED


@pytest.mark.parametrize(
    ("first", "step"),
    [
        (GATED, "left(s||s||s||s, 16)"),
        ("CASE WHEN age = 95 THEN '' ELSE NULL END", "s||s||s||s"),
        ("age", "least_of"),
        ("age", "CASE WHEN s > 5 THEN s - 1 WHEN s > 4 THEN s - 2 WHEN s > 3 THEN s - 3 ELSE s END"),
        ("age", "nullif(nullif(s, 1), 2)"),
        ("born", "CASE WHEN s > DATE '2000-01-01' THEN s - 1 ELSE s + 1 END"),
    ],
)
def test_an_expression_does_not_grow_through_plain_queries(first: str, step: str) -> None:
    """The engine writes a plain query's column out wherever it is read: so does the count of terms."""
    step = "CASE WHEN s < 3 THEN s ELSE CASE WHEN s < 4 THEN s ELSE s END END" if step == "least_of" else step
    with pytest.raises(Refused) as caught:
        planned(_levels(first, step, 10, "s IS NULL", group=""))
    assert caught.value.reason is Reason.CLAUSE_NOT_ADMITTED
    assert caught.value.detail.line > 0


def test_many_heavy_columns_do_not_make_a_heavy_query() -> None:
    heavy = "||".join(["left(s, 1)"] * 400)
    columns = ", ".join(f"{heavy} AS s{at}" for at in range(3))
    more = ", ".join(f"length(s{at % 3}) AS n{at}" for at in range(60))
    with pytest.raises(Refused) as caught:
        planned(
            f"SELECT count(*) FROM (SELECT pid, {more} FROM "
            f"(SELECT pid, {columns} FROM (SELECT pid, note AS s FROM person) AS a) AS b)"
        )
    assert caught.value.reason is Reason.CLAUSE_NOT_ADMITTED


def test_whole_numbers_do_not_grow_from_query_to_query() -> None:
    for step in ("sum(s * 1000)", "max(s * s)", "sum(s) * 100000", "max(s * 1000000 + s)"):
        with pytest.raises(Refused) as caught:
            planned(_levels("age", step, 14, "s > 5"))
        assert caught.value.reason is Reason.MEASURE_WITHOUT_BOUNDS


def _around(first: str, step: str, levels: int) -> str:
    sql = first
    for _ in range(levels):
        sql = f"SELECT {step} AS s FROM ({sql}) AS t"
    return sql


@pytest.mark.parametrize("step", [EIGHTFOLD, f"max({EIGHTFOLD})", f"first_value({EIGHTFOLD}) OVER ()"])
def test_a_text_of_released_cells_does_not_grow_either(step: str) -> None:
    first = "SELECT sex AS s, count(*) AS n FROM person GROUP BY sex"
    assert planned(_around(first, "s || '!'", 3)).outputs
    with pytest.raises(Refused) as caught:
        planned(_around(first, step, 9))
    assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED
    assert "65536" in caught.value.detail.hint_en


def test_nor_does_a_text_of_open_groups_that_meets_rows_afterwards() -> None:
    with pytest.raises(Refused) as caught:
        planned(_around("SELECT code AS s FROM town", f"max({EIGHTFOLD})", 9))
    assert caught.value.reason is Reason.FUNCTION_NOT_ADMITTED


def test_an_expression_over_released_cells_does_not_grow() -> None:
    step = "CASE WHEN s < 3 THEN s ELSE CASE WHEN s < 4 THEN s ELSE s END END"
    with pytest.raises(Refused) as caught:
        planned(_around("SELECT count(*) AS s FROM person", step, 10))
    assert caught.value.reason is Reason.CLAUSE_NOT_ADMITTED


LONGEST = "\U0001f642" * TEXT_MAX
TEXTS = ["", "x", "ß" * 500, "İ" * TEXT_MAX, "ŉ" * TEXT_MAX, LONGEST, None]
EXPRESSIONS = [
    "note || note || note || note",
    "upper(note) || lower(note)",
    "substring(note, 2) || note",
    "left(note, 10) || right(note, 20)",
    "coalesce(note, 'nothing') || '!'",
    "CASE WHEN age > 1 THEN note ELSE district END || sex",
    "nullif(note, 'x') || trim(note)",
    "CAST(raw AS VARCHAR) || CAST(income AS VARCHAR) || CAST(born AS VARCHAR) || CAST(insured AS VARCHAR)",
    "CAST(income * income * 0.000001 AS VARCHAR) || CAST(raw * raw AS VARCHAR)",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_text_is_longer_than_planned(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is asked whether any text is longer than the planner, reading the same expression, says."""
    bounds: list[int] = []
    read = RowTyper.term

    def spied(typer: RowTyper, asked: Expression) -> Term:
        term = read(typer, asked)
        bounds.extend(part.facts.length for part in parts(term) if part.facts.type is ColumnType.TEXT)
        return term

    monkeypatch.setattr(RowTyper, "term", spied)
    rows = [
        (n, "fm"[n % 2], f"d{n % 5}", True, None, text, 5, 100000, (-(2**63), 2**63 - 1)[n % 2], "a")
        for n, text in enumerate(TEXTS)
    ]
    engine = runner(TABLES, {"person": rows, "visit": [], "town": []})

    def longer(than: int) -> list[int]:
        sql = f"SELECT count(*) FROM person WHERE length({expression}) > {than}"
        found = plan(admitted(sql, datasets=TABLES), engine, NodeLimits())
        return [row[0] for row in answer(found, engine)]

    longer(0)
    assert max(bounds) <= TEXT_MADE_MAX
    assert longer(max(bounds)) == [0]
