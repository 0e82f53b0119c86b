"""Which joins across nodes are planned, how far a person reaches in them, and what is refused, with its reason."""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import prod
from random import Random

import pytest
from yanmen.disclosure import joining
from yanmen.disclosure.joining import Blinded
from yanmen.formats import shape
from yanmen.model.catalogue import Dataset
from yanmen.model.federation import Mode
from yanmen.model.joining import SIGMAS, VIEW_PERCENT, Folding, Joinable, view_squared
from yanmen.model.refusal import JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Plan, Raw
from yanmen.planning import federated

from tests.unit.joins.questions import PAIRS, TRIPLES, truth
from tests.unit.joins.sides import (
    EVENTS,
    LABS,
    PERSONS,
    RANDOM,
    Side,
    asked,
    blinded,
    manifest,
    plans,
    random_sides,
    rows_of,
)
from tests.unit.planning.engine import key

MICRO = 1_000_000
REFUSED = {
    "SELECT count(*) FROM persons p LEFT JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid AND p.age = l.value": Reason.TYPE_MISMATCH,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid WHERE p.age > l.value": Reason.CROSS_NODE_JOIN,
    "SELECT sum(p.age * l.value) FROM persons p JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(DISTINCT p.pid), count(*) FROM persons p JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(DISTINCT CASE WHEN p.age > 9 THEN p.pid END) FROM persons p JOIN labs l ON p.pid = l.pid": (
        Reason.CROSS_NODE_JOIN
    ),
    "SELECT count(*) FROM persons p WHERE p.pid IN (SELECT l.pid + 1 FROM labs l)": Reason.CROSS_NODE_JOIN,
    "SELECT count(*) FROM persons p WHERE p.age IN (SELECT l.value FROM labs l)": Reason.TYPE_MISMATCH,
    "SELECT count(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.value > 3)": Reason.JOIN_NOT_ON_UNIT,
    "SELECT count(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l)": Reason.CROSS_NODE_JOIN,
    "SELECT count(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.pid = p.pid AND l.value > p.age)": (
        Reason.CROSS_NODE_JOIN
    ),
    "SELECT sex, count(*) FROM persons JOIN labs USING (pid) GROUP BY ROLLUP (sex)": Reason.CROSS_NODE_JOIN,
    "SELECT median(l.value) FROM persons p JOIN labs l ON p.pid = l.pid": Reason.KEY_WITHOUT_DOMAIN,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid JOIN labs m ON m.pid = p.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(*) FROM persons p, labs l": Reason.JOIN_NOT_ON_UNIT,
    "SELECT p.pid, l.value FROM persons p JOIN labs l ON p.pid = l.pid": Reason.ROWS_WOULD_LEAVE,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid WHERE l.nothing = 1": Reason.UNKNOWN_COLUMN,
}


@pytest.mark.parametrize("question", REFUSED)
def test_what_no_department_could_answer_is_refused_with_the_reason(question: str) -> None:
    sides = random_sides(Random(1), "ab")
    for side in sides:
        with pytest.raises(Refused) as error:
            plans(question, [side, *(other for other in sides if other is not side)])
        assert error.value.reason is REFUSED[question], question
        assert error.value.detail.hint_en
        assert error.value.detail.hint_zh


@pytest.mark.parametrize("question", [*PAIRS, *TRIPLES])
def test_a_person_reaches_as_far_as_the_rows_of_all_tables_multiply(question: str) -> None:
    nodes = "abc" if question in TRIPLES else "ab"
    sides = random_sides(Random(2), nodes)
    asked_only = set(re.findall(r"\(SELECT \S+ FROM (\w+)", question))
    rows = prod(1 if side.table.name in asked_only else side.table.rows_per_unit for side in sides)
    for found in plans(question, sides, micro_rho=50_000):
        assert found.part is not None
        link = found.part.link
        for aggregate in found.aggregates:
            if aggregate.kind is AggregateKind.UNITS:
                assert 1 <= aggregate.l2_squared <= min(rows, link.groups)
            else:
                assert aggregate.l2_squared == (rows * _bound(found, aggregate)) ** 2
        items = prod(side.items_per_unit for side in link.sides)
        assert items <= rows * (link.groups if rows == 1 else 1)
        view = Fraction(view_squared(len(nodes), items), 2 * link.view)
        assert view <= Fraction(50_000 * VIEW_PERCENT, 100 * MICRO)
        assert link.middle >= SIGMAS * int(link.view**0.5)


def _bound(found: Plan, aggregate: Aggregate) -> int:
    """Return the most that one row adds to an aggregate."""
    upto = next(one.upper for one in found.aggregates if one.kind is AggregateKind.ROWS)
    return max(abs(aggregate.lower), abs(aggregate.upper)) // upto


@pytest.mark.parametrize("question", [*PAIRS, *TRIPLES])
def test_no_person_moves_figures_or_what_aggregators_see_further_than_the_noise_on_them_allows(question: str) -> None:
    """Leave one person out of all tables: figures, and rows that meet, in all lists and in two of three."""
    nodes = "abc" if question in TRIPLES else "ab"
    everyone = random_sides(Random(7), nodes)
    found = plans(question, everyone)
    first, link = found[0], found[0].part
    assert link is not None
    items, kinds = prod(side.items_per_unit for side in link.link.sides), len(first.aggregates)
    whole, figures = _met(found, everyone), truth(first, question, everyone)
    for who in (2, 5, 8):
        without = [replace(side, rows=[row for row in side.rows if row[0] != who]) for side in everyone]
        moved = sum((whole[cell] - count) ** 2 for cell, count in _met(found, without).items())
        assert moved <= view_squared(len(nodes), items)
        left = truth(first, question, without)
        for at, aggregate in enumerate(first.aggregates):
            pairs = zip(figures[at::kinds], left[at::kinds], strict=True)
            assert sum((one - other) ** 2 for one, other in pairs) <= aggregate.l2_squared


def _met(found: list[Plan], sides: list[Side]) -> Counter[object]:
    """Return how many items of persons meet in each group, and of three lists in each two but not the third."""
    seen: dict[bytes, dict[int, int]] = {}
    for place, (each, side) in enumerate(zip(found, sides, strict=True)):
        assert each.part is not None
        messages, places, _ = joining._rows(rows_of(each, side), each.part)
        for message, at in zip(messages, places.tolist(), strict=True):
            seen.setdefault(message, {})[place] = at
    counted: Counter[object] = Counter(dict.fromkeys(range(found[0].part.link.groups if found[0].part else 0), 0))
    for of in seen.values():
        if len(of) == len(sides):
            counted[sum(of.values())] += 1
        elif len(of) == 2:
            counted[tuple(sorted(of))] += 1
    return counted


def test_noise_is_for_what_of_the_charge_sizes_leave() -> None:
    sides = random_sides(Random(2), "ab")
    found = plans(PAIRS[0], sides, micro_rho=50_000)[0]
    signed = manifest([found])
    rho = Fraction(federated.for_figures(found), MICRO)
    enough = -(-found.aggregates[0].l2_squared // (2 * rho))
    for variance, accepted in ((int(enough), True), (int(enough) - 1, False)):
        terms = replace(
            signed.manifest, sigma_squared=(variance,), nodes=manifest([found]).manifest.nodes,
            shape_sha256=shape.digest(shape.encode(found)),
        )  # fmt: skip
        asked_for = replace(found, admitted=replace(found.admitted, manifest=replace(signed, manifest=terms)))
        if accepted:
            assert federated.in_shares(asked_for).manifest is not None
            continue
        with pytest.raises(Refused) as error:
            federated.in_shares(asked_for)
        assert error.value.reason is Reason.NOISE_TOO_SMALL


def test_a_part_is_answered_under_a_manifest_of_a_join_only() -> None:
    sides = random_sides(Random(2), "ab")
    found = plans(PAIRS[0], sides)[0]
    signed = manifest([found])
    terms = replace(signed.manifest, mode=Mode.ADDITIVE, shape_sha256=shape.digest(shape.encode(found)))
    with pytest.raises(Refused) as error:
        federated.in_shares(replace(found, admitted=replace(found.admitted, manifest=replace(signed, manifest=terms))))
    assert error.value.reason is Reason.SHAPE_MISMATCH


def test_another_statement_is_another_shape() -> None:
    """Both must have planned with the same facts: who states another table to one of them gets no join."""
    sides = random_sides(Random(2), "ab")
    wider = replace(LABS, rows_per_unit=LABS.rows_per_unit + 1)
    told = [sides[0], Side("b", wider, [])]
    one = plans(PAIRS[0], sides)[0]
    other = plans(PAIRS[0], told)[0]
    assert shape.digest(shape.encode(one)) != shape.digest(shape.encode(other))


def test_columns_that_a_contract_does_not_open_are_not_stated() -> None:
    sides = random_sides(Random(2), "ab")
    closed: Dataset = replace(PERSONS, columns=tuple(c for c in PERSONS.columns if c.name != "band"))
    without: list[Joinable] = list(asked(PAIRS[0], Side("a", closed, []), sides).joinables)
    assert all(c.name != "religion" for one in without for c in one.version.dataset.columns)
    with pytest.raises(Refused) as error:
        plans(PAIRS[0], [Side("a", closed, []), sides[1]])
    assert error.value.reason is Reason.UNKNOWN_COLUMN


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: (*rows, *rows, *rows, *rows),  # more rows than one unit may have
        lambda rows: ((rows[0][0], 3, *rows[0][2:]), *rows[1:]),  # a place that no keys come to
        lambda rows: ((*rows[0][:-1], 10**9), *rows[1:]),  # a value out of its bounds
        lambda rows: ((None, *rows[0][1:]), *rows[1:]),  # no unit
        lambda rows: tuple((at, *rows[0][1:]) for at in range(40)),  # more rows than declared
    ],
)
def test_a_reply_beyond_what_was_declared_ends_the_run(spoil: object) -> None:
    assert callable(spoil)
    sides = random_sides(Random(6), "ab")
    labs = [(1, 1, 5), (2, 0, 7)]
    found = plans(PAIRS[1], sides)[1]
    with pytest.raises(JobFailed):
        joining.blind(Raw(found, spoil(tuple(labs)), Usage()), manifest([found]), RANDOM)


def test_how_many_rows_meet_is_seen_with_noise_only() -> None:
    """Of each group the canaries, the rows, and as many dummies as noise says."""
    sides = [Side(node, table, []) for node, table in (("a", PERSONS), ("b", LABS))]
    found = plans(PAIRS[0], sides, micro_rho=20_000)
    part = found[1].part
    assert part is not None
    counts = set()
    for _ in range(4):
        made: Blinded = blinded(found, sides, manifest(found))["b"]
        assert len(made.points) == 32 * part.link.items(1)
    for _ in range(20):
        counts.add(len(list(joining._dummies(part))))
    assert len(counts) > 5
    assert all(0 < count < part.link.groups * part.link.dummies for count in counts)
    first = found[0].part
    assert first is not None
    assert len(list(joining._dummies(first))) == first.link.groups * first.link.dummies


def test_an_open_key_has_no_groups_to_join_by() -> None:
    opened = replace(PERSONS, columns=tuple(replace(c, domain=()) if c.name == "band" else c for c in PERSONS.columns))
    with pytest.raises(Refused) as error:
        plans(PAIRS[0], [Side("a", opened, []), Side("b", LABS, [])])
    assert error.value.reason is Reason.KEY_WITHOUT_DOMAIN
    many = replace(
        PERSONS, columns=tuple(key(c.name, *map(str, range(1001))) if c.name == "band" else c for c in PERSONS.columns)
    )
    with pytest.raises(Refused) as error:
        plans(PAIRS[0], [Side("a", many, []), Side("b", LABS, [])])
    assert error.value.reason is Reason.TOO_MANY_CELLS
    wide = replace(PERSONS, rows_upto=4_000_001)
    with pytest.raises(Refused) as error:
        plans(PAIRS[0], [Side("a", wide, []), Side("b", LABS, [])])
    assert error.value.reason is Reason.CROSS_NODE_JOIN


def test_lists_are_as_long_as_there_are_units_where_rows_need_not_meet_one_by_one() -> None:
    labs = replace(LABS, rows_per_unit=60, rows_upto=500_000, units_upto=20_000)
    events = replace(EVENTS, rows_per_unit=10, rows_upto=50_000)
    sides = [Side("a", PERSONS, []), Side("b", labs, []), Side("c", events, [])]
    sql = (
        "SELECT p.band, avg(l.value) FROM persons p JOIN labs l ON p.pid = l.pid WHERE l.test = 'hdl'"
        " AND p.pid IN (SELECT pid FROM events WHERE event = 'htn') GROUP BY p.band"
    )
    part = plans(sql, sides, micro_rho=100_000)[0].part
    assert part is not None
    listed = [(side.folding, side.items_upto, side.items_per_unit) for side in part.link.sides]
    assert listed == [(Folding.ROWS, 12, 1), (Folding.SUMMED, 20_000, 1), (Folding.MET, 50_000, 1)]
    every = sql.replace("p.pid IN (SELECT pid FROM events WHERE event = 'htn')", "p.age > 3")
    every = every.replace("JOIN labs l ON p.pid = l.pid", "JOIN labs l ON p.pid = l.pid JOIN events e ON e.pid = p.pid")
    part = plans(every, sides, micro_rho=100_000)[0].part
    assert part is not None
    assert [part.link.sides[at].items_per_unit for at in range(3)] == [1, 1, 10]
    by_test = sql.replace("l.test = 'hdl'", "l.value > 3").replace("p.band", "l.test")
    part = plans(by_test, sides, micro_rho=100_000)[0].part
    assert part is not None
    assert (part.link.sides[1].items_per_unit, part.link.sides[1].items_upto) == (3, 60_000)


def test_nothing_is_taken_of_a_table_that_only_a_condition_names() -> None:
    """Its name, were it guessed, gives neither a group nor a figure, whose reach nobody counted."""
    sides = random_sides(Random(1), "ac")
    inner = "FROM persons p WHERE p.pid IN (SELECT pid FROM events)"
    place = f"SELECT count(*) {inner}".index("p.pid") + 1
    for spare in range(-40, 80):
        name = f'"subquery at 1:{place + spare}"'
        for sql in (f"SELECT {name}.event, count(*) {inner} GROUP BY 1", f"SELECT sum({name}.pid) {inner}"):
            with pytest.raises(Refused):
                plans(sql, sides)
