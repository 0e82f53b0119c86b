"""Questions run a few at a time, can be stopped, and a defect of one is told to its owner only."""

from threading import Event

import pytest
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused
from yanmen.node.jobs import Jobs, Stop


def assert_set(event: Event) -> None:
    """Wait for `event`, not for ever."""
    assert event.wait(60)


def test_a_job_runs_once_under_its_id() -> None:
    jobs, hold, runs = Jobs(2, 2), Event(), []

    def work(cancel: Event) -> None:
        runs.append(cancel)
        hold.wait(60)

    assert jobs.start("alice", "1", work)
    assert not jobs.start("alice", "1", work)
    assert not jobs.wait("alice", "1", 10)
    hold.set()
    assert jobs.wait("alice", "1", 60_000)
    assert len(runs) == 1


def test_one_party_cannot_hold_more_than_its_share() -> None:
    jobs, hold = Jobs(8, 2), Event()
    for number in ("1", "2"):
        jobs.start("alice", number, lambda _: assert_set(hold))
    with pytest.raises(Refused) as caught:
        jobs.start("alice", "3", lambda _: None)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert "2 questions of yours are open" in caught.value.detail.hint_en
    assert "jobs_per_consumer" in caught.value.detail.hint_zh
    assert jobs.start("bob", "3", lambda _: None)
    hold.set()


def test_a_cancel_reaches_the_job_of_its_owner_only() -> None:
    jobs, seen = Jobs(1, 1), Event()
    jobs.start("alice", "1", lambda cancel: seen.set() if cancel.wait(60) else None)
    jobs.cancel("bob", "1")
    assert not jobs.wait("alice", "1", 50)
    jobs.cancel("alice", "1")
    assert jobs.wait("alice", "1", 60_000)
    assert seen.is_set()


def test_the_reason_given_first_is_the_reason() -> None:
    jobs, found = Jobs(1, 1), []

    def work(cancel: Event) -> None:
        assert cancel.wait(60)
        assert isinstance(cancel, Stop)
        found.append(cancel.why)

    jobs.start("alice", "1", work)
    jobs.cancel("bob", "1", "another's word")
    jobs.cancel("alice", "1", "口径有误")
    jobs.cancel("alice", "1", "later")
    assert jobs.wait("alice", "1", 60_000)
    assert found == ["口径有误"]


def test_a_defect_becomes_a_fault_without_its_text() -> None:
    jobs = Jobs(1, 1)

    def work(_: Event) -> None:
        raise ValueError("CANARY")

    jobs.start("alice", "1", work)
    with pytest.raises(Fault) as caught:
        jobs.wait("alice", "1", 60_000)
    assert caught.value.code is FaultCode.INTERNAL
    assert "CANARY" not in str(caught.value)
    assert jobs.start("alice", "2", lambda _: None), "a job that ended in a fault holds no place"


def test_draining_starts_nothing_new_and_cancels_what_overstays() -> None:
    jobs, cancelled = Jobs(1, 2), Event()
    jobs.start("alice", "1", lambda cancel: cancelled.set() if cancel.wait(60) else None)
    jobs.drain(10)
    assert cancelled.is_set()
    with pytest.raises(Refused) as caught:
        jobs.start("alice", "2", lambda _: None)
    assert caught.value.reason is Reason.SHUTTING_DOWN
