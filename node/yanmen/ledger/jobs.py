"""A question's durable life: reserve, then settle or abort; or refuse.

    reserve   debit + intent leaf            before data is touched
    settle    outcome leaf + stored answer   before the answer is shown
    abort     aborted leaf                   the debit stays
    refuse    refused leaf                   nothing was debited

Each happens inside one transaction of the caller. An intent ends once, whoever comes first.
"""

from dataclasses import dataclass, field, replace

from yanmen.formats import json_canonical, released
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table
from yanmen.formats.slots import Meter, Verdict
from yanmen.ledger import (
    acknowledgements,
    answers,
    budget,
    contracts,
    control,
    datasets,
    leaves,
    log,
    quotas,
    violations,
)
from yanmen.ledger.budget import Charge
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Entry, Log
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.model.stages import Plan, Released, Request, Reserved, Submission
from yanmen.model.tariff import Metered


@dataclass(frozen=True, slots=True)
class Intent:
    """An open or ended debit as its row tells it."""

    position: int
    ref: str
    owner: str
    job_id: str
    consumer: str
    contract: str
    space: str
    release: DatasetClass
    ended: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing leaves, how the job ended and what it used, as far as anybody knows."""

    reason: Reason
    code: JobCode | None = None
    usage: Usage = field(default_factory=Usage)
    detail: Detail = field(default_factory=Detail)
    recovered: bool = False
    why: str = ""
    """What the consumer said who stopped it."""


class Running(Exception):
    """The consumer's same question is being answered under the open intent at `position`: nothing was debited."""

    def __init__(self, position: int) -> None:
        """Hold the place of the intent."""
        super().__init__(position)
        self.position = position


def reserve(
    db: Connection, log_: Log, plan: Plan, limits: NodeLimits, *, acknowledged_first: bool = False
) -> Reserved | None:
    """Debit `plan` and record the intent; None when the job is answered already, from an earlier answer.

    Raises `Running` where the same question is being answered. `acknowledged_first` refuses it while an answer under
    the contract is not acknowledged.
    """
    admitted, request = plan.admitted, plan.admitted.request
    _check_parties(plan)
    charge = budget.charge_of(plan, free=budget.is_free(db, plan))
    control.require_going(db, request.consumer)
    control.require_usable(db, {scan.version.dataset.name for scan in plan.scans})
    contracts.require_active(db, admitted.contract)
    contracts.require_valid(admitted.contract.terms, log_.now_ms(db))
    datasets.require_current(db, tuple(scan.version for scan in plan.scans))
    _claim(db, admitted.submission, request)
    if acknowledged_first:
        acknowledgements.require_none_due(db, About(request.contract_id, request.consumer))
    earlier = answers.answered(db, plan)
    if earlier is not None:
        _repeat(db, log_, plan, earlier)
        return None
    if plan.part is not None:
        _require_first(db, plan)
    running = answers.running(db, plan)
    if running is not None:
        raise Running(running)
    if plan.release is not DatasetClass.OPEN:
        budget.check_failures(db, request.consumer, plan.subject_space, limits)
    quotas.count(db, admitted.contract.terms, log_.now_ms(db))
    budget.debit(db, request, charge, log_.now_ms(db))
    entry = _intend(db, log_, plan, charge)
    return Reserved(plan=plan, intent_index=entry.position, ref=entry.ref)


def settle(
    db: Connection, log_: Log, reserved: Reserved, result: Released, profile_digest: str, limits: NodeLimits
) -> None:
    """End the intent with the released table, or aborted when its contract or dataset was stopped meanwhile."""
    if result.plan != reserved.plan:
        raise Fault(FaultCode.INTERNAL, "released under another plan")
    intent = _find(db, reserved)
    if intent.ended:
        return
    try:
        _require_going(db, intent)
        contracts.require_going(db, reserved.plan.admitted.contract)
        datasets.require_kept(db, tuple(scan.version.version for scan in reserved.plan.scans))
    except Refused as stopped:
        failure = Failure(stopped.reason, usage=result.usage, detail=stopped.detail)
        end_aborted(db, log_, intent, failure, limits)
        return
    table = _table(result)
    encoded = released.encode(table)
    slots = {
        **leaves.outcome(log.read_slots(db, intent.position), table, encoded),
        **leaves.sandbox(profile_digest),
        **leaves.usage(result.usage, None),
    }
    entry = log_.append(db, Stage.OUTCOME, slots, About(intent.contract, intent.consumer), intent.ref)
    answers.keep(db, entry.position, encoded)
    acknowledgements.give(db, entry.position, About(intent.contract, intent.consumer), intent.job_id)
    db.execute(
        "INSERT OR IGNORE INTO question (consumer, contract, digest, answer)"
        " SELECT consumer, contract, question, ? FROM intent WHERE position = ?",
        (entry.position, intent.position),
    )
    db.execute("UPDATE intent SET ended = ? WHERE position = ?", (entry.position, intent.position))
    _answer(db, intent.owner, intent.job_id, entry.position, entry.position)


def abort(db: Connection, log_: Log, reserved: Reserved, failure: Failure, limits: NodeLimits) -> int:
    """End the intent without an answer and return the leaf that ended it, which may be an earlier one."""
    intent = _find(db, reserved)
    if not intent.ended:
        stopped = control.ended_by(db, intent.position, intent.owner, intent.job_id, intent.contract)
        if failure.reason is Reason.CANCELLED and stopped is not None:
            failure = replace(failure, reason=stopped.reason, detail=stopped.detail, why="")
        return end_aborted(db, log_, intent, failure, limits)
    (ended,) = db.execute("SELECT ended FROM intent WHERE position = ?", (intent.position,)).fetchone()
    return int(ended)


def _require_going(db: Connection, intent: Intent) -> None:
    stopped = control.ended_by(db, intent.position, intent.owner, intent.job_id, intent.contract)
    if stopped is not None:
        raise stopped


def refuse(
    db: Connection,
    log_: Log,
    submission: Submission,
    request: Request | None,
    refusal: Refused,
    limits: NodeLimits,
) -> int:
    """Record a refusal and return its leaf; the first outcome of a job stands."""
    slots = leaves.refused(submission, request, refusal)
    about = About("", submission.peer.id)
    digest = None if request is None else contracts.digest_for(db, request.contract_id, submission.peer.id)
    if request is not None and digest is not None:
        # Only a contract's own consumer may add to its series.
        slots = {**slots, Slot.CONTRACT: request.contract_id, Slot.CONTRACT_DIGEST: digest}
        about = About(request.contract_id, submission.peer.id)
    entry = log_.append(db, Stage.REFUSED, slots, about)
    if refusal.violation:
        violations.count(db, log_, entry.position, about, limits)
    if submission.job_id:
        db.execute(
            "INSERT OR IGNORE INTO job (owner, job_id, state, position, reason, detail)"
            " VALUES (?, ?, 'declined', ?, ?, ?)",
            (
                submission.peer.id,
                submission.job_id,
                entry.position,
                refusal.reason.value,
                answers.encode_detail(refusal.detail),
            ),
        )
    return entry.position


def open_intents(db: Connection) -> tuple[Intent, ...]:
    """Return the debits that nothing has ended yet, oldest first."""
    rows = db.execute(
        "SELECT position, ref, owner, job_id, consumer, contract, space, release, ended"
        " FROM intent WHERE ended IS NULL ORDER BY position"
    )
    return tuple(_intent(row) for row in rows)


def end_aborted(db: Connection, log_: Log, intent: Intent, failure: Failure, limits: NodeLimits) -> int:
    """End `intent` without an answer; a run-time failure counts, and the last one suspends the contract."""
    slots = {
        **leaves.aborted(log.read_slots(db, intent.position), failure.reason, failure.why, recovered=failure.recovered),
        **leaves.usage(failure.usage, failure.code),
    }
    about = About(intent.contract, intent.consumer)
    entry = log_.append(db, Stage.ABORTED, slots, about, intent.ref)
    db.execute("UPDATE intent SET ended = ? WHERE position = ?", (entry.position, intent.position))
    left = None
    if failure.reason is Reason.RUN_FAILED and intent.release is not DatasetClass.OPEN:
        left = max(0, limits.failures - budget.count_failure(db, intent.consumer, intent.space))
        if left == 0:
            contracts.suspend(db, log_, intent.contract)
    detail = failure.detail if left is None else budget.failures_left(failure.detail, left, limits)
    db.execute(
        "UPDATE job SET state = 'declined', position = ?, reason = ?, detail = ? WHERE owner = ? AND job_id = ?",
        (
            entry.position,
            failure.reason.value,
            answers.encode_detail(detail),
            intent.owner,
            intent.job_id,
        ),
    )
    if failure.code is JobCode.VIOLATION:
        violations.count(db, log_, entry.position, about, limits)
    return entry.position


def _check_parties(plan: Plan) -> None:
    admitted, request = plan.admitted, plan.admitted.request
    terms = admitted.contract.terms
    if not terms.consumer == request.consumer == admitted.submission.peer.id or terms.id != request.contract_id:
        raise Fault(FaultCode.INTERNAL, "admitted for another party or contract")


def _claim(db: Connection, submission: Submission, request: Request) -> None:
    """Use up the request's id and the job's id, each good for one use."""
    seen = db.execute(
        "SELECT 1 FROM request_seen WHERE consumer = ? AND jti = ?", (request.consumer, request.jti)
    ).fetchone()
    if seen is not None:
        raise Refused(Reason.REQUEST_REPLAYED, Detail(subject=request.jti))
    known = db.execute(
        "SELECT 1 FROM job WHERE owner = ? AND job_id = ?", (submission.peer.id, submission.job_id)
    ).fetchone()
    if known is not None:
        raise Refused(Reason.REQUEST_REPLAYED, Detail(subject=submission.job_id))
    db.execute("INSERT INTO request_seen (consumer, jti) VALUES (?, ?)", (request.consumer, request.jti))


def _require_first(db: Connection, plan: Plan) -> None:
    """Refuse a department's second answer to one manifest of a join, also while the first is on its way."""
    asked = plan.admitted.request
    begun = db.execute(
        "SELECT 1 FROM intent WHERE consumer = ? AND contract = ? AND question = ?",
        (asked.consumer, asked.contract_id, answers.question(plan)),
    ).fetchone()
    if begun is not None:
        en = "It is being answered, or was, under this manifest; fetch it by its job id, or sign another manifest."
        zh = "该清单下的连接查询已在执行或已结束；请凭任务号获取，或签署新的清单。"
        raise Refused(Reason.REQUEST_REPLAYED, Detail(subject="manifest", hint_en=en, hint_zh=zh))


def _intend(db: Connection, log_: Log, plan: Plan, charge: Charge) -> Entry:
    """Append the intent leaf, with its row and its running job."""
    request, submission = plan.admitted.request, plan.admitted.submission
    figures, price = budget.spent(db, request.contract_id, charge)
    meter = Meter(plan.metered, free=charge.free)
    slots = leaves.use(plan, figures, price, Verdict.ALLOWED, meter)
    entry = log_.append(db, Stage.INTENT, slots, About(request.contract_id, request.consumer))
    db.execute(
        "INSERT INTO intent (position, ref, owner, job_id, consumer, contract, space, release, question,"
        " micro_rho, delta_e12, price_fen, meter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.position,
            entry.ref,
            submission.peer.id,
            submission.job_id,
            request.consumer,
            request.contract_id,
            charge.space,
            plan.release.value,
            answers.question(plan),
            charge.micro_rho,
            charge.delta_e12,
            charge.price_fen,
            json_canonical.encode(meter.json()),
        ),
    )
    _start(db, plan, charge)
    return entry


def _start(db: Connection, plan: Plan, charge: Charge) -> None:
    submission = plan.admitted.submission
    left = budget.micro_rho_left(db, plan.admitted.request.contract_id)
    db.execute(
        "INSERT INTO job (owner, job_id, state, micro_rho, micro_rho_left, price_fen)"
        " VALUES (?, ?, 'running', ?, ?, ?)",
        (submission.peer.id, submission.job_id, charge.micro_rho, left, charge.price_fen),
    )


def _repeat(db: Connection, log_: Log, plan: Plan, earlier: int) -> None:
    """Answer with the figures released before under the leaf `earlier`: no data is touched, so no intent is needed."""
    request, submission = plan.admitted.request, plan.admitted.submission
    charge = budget.nothing(plan)
    figures, price = budget.spent(db, request.contract_id, charge)
    encoded = answers.stored(db, earlier)
    said = leaves.use(plan, figures, price, Verdict.REPEATED, Meter(Metered(), free=False))
    slots = leaves.outcome(said, answers.table(encoded), encoded, repeats=log.jti(db, earlier))
    about = About(request.contract_id, request.consumer)
    entry = log_.append(db, Stage.OUTCOME, slots, about)
    acknowledgements.give(db, entry.position, about, submission.job_id)
    _start(db, plan, charge)
    _answer(db, submission.peer.id, submission.job_id, entry.position, earlier)


def _answer(db: Connection, owner: str, job_id: str, position: int, answer: int) -> None:
    db.execute(
        "UPDATE job SET state = 'answered', position = ?, answer = ? WHERE owner = ? AND job_id = ?",
        (position, answer, owner, job_id),
    )


def _find(db: Connection, reserved: Reserved) -> Intent:
    row = db.execute(
        "SELECT position, ref, owner, job_id, consumer, contract, space, release, ended FROM intent WHERE position = ?",
        (reserved.intent_index,),
    ).fetchone()
    submission = reserved.plan.admitted.submission
    if row is None or row[1:4] != (reserved.ref, submission.peer.id, submission.job_id):
        raise Fault(FaultCode.INTERNAL, "no such reservation")
    return _intent(row)


def _intent(row: tuple[int, str, str, str, str, str, str, str, int | None]) -> Intent:
    *_, release, ended = row
    position, ref, owner, job_id, consumer, contract, space = row[:7]
    return Intent(
        position, ref, owner, job_id, consumer, contract, space, DatasetClass(release), ended=ended is not None
    )


def _table(result: Released) -> Table:
    return Table(
        labels=result.labels,
        types=result.types,
        rows=result.rows,
        widths=result.widths,
        suppressed=result.suppressed,
        mechanism=result.mechanism,
        notice=result.notice,
    )
