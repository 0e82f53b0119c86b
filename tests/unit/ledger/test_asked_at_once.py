"""The same question asked again while it is being answered: one charge and one answer, however many ask."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from threading import Event
from typing import cast

import pytest
from yanmen.admission.admit import Desk
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.request import Operation
from yanmen.ledger.jobs import Running
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.ports import Runner
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan, Reserved
from yanmen.node.early import Late
from yanmen.node.question import PATIENCE_STEPS, Question, Works

from tests.unit.ledger.scene import PROFILE, Scene, released, reserved
from tests.unit.ledger.test_ledger_jobs import same

ASKERS = 6


def question(ledger: Ledger) -> Question:
    """Return a question on its way, as far as the ledger is concerned."""
    works = Works(cast("Desk", None), cast("Runner", None), ledger, NodeLimits(), SystemRandomness())
    made = Question(works, Operation.SUBMIT)
    made.early.held.set_exception(Late())  # nothing was reserved while it was proven
    return made


def test_it_is_not_charged_while_it_runs_and_free_once_it_was_answered(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    first, again = same(scene, contract), same(scene, contract)
    held = reserved(ledger.reserve(first))
    left = ledger.balance(contract.terms.id)
    with pytest.raises(Running) as running:
        ledger.reserve(again)
    assert running.value.position == held.intent_index
    assert ledger.is_open(held.intent_index)
    assert ledger.balance(contract.terms.id) == left
    paid = ledger.settle(held, released(first, 17), PROFILE)
    assert not ledger.is_open(held.intent_index)
    repeated = ledger.reserve(again)  # by the very same request: its ids were not used up
    assert isinstance(repeated, Answer)
    assert (repeated.repeated, repeated.rows, repeated.micro_rho) == (True, paid.rows, 0)
    assert ledger.balance(contract.terms.id) == left


def test_one_that_failed_is_no_answer_to_who_waited(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    first, again = same(scene, contract), same(scene, contract)
    held = reserved(ledger.reserve(first))
    ledger.abort(held, Reason.RUN_FAILED, JobCode.TIME, Usage())
    left = ledger.balance(contract.terms.id).micro_rho_left
    reserved(ledger.reserve(again))
    assert ledger.balance(contract.terms.id).micro_rho_left == left - again.micro_rho


def test_another_question_waits_for_nobody(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(same(scene, contract)))
    for other in (replace(same(scene, contract), canonical="another"), replace(same(scene, contract), min_group=11)):
        reserved(ledger.reserve(other))
    assert ledger.is_open(held.intent_index)


def test_many_at_once_by_two_replicas_are_one_charge_and_one_answer(scene: Scene) -> None:
    with ExitStack() as open_:
        ledgers = [open_.enter_context(scene.open()) for _ in range(2)]
        contract = scene.furnish(ledgers[0])
        before = ledgers[0].balance(contract.terms.id)
        plans = [replace(same(scene, contract), deadline_ms=20_000) for _ in range(ASKERS)]

        def ask(number: int) -> Answer:
            ledger, plan = ledgers[number % 2], plans[number]
            held = question(ledger)._reserve(plan, Event())
            if isinstance(held, Answer):
                return held
            time.sleep(0.1)
            return ledger.settle(held, released(plan, number), PROFILE)

        with ThreadPoolExecutor(ASKERS) as pool:
            answers = list(pool.map(ask, range(ASKERS)))
        after = ledgers[1].balance(contract.terms.id)
        for ledger in ledgers:
            ledger.check()
    assert sorted(answer.repeated for answer in answers) == [False] + [True] * (ASKERS - 1)
    assert len({answer.rows for answer in answers}) == 1
    assert len({answer.receipt.jti for answer in answers}) == ASKERS
    assert before.micro_rho_left - after.micro_rho_left == plans[0].micro_rho
    assert before.queries_left - after.queries_left == 1


def waiting(ledger: Ledger, plan: Plan, cancel: Event) -> Refused:
    with pytest.raises(Refused) as refused:
        question(ledger)._reserve(plan, cancel)
    return refused.value


def test_who_is_stopped_while_waiting_is_not_charged(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    reserved(ledger.reserve(same(scene, contract)))
    left, stopped = ledger.balance(contract.terms.id), Event()
    stopped.set()
    assert waiting(ledger, same(scene, contract), stopped).reason is Reason.CANCELLED
    assert ledger.balance(contract.terms.id) == left


def test_who_waits_in_vain_is_told_so_and_not_charged(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """The replica that ran it died, say: what it left open is ended when a replica starts, and not before."""
    held = reserved(ledger.reserve(same(scene, contract)))
    left, again = ledger.balance(contract.terms.id), replace(same(scene, contract), deadline_ms=20)
    began = time.monotonic()
    refusal = waiting(ledger, again, Event())
    assert time.monotonic() - began >= PATIENCE_STEPS * 0.02
    assert refusal.reason is Reason.REQUEST_REPLAYED
    assert "job id" in refusal.detail.hint_en
    assert ledger.balance(contract.terms.id) == left
    assert isinstance(held, Reserved)
    assert ledger.is_open(held.intent_index)
