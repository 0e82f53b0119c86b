"""One person more or less never decides whether a department's part of a join can be run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from yanmen.disclosure import joining
from yanmen.execution import reply
from yanmen.execution.run import reply_types
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning.across_reply import COPIES, reply_bytes_upto
from yanmen_sandbox.reply import Ended, encode_rows

from tests.unit.joins.sides import LABS, RANDOM, Side, manifest, plans, rows_of
from tests.unit.planning.engine import dataset, key, measure

PEOPLE = 61
"""With the target, who is the last of them."""
SMALL = NodeLimits(reply_bytes=64 * 1024)
UNIT = Column("pid", ColumnType.TEXT, Role.UNIT)
PERSONS = dataset(
    "persons",
    DatasetClass.PERSONAL,
    replace(UNIT, name="pid"),
    key("band", "old", "young"),
    measure("age", "0", "120"),
    upto=400,
)
TESTS = replace(LABS, columns=(UNIT, *LABS.columns[1:]))


def town(name: Callable[[int], str] = "p{:05d}".format) -> list[tuple[Any, ...]]:
    """Return everybody but the target, then the target, of an age of their own."""
    others = [(name(at), "old" if at % 3 else "young", 20 + at % 40) for at in range(PEOPLE - 1)]
    return [*others, (name(PEOPLE), "old", 72)]


def ends(found: Plan, side: Side, limits: NodeLimits) -> str:
    """Return how the run of a part ends: as the worker writes its reply, the node reads it, and the list is made."""
    rows = rows_of(found, side)
    try:
        frame = encode_rows([rows], limits.reply_bytes)
        read = reply.cells(frame[4:], reply_types(found), side.table.rows_upto)
        joining.blind(Raw(found, read, Usage()), manifest([found]), RANDOM)
    except (Ended, JobFailed) as failed:
        return str(failed)
    return "answered"


def outcomes(question: str, table: Dataset, rows: list[tuple[Any, ...]], limits: NodeLimits) -> set[str]:
    """Return what is seen of `question` with the target and without."""
    seen = set()
    for held in (rows, rows[:-1]):
        sides = [Side("a", table, held), Side("b", TESTS, [])]
        try:
            found = plans(question, sides, limits=limits)[0]
        except Refused as refusal:
            seen.add(f"refused {refusal.reason.value}")
            continue
        seen.add(ends(found, sides[0], limits))
    return seen


def keyed(*keys: str) -> str:
    """Return a question grouped by `keys`."""
    named = ", ".join(f"{item} AS k{at}" for at, item in enumerate(keys))
    groups = ", ".join(str(at) for at in range(1, len(keys) + 1))
    return f"SELECT {named}, count(*) AS n FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY {groups}"


def chosen(length: int, letter: str, keys: int = 1) -> list[str]:
    """Return keys that hold a long literal in every row."""
    return [f"CASE WHEN p.age >= 0 THEN '{at}{letter * length}' ELSE 'y' END" for at in range(keys)]


@pytest.mark.parametrize(("letter", "size"), [("x", 1), ("\x01", 6), ('"', 2), ("\U00020000", 4)])
def test_a_literal_in_every_row_is_no_scale_that_weighs_one_person(letter: str, size: int) -> None:
    """With the size of a row in the asker's hands, a reply has room for everybody but the target."""
    length = 900
    limits = replace(SMALL, reply_bytes=(PEOPLE - 1) * (length * size + 30))
    assert outcomes(keyed(*chosen(length, letter)), PERSONS, town(), limits) == {"answered"}


@pytest.mark.parametrize("name", ["p{:05d}".format, "\x01{:0150d}".format, "\U00020000{:0900d}".format])
def test_a_long_identifier_makes_no_run_fail(name: Callable[[int], str]) -> None:
    """Identifiers have no declared length; what a unit is known by has one."""
    assert outcomes(keyed("p.band"), PERSONS, town(name), SMALL) == {"answered"}


QUESTIONS = (
    keyed("p.band", "p.age // 1"),
    keyed("CASE WHEN p.age > 71 THEN NULL ELSE p.band END"),
    "SELECT sum(p.age * 100000000000000), sum(-p.age), count(*) FROM persons p JOIN labs l ON p.pid = l.pid",
    "SELECT p.band, sum(CASE WHEN p.age > 71 THEN 9000000000000000 ELSE -1 END) AS s FROM persons p"
    " JOIN labs l ON p.pid = l.pid GROUP BY p.band",
    "SELECT l.test, sum(CASE WHEN p.age > 71 THEN -l.value END) FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY 1",
    "SELECT l.test, count(nullif(p.age, 72)), avg(p.age) FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY 1",
    "SELECT count(DISTINCT p.pid) FROM persons p JOIN labs l ON p.pid = l.pid WHERE p.age % 72 = 0",
)
ASKED = tuple(question for question in QUESTIONS if "-l.value" not in question)


@pytest.mark.parametrize("question", QUESTIONS)
def test_neighbours_both_answer_or_are_both_refused(question: str) -> None:
    """Overflow, NULL, zero divisors and wide figures, at the target's row alone."""
    for limits in (SMALL, NodeLimits(reply_bytes=20_000)):
        found = outcomes(question, PERSONS, town(), limits)
        assert len(found) == 1, found
        assert all(one == "answered" or one.startswith("refused") for one in found)


def widest(found: Plan) -> list[tuple[Any, ...]]:
    """Return as many and as long rows as a part can have."""
    part = found.part
    assert part is not None
    row: list[Any] = ["f" * 64 if part.unit is ColumnType.TEXT else -(2**63)]
    places: list[Any] = [*part.places(), None]  # JSON writes NULL with four letters
    row += [max(places, key=lambda place: 4 if place is None else len(str(place)))] if part.keys else []
    row += [max(c.lower, c.upper, key=lambda end: len(str(end))) for c in part.columns if not c.counts_rows]
    return [tuple(row)] * part.link.sides[part.place].rows_upto


@pytest.mark.parametrize("question", ASKED)
def test_whatever_rows_there_may_be_fit_or_the_question_is_refused_before_it_runs(question: str) -> None:
    sides = [Side("a", PERSONS, []), Side("b", TESTS, [])]
    for place in (0, 1):
        ordered = [sides[place], sides[1 - place]]
        found = plans(question, ordered)[0]
        assert found.part is not None
        upto = reply_bytes_upto(found.part)
        frame = encode_rows([widest(found)], NodeLimits().reply_bytes)
        assert upto - 40 < len(frame) - 4 <= upto
        exact = NodeLimits(reply_bytes=upto, memory_bytes=COPIES * upto)
        for less in (replace(exact, reply_bytes=upto - 1), replace(exact, memory_bytes=COPIES * upto - 1)):
            with pytest.raises(Refused) as error:
                plans(question, ordered, limits=less)
            assert error.value.reason is Reason.CROSS_NODE_JOIN
            assert error.value.detail.subject == "reply_bytes"
            assert "node.toml" in error.value.detail.hint_en
            assert error.value.detail.hint_zh


def test_a_hundred_thousand_rows_need_no_other_limits_and_a_million_one_documented_one() -> None:
    for rows, limits in ((200_000, NodeLimits()), (1_000_000, NodeLimits(reply_bytes=128 * 1024 * 1024))):
        many = replace(PERSONS, rows_upto=rows)
        sides = [Side("a", many, []), Side("b", TESTS, [])]
        found = plans(
            "SELECT p.band, avg(p.age), count(*) FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY p.band",
            sides,
            micro_rho=50_000,
            limits=limits,
        )
        assert found[0].part is not None


@pytest.mark.parametrize("kind", list(ColumnType))
def test_each_row_has_the_place_of_its_keys_whatever_their_type(kind: ColumnType) -> None:
    domains: dict[ColumnType, Sequence[Any]] = {
        ColumnType.INTEGER: (7, -3, 0),
        ColumnType.DECIMAL: (Decimal("1.5"), Decimal("-0.25"), Decimal(2)),
        ColumnType.TEXT: ("b", "", "it's"),
        ColumnType.BOOLEAN: (False, True),
        ColumnType.DATE: (date(2024, 2, 29), date(1999, 1, 1)),
    }
    scale = 2 if kind is ColumnType.DECIMAL else 0
    column = Column("k", kind, Role.KEY, domain=tuple(domains[kind]), scale=scale)
    table = dataset("persons", DatasetClass.PERSONAL, UNIT, column, key("band", "old", "young"), upto=20)
    values = [*domains[kind], None]
    rows = [(f"{at}", value, band) for at, value in enumerate(values) for band in ("young",)]
    sides = [Side("a", table, rows), Side("b", TESTS, [])]
    found = plans(keyed("p.k", "p.band"), sides)[0]
    assert found.part is not None
    assert [one.size for one in found.part.keys] == [len(domains[kind]), 2]
    places = {row[1] for row in rows_of(found, sides[0])}
    assert places == {None, *(2 * at + 1 for at in range(len(domains[kind])))}
