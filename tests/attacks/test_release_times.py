"""When an answer comes, or that it does not, tells nothing about persons but what is counted."""

import time
from dataclasses import replace
from functools import partial
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest
from yanmen import pipeline
from yanmen.execution.run import RUN_PERCENT, run
from yanmen.formats.request import Operation
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner, untraced
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Admitted, Plan, Raw, Released, Reserved, Submission
from yanmen.node.jobs import CANCEL_S, Stop
from yanmen.node.question import Question, Works, _check_charge
from yanmen.pipeline import Stages

from tests.patience import once_within

STEP_MS = 200
LATE_S = 0.15
"""How late we may be woken; a busy machine may be later, so that the least of a few tries counts."""

pytestmark = pytest.mark.alone
SUBMISSION = cast("Submission", None)
UNTRACED = cast("Works", SimpleNamespace(spans=untraced))


def held(release: DatasetClass) -> Reserved:
    """Return a reservation whose plan is released as `release`, in steps of 200 ms."""
    plan = Plan(
        admitted=cast("Admitted", None),
        release=release,
        subject_space="residents",
        scans=(),
        sql="",
        keys=(),
        aggregates=(),
        averages=(),
        outputs=(),
        post_sql="",
        canonical="",
        rows_max=1,
        deadline_ms=STEP_MS,
        micro_rho=1,
        delta_e12=0,
        price_fen=0,
        min_group=10,
    )
    return Reserved(plan, 0, "ref")


def released_after(work_s: float, release: DatasetClass = DatasetClass.PERSONAL) -> float:
    """Return how long after its reservation a question whose job took `work_s` is let go."""
    question = Question(UNTRACED, Operation.SUBMIT)
    question.began = time.monotonic() - work_s
    question.stages().hold(held(release), Event())
    return time.monotonic() - question.began


@pytest.mark.parametrize(("work_s", "step"), [(0.0, 1), (0.05, 1), (0.15, 1), (0.21, 2), (0.35, 2), (0.41, 3)])
def test_an_answer_about_persons_leaves_at_a_multiple_of_the_step(work_s: float, step: int) -> None:
    due = step * STEP_MS / 1000

    def late() -> float:
        after = released_after(work_s)
        assert after >= due
        return after - due

    once_within(LATE_S, late)


def test_other_answers_leave_when_they_are_ready() -> None:
    once_within(LATE_S, lambda: released_after(0.0, DatasetClass.EXACT))
    once_within(LATE_S, lambda: released_after(0.0, DatasetClass.OPEN))


def test_a_cancel_ends_the_wait_and_nothing_leaves() -> None:
    cancel = Event()
    cancel.set()
    question = Question(UNTRACED, Operation.SUBMIT, began=time.monotonic())
    with pytest.raises(JobFailed) as failed:
        question.stages().hold(held(DatasetClass.PERSONAL), cancel)
    assert failed.value.code is JobCode.CANCELLED


def stages(calls: list[str], code: JobCode) -> Stages:
    """Return stages in which the job fails with `code`; `calls` names what was done after."""

    def run(reserved: Reserved, cancel: Event) -> Raw:
        raise JobFailed(code)

    def hold(reserved: Reserved, cancel: Event) -> None:
        calls.append("hold")

    def abort(reserved: Reserved, reason: Reason, failure: JobFailed) -> Any:
        calls.append(f"abort {reason.value}")

    nothing = cast("Any", None)
    return Stages(
        admit=lambda _: nothing,
        plan=lambda _: nothing,
        reserve=lambda _, __: held(DatasetClass.PERSONAL),
        run=run,
        disclose=nothing,
        hold=hold,
        settle=nothing,
        abort=abort,
        refuse=nothing,
        quote=nothing,
        finish=nothing,
    )


FAILURES = [code for code in JobCode if code is not JobCode.CANCELLED]


@pytest.mark.parametrize("code", FAILURES)
def test_every_run_time_failure_has_one_face_at_the_same_time(code: JobCode) -> None:
    calls: list[str] = []
    with pytest.raises(Refused) as refused:
        pipeline.answer(SUBMISSION, stages(calls, code), Event())
    assert (refused.value.reason, refused.value.detail) == (Reason.RUN_FAILED, Refused(Reason.RUN_FAILED).detail)
    assert str(refused.value) == "RUN_FAILED"
    assert calls == ["hold", "abort RUN_FAILED"]


def test_what_is_not_admitted_by_disclosure_fails_like_the_job() -> None:
    calls: list[str] = []

    def disclose(raw: Raw) -> Released:
        raise JobFailed(JobCode.BAD_REPLY)

    lied = replace(stages(calls, JobCode.FAILED), run=lambda *_: cast("Raw", None), disclose=disclose)
    with pytest.raises(Refused) as refused:
        pipeline.answer(SUBMISSION, lied, Event())
    assert refused.value.reason is Reason.RUN_FAILED
    assert calls == ["hold", "abort RUN_FAILED"]


def test_a_question_that_was_stopped_is_told_at_once() -> None:
    calls: list[str] = []
    with pytest.raises(Refused) as refused:
        pipeline.answer(SUBMISSION, stages(calls, JobCode.CANCELLED), Event())
    assert refused.value.reason is Reason.CANCELLED
    assert calls == ["abort CANCELLED"]


def test_releasing_begins_at_one_moment_however_long_the_run_took(monkeypatch: pytest.MonkeyPatch) -> None:
    due = STEP_MS / 1000 * RUN_PERCENT / 100

    def late() -> float:
        question = Question(cast("Works", SimpleNamespace(runner=None, limits=None, spans=untraced)), Operation.SUBMIT)
        question.began = time.monotonic()
        question.stages().run(held(DatasetClass.PERSONAL), Event())
        after = time.monotonic() - question.began
        assert after >= due
        return after - due

    # Which worker, and within which bounds, is not what is timed here.
    monkeypatch.setattr(Question, "_runner", lambda *_: None)
    monkeypatch.setattr(Question, "_limits", lambda *_: None)
    for work_s in (0.0, 0.05, 0.12):
        monkeypatch.setattr("yanmen.node.question.run", lambda *_, work=work_s: time.sleep(work))
        once_within(LATE_S, late)


def test_the_engine_has_less_than_the_whole_deadline() -> None:
    asked: list[Limits] = []

    class Watching:
        def query(self, scans: object, sql: str, types: object, limits: Limits, cancel: Event) -> object:
            asked.append(limits)
            return (), Usage()

    run(held(DatasetClass.PERSONAL), cast("Runner", Watching()), NodeLimits(), Event())
    assert asked[0].wall_ms == STEP_MS * RUN_PERCENT // 100 < STEP_MS


def test_a_cancel_is_told_at_a_fixed_time_after_it() -> None:
    def late(stopping_s: float) -> float:
        cancel = Stop()
        before = time.monotonic()
        cancel.set()
        after = time.monotonic()
        time.sleep(stopping_s)
        cancel.set()
        cancel.wait_settled()
        ended = time.monotonic()
        assert ended - before > CANCEL_S - 0.001
        return ended - after - CANCEL_S

    for stopping_s in (0.0, 0.1):
        once_within(LATE_S, partial(late, stopping_s))


def test_an_answer_about_persons_has_a_least_charge() -> None:
    plan = replace(held(DatasetClass.PERSONAL).plan, micro_rho=NodeLimits().micro_rho_least - 1)
    with pytest.raises(Refused) as caught:
        _check_charge(plan, NodeLimits())
    assert caught.value.reason is Reason.SPEND_LIMIT
