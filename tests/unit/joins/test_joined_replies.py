"""A join whose rows would not fit into a reply of the engine is refused before it is charged, with the next step."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning import across_reply
from yanmen.planning.plan import plan

from tests.unit.joins.questions import PAIRS
from tests.unit.joins.sides import LABS, PERSONS, Side, asked, rows_of
from tests.unit.planning.answering import runner

BY_TEST = "SELECT l.test, sum(l.value) AS total FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY l.test"


def planned(sql: str, side: Side, other: Side, limits: NodeLimits) -> Plan:
    engine = runner((side.table,), {side.table.name: side.rows})
    return plan(asked(sql, side, [side, other]), engine, limits)


def test_a_million_rows_are_refused_with_what_to_set_and_answered_once_it_is() -> None:
    labs = Side("b", replace(LABS, rows_per_unit=1, rows_upto=1_000_000), [])
    with pytest.raises(Refused) as error:
        planned(BY_TEST, labs, Side("a", PERSONS, []), NodeLimits())
    detail = error.value.detail
    assert (error.value.reason, detail.subject) == (Reason.CROSS_NODE_JOIN, "reply_bytes")
    (said,) = set(re.findall(r"reply_bytes = (\d+)", detail.hint_en + detail.hint_zh))
    enough = NodeLimits(reply_bytes=int(said))
    assert planned(BY_TEST, labs, Side("a", PERSONS, []), enough).part is not None
    with pytest.raises(Refused):
        planned(BY_TEST, labs, Side("a", PERSONS, []), replace(enough, reply_bytes=enough.reply_bytes - 1))


def test_few_units_or_rows_need_no_more_than_the_default() -> None:
    for table in (
        replace(LABS, rows_per_unit=2, rows_upto=1_000_000, units_upto=150_000),
        replace(LABS, rows_per_unit=1, rows_upto=400_000),
    ):
        assert planned(PAIRS[0], Side("b", table, []), Side("a", PERSONS, []), NodeLimits()).part is not None


def test_a_reply_of_the_most_and_longest_rows_is_no_longer_than_it_was_taken_to_be() -> None:
    rows = [(-(2**63) + at, "chol", Decimal("300.0")) for at in range(40)]
    labs = Side("b", replace(LABS, rows_per_unit=1, rows_upto=40), rows)
    found = planned(BY_TEST, labs, Side("a", PERSONS, []), NodeLimits())
    assert found.part is not None
    reply = json.dumps({"ok": True, "rows": rows_of(found, labs)}, separators=(",", ":"))
    assert 0 <= across_reply.size(found.part, labs.table) - len(reply) <= 40 * len("null")
