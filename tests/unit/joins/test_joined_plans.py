"""Which joins across nodes are planned, how far a person reaches in them, and what is refused, with its reason."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from yanmen.disclosure import joining
from yanmen.disclosure.joining import Blinded
from yanmen.formats import shape
from yanmen.model.catalogue import Dataset
from yanmen.model.federation import Mode
from yanmen.model.joining import SIGMAS, VIEW_PERCENT, Joinable, view_squared
from yanmen.model.refusal import JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning import federated

from tests.unit.joins.questions import PAIRS, TRIPLES
from tests.unit.joins.sides import LABS, PERSONS, RANDOM, Side, asked, blinded, manifest, plans, random_sides
from tests.unit.planning.engine import key

MICRO = 1_000_000
REFUSED = {
    "SELECT count(*) FROM persons p LEFT JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid AND p.age = l.value": Reason.TYPE_MISMATCH,
    "SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid WHERE p.age > l.value": Reason.CROSS_NODE_JOIN,
    "SELECT sum(p.age * l.value) FROM persons p JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
    "SELECT count(DISTINCT p.pid) FROM persons p JOIN labs l ON p.pid = l.pid": Reason.CROSS_NODE_JOIN,
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
    for found in plans(question, sides, micro_rho=50_000):
        assert found.part is not None
        rows = 1
        for side in sides:
            rows *= side.table.rows_per_unit
        for aggregate in found.aggregates:
            most = max(1, abs(aggregate.upper), abs(aggregate.lower)) // found.aggregates[0].upper
            assert aggregate.l2_squared == (rows * max(1, _bound(found, aggregate.name))) ** 2, (aggregate, most)
        view = Fraction(view_squared(len(nodes), rows), 2 * found.part.link.view)
        assert view <= Fraction(50_000 * VIEW_PERCENT, 100 * MICRO)
        assert found.part.link.middle >= SIGMAS * int(found.part.link.view**0.5)


def _bound(found: Plan, name: str) -> int:
    """Return the most that one row adds to an aggregate."""
    aggregate = next(one for one in found.aggregates if one.name == name)
    upto = next(one.upper for one in found.aggregates if one.kind.value == "rows")
    return max(abs(aggregate.lower), abs(aggregate.upper)) // upto


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
        lambda rows: ((rows[0][0], "elsewhere", *rows[0][2:]), *rows[1:]),  # a key that is in no domain
        lambda rows: ((*rows[0][:-1], 10**9), *rows[1:]),  # a value out of its bounds
        lambda rows: ((None, *rows[0][1:]), *rows[1:]),  # no unit
        lambda rows: tuple((at, *rows[0][1:]) for at in range(40)),  # more rows than declared
    ],
)
def test_a_reply_beyond_what_was_declared_ends_the_run(spoil: object) -> None:
    assert callable(spoil)
    sides = random_sides(Random(6), "ab")
    labs = [(1, "hdl", 5), (2, "chol", 7)]
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
    wide = replace(PERSONS, rows_upto=3_000_000)
    with pytest.raises(Refused) as error:
        plans(PAIRS[0], [Side("a", wide, []), Side("b", LABS, [])])
    assert error.value.reason is Reason.CROSS_NODE_JOIN
