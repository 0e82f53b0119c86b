"""A job that made a call no job makes is a security event: recorded, counted against the consumer, shown."""

import sqlite3

import pytest
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.violations import Violation
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import Detail, JobCode, Reason, Refused, Usage

from tests.unit.ledger.scene import CONSUMER, RIVAL, Scene, disclosed, reserved


def violate(ledger: Ledger, scene: Scene, contract: Contract, code: JobCode = JobCode.VIOLATION) -> int:
    """End a question by a job's bad call, and return the leaf."""
    held = reserved(ledger.reserve(scene.plan(contract)))
    return ledger.abort(held, Reason.RUN_FAILED, code, Usage()).index


def vet(ledger: Ledger, scene: Scene, contract: Contract, *, violation: bool = True, proven: bool = True) -> int:
    """Refuse a question whose vetting job made a bad call, and return the leaf."""
    plan = scene.plan(contract)
    refusal = Refused(Reason.SQL_MALFORMED, Detail(subject="VIOLATION"), violation=violation)
    request = plan.admitted.request if proven else None
    return ledger.refuse(plan.admitted.submission, request, refusal).index


def status(ledger: Ledger, contract: Contract) -> ContractStatus:
    found = ledger.contract(contract.terms.id)
    assert found is not None
    return found.status


def test_it_is_in_the_log_and_the_holder_sees_whose_it_was(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    assert ledger.violations() == ()
    index = violate(ledger, scene, contract)
    said = disclosed(ledger.receipt(index)).slots[Slot.USAGE]
    assert isinstance(said, dict)
    assert said["code"] == "VIOLATION"
    (event,) = ledger.violations()
    assert (event.index, event.contract, event.consumer) == (index, contract.terms.id, CONSUMER)
    assert event.at_ms > 0


def test_the_consumers_own_receipt_says_only_that_the_run_failed(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    """One face for every failure: what made a job fail may depend on data."""
    violated = ledger.receipt_for(violate(ledger, scene, contract), CONSUMER)
    failed = ledger.receipt_for(violate(ledger, scene, contract, JobCode.FAILED), CONSUMER)
    assert Slot.USAGE not in disclosed(violated).slots
    assert set(disclosed(violated).slots) == set(disclosed(failed).slots)
    assert disclosed(violated).slots[Slot.DECISION] == disclosed(failed).slots[Slot.DECISION]


def test_the_last_one_allowed_suspends_the_contract_it_happened_under(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    other = scene.furnish(ledger)
    violate(ledger, scene, other)
    assert status(ledger, other) is ContractStatus.ACTIVE
    vet(ledger, scene, contract)
    assert status(ledger, contract) is ContractStatus.SUSPENDED
    assert status(ledger, other) is ContractStatus.ACTIVE
    ledger.set_status(contract.terms.id, ContractStatus.ACTIVE, "Li Si")
    violate(ledger, scene, contract)
    assert status(ledger, contract) is ContractStatus.SUSPENDED
    ledger.check()


def test_nobody_else_is_counted_for_it(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    rival = scene.furnish(ledger, consumer=RIVAL)
    violate(ledger, scene, rival)
    violate(ledger, scene, contract)
    assert status(ledger, contract) is ContractStatus.ACTIVE
    assert status(ledger, rival) is ContractStatus.ACTIVE
    assert [event.consumer for event in ledger.violations()] == [RIVAL, CONSUMER]


def test_other_ends_are_none(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    for code in (JobCode.FAILED, JobCode.MEMORY, JobCode.TIME, JobCode.BAD_REPLY):
        violate(ledger, scene, contract, code)
    vet(ledger, scene, contract, violation=False)
    assert ledger.violations() == ()


def test_an_unproven_request_suspends_nothing(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """It is counted against who sent it, under no contract: a signature did not verify."""
    for _ in range(3):
        vet(ledger, scene, contract, proven=False)
    assert status(ledger, contract) is ContractStatus.ACTIVE
    assert {event.contract for event in ledger.violations()} == {""}


def test_events_stay(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    violate(ledger, scene, contract)
    kept = ledger.violations()
    with sqlite3.connect(scene.path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("DELETE FROM violation")
    assert isinstance(kept[0], Violation)
    assert ledger.violations() == kept
