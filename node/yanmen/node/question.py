"""The stages of one question, each with what this node gives it."""

import time
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from yanmen.admission import admit as admission
from yanmen.admission.admit import Desk
from yanmen.aggregation.department import Department
from yanmen.crypto import federated as crypto_federated
from yanmen.crypto import joined
from yanmen.crypto.signatures import BadSignature
from yanmen.disclosure import joining, release, shares
from yanmen.execution.run import RUN_PERCENT, run
from yanmen.formats import control_rules, shape
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation
from yanmen.ledger.jobs import Running
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits, ReleaseRules
from yanmen.model.federation import NOISES, Opening
from yanmen.model.ports import Randomness, Runner, Spans, Tenant, untraced
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import Admitted, Answer, Finished, Plan, Quote, Raw, Released, Reserved, Submission
from yanmen.node.consents import Consents
from yanmen.node.early import Early, Late, Sure, certain
from yanmen.node.jobs import Stop
from yanmen.node.releasing import Releasing
from yanmen.pipeline import Stages, within
from yanmen.planning import federated, hints
from yanmen.planning.plan import check_text, drafted, proven
from yanmen.planning.rendering import render

TWIN_S = 0.02
"""How often it is looked whether the same question, asked before and still running, has ended."""
PATIENCE_STEPS = 3
"""For so many of its steps: it runs for one, is released at the next, and may have come late to its own turn."""
_STILL_RUNNING = Detail(
    subject="question",
    hint_en="You asked the same before, and it has not ended; nothing was charged. Fetch that by its job id.",
    hint_zh="您此前提交的同一查询尚未结束；本次未扣减任何额度。请凭其任务号获取结果。",
)


@dataclass(frozen=True, slots=True)
class Works:
    """What every question of a node shares."""

    desk: Desk
    runner: Runner
    ledger: Ledger
    limits: NodeLimits
    randomness: Randomness
    release: ReleaseRules = field(default_factory=ReleaseRules)
    releasing: Releasing | None = None
    consents: Consents | None = None
    spans: Spans = untraced
    department: Department | None = None
    beside: Executor = field(default_factory=partial(ThreadPoolExecutor, thread_name_prefix="beside"))
    parsing: Executor = field(default_factory=partial(ThreadPoolExecutor, thread_name_prefix="parsing"))


@dataclass(slots=True)
class Question:
    """One question's way through the stages; `began` and `admitted` are known as it goes."""

    works: Works
    operation: Operation
    admitted: Admitted | None = None
    began: float = field(default=0.0)
    cancel: Event | None = None
    instead: Mapping[str, str] = field(default_factory=dict)
    early: "Early[Reserved | Answer]" = field(default_factory=lambda: Early())
    parsed: "Future[str] | None" = None

    def stages(self) -> Stages:
        """Return the pipeline's stages."""
        stages = Stages(
            admit=self._admit,
            plan=self._plan,
            reserve=self._reserve,
            run=self._run,
            disclose=self._disclose,
            hold=self._hold,
            settle=self._settle,
            abort=self._abort,
            refuse=self._refuse,
            quote=self._quote,
            finish=self._finish,
        )
        return stages if self.works.spans is untraced else within(stages, self.works.spans)

    def _admit(self, submission: Submission) -> Admitted:
        self.parsed = self._parsing(submission)
        try:
            self.admitted = admission.admit(submission, self.operation, self.works.desk)
        except BaseException:
            if self.parsed is not None and not self.parsed.cancel():
                wait([self.parsed])  # as many are parsed at once as may be asked at once
            raise
        return self.admitted

    def _parsing(self, submission: Submission) -> "Future[str] | None":
        """Begin to parse, in a worker that holds no data and serves this member only, while the question is admitted.

        What it gives is looked at once that is done, and not at all where it is refused.
        """
        try:
            check_text(submission.sql, self.works.limits)
        except Refused:
            return None  # whoever plans it says why
        runner = self.works.runner.within(Tenant(submission.peer.id, ""))
        return self.works.parsing.submit(runner.vet, submission.sql)

    def _plan(self, admitted: Admitted) -> Plan:
        runner = self._runner(admitted)
        parsed = self.parsed
        vet = runner.vet if parsed is None else lambda _: parsed.result()
        draft = drafted(admitted, vet, self._limits(admitted))
        self._meanwhile(federated.in_shares(draft.plan))
        plan = federated.in_shares(self.early.prove(partial(proven, draft, runner)))
        if self.works.consents is not None and self.operation is Operation.SUBMIT:
            self.instead = _attached(plan, self.works.consents)
        return plan

    def _meanwhile(self, plan: Plan) -> None:
        """While a job binds, for which this thread waits, look at what would be read, and write the intent.

        Only of open data: whoever asks about other data waits for its deadline, or for longer computing.
        """
        early = self.operation is Operation.SUBMIT and plan.release is DatasetClass.OPEN
        reserve = partial(self._reserved_now, plan) if early else None
        self.early.begin(self.works.beside, partial(self._check, plan), reserve)

    def _check(self, plan: Plan) -> None:
        admission.permits(plan, self.works.desk)
        _check_charge(plan, self.works.limits)

    def _reserve(self, plan: Plan, cancel: Event) -> Reserved | Answer:
        """Reserve; where the same question is being answered, wait for what becomes of that first."""
        held, last = self.early.allow(), time.monotonic() + PATIENCE_STEPS * _step_ms(plan) / 1000
        while held is None:
            try:
                held = self._reserved(plan, certain)
            except Running as running:
                self._wait_for(running.position, last, cancel)
        self.began = time.monotonic()
        return held

    def _wait_for(self, intent: int, last: float, cancel: Event) -> None:
        """Wait until `intent` has ended; nothing is charged to who is stopped meanwhile, or waits in vain."""
        while self.works.ledger.is_open(intent):
            if cancel.wait(TWIN_S):
                raise Refused(Reason.CANCELLED)
            if time.monotonic() > last:
                raise Refused(Reason.REQUEST_REPLAYED, _STILL_RUNNING)

    def _reserved_now(self, plan: Plan, sure: Sure) -> Reserved | Answer:
        try:
            return self._reserved(plan, sure)
        except Running as running:
            raise Late from running

    def _reserved(self, plan: Plan, sure: Sure) -> Reserved | Answer:
        if plan.part is not None and plan.manifest is None:
            en, zh = hints.ACROSS_ALONE.en, hints.ACROSS_ALONE.zh
            raise Refused(Reason.CROSS_NODE_JOIN, Detail(subject="manifest", hint_en=en, hint_zh=zh))
        if self.works.releasing is not None:
            self.works.releasing.require_witnesses()
        return self.works.ledger.reserve(plan, sure, acknowledged_first=self.works.release.acknowledged_first)

    def _run(self, reserved: Reserved, cancel: Event) -> Raw:
        """Run, then wait for the moment the plan fixed: when releasing begins tells nothing about the run."""
        self.cancel = cancel
        admitted = reserved.plan.admitted
        raw = run(reserved, self._runner(admitted), self._limits(admitted), cancel, self.instead)
        if reserved.plan.release is DatasetClass.PERSONAL:
            _wait_until(self.began + reserved.plan.deadline_ms / 1000 * RUN_PERCENT / 100, cancel)
        return raw

    def _limits(self, admitted: Admitted) -> NodeLimits:
        """Return what this question may use: the node's limits, narrowed by the contract."""
        return self.works.limits.within(control_rules.narrowed(admitted.contract.terms))

    def _runner(self, admitted: Admitted) -> Runner:
        """Return the runner whose workers serve this consumer under this contract and nobody else."""
        terms = admitted.contract.terms
        return self.works.runner.within(Tenant(terms.consumer, terms.id))

    def _disclose(self, raw: Raw) -> Released:
        signed = raw.plan.manifest
        if signed is not None and raw.plan.part is not None:
            if self.works.department is None:
                raise Fault(FaultCode.INTERNAL, "this node keeps no parts of joins")
            made = joining.blind(raw, signed, self.works.randomness)
            keys = {one.node: one.envelope_key for one in raw.plan.admitted.joinables}
            self.works.department.keep(made, signed, keys)
            return made.released
        if signed is not None:
            return shares.share(raw, signed, self.works.desk.node_id, self.works.randomness)
        return release.disclose(raw, self.works.runner.post)

    def _hold(self, reserved: Reserved, cancel: Event) -> None:
        """Wait for the next multiple of the plan's step, so that time tells nothing about persons."""
        if reserved.plan.release is not DatasetClass.PERSONAL:
            return
        step = _step_ms(reserved.plan) / 1000
        elapsed = time.monotonic() - self.began
        _wait_until(self.began + (elapsed // step + 1) * step, cancel)

    def _settle(self, reserved: Reserved, released: Released) -> Answer:
        answer = self.works.ledger.settle(reserved, released, self.works.runner.profile.digest)
        signed = reserved.plan.manifest
        if reserved.plan.part is not None and signed is not None and self.works.department is not None:
            self.works.department.release(signed, answer.receipt.index)  # only now its parts may leave
        return answer

    def _abort(self, reserved: Reserved, reason: Reason, failure: JobFailed) -> Receipt:
        why = ""
        if reason is Reason.CANCELLED and isinstance(self.cancel, Stop):
            self.cancel.wait_settled()
            why = self.cancel.why
        return self.works.ledger.abort(reserved, reason, failure.code, failure.usage, why)

    def _refuse(self, submission: Submission, refusal: Refused) -> Receipt:
        request = None if self.admitted is None else self.admitted.request
        return self.works.ledger.refuse(submission, request, refusal)

    def _quote(self, plan: Plan) -> Quote:
        ledger = self.works.ledger
        repeated, free = ledger.answered_before(plan), ledger.is_free(plan)
        return Quote(
            columns=release.quote(plan),
            release=plan.release,
            cells=plan.rows_max if plan.keys else 1,
            micro_rho=0 if repeated else plan.micro_rho,
            micro_rho_left=ledger.balance(plan.admitted.contract.terms.id).micro_rho_left,
            price_fen=0 if repeated or free else plan.price_fen,
            deadline_ms=_step_ms(plan),
            repeated=repeated,
            plan_text=render(plan),
            receipt=ledger.explained(plan, free=free),
            next_renewal_ms=ledger.next_renewal_ms(plan.subject_space),
            shape=shape.encode(plan) if federated.may_be(plan) else "",
            l2_squared=tuple(aggregate.l2_squared for aggregate in plan.aggregates),
        )

    def _finish(self, plan: Plan, opening: Opening) -> Finished:
        """Check what the aggregators published as any auditor would, then make the table of it."""
        if plan.manifest is None:
            raise Refused(Reason.MANIFEST_INVALID, Detail(subject="manifest"))
        manifest = plan.manifest.manifest
        try:
            totals = crypto_federated.total(opening, plan.manifest, self.works.desk.register())
            if plan.part is not None:
                joined.check_total(totals, plan.part.link.ranges, manifest.sigma_squared)
        except (Malformed, BadSignature) as error:
            raise Refused(Reason.MANIFEST_INVALID, Detail(subject=str(error))) from error
        released = release.finish(plan, totals, manifest.sigma_squared, NOISES, self.works.runner.post)
        return Finished(
            labels=released.labels,
            types=released.types,
            rows=released.rows,
            widths=released.widths,
            mechanism=released.mechanism,
            notice=released.notice,
            receipt=self.works.ledger.explained(plan),
        )


def _attached(plan: Plan, consents: Consents) -> Mapping[str, str]:
    """Return the snapshots to read instead; making one takes a multiple of the plan's deadline, whoever is in it."""
    if consents.ready(plan):
        return consents.attached(plan)
    began, step = time.monotonic(), plan.deadline_ms / 1000
    made = consents.attached(plan)
    elapsed = time.monotonic() - began
    time.sleep((elapsed // step + 1) * step - elapsed)
    return made


def _step_ms(plan: Plan) -> int:
    """Return the step at whose multiples the plan's answer leaves: its deadline, and the time to blind a list."""
    return plan.deadline_ms + (0 if plan.part is None else plan.part.blinding_ms)


def _wait_until(moment: float, cancel: Event) -> None:
    """Wait for the monotonic `moment`; a cancel ends the question there and then."""
    if cancel.wait(max(0.0, moment - time.monotonic())):
        raise JobFailed(JobCode.CANCELLED)


def _check_charge(plan: Plan, limits: NodeLimits) -> None:
    """Refuse a charge below the node's least, or too small to be split, before it is spent."""
    if plan.release is DatasetClass.PERSONAL and plan.micro_rho < limits.micro_rho_least:
        raise Refused(
            Reason.SPEND_LIMIT,
            Detail(
                subject="micro_rho",
                hint_en=f"An answer about persons is charged at least {limits.micro_rho_least} micro-rho here.",
                hint_zh=f"本节点对个人数据的每次回答至少扣减 {limits.micro_rho_least} 微ρ。",
            ),
        )
    release.quote(plan)
