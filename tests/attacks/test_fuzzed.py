"""Fuzzed statements: no refusal names a column that is hidden or not granted."""

import json
from dataclasses import asdict
from itertools import islice

from yanmen.model.catalogue import Column, ColumnType, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.planning.plan import plan

from tests.attacks.fuzzed import statements
from tests.unit.planning.engine import CLOSED, InProcessRunner, admitted, dataset, key, measure, unit

HIDDEN = Column("secret_diary", ColumnType.TEXT, Role.HIDDEN)
VISITS = dataset(
    "visits",
    DatasetClass.PERSONAL,
    unit("id"),
    key("ward", "north", "south"),
    measure("cost", "0", "9"),
    HIDDEN,
    CLOSED,
)
FORBIDDEN = ("secret_diary", "religion")


def test_no_refusal_names_what_was_not_granted() -> None:
    runner, refusals = InProcessRunner(), 0
    for sql in islice(statements(11), 400):
        question = admitted(sql, datasets=(VISITS,), elsewhere=())
        try:
            plan(question, runner, NodeLimits())
        except Refused as refusal:
            refusals += 1
            told = json.dumps(asdict(refusal.detail), ensure_ascii=False).lower()
            assert not [name for name in FORBIDDEN if name in told], (sql, told)
    assert refusals > 300
