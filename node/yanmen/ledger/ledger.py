"""The ledger of one node: every method is one durable transaction, or one consistent look.

Nothing is held in memory but the node's identity, keys and limits; several processes may have the
same ledger open. What cannot be recorded raises a `Fault` and did not happen.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from yanmen.formats.bill import Period
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import NoteSignature, VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.ledger import (
    answers,
    audit,
    billing,
    budget,
    contracts,
    cosigned,
    datasets,
    export,
    genesis,
    jobs,
    leaves,
    log,
    mirror,
)
from yanmen.ledger.answers import Declined, Outcome, Pending
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.jobs import Failure
from yanmen.ledger.log import About, Log, Slots
from yanmen.ledger.recovery import ServingLock
from yanmen.ledger.store import Store, faults
from yanmen.model.catalogue import SubjectSpace, Version
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Balance, Contract, ContractStatus
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan, Released, Request, Reserved, Submission

EVENTS = frozenset({Stage.KEY, Stage.MEMBER, Stage.DATASET, Stage.CONTRACT, Stage.APPROVAL, Stage.EXPLAINED})
"""Stages a caller may record by itself; the others follow from what the ledger does."""
TURNED_AWAY_PER_MINUTE = 10
"""Leaves one party that may not come in can add; its calls are refused all the same."""


class Ledger:
    """All durable state of a node."""

    __slots__ = ("_keeper", "_limits", "_log", "_serving", "_store")

    def __init__(self, store: Store, log_: Log, keeper: Keeper, limits: NodeLimits, serving: ServingLock) -> None:
        """Hold what `open` made."""
        self._store = store
        self._log = log_
        self._keeper = keeper
        self._limits = limits
        self._serving = serving

    @classmethod
    def open(cls, path: Path, keeper: Keeper, limits: NodeLimits, *, create: bool = True) -> "Ledger":
        """Open the ledger at `path`; a new one begins with its genesis and key leaves.

        A node that has served before passes `create=False`: a ledger that vanished is a fault then,
        not a fresh budget.
        """
        store = Store(path, create=create)
        try:
            with store.write() as db, _internal():
                identity = genesis.identify(db, keeper)
                log_ = Log(identity, keeper.receipt_signer, keeper.log_signer, keeper.clock, keeper.randomness)
                if log.size(db) == 0:
                    if not create:
                        raise Fault(FaultCode.STORAGE, "this ledger has not begun")
                    genesis.begin(db, log_, identity, keeper)
                log_.now_ms(db)
                log_.check(db)
        except BaseException:
            store.close()
            raise
        return cls(store, log_, keeper, limits, ServingLock(path))

    def close(self) -> None:
        """Close the file and give up the serving lock."""
        self._store.close()
        self._serving.release()

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def recover(self) -> int:
        """Become the one serving process and end what a dead one left open, as spent; return how many those were."""
        with faults():
            self._serving.acquire()
        ended = 0
        while self._end_oldest():
            ended += 1
        return ended

    # A question -----------------------------------------------------------------------------------

    def reserve(self, plan: Plan) -> Reserved | Answer:
        """Debit `plan` and record the intent durably; an earlier answer to the same question comes back at once."""
        submission = plan.admitted.submission
        with self._writing() as db:
            reserved = jobs.reserve(db, self._log, plan, self._limits)
            if reserved is not None:
                self._log.seal(db)
                return reserved
            return _given(self._outcome(db, submission.peer.id, submission.job_id))

    def settle(self, reserved: Reserved, released: Released, profile_digest: str) -> Answer:
        """Record what leaves and return it; settling again returns the same answer.

        Raises `Refused`, with its receipt, when the question was ended meanwhile: cancelled,
        recovered, or its contract or dataset stopped. Nothing leaves then.
        """
        submission = reserved.plan.admitted.submission
        with self._writing() as db:
            jobs.settle(db, self._log, reserved, released, profile_digest, self._limits)
            found = self._outcome(db, submission.peer.id, submission.job_id)
        return _given(found)

    def abort(self, reserved: Reserved, reason: Reason, job_code: JobCode | None, usage: Usage) -> Receipt:
        """Record that nothing leaves; the debit stays. The receipt is that of whatever ended the question first."""
        with self._writing() as db:
            failure = Failure(reason, job_code, usage)
            return self._receipt(db, jobs.abort(db, self._log, reserved, failure, self._limits))

    def refuse(self, submission: Submission, request: Request | None, refusal: Refused) -> Receipt:
        """Record a refusal; `request` is given once the consumer's signature verified."""
        with self._writing() as db:
            return self._receipt(db, jobs.refuse(db, self._log, submission, request, refusal))

    def turn_away(self, peer: Party, refusal: Refused) -> Receipt | None:
        """Record that a registered party was not let in; None when it came too often this minute to be noted again."""
        with self._writing() as db:
            try:
                budget.count_use(db, peer.id, "turned-away", TURNED_AWAY_PER_MINUTE, self._log.now_ms(db))
            except Refused:
                return None
            slots = leaves.turned_away(peer, refusal)
            return self._receipt(db, self._log.append(db, Stage.REFUSED, slots, About("", peer.id)).position)

    def outcome(self, job_id: str, consumer: str) -> Outcome:
        """Return how the consumer's job stands, or refuse as for a job that never was."""
        with self._store.read() as db:
            return answers.outcome(db, consumer, job_id)

    def answered_before(self, plan: Plan) -> bool:
        """Say whether reserving `plan` would give an earlier answer, at no charge."""
        with self._store.read() as db:
            return answers.answered(db, plan) is not None

    def count_explain(self, consumer: str) -> None:
        """Count an explanation asked for, before any work is done for it, or refuse it as one too many."""
        with self._writing() as db:
            budget.count_use(db, consumer, "explain-asked", self._limits.explains_per_minute, self._log.now_ms(db))

    def explained(self, plan: Plan) -> Receipt:
        """Record an explanation, or refuse it as one too many."""
        request = plan.admitted.request
        with self._writing() as db:
            now_ms = self._log.now_ms(db)
            budget.count_use(db, request.consumer, "explain", self._limits.explains_per_minute, now_ms)
            figures, price = budget.spent(db, request.contract_id, budget.nothing(plan))
            slots = leaves.explained(plan, figures, price)
            about = About(request.contract_id, request.consumer)
            return self._receipt(db, self._log.append(db, Stage.EXPLAINED, slots, about).position)

    # Contracts ------------------------------------------------------------------------------------

    def add_offer(self, contract: Contract) -> Receipt:
        """Keep a consumer's signed offer as pending; the same offer again gives the same leaf."""
        with self._writing() as db:
            return self._receipt(db, contracts.add(db, self._log, contract))

    def decide(self, contract_id: str, status: ContractStatus, acceptance: bytes, decided_by: str) -> Receipt:
        """Keep the holder's signed decision (active or denied) over a pending contract."""
        with self._writing() as db:
            return self._receipt(db, contracts.decide(db, self._log, contract_id, status, acceptance, decided_by))

    def set_status(self, contract_id: str, status: ContractStatus, decided_by: str) -> Receipt:
        """Suspend, resume or revoke a contract; what is revoked or denied stays so."""
        with self._writing() as db:
            return self._receipt(db, contracts.change(db, self._log, contract_id, status, decided_by))

    def contract(self, contract_id: str) -> Contract | None:
        """Return a contract as it stands now."""
        with self._store.read() as db:
            return contracts.find(db, contract_id)

    def contracts(self, consumer: str = "") -> tuple[Contract, ...]:
        """Return the contracts of `consumer`, or all, oldest first."""
        with self._store.read() as db:
            return contracts.listed(db, consumer)

    def balance(self, contract_id: str) -> Balance:
        """Return what is left of a contract."""
        with self._store.read() as db:
            left = budget.balance(db, contract_id, self._log.now_ms(db))
        if left is None:
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
        return left

    def register_space(self, space: SubjectSpace) -> Receipt | None:
        """Fix the lifetime budget of `space` once for all; None when it was fixed like this before."""
        with self._writing() as db:
            position = datasets.register_space(db, self._log, space)
            return None if position is None else self._receipt(db, position)

    def space_left(self, name: str) -> SubjectSpace | None:
        """Return what is left of a subject space's lifetime budget, for the holder."""
        with self._store.read() as db:
            return datasets.space_left(db, name)

    def publish(self, version: Version) -> Receipt:
        """Make `version` the current one of its dataset; budgets do not notice."""
        with self._writing() as db:
            return self._receipt(db, datasets.publish(db, self._log, version))

    def retract(self, name: str) -> Receipt:
        """Withdraw the dataset `name`, all its versions."""
        with self._writing() as db:
            return self._receipt(db, datasets.retract(db, self._log, name))

    def current_versions(self) -> tuple[Version, ...]:
        """Return the current version of each dataset, by name."""
        with self._store.read() as db:
            return datasets.current(db)

    def version(self, name: str) -> Version | None:
        """Return the newest version of the dataset `name`, retracted or not, None when there never was one."""
        with self._store.read() as db:
            return datasets.newest(db, name)

    def versions(self) -> tuple[Version, ...]:
        """Return every version ever published, oldest first."""
        with self._store.read() as db:
            return datasets.listed(db)

    def accept_register(self, space: str, serial: int, digest: str) -> Receipt | None:
        """Note the space's register now in force; an older one, or another of the same serial, is a fault."""
        with self._writing() as db:
            position = datasets.accept_register(db, self._log, space, serial, digest)
            return None if position is None else self._receipt(db, position)

    def append_event(self, stage: Stage, slots: Slots, contract_id: str = "") -> Receipt:
        """Record an event the ledger itself does not know of, in the series of `contract_id` if it is about one."""
        if stage not in EVENTS:
            raise Fault(FaultCode.INTERNAL, "this stage follows from what the ledger does")
        with self._writing() as db:
            about = About()
            if contract_id:
                contract = contracts.require(db, contract_id)
                about = About(contract_id, contract.terms.consumer)
                slots = {**slots, Slot.CONTRACT: contract_id}
            return self._receipt(db, self._log.append(db, stage, slots, about).position)

    def state_account(self, period: Period, contract_id: str = "") -> tuple[Receipt, bytes]:
        """Close `period` with a signed statement of account, for one contract or all, and return its receipt and token.

        Raises `billing.PeriodOpen` when a leaf of the period could still come.
        """
        with self._writing() as db:
            about = About(contract_id, contracts.require(db, contract_id).terms.consumer) if contract_id else About()
            position, token = billing.state(db, self._log, self._keeper.receipt_signer, period, about)
            return self._receipt(db, position), token

    @property
    def origin(self) -> str:
        """The name of the log, which is also the name of its key."""
        return self._log.identity.origin

    @property
    def log_public(self) -> bytes:
        """The raw public key that heads verify with."""
        return self._keeper.log_signer.public

    def size(self) -> int:
        """Return the number of leaves."""
        with self._store.read() as db:
            return log.size(db)

    def checkpoint(self) -> str:
        """Return the newest head as a signed note."""
        with self._store.read() as db:
            return log.head(db)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the log of `new` leaves begins with that of `old`; `BadProof` if there is none."""
        with self._store.read() as db:
            return log.consistency(db, old, new)

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves, which must be there."""
        with self._store.read() as db:
            return log.root(db, size)

    def cosigned(self, witness: VerifierKey) -> int:
        """Return the size of the newest head that `witness` cosigned, 0 when there is none."""
        with self._store.read() as db:
            return cosigned.newest(db, witness)

    def add_cosignature(self, size: int, witness: VerifierKey, signature: NoteSignature) -> int:
        """Keep what `witness` signed over the head of `size` leaves and return when; refuse what does not verify."""
        with self._writing() as db:
            return cosigned.keep(db, size, witness, signature)

    def receipt(self, index: int) -> Receipt:
        """Return any receipt with all that is still disclosed: for the holder and the auditor."""
        with self._store.read() as db:
            if log.party(db, index) is None:
                raise Refused(Reason.JOB_UNKNOWN)
            return log.read_receipt(db, index, whole=True)

    def receipt_for(self, index: int, consumer: str) -> Receipt:
        """Return a consumer's own receipt, or refuse as for one that never was."""
        with self._store.read() as db:
            if not consumer or log.party(db, index) != consumer:
                raise Refused(Reason.JOB_UNKNOWN)
            return log.read_receipt(db, index, whole=False)

    def export(self, directory: Path, papers: SpacePapers) -> int:
        """Write the audit bundle of the whole log to the new `directory` and return the number of its leaves."""
        with self._store.view() as db, _internal():
            stated = export.statement(db, self._log.identity, papers.name)
            export.write(db, directory, stated, papers, self._keeper.log_signer.public)
        return stated.size

    def tiles(self, directory: Path) -> int:
        """Bring the static tiles in `directory` up to the newest head and return the number of leaves."""
        with self._store.view() as db, _internal():
            key = VerifierKey(self.origin, self._keeper.log_signer.public)
            return mirror.write(db, directory, key, cosigned.with_cosignatures(db, log.size(db)))

    def check(self) -> None:
        """Recompute tree, heads, counters and answers from leaves and intents; raise a `Fault` at what differs."""
        with self._store.view() as db:
            audit.check(db)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction in which no leaf stays without a signed head over it."""
        with self._store.write() as db, _internal():
            yield db
            if not log.sealed(db):
                raise Fault(FaultCode.INTERNAL, "a leaf without a head")

    def _receipt(self, db: sqlite3.Connection, position: int) -> Receipt:
        self._log.seal(db)
        return log.read_receipt(db, position, whole=False)

    def _outcome(self, db: sqlite3.Connection, owner: str, job_id: str) -> Outcome:
        self._log.seal(db)
        return answers.outcome(db, owner, job_id)

    def _end_oldest(self) -> bool:
        with self._writing() as db:
            open_now = jobs.open_intents(db)
            if not open_now:
                return False
            jobs.end_aborted(db, self._log, open_now[0], Failure(Reason.RUN_FAILED, recovered=True), self._limits)
            self._log.seal(db)
            return True


def _given(found: Outcome) -> Answer:
    match found:
        case Answer():
            return found
        case Declined():
            raise found.refusal()
        case Pending():
            raise Fault(FaultCode.INTERNAL, "an ended job without an outcome")


@contextmanager
def _internal() -> Iterator[None]:
    """A value of ours that breaks its own format is our fault, and nothing of it is recorded."""
    try:
        yield
    except Malformed as error:
        raise Fault(FaultCode.INTERNAL, str(error)) from error
