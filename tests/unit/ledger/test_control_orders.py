"""Orders of the holder: each is a leaf, and ends what it names in every process, at release at the latest."""

from collections.abc import Callable

import pytest
from yanmen.formats import control_order
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.control import ENDING, Order, Stops
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import JobCode, Reason, Refused, Usage

from tests.unit.ledger.scene import CONSUMER, PROFILE, Scene, disclosed, released, reserved, version
from tests.unit.ledger.test_succession import followed, year_step

ORDERS: dict[str, tuple[Callable[[Ledger, str], Receipt], Reason]] = {
    "kill": (lambda ledger, job: ledger.kill(job, "异常", "安全员"), Reason.TERMINATED),
    "member": (lambda ledger, _: ledger.suspend_member(CONSUMER, "异常", "安全员"), Reason.MEMBER_SUSPENDED),
    "dataset": (lambda ledger, _: ledger.suspend_dataset("persons", "异常", "安全员"), Reason.DATASET_SUSPENDED),
    "node": (lambda ledger, _: ledger.disconnect("异常", "安全员"), Reason.DISCONNECTED),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_ends_what_runs_at_release(scene: Scene, ledger: Ledger, contract: Contract, name: str) -> None:
    order, reason = ORDERS[name]
    held = reserved(ledger.reserve(scene.plan(contract)))
    receipt = order(ledger, held.plan.admitted.submission.job_id)
    assert receipt.stage is Stage.CONTROL
    with pytest.raises(Refused) as refused:
        ledger.settle(held, released(held.plan), PROFILE)
    assert refused.value.reason is reason
    ended = refused.value.receipt
    assert ended is not None
    assert disclosed(ended).slots[Slot.DECISION] == {"reason": reason.value, "verdict": "aborted"}


@pytest.mark.parametrize("name", ORDERS)
def test_a_run_that_was_cancelled_says_whose_order_it_was(
    scene: Scene, ledger: Ledger, contract: Contract, name: str
) -> None:
    order, reason = ORDERS[name]
    held = reserved(ledger.reserve(scene.plan(contract)))
    order(ledger, held.plan.admitted.submission.job_id)
    ended = ledger.abort(held, Reason.CANCELLED, JobCode.CANCELLED, Usage())
    assert disclosed(ended).slots[Slot.DECISION] == {"reason": reason.value, "verdict": "aborted"}


def test_a_contract_suspended_while_it_ran_is_the_reason(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    ledger.set_status(contract.terms.id, ContractStatus.SUSPENDED, "Li Si")
    submission = held.plan.admitted.submission
    assert ledger.stops().jobs == ((submission.peer.id, submission.job_id),)
    ended = ledger.abort(held, Reason.CANCELLED, JobCode.CANCELLED, Usage())
    assert disclosed(ended).slots[Slot.DECISION] == {"reason": "CONTRACT_SUSPENDED", "verdict": "aborted"}


def test_the_order_has_the_shape_of_an_abnormal_termination(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    job = held.plan.admitted.submission.job_id
    said = disclosed(ledger.kill(job, "疑似重识别", "安全员")).slots
    assert said[Slot.SUBJECT] == {"order": "kill", "reason": "疑似重识别", "target": job, "triggeredBy": "provider"}
    assert said[Slot.CONTRACT] == contract.terms.id
    assert said[Slot.ACTOR] == "安全员"


def test_nothing_is_reserved_for_a_suspended_member_or_while_disconnected(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    ledger.suspend_member(CONSUMER, "r", "p")
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, contract)
    assert refused.value.reason is Reason.MEMBER_SUSPENDED
    ledger.resume_member(CONSUMER, "r", "p")
    ledger.suspend_dataset("persons", "r", "p")
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, contract)
    assert (refused.value.reason, refused.value.detail.subject) == (Reason.DATASET_SUSPENDED, "persons")
    ledger.resume_dataset("persons", "r", "p")
    ledger.disconnect("r", "p")
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, contract)
    assert refused.value.reason is Reason.DISCONNECTED
    assert ledger.stops() == Stops((), frozenset(), disconnected=True)
    ledger.connect("r", "p")
    scene.ask(ledger, contract)
    assert ledger.balance(contract.terms.id).queries_left == contract.terms.queries - 1


def test_what_runs_over_other_data_goes_on(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    ledger.publish(version("v2", name="places"))
    ledger.suspend_dataset("places", "r", "p")
    assert ledger.stops().jobs == ()
    ledger.settle(held, released(held.plan), PROFILE)
    scene.ask(ledger, contract)


def test_what_stands_already_is_not_ordered_again(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    size = ledger.size()
    orders: tuple[Callable[[], Receipt], ...] = (
        lambda: ledger.kill("ab" * 16, "r", "p"),
        lambda: ledger.resume_member(CONSUMER, "r", "p"),
        lambda: ledger.resume_dataset("persons", "r", "p"),
        lambda: ledger.suspend_dataset("nowhere", "r", "p"),
        lambda: ledger.connect("r", "p"),
    )
    for order in orders:
        with pytest.raises(Refused):
            order()
    scene.ask(ledger, contract)
    assert ledger.running() == ()
    size = ledger.size()
    ledger.disconnect("r", "p")
    with pytest.raises(Refused):
        ledger.disconnect("r", "p")
    assert ledger.size() == size + 1


@pytest.mark.parametrize("reason", ["", " ", "x" * 257, "a\nb"])
def test_an_order_says_why(ledger: Ledger, reason: str) -> None:
    size = ledger.size()
    with pytest.raises(Malformed):
        ledger.disconnect(reason, "p")
    assert ledger.size() == size
    assert not ledger.stops().disconnected


@pytest.mark.parametrize("order", Order)
def test_an_order_reads_back(order: Order) -> None:
    said = control_order.encode(order, "t", "why")
    assert control_order.decode(said) == control_order.Ordered(order, "t", "why")
    assert ("triggeredBy" in said) is (order in ENDING)
    for wrong in ({**said, "order": "reboot"}, {**said, "x": 1}, {**said, "reason": ""}, {**said, "target": 1}):
        with pytest.raises(Malformed):
            control_order.decode(wrong)


def test_what_was_ordered_stands_in_the_next_log(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    ledger.suspend_member(CONSUMER, "异常", "安全员")
    ledger.suspend_dataset("persons", "异常", "安全员")
    ledger.disconnect("异常", "安全员")
    after = followed(scene, ledger, year_step(ledger))
    with after.open(create=False) as following:
        assert following.stops() == Stops((), frozenset({CONSUMER}), disconnected=True, datasets=frozenset({"persons"}))
        following.connect("处置", "安全员")
        with pytest.raises(Refused) as refused:
            after.ask(following, contract)
    assert refused.value.reason is Reason.MEMBER_SUSPENDED
