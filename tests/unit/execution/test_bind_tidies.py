"""A worker that binds takes its empty tables away behind each reply, and is there for the next question."""

import json

from yanmen.execution.jail import JailRunner
from yanmen.model.ports import TableShape

from tests.unit.execution.test_waiting import LAB, waiting
from tests.unit.execution.test_waiting import runner as runner
from tests.unit.execution.test_waiting import zygote as zygote

# Two: a worker of these tests serves three questions, and its successor is another.
SHAPES = (
    TableShape("s0", (("i", "BIGINT"),)),
    TableShape("s0", (("j", "VARCHAR"), ("k", "DATE"))),
)


def test_one_worker_binds_over_other_tables_of_the_same_name(runner: JailRunner) -> None:
    tenant, pids = runner.within(LAB), set()
    for shape in SHAPES:
        column = shape.columns[0][0]
        bound = json.loads(tenant.bind((shape,), f'SELECT "{column}" FROM "s0"."data"'))
        assert "error_message" not in bound
        assert json.dumps(bound) == json.dumps(json.loads(runner.bind((shape,), f'SELECT "{column}" FROM "s0"."data"')))
        pids |= set(waiting(runner))
    assert len(pids) == 1, "a worker that kept a table would have ended itself"
