"""A vetting job that lies: altered syntax trees and bound plans are refused, member by member."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from typing_extensions import override
from yanmen.model.config import NodeLimits
from yanmen.model.ports import TableShape
from yanmen.model.refusal import Fault, Reason, Refused
from yanmen.planning import bound_union
from yanmen.planning.members import parse
from yanmen.planning.plan import BOUND_BYTES, Draft, compose, plan
from yanmen.planning.reading import read
from yanmen.planning.row_source import shapes

from tests.unit.planning.engine import InProcessRunner, admitted, planned

LIMITS = NodeLimits()
QUESTIONS = [
    "SELECT ward, count(*), sum(CASE WHEN age > 3 THEN cost ELSE 0 END) FROM visit JOIN person USING (pid) GROUP BY 1",
    "SELECT sector, sum(output) FROM firm WHERE size = 1 GROUP BY sector",
    "SELECT region, count(*), min(area) FROM town GROUP BY 1 ORDER BY 2 LIMIT 3",
]
Path = tuple[str | int, ...]

UNCHECKED = {
    # Names and places for people.
    *("alias", "query_location", "query_location_length"),
    # How operators refer to each other; columns are referred to by position, which is checked.
    *("table_index", "group_index", "aggregate_index", "groupings_index", "window_index", "mark_index"),
    # Ways of doing the same thing.
    *("distinct_validity", "ordinality_idx", "table_filters_by_projection", "unpruned_offset", "constant_percentage"),
    # Whether a function is written between its arguments, what it says of them, how it is stored.
    *("is_operator", "arguments", "function_data"),
    # What a function or an aggregate returns: the column that refers to it has the same type, or is refused.
    "return_type",
    # In which order, and how many of, rows of open data come; which groups of a unit count when not all do.
    *("orders", "limit_val", "offset_val"),
}
"""Members of a bound plan whose value changes nothing that could leave."""


def draft(sql: str) -> Draft:
    asked = admitted(sql)
    return compose(asked, read(sql, InProcessRunner().vet(sql), LIMITS.ast_bytes), LIMITS)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from leaves(part, (*path, position))


def survives(found: Draft, reply: Any, path: Path) -> bool:
    """Tell whether `reply` passes with what stands at `path` made something else."""
    at = reply
    for step in path[:-1]:
        at = at[step]
    kept = at[path[-1]]
    at[path[-1]] = _other(kept)
    try:
        return not refused(found, reply)
    finally:
        at[path[-1]] = kept


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case list():
            return [*value, {}]
        case dict():
            return {**value, "added": 1}
        case _:
            return {}


def refused(found: Draft, reply: Any) -> bool:
    try:
        bound_union.check_reply(reply, found.expected)
    except Refused as refusal:
        return refusal.reason is Reason.PLAN_CHANGED
    return False


def bound(found: Draft, sql: str = "") -> Any:
    """Return the bound plan of `sql`, or of what `found` emitted, over the planned columns."""
    return parse(InProcessRunner().bind(shapes(found.plan.scans), sql or found.plan.sql), BOUND_BYTES)


@pytest.mark.parametrize("sql", QUESTIONS)
def test_every_member_of_a_bound_plan_is_accounted_for(sql: str) -> None:
    found = draft(sql)
    reply = bound(found)
    assert not refused(found, reply)
    paths = [path for path in leaves(reply) if path and not UNCHECKED.intersection(map(str, path))]
    assert len(paths) > 100
    survivors = {path for path in paths if survives(found, reply, path)}
    assert {"/".join(map(str, path[-4:])) for path in survivors if "value" not in path} == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Another aggregate, or the unit's own value, in place of a total.
        ('sum("a0") AS "a0"', 'max("a0") AS "a0"'),
        ('count(*) AS "a1"', 'sum("u") AS "a1"'),
        ('count(*) AS "a1"', 'max("u") AS "a1"'),
        ('count(*) AS "a1"', 'sum("a0") AS "a1"'),
        # The step per unit left out, or taken by something else.
        ('GROUP BY "k0", "u"', 'GROUP BY "k0", "u", "v0"'),
        ('GROUP BY "k0", "u"', 'GROUP BY "k0", "v0", "u"'),
        ('"k0", "u", sum(', '"k0", max("u") AS "u", sum('),
        # Another bound on what one unit can do.
        ('"v0" > 30 THEN 30', '"v0" > 31 THEN 31'),
        ('"v0" < -10 THEN -10', '"v0" < -10 THEN -11'),
        ('"a0" > 120 THEN 120', '"a0" > 121 THEN 121'),
        ('CASE WHEN "v0" < -10 THEN -10 WHEN "v0" > 30 THEN 30 ELSE "v0" END', '"v0"'),
        ('CASE WHEN "v0" < -10 THEN -10 WHEN "v0" > 30 THEN 30 ELSE "v0" END', 'greatest(least("v0", 30), -10)'),
        ('CASE WHEN "a0" < -40 THEN -40 WHEN "a0" > 120 THEN 120 ELSE "a0" END', '"a0"'),
        ('WHERE "n" <= 2', 'WHERE "n" <= 3'),
        ('WHERE "n" <= 2', ""),
        ('PARTITION BY "u"', 'PARTITION BY "k0"'),
        ('PARTITION BY "u"', 'PARTITION BY "u", "k0"'),
        # More, fewer or other rows and columns.
        ('WHERE "k0" IS NOT NULL', ""),
        ('"t0"."days" > CAST(3 AS BIGINT)', '"t0"."days" > CAST(3 AS BIGINT) AND "t0"."pid" = 7'),
        ('"t0"."days" > CAST(3 AS BIGINT)', "true"),
        ('"t0"."ward" AS "k0"', 'CAST("t0"."pid" AS VARCHAR) AS "k0"'),
        ('"t0"."ward" AS "k0"', '"t0"."ward" || CAST("t0"."days" AS VARCHAR) AS "k0"'),
        ('"t0"."ward" AS "k0"', 'concat("t0"."ward", \'\') AS "k0"'),
        ('AS "t0"', 'AS "t0" INNER JOIN "s0"."data" AS "t1" ON "t0"."pid" = "t1"."pid"'),
        ('FROM "s0"."data" AS "t0"', 'FROM "s0"."data" AS "t0" CROSS JOIN range(3)'),
        ('FROM "s0"."data" AS "t0"', 'FROM "s0"."data" AS "t0" TABLESAMPLE 50%'),
        # Functions that fail, wait, read or remember.
        ("CAST(3 AS BIGINT)", "CAST(error('x') AS BIGINT)"),
        ("CAST(3 AS BIGINT)", "CAST(random() AS BIGINT)"),
        ("CAST(3 AS BIGINT)", 'CAST(CAST("t0"."ward" AS VARCHAR) AS BIGINT)'),
        ("CAST(3 AS BIGINT)", '(SELECT max("days") FROM "s0"."data")'),
        # Another shape of answer.
        ('FROM (SELECT "k0", sum', 'FROM (SELECT DISTINCT "k0", sum'),
        ('AS "t"', 'AS "t" UNION ALL SELECT "ward", 1, 1 FROM "s0"."data"'),
        ('AS "t"', 'AS "t" LIMIT 1'),
        ('AS "t"', 'AS "t" ORDER BY 2'),
    ],
)
def test_sql_that_is_not_the_plan_is_refused(before: str, after: str) -> None:
    found = draft("SELECT ward, sum(days), count(DISTINCT pid) FROM visit WHERE days > 3 GROUP BY ward")
    assert before in found.plan.sql
    assert refused(found, bound(found, found.plan.sql.replace(before, after, 1)))
    assert not refused(found, bound(found))


def test_a_column_that_was_not_planned_cannot_even_bind() -> None:
    found = draft("SELECT ward, sum(days) FROM visit GROUP BY ward")
    changed = found.plan.sql.replace('"t0"."days"', '"t0"."cost"')
    assert refused(found, bound(found, changed))


@pytest.mark.parametrize("sql", QUESTIONS)
@pytest.mark.parametrize("seed", range(2))
def test_an_altered_syntax_tree_is_refused_or_means_what_it_says(sql: str, seed: int) -> None:
    runner, pick = InProcessRunner(), Random(seed)
    tree = json.loads(runner.vet(sql))
    paths = [path for path in leaves(tree) if path]
    for path in pick.sample(paths, min(len(paths), 120)):
        changed = copy.deepcopy(tree)
        at = changed
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = _other(at[path[-1]])
        question = json.dumps(changed)
        try:
            compose(admitted(sql), read(sql, question, LIMITS.ast_bytes), LIMITS)
        except (Refused, Fault):
            continue


@pytest.mark.parametrize(
    "reply",
    [
        *("", "{", "[]", "null", "1", '"x"', '{"error":false}', '{"error":0}', '{"error":"true"}', "nan", "[" * 5000),
        *('{"error":false,"error":true}', '{"error":false,"statements":{}}', '{"error":false,"statements":[[]]}'),
        *('{"error":true}', '{"error":true,"position":"-1"}', '{"error":true,"position":"99999999999"}'),
        *('{"error":false,"statements":[{"node":null,"named_param_map":[]}]}', '{"error":false,"statements":[1]}'),
        *('{"error":false,"statements":[{"node":{"type":"SELECT_NODE"},"named_param_map":[]}]}', "Infinity", "1e999"),
    ],
)
def test_a_reply_that_is_no_statement_is_a_refusal_or_a_fault(reply: str) -> None:
    class Lying(InProcessRunner):
        @override
        def vet(self, sql: str) -> str:
            return reply

    with pytest.raises((Refused, Fault)):
        plan(admitted("SELECT count(*) FROM person"), Lying(), LIMITS)


def test_a_reply_that_is_no_plan_is_refused() -> None:
    class Lying(InProcessRunner):
        @override
        def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
            return replies.pop()

    replies = ['{"error":true,"error_message":"x"}', "{}", '{"error":false,"plans":[]}', '{"error":false,"plans":[1]}']
    while replies:
        with pytest.raises(Refused) as caught:
            plan(admitted("SELECT count(*) FROM person"), Lying(), LIMITS)
        assert caught.value.reason is Reason.PLAN_CHANGED


def test_an_engine_that_answers_another_question_is_refused() -> None:
    visits = planned("SELECT count(*) FROM visit")
    other = InProcessRunner().bind(shapes(visits.scans), visits.sql)

    class Confused(InProcessRunner):
        @override
        def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
            return other

    with pytest.raises(Refused) as caught:
        plan(admitted("SELECT sum(age) FROM person"), Confused(), LIMITS)
    assert caught.value.reason is Reason.PLAN_CHANGED
