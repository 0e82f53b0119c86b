"""When a department answers a join: by public lengths alone, however many rows passed its conditions."""

import time
from dataclasses import replace
from threading import Event

import pytest
from yanmen.formats.request import Operation
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.joining import ITEM_US, Folding, Link, Part, Side
from yanmen.node.question import Question

from tests.attacks.test_release_times import STEP_MS, UNTRACED, held

ITEMS = 3_000


def part(items: int) -> Part:
    side = Side("a", items, 1, (0,), "00" * 32, Folding.ROWS, items, 1)
    return Part(Link((side, replace(side, node="b", columns=())), 1, ((0, 1),), 1), 0, ColumnType.TEXT, (), ())


@pytest.mark.parametrize("work_s", [0.05, STEP_MS * 1.1 / 1000, STEP_MS * 2.1 / 1000])
def test_a_list_leaves_at_one_time_however_long_its_rows_took(work_s: float) -> None:
    """With steps of the deadline alone, these three would leave one after another."""
    made = held(DatasetClass.PERSONAL)
    joined = replace(made, plan=replace(made.plan, part=part(ITEMS)))
    step_s = (STEP_MS + part(ITEMS).blinding_ms) / 1000
    assert step_s > work_s
    question = Question(UNTRACED, Operation.SUBMIT)
    question.began = time.monotonic() - work_s
    question.stages().hold(joined, Event())
    after = time.monotonic() - question.began
    assert step_s <= after
    assert after // step_s == 1 or after - step_s < 2  # a busy machine is late, never early


def test_the_time_allowed_goes_by_the_public_length() -> None:
    few, many = part(ITEMS), part(10 * ITEMS)
    assert many.link.items(0) - few.link.items(0) == 9 * ITEMS
    assert many.blinding_ms - few.blinding_ms == 9 * ITEMS * ITEM_US // 1_000
