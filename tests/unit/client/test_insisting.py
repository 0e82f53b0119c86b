"""Calls made again while nobody answers, and failures that say whose they are."""

import time

import pytest
from yanmen.client.errors import Refused, Unreachable
from yanmen.client.insisting import AggregatorFailed, each, insist, naming
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason

PARTY = Party("id", "bureau", "name", PartyRole.AGGREGATOR, PartyStatus.ACTIVE, b"", b"", "")


def refused(reason: Reason) -> Refused:
    return Refused(reason, Detail(subject="set"), ("no", "否"), "r1")


class Answers:
    """Raises what it is given, one at a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.left: list[float] = []

    def __call__(self, left: float) -> str:
        self.left.append(left)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_nobody_there_and_too_many_calls_are_asked_again() -> None:
    answers = Answers(Unreachable("UNAVAILABLE", ""), refused(Reason.RATE_LIMITED))
    assert insist(answers, time.monotonic() + 30) == "done"
    assert len(answers.left) == 3
    assert max(answers.left) <= 30


def test_what_was_refused_is_not_asked_again() -> None:
    answers = Answers(refused(Reason.SET_FIXED))
    with pytest.raises(Refused):
        insist(answers, time.monotonic() + 30)
    assert len(answers.left) == 1


def test_when_the_time_is_up_the_failure_is_told() -> None:
    answers = Answers(*[Unreachable("UNAVAILABLE", "")] * 1000)
    with pytest.raises(Unreachable):
        insist(answers, time.monotonic() + 0.5)
    assert 1 <= len(answers.left) < 10


def test_a_failure_names_who_failed_and_stays_what_it_was() -> None:
    fault = naming(PARTY, Unreachable("UNAVAILABLE", "no route"))
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.UNREACHABLE
    assert "bureau (id)" in str(fault)
    said = naming(PARTY, refused(Reason.SET_FIXED))
    assert isinstance(said, Refused)
    assert (said.reason, said.message_zh) == (Reason.SET_FIXED, "否")
    assert "bureau (id)" in said.detail.subject
    assert "bureau (id)" in str(AggregatorFailed(fault))


def test_who_failed_is_told_apart_from_what_came() -> None:
    def work(name: str) -> str:
        if name == "b":
            raise Unreachable("UNAVAILABLE", "")
        return name.upper()

    steps: list[int] = []
    gave, failed = each(["a", "b", "c"], work, 2, steps.append)
    assert gave == {"a": "A", "c": "C"}
    assert list(failed) == ["b"]
    assert steps == [1, 2, 3]
