"""An intent that is written before its SQL is proven: in nobody's sight until it is, and undone when it is not."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Event
from typing import cast

import pytest
from typing_extensions import override
from yanmen.admission.admit import Desk
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.ports import Runner, TableShape
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import Answer, Plan, Reserved
from yanmen.node.early import Early, Late, Sure
from yanmen.node.question import Question, Works

from tests.unit.ledger.scene import Scene, reserved
from tests.unit.planning.engine import InProcessRunner, admitted

Held = Early[Reserved | Answer]
OPEN = "SELECT region, sum(people) AS people FROM town GROUP BY region"
PERSONAL = "SELECT count(*) FROM person"


def nothing() -> None:
    """Find nothing wrong."""


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def begun(beside: ThreadPoolExecutor, ledger: Ledger, plan: Plan, check: Callable[[], None] = nothing) -> Held:
    early = Held()
    early.begin(beside, check, partial(ledger.reserve, plan))
    return early


def in_file(scene: Scene) -> tuple[int, int, int]:
    """Return how many leaves, intents and uses of contracts another process sees."""
    counts = ("SELECT count(*) FROM leaf", "SELECT count(*) FROM intent", "SELECT sum(queries_spent) FROM contract")
    with closing(sqlite3.connect(f"file:{scene.path}?mode=ro", uri=True)) as other:
        leaves, intents, uses = other.execute(f"SELECT ({'), ('.join(counts)})").fetchone()
    return leaves, intents, uses


def test_an_intent_is_durable_when_it_was_proven_and_not_before(
    scene: Scene, ledger: Ledger, contract: Contract, beside: ThreadPoolExecutor
) -> None:
    leaves, intents, uses = in_file(scene)
    early = begun(beside, ledger, scene.plan(contract))

    def proof() -> str:
        early.checked.result()
        assert in_file(scene) == (leaves, intents, uses)
        return "proven"

    assert early.prove(proof) == "proven"
    assert in_file(scene) == (leaves, intents, uses)
    held = early.allow() or ledger.reserve(scene.plan(contract))  # a machine with other work may take too long
    reserved(held)
    assert in_file(scene) == (leaves + 1, intents + 1, uses + 1)


@pytest.mark.parametrize("failure", [Refused(Reason.PLAN_CHANGED), JobFailed(JobCode.FAILED), KeyboardInterrupt()])
def test_nothing_of_an_intent_stays_when_its_proof_fails(
    scene: Scene, ledger: Ledger, contract: Contract, beside: ThreadPoolExecutor, failure: BaseException
) -> None:
    before, plan = in_file(scene), scene.plan(contract)
    early = begun(beside, ledger, plan)

    def proof() -> None:
        raise failure

    with pytest.raises(type(failure)):
        early.prove(proof)
    with pytest.raises(Late):
        early.held.result()
    assert in_file(scene) == before
    reserved(ledger.reserve(plan))  # its ids are not used up either


def test_what_may_not_be_read_is_not_reserved_though_it_is_proven(
    scene: Scene, ledger: Ledger, contract: Contract, beside: ThreadPoolExecutor
) -> None:
    def check() -> None:
        raise Refused(Reason.POLICY_FORBIDS)

    before = in_file(scene)
    early = begun(beside, ledger, scene.plan(contract), check)
    with pytest.raises(Refused) as caught:
        early.prove(nothing)
    assert caught.value.reason is Reason.POLICY_FORBIDS
    assert in_file(scene) == before


def test_no_transaction_waits_long_for_a_proof(
    scene: Scene, ledger: Ledger, contract: Contract, beside: ThreadPoolExecutor
) -> None:
    plan = scene.plan(contract)
    early = begun(beside, ledger, plan)
    with pytest.raises(Late):
        early.held.result(10)
    before = in_file(scene)
    reserved(ledger.reserve(scene.plan(contract)))  # others go on
    assert in_file(scene)[0] == before[0] + 1
    early.prove(nothing)
    assert early.allow() is None
    reserved(ledger.reserve(plan))


def test_what_a_reservation_is_refused_for_is_said_when_it_is_asked_for(
    scene: Scene, ledger: Ledger, contract: Contract, beside: ThreadPoolExecutor
) -> None:
    plan = scene.plan(contract)
    reserved(ledger.reserve(plan))
    early = begun(beside, ledger, plan)
    early.prove(nothing)
    with pytest.raises(Refused) as caught:
        early.allow()
    assert caught.value.reason is Reason.REQUEST_REPLAYED


class Tally:
    """Stands for a ledger: counts what would be committed."""

    def __init__(self) -> None:
        self.begun = self.committed = 0

    def reserve(self, plan: Plan, sure: Sure, *, acknowledged_first: bool) -> Reserved:
        assert not acknowledged_first
        self.begun += 1
        sure()
        self.committed += 1
        return Reserved(plan, 0, "")


class Unchecked(Question):
    """A question without a desk."""

    @override
    def _check(self, plan: Plan) -> None:
        """Look at nothing."""


def asked(tally: Tally, runner: Runner, operation: Operation = Operation.SUBMIT) -> Question:
    works = Works(cast("Desk", None), runner, cast("Ledger", tally), NodeLimits(), SystemRandomness())
    return Unchecked(works, operation)


class Confused(InProcessRunner):
    """Binds another question than it is asked."""

    @override
    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        return super().bind(shapes, 'SELECT "t0"."code" AS "o0" FROM "s0"."data" AS "t0"')


def test_an_engine_that_binds_something_else_has_nothing_committed() -> None:
    tally = Tally()
    with pytest.raises(Refused) as caught:
        asked(tally, Confused())._plan(admitted(OPEN))
    assert caught.value.reason is Reason.PLAN_CHANGED
    assert tally.committed == 0


@pytest.mark.parametrize(
    ("sql", "operation"), [(OPEN, Operation.EXPLAIN), (PERSONAL, Operation.SUBMIT), (PERSONAL, Operation.EXPLAIN)]
)
def test_nothing_else_is_reserved_before_it_is_planned(sql: str, operation: Operation) -> None:
    tally = Tally()
    question = asked(tally, InProcessRunner(), operation)
    question._plan(admitted(sql))
    assert isinstance(question.early.held.exception(10), Late)
    assert tally.begun == 0


def test_a_question_over_open_data_is_reserved_once() -> None:
    tally = Tally()
    question = asked(tally, InProcessRunner())
    plan = question._plan(admitted(OPEN))
    assert tally.committed == 0
    assert isinstance(question._reserve(plan, Event()), Reserved)
    assert tally.committed == 1
