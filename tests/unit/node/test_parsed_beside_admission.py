"""A question is parsed while it is admitted: for its member alone, without data, and for nothing if it is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import cast

import pytest
from typing_extensions import override
from yanmen.admission import admit as admission
from yanmen.admission.admit import Desk
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Tenant
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import Admitted, Submission
from yanmen.node.question import Question, Works

from tests.unit.planning.engine import InProcessRunner, admitted

SQL = "SELECT sex, count(*) FROM person GROUP BY sex"
SECONDS = 10.0


class Parsing(InProcessRunner):
    """Says when it begins to parse, and waits to be let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.tenants: list[Tenant] = []
        self.begun, self.go_on = Event(), Event()
        self.ended = 0
        self.failure: JobFailed | None = None

    @override
    def within(self, tenant: Tenant) -> "Parsing":
        self.tenants.append(tenant)
        return self

    @override
    def vet(self, sql: str) -> str:
        self.begun.set()
        assert self.go_on.wait(SECONDS)
        self.ended += 1
        if self.failure is not None:
            raise self.failure
        return super().vet(sql)


def question(runner: Parsing) -> Question:
    works = Works(cast("Desk", None), runner, cast("Ledger", None), NodeLimits(), SystemRandomness())
    return Question(works, Operation.EXPLAIN)


def admitting(monkeypatch: pytest.MonkeyPatch, decide: Callable[[], Admitted]) -> None:
    def admit(_submission: Submission, _operation: Operation, _desk: Desk) -> Admitted:
        return decide()

    monkeypatch.setattr(admission, "admit", admit)


def test_it_is_parsed_meanwhile_by_a_worker_of_the_member_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, asked = Parsing(), admitted(SQL)

    def decide() -> Admitted:
        assert runner.begun.wait(SECONDS)
        runner.go_on.set()
        return asked

    admitting(monkeypatch, decide)
    here = question(runner)
    monkeypatch.setattr(here.works.__class__, "consents", None)
    monkeypatch.setattr(Question, "_check", lambda *_: None)
    plan = here._plan(here._admit(asked.submission))
    assert plan.keys
    assert runner.ended == 1
    assert runner.tenants[0] == Tenant(asked.submission.peer.id, "")


def test_one_that_is_refused_is_not_left_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, asked = Parsing(), admitted(SQL)

    def decide() -> Admitted:
        assert runner.begun.wait(SECONDS)
        raise Refused(Reason.CONTRACT_UNKNOWN)

    admitting(monkeypatch, decide)
    with ThreadPoolExecutor(1) as pool:
        refusal = pool.submit(question(runner)._admit, asked.submission)
        assert not wait([refusal], timeout=0.2).done
        runner.go_on.set()
        with pytest.raises(Refused) as refused:
            refusal.result(SECONDS)
    assert refused.value.reason is Reason.CONTRACT_UNKNOWN
    assert runner.ended == 1


def test_a_parser_that_dies_refuses_what_was_admitted_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, asked = Parsing(), admitted(SQL)
    runner.failure = JobFailed(JobCode.MEMORY)
    runner.go_on.set()
    admitting(monkeypatch, lambda: asked)
    here = question(runner)
    admitted_ = here._admit(asked.submission)
    with pytest.raises(JobFailed) as failed:
        here._plan(admitted_)
    assert failed.value.code is JobCode.MEMORY


@pytest.mark.parametrize("sql", ["SELECT '\ud800'", "SELECT 1\0", "-" * 20_000])
def test_what_is_no_question_reaches_no_parser(sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, asked = Parsing(), admitted(sql)
    admitting(monkeypatch, lambda: asked)
    here = question(runner)
    admitted_ = here._admit(asked.submission)
    with pytest.raises(Refused):
        here._plan(admitted_)
    assert not runner.begun.is_set()
