"""The stages of one question, each with what this node gives it."""

import time
from dataclasses import dataclass, field
from threading import Event

from yanmen.admission import admit as admission
from yanmen.admission.admit import Desk
from yanmen.disclosure import release
from yanmen.execution.run import run
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Runner
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused
from yanmen.model.stages import Admitted, Answer, Plan, Quote, Raw, Released, Reserved, Submission
from yanmen.pipeline import Stages
from yanmen.planning.plan import plan as make_plan
from yanmen.planning.rendering import render


@dataclass(frozen=True, slots=True)
class Works:
    """What every question of a node shares."""

    desk: Desk
    runner: Runner
    ledger: Ledger
    limits: NodeLimits


@dataclass(slots=True)
class Question:
    """One question's way through the stages; `began` and `admitted` are known as it goes."""

    works: Works
    operation: Operation
    admitted: Admitted | None = None
    began: float = field(default=0.0)

    def stages(self) -> Stages:
        """Return the pipeline's stages."""
        return Stages(
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
        )

    def _admit(self, submission: Submission) -> Admitted:
        self.admitted = admission.admit(submission, self.operation, self.works.desk)
        return self.admitted

    def _plan(self, admitted: Admitted) -> Plan:
        plan = make_plan(admitted, self.works.runner, self.works.limits)
        admission.permits(plan, self.works.desk)
        release.quote(plan)  # refuses a charge too small to split, before it is spent
        return plan

    def _reserve(self, plan: Plan) -> Reserved | Answer:
        held = self.works.ledger.reserve(plan)
        self.began = time.monotonic()
        return held

    def _run(self, reserved: Reserved, cancel: Event) -> Raw:
        return run(reserved, self.works.runner, self.works.limits, cancel)

    def _disclose(self, raw: Raw) -> Released:
        return release.disclose(raw, self.works.runner.post)

    def _hold(self, reserved: Reserved, cancel: Event) -> None:
        """Wait for the next multiple of the plan's deadline, so that time tells nothing about persons."""
        if reserved.plan.release is not DatasetClass.PERSONAL:
            return
        step = reserved.plan.deadline_ms / 1000
        elapsed = time.monotonic() - self.began
        if cancel.wait((elapsed // step + 1) * step - elapsed):
            raise JobFailed(JobCode.CANCELLED)

    def _settle(self, reserved: Reserved, released: Released) -> Answer:
        return self.works.ledger.settle(reserved, released, self.works.runner.profile.digest)

    def _abort(self, reserved: Reserved, reason: Reason, failure: JobFailed) -> Receipt:
        return self.works.ledger.abort(reserved, reason, failure.code, failure.usage)

    def _refuse(self, submission: Submission, refusal: Refused) -> Receipt:
        request = None if self.admitted is None else self.admitted.request
        return self.works.ledger.refuse(submission, request, refusal)

    def _quote(self, plan: Plan) -> Quote:
        ledger = self.works.ledger
        repeated = ledger.answered_before(plan)
        cells = 1
        for key in plan.keys:
            cells *= len(key.domain)
        return Quote(
            columns=release.quote(plan),
            release=plan.release,
            cells=cells,
            micro_rho=0 if repeated else plan.micro_rho,
            micro_rho_left=ledger.balance(plan.admitted.contract.terms.id).micro_rho_left,
            price_fen=0 if repeated else plan.price_fen,
            deadline_ms=plan.deadline_ms,
            repeated=repeated,
            plan_text=render(plan),
            receipt=ledger.explained(plan),
        )
