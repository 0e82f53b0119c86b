"""The whole life of a query, top to bottom.

    Submission -> admit -> Admitted -> plan -> Plan -> reserve -> Reserved
               -> run -> Raw -> disclose -> Released -> settle -> Answer

Each stage takes only the value the stage before it made, and nothing else calls the stages.

The intent, with its debit, is durable before data is touched. A refusal is recorded before it is
raised and an answer before it is returned: what cannot be recorded does not happen. A `Fault`, or
a crash, leaves the intent open; the ledger closes open intents as spent when the node next starts.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from threading import Event
from typing import Any

from yanmen.model.federation import Opening
from yanmen.model.ports import Spans
from yanmen.model.refusal import Detail, Fault, JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import (
    Admitted,
    Answer,
    Finished,
    Output,
    Plan,
    Quote,
    Raw,
    Receipt,
    Released,
    Reserved,
    Submission,
)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one node, each already holding what it needs (keys, ledger, runner, clock)."""

    admit: Callable[[Submission], Admitted]
    plan: Callable[[Admitted], Plan]
    reserve: Callable[[Plan, Event], Reserved | Answer]
    run: Callable[[Reserved, Event], Raw]
    disclose: Callable[[Raw], Released]
    hold: Callable[[Reserved, Event], None]
    settle: Callable[[Reserved, Released], Answer]
    abort: Callable[[Reserved, Reason, JobFailed], Receipt]
    refuse: Callable[[Submission, Refused], Receipt]
    quote: Callable[[Plan], Quote]
    finish: Callable[[Plan, Opening], Finished]


def within(stages: Stages, spans: Spans) -> Stages:
    """Return the same stages, each told of by its name."""

    def told(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the stage takes and gives
            with spans(name):
                return stage(*words, **named)

        return timed

    wrapped = {stage.name: told(stage.name, getattr(stages, stage.name)) for stage in fields(stages)}
    return replace(stages, **wrapped)


def answer(submission: Submission, stages: Stages, cancel: Event) -> Answer:
    """Answer `submission`, or raise `Refused` once the refusal is recorded; `cancel` stops the run."""
    try:
        admitted = stages.admit(submission)  # who asks, under which contract, now
        plan = _plan(admitted, stages)  # what is asked, as SQL of ours
        held = stages.reserve(plan, cancel)  # the debit is on disk before data is touched
    except Refused as refusal:
        refusal.receipt = stages.refuse(submission, refusal)
        raise
    if isinstance(held, Answer):
        return held  # the same question again: the same answer, no charge
    try:
        raw = stages.run(held, cancel)  # in the jail: no keys, no network, no disk
        released = stages.disclose(raw)  # what may leave
        stages.hold(held, cancel)  # until the deadline the plan fixed from public facts
    except JobFailed as failure:
        raise _aborted(held, failure, stages, cancel) from failure
    except Fault:
        stages.abort(held, Reason.NODE_FAILED, JobFailed(JobCode.FAILED))  # ours, not the consumer's failure
        raise
    return stages.settle(held, released)


def explain(submission: Submission, stages: Stages) -> Quote:
    """Say what `answer` would do and cost, touching no data; recorded either way."""
    try:
        admitted = stages.admit(submission)
        return stages.quote(_plan(admitted, stages))
    except Refused as refusal:
        refusal.receipt = stages.refuse(submission, refusal)
        raise


def describe(submission: Submission, stages: Stages) -> tuple[Output, ...]:
    """Say which columns `answer` would give; no balance and no price, so that only a refusal is recorded."""
    try:
        return _plan(stages.admit(submission), stages).outputs
    except Refused as refusal:
        refusal.receipt = stages.refuse(submission, refusal)
        raise


def finish(submission: Submission, opening: Opening, stages: Stages) -> Finished:
    """Give a federated question's opened total the form it was asked in, touching no data; recorded either way."""
    try:
        admitted = stages.admit(submission)
        return stages.finish(_plan(admitted, stages), opening)
    except Refused as refusal:
        refusal.receipt = stages.refuse(submission, refusal)
        raise


def _plan(admitted: Admitted, stages: Stages) -> Plan:
    """Plan; a vetting job that dies (a parser bomb, say) is the question's own fault and uncharged."""
    try:
        return stages.plan(admitted)
    except JobFailed as failure:
        raise unparseable(failure) from failure


def unparseable(failure: JobFailed) -> Refused:
    """Return the refusal of a question whose vetting job died."""
    hint = Detail(
        subject=failure.code.value,
        hint_en="The question could not be parsed within the limits; make it shorter or flatter.",
        hint_zh="该查询无法在限额内完成解析，请缩短或减少嵌套。",
    )
    return Refused(Reason.SQL_MALFORMED, hint, violation=failure.code is JobCode.VIOLATION)


def _aborted(held: Reserved, failure: JobFailed, stages: Stages, cancel: Event) -> Refused:
    """Record the abort and return its refusal: one face for every run-time failure, at the same deadline."""
    if failure.code is JobCode.CANCELLED:
        reason = Reason.CANCELLED
    else:
        reason = Reason.RUN_FAILED
        _hold_failure(held, stages, cancel)
    refusal = Refused(reason)
    refusal.receipt = stages.abort(held, reason, failure)
    return refusal


def _hold_failure(held: Reserved, stages: Stages, cancel: Event) -> None:
    """Wait for the deadline as a success would; a cancel meanwhile only ends the wait."""
    try:
        stages.hold(held, cancel)
    except JobFailed:
        return
