"""One node: an object that answers the wire, with no process globals, so a process can host many."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from typing import TypeVar

from typing_extensions import override

from yanmen import closing, contracting, negotiating, pipeline
from yanmen.admission import entries
from yanmen.aggregation.department import Department
from yanmen.formats.request import Operation
from yanmen.ledger.answers import Declined, Outcome, Pending
from yanmen.ledger.join_book import JoinBook
from yanmen.model.catalogue import Version
from yanmen.model.contract import Balance, Contract
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.federation import Opening
from yanmen.model.joining import Handed, Piece
from yanmen.model.office import Waiting
from yanmen.model.party import Party
from yanmen.model.ports import Runner, Spans, Tenant, untraced
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, JobFailed, Reason, Refused
from yanmen.model.stages import Answer, Finished, Names, Output, Quote, Submission
from yanmen.model.template import PublishedTemplate
from yanmen.node import abilities, approving, overdue
from yanmen.node.anchoring import Anchoring
from yanmen.node.approving import Deadlines
from yanmen.node.consents import Consents
from yanmen.node.controlling import Controlling, may_serve
from yanmen.node.doorkeeper import READERS, Doorkeeper
from yanmen.node.guarding import Guarding
from yanmen.node.holder import JOINS, Holder
from yanmen.node.jobs import Jobs
from yanmen.node.logkeeping import Logkeeping
from yanmen.node.question import Question, Works
from yanmen.node.releasing import Releasing
from yanmen.node.sweeping import Sweeping
from yanmen.node.upkeep import Upkeep
from yanmen.pipeline import Stages
from yanmen.planning import parameters
from yanmen.planning.parameters import Placeholder
from yanmen.planning.plan import check_text
from yanmen.planning.telling import told
from yanmen.witness import standing

T = TypeVar("T")

ELSEWHERE_S = 0.05
"""How often the ledger is asked for the outcome of a job that another replica runs."""


class Node(Doorkeeper):
    """Implements yanmen.wire.api.NodeApi over one opened holder and one runner."""

    def __init__(self, holder: Holder, runner: Runner, spans: Spans = untraced) -> None:
        """Begin to answer, unless a witness saw more of the log; intents left open are closed as spent first."""
        limits = holder.config.limits
        super().__init__(holder)
        config = holder.config
        self._releasing = Releasing(holder.ledger, config.witnesses, config.release, holder.clock)
        self._joins = JoinBook(holder.directory / JOINS)
        self._sweeping = Sweeping(self._joins, holder.clock)
        self._department = Department(
            me=config.id,
            signer=holder.receipt_signer,
            book=self._joins,
            ledger=holder.ledger,
            register=holder.register.current,
            clock=holder.clock,
            randomness=holder.randomness,
            covers=self._releasing.covers,
        )
        self._works = Works(
            holder.desk(),
            runner,
            holder.ledger,
            limits,
            holder.randomness,
            config.release,
            self._releasing,
            Consents(holder.ledger, runner, holder.seal_key(), holder.directory),
            spans,
            self._department,
            parsing=ThreadPoolExecutor(limits.jobs, thread_name_prefix="parsing"),
        )
        self._jobs = Jobs(limits.jobs, limits.jobs_per_consumer)
        standing.check(self._ledger, holder.config.witnesses)
        self._ledger.recover()
        self._anchoring = Anchoring(holder.ledger, config.anchor, holder.clock)
        self._releasing.start()
        self._anchoring.start()
        self._sweeping.start()
        self._controlling = Controlling(
            holder.ledger, self._jobs, holder.receipt_signer, holder.clock, holder.directory, config.id
        )
        policies = self._works.desk.policies
        self._guarding = Guarding(holder.directory / config.policies, policies, holder.ledger)
        self._upkeep = Upkeep()
        self._upkeep.also("policies", self._guarding.look)
        self._upkeep.also("decisions", Deadlines(holder).look)
        self._upkeep.also("deletions", overdue.Deletions(holder).look)
        self._upkeep.also("logs", Logkeeping(holder).look)
        self._office = contracting.Office.of(holder, policies)
        self._upkeep.also("contracts", closing.Closing(self._office).look)
        self._controlling.start()
        self._upkeep.start()

    @override
    def identify(self, certificate_pem: bytes) -> Party:
        """Return the active member whose registered certificate this is, unless the holder suspended it."""
        party = super().identify(certificate_pem)
        if not may_serve(self._controlling.stops, party.id):
            reason = Reason.DISCONNECTED if self._controlling.stops.disconnected else Reason.MEMBER_SUSPENDED
            raise Refused(reason, Detail(), self.turn_away(party, Refused(reason)))
        return party

    def connected(self) -> bool:
        """Say whether the holder has it take calls."""
        return not self._controlling.stops.disconnected

    def abilities(self, interfaces: Sequence[str]) -> bytes:
        """Return what this node can do, signed."""
        return abilities.signed(self._holder, interfaces)

    def waiting(self, party: Party) -> tuple[tuple[Waiting, bool], ...]:
        """Return what waits for the officers of this department, and whether it is overdue."""
        approving.require_own(party, self._holder)
        now_ms = self._holder.clock.now_ms()
        return tuple((each, each.overdue(now_ms)) for each in approving.queue(self._holder))

    def record_act(self, party: Party, token: bytes) -> tuple[Receipt, Contract]:
        """Take in the act that the officer `party` signed, and carry it out."""
        approving.require_own(party, self._holder)
        return self._told(party, lambda: approving.record(token, self._holder, party.id, self._works.desk.policies))

    # The catalogue and contracts ------------------------------------------------------------------

    def datasets(self, party: Party) -> tuple[Version, ...]:  # noqa: ARG002 - the catalogue is one for all members
        """Return the versions in force whose entries are listed."""
        register, reviews = self._holder.register.current(), self._ledger.review
        found = self._ledger.current_versions()
        return tuple(version for version in found if entries.is_listed(version.dataset, register, reviews))

    def dataset(self, party: Party, name: str) -> Version:
        """Return the version in force of the dataset `name`."""
        for version in self.datasets(party):
            if version.dataset.name == name:
                return version
        raise Refused(Reason.DATASET_UNKNOWN, Detail(subject=name))

    def request_contract(self, party: Party, offer: bytes) -> Contract:
        """Take in the signed `offer`."""
        return contracting.request(offer, party, self._office)

    def act(self, party: Party, token: bytes) -> Contract:
        """Take in what `party` signed about a contract as one of its sides."""
        if closing.is_proof(token):
            return closing.prove(token, party, self._office)
        return negotiating.act(token, party, self._office)

    def released(self, party: Party, contract_id: str) -> tuple[ReleasedAnswer, ...]:
        """Return the answers given under one contract of `party`."""
        return self._ledger.released_under(self._own(party, contract_id).terms.id)

    def contract(self, party: Party, contract_id: str) -> Contract:
        """Return one contract of `party`, or one that names it as a side."""
        found = self._ledger.contract(contract_id)
        if found is None or (party.id != found.terms.consumer and party.id not in negotiating.sides(found)):
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
        return found

    def contracts(self, party: Party) -> tuple[Contract, ...]:
        """Return all contracts of `party`, and those that name it as a side."""
        return (*self._ledger.contracts(party.id), *self._ledger.contracts_naming(party.id))

    def balance(self, party: Party, contract_id: str) -> Balance:
        """Return what is left of one contract of `party`."""
        return self._ledger.balance(self._own(party, contract_id).terms.id)

    def _own(self, party: Party, contract_id: str) -> Contract:
        """Return one contract of which `party` is the consumer."""
        found = self.contract(party, contract_id)
        if found.terms.consumer != party.id:
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
        return found

    def templates(self, party: Party) -> tuple[PublishedTemplate, ...]:  # noqa: ARG002 - on offer to all members
        """Return the contract templates on offer."""
        return tuple(one for one in self._ledger.templates() if not one.template.withdrawn)

    # Questions ------------------------------------------------------------------------------------

    def names(self) -> Names:
        """Return how a database tool lists this node's tables: the space, and the alias SQL knows it by."""
        return Names(self._holder.config.space, self._holder.config.alias)

    def placeholders(self, submission: Submission) -> tuple[Placeholder, ...]:
        """Return where the text takes parameters; it is parsed in a job without data, and nothing is asked yet."""
        try:
            return self._placeholders(submission)
        except Refused as plain:
            refusal = told(plain, submission.sql)
            refusal.receipt = self._ledger.refuse(submission, None, refusal)
            raise refusal from plain

    def _placeholders(self, submission: Submission) -> tuple[Placeholder, ...]:
        limits = self._works.limits
        check_text(submission.sql, limits)
        if not {"?", "$"} & set(submission.sql):
            return ()
        # A tenant of its own: nothing says yet under which contract the text will be asked.
        runner = self._works.runner.within(Tenant(submission.peer.id, ""))
        try:
            serialised = runner.vet(submission.sql)
        except JobFailed as failure:
            raise pipeline.unparseable(failure) from failure
        return parameters.find(submission.sql, serialised, limits.ast_bytes)

    def describe(self, submission: Submission) -> tuple[Output, ...]:
        """Say which columns `submission` would give, and nothing else."""
        return pipeline.describe(submission, Question(self._works, Operation.EXPLAIN).stages())

    def explain(self, submission: Submission) -> Quote:
        """Say what `submission` would give and cost."""
        self._ledger.count_explain(submission.peer.id)
        return pipeline.explain(submission, Question(self._works, Operation.EXPLAIN).stages())

    def finish(self, submission: Submission, opening: Opening) -> Finished:
        """Make the table of a federated question's opened total."""
        self._ledger.count_explain(submission.peer.id)
        return pipeline.finish(submission, opening, Question(self._works, Operation.EXPLAIN).stages())

    def submit(self, submission: Submission) -> str:
        """Start the job, or find it started, and return its id."""
        owner, job_id = submission.peer.id, submission.job_id
        if self._known(owner, job_id):
            return job_id
        stages = Question(self._works, Operation.SUBMIT).stages()
        try:
            here = copy_context()  # a span of the question belongs to the call that asked it
            self._jobs.start(owner, job_id, lambda cancel: here.run(self._work, submission, stages, cancel))
        except Refused as refusal:
            refusal.receipt = self._ledger.refuse(submission, None, refusal)
            raise
        return job_id

    def fetch(self, party: Party, job_id: str, wait_ms: int) -> Answer | None:
        """Return the job's answer, None when it has no outcome within `wait_ms`, or raise its refusal."""
        until = time.monotonic() + wait_ms / 1000
        ended = self._jobs.wait(party.id, job_id, wait_ms)
        if not ended:
            return None
        match ended if isinstance(ended, Answer) else self._outcome(job_id, party.id, until):
            case Answer() as answer:
                left_ms = max(0, int((until - time.monotonic()) * 1000))
                return answer if self._releasing.wait(answer.receipt.index, left_ms) else None
            case Declined() as declined:
                raise declined.refusal()
            case Pending():
                return None

    def _outcome(self, job_id: str, owner: str, until: float) -> Outcome:
        """Return how a job stands that does not run here: one that another replica runs is waited for."""
        while isinstance(found := self._ledger.outcome(job_id, owner), Pending):
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, ELSEWHERE_S))
        return found

    def cancel(self, party: Party, job_id: str, why: str = "") -> None:
        """Stop the job of `party`, whose receipt says why."""
        if not self._known(party.id, job_id):
            raise Refused(Reason.JOB_UNKNOWN)
        self._jobs.cancel(party.id, job_id, why)

    def state(self, party: Party, contract_id: str) -> bytes:
        """Return what another node must know of the tables of a contract to plan a join with them."""
        return self._department.state(self._own(party, contract_id))

    def hand(self, party: Party, manifest: bytes, handed: Handed) -> tuple[int, bytes]:
        """Blind a piece of another department's list."""
        return self._told(party, lambda: self._department.hand(party, manifest, handed))

    def get(self, party: Party, manifest: bytes, name: str, at: int) -> Piece:
        """Return a piece of a part of a join that this node made."""
        return self._told(party, lambda: self._department.get(party, manifest, name, at))

    def _told(self, party: Party, work: Callable[[], T]) -> T:
        """Do `work`; a refusal is in the log before it is told."""
        try:
            return work()
        except Refused as refusal:
            refusal.receipt = self.turn_away(party, refusal)
            raise

    def drain(self, wait_ms: int) -> None:
        """Take no more questions and end those that run."""
        self._jobs.drain(wait_ms)
        self._works.beside.shutdown()
        self._works.parsing.shutdown()
        self._controlling.stop()
        self._upkeep.stop()
        self._sweeping.stop()
        self._joins.close()
        self._releasing.stop()
        self._anchoring.stop()

    @property
    def running(self) -> int:
        """How many questions run or wait for their turn."""
        return self._jobs.count

    def require_witnesses(self) -> None:
        """Refuse when a question would be refused for want of witnesses."""
        self._releasing.require_witnesses()

    def _work(self, submission: Submission, stages: Stages, cancel: Event) -> Answer | None:
        """Answer one question; its outcome, refusals too, is in the ledger for Fetch to read."""
        with self._works.spans("question"):
            try:
                return pipeline.answer(submission, stages, cancel)
            except Refused:
                return None

    def _known(self, owner: str, job_id: str) -> bool:
        if self._jobs.runs(owner, job_id):
            return True
        try:
            self._ledger.outcome(job_id, owner)
        except Refused:
            return False
        return True

    # The log --------------------------------------------------------------------------------------

    @override
    def receipt(self, party: Party, index: int) -> Receipt:
        """Return the receipt at `index`, an answer's only once the answer itself may leave."""
        receipt = super().receipt(party, index)
        if receipt.stage is Stage.OUTCOME and party.role not in READERS and not self._releasing.covers(index):
            raise Refused(Reason.NOT_WITNESSED)  # it holds the digest of an answer that may not leave yet
        return receipt
