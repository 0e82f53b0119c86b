"""The ledger of one node: every method is one durable transaction, or one consistent look.

Nothing is held in memory but the node's identity, keys and limits; several processes may have the
same ledger open. What cannot be recorded raises a `Fault` and did not happen.
"""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from yanmen.ledger import (
    acknowledgements,
    answers,
    budget,
    genesis,
    jobs,
    key_changes,
    leaves,
    log,
    succession,
)
from yanmen.ledger.answers import Declined, Outcome, Pending
from yanmen.ledger.connection import Connection
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.group import internal
from yanmen.ledger.holdings import Holdings
from yanmen.ledger.jobs import Failure
from yanmen.ledger.log import About, Log
from yanmen.ledger.logbook import Logbook
from yanmen.ledger.opening import exists, opened
from yanmen.ledger.place import Place
from yanmen.ledger.recovery import OTHERS
from yanmen.ledger.registry import Registry
from yanmen.ledger.stopping import Stopping
from yanmen.ledger.store import faults
from yanmen.ledger.succession import Step
from yanmen.model.config import NodeLimits
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan, Released, Request, Reserved, Submission

TURNED_AWAY_PER_MINUTE = 10
"""Leaves one party that may not come in can add; its calls are refused all the same."""


class Ledger(Holdings, Registry, Stopping, Logbook):
    """All durable state of a node."""

    __slots__ = ()

    @classmethod
    def open(cls, path: Place, keeper: Keeper, limits: NodeLimits, *, create: bool = True) -> "Ledger":
        """Open the ledger at `path`; a new one begins with its genesis and key leaves.

        A node that has served before passes `create=False`: a ledger that vanished is a fault then,
        not a fresh budget.
        """
        store, serving = opened(path, keeper.randomness, create=create)
        try:
            with store.write() as db, internal():
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
        return cls(store, log_, keeper, limits, serving)

    @staticmethod
    def is_there(path: Place) -> bool:
        """Say whether a ledger was begun at `path`."""
        return path.exists() if isinstance(path, Path) else exists(path)

    @staticmethod
    def keys_in_use(path: Place) -> tuple[bytes, bytes]:
        """Return the receipt key and the log key that the ledger at `path` is kept with now."""
        store, _ = opened(path, None, create=False)
        try:
            with store.read() as db:
                return key_changes.in_use(db)
        finally:
            store.close()

    def serve_alone(self) -> None:
        """Become the one serving process, or raise a `Fault` when there is one."""
        if not self.served_alone():
            raise Fault(FaultCode.STORAGE, OTHERS)

    def served_alone(self) -> bool:
        """Become the one serving process unless another serves; say whether it is."""
        with faults():
            return self._serving.alone()

    def close(self) -> None:
        """Close the file and give up the right to serve."""
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
        """Become a serving process, and end what a dead one left open, as spent; return how many those were.

        A file has one serving process; a database has as many as there are replicas.
        """
        with faults():
            self._serving.share()
        ended = 0
        while self._end_oldest():
            ended += 1
        return ended

    def begin_next(self, path: Path, step: Step) -> None:
        """Write the ledger that continues this one to the new file `path`; only the serving process may."""
        if not self._serving.held:
            raise Fault(FaultCode.INTERNAL, "a log is continued by who serves it")
        with self._store.view() as old:
            succession.write(old, path, self._keeper, step)
        self._store.empty_journal()

    def follow(self, step: Step) -> str:
        """Begin the log that continues this one in the same database; return the end of the closed one's schema.

        Only the serving process may, and nothing can be written through this ledger afterwards.
        """
        if not self._serving.held:
            raise Fault(FaultCode.INTERNAL, "a log is continued by who serves it")
        return succession.exchange(self._store, self.origin, self._keeper, step)

    # A question -----------------------------------------------------------------------------------

    def reserve(
        self, plan: Plan, sure: Callable[[], None] = lambda: None, *, acknowledged_first: bool = False
    ) -> Reserved | Answer:
        """Debit `plan` and record the intent durably; an earlier answer to the same question comes back at once.

        Raises `Running` while the same question is being answered: nothing is debited, and it may be asked for again
        once that ended. `sure` is called when all is written, before it is committed: what it raises undoes it, and is
        raised here.
        `acknowledged_first` refuses it while an answer under the contract is not acknowledged.
        """
        submission = plan.admitted.submission

        def shown(db: Connection, reserved: Reserved | None) -> Reserved | Answer:
            return reserved or _given(answers.outcome(db, submission.peer.id, submission.job_id))

        def debited(db: Connection) -> Reserved | None:
            reserved = jobs.reserve(db, self._log, plan, self._limits, acknowledged_first=acknowledged_first)
            sure()
            return reserved

        return self._commit(debited, shown)

    def settle(self, reserved: Reserved, released: Released, profile_digest: str) -> Answer:
        """Record what leaves and return it; settling again returns the same answer.

        Raises `Refused`, with its receipt, when the question was ended meanwhile: cancelled,
        recovered, or its contract or dataset stopped. Nothing leaves then.
        """
        submission = reserved.plan.admitted.submission

        def ended(db: Connection) -> None:
            jobs.settle(db, self._log, reserved, released, profile_digest, self._limits)

        def shown(db: Connection, _: None) -> Outcome:
            return answers.outcome(db, submission.peer.id, submission.job_id)

        return _given(self._commit(ended, shown))

    def abort(
        self, reserved: Reserved, reason: Reason, job_code: JobCode | None, usage: Usage, why: str = ""
    ) -> Receipt:
        """Record that nothing leaves, and `why` as the consumer said who stopped it; the debit stays.

        The receipt is that of whatever ended the question first.
        """
        failure = Failure(reason, job_code, usage, why=why if reason is Reason.CANCELLED else "")
        return self._recorded(lambda db: jobs.abort(db, self._log, reserved, failure, self._limits))

    def refuse(self, submission: Submission, request: Request | None, refusal: Refused) -> Receipt:
        """Record a refusal; `request` is given once the consumer's signature verified."""
        return self._recorded(lambda db: jobs.refuse(db, self._log, submission, request, refusal, self._limits))

    def turn_away(self, peer: Party, refusal: Refused) -> Receipt | None:
        """Record that a registered party was not let in; None when it came too often this minute to be noted again."""

        def noted(db: Connection) -> int | None:
            try:
                budget.count_use(db, peer.id, "turned-away", TURNED_AWAY_PER_MINUTE, self._log.now_ms(db))
            except Refused:
                return None
            slots = leaves.turned_away(peer, refusal)
            return self._log.append(db, Stage.REFUSED, slots, About("", peer.id)).position

        def shown(db: Connection, position: int | None) -> Receipt | None:
            return None if position is None else log.read_receipt(db, position, whole=False)

        return self._commit(noted, shown)

    def acknowledge(self, party: Party, outcome: int, token: bytes) -> Receipt:
        """Record that `party` has the receipt of the answer under the leaf `outcome`; again, it is the same leaf."""
        return self._recorded(lambda db: acknowledgements.keep(db, self._log, party, outcome, token))

    def outcome(self, job_id: str, consumer: str) -> Outcome:
        """Return how the consumer's job stands, or refuse as for a job that never was."""
        with self._store.read() as db:
            return answers.outcome(db, consumer, job_id)

    def is_open(self, intent: int) -> bool:
        """Say whether the question whose intent is at the leaf `intent` is being answered."""
        with self._store.read() as db:
            return answers.is_open(db, intent)

    def answered_before(self, plan: Plan) -> bool:
        """Say whether reserving `plan` would give an earlier answer, at no charge."""
        with self._store.read() as db:
            return answers.answered(db, plan) is not None

    def count_explain(self, consumer: str) -> None:
        """Count an explanation asked for, before any work is done for it, or refuse it as one too many."""

        def counted(db: Connection) -> None:
            budget.count_use(db, consumer, "explain-asked", self._limits.explains_per_minute, self._log.now_ms(db))

        self._commit(counted, lambda _, made: made)

    def is_free(self, plan: Plan) -> bool:
        """Say whether reserving `plan` now would be one of its contract's free uses."""
        with self._store.read() as db:
            return budget.is_free(db, plan)

    def explained(self, plan: Plan, *, free: bool = False) -> Receipt:
        """Record an explanation, quoted as a `free` use or not, or refuse it as one too many."""
        request = plan.admitted.request

        def said(db: Connection) -> int:
            now_ms = self._log.now_ms(db)
            budget.count_use(db, request.consumer, "explain", self._limits.explains_per_minute, now_ms)
            figures, price = budget.spent(db, request.contract_id, budget.nothing(plan))
            slots = leaves.explained(plan, figures, price, free=free)
            about = About(request.contract_id, request.consumer)
            return self._log.append(db, Stage.EXPLAINED, slots, about).position

        return self._recorded(said)

    def _end_oldest(self) -> bool:
        with self._writing() as db:
            open_now = jobs.open_intents(db)
            dead = self._serving.abandoned(db, [intent.position for intent in open_now])
            oldest = next((intent for intent in open_now if intent.position in dead), None)
            if oldest is None:
                return False
            jobs.end_aborted(db, self._log, oldest, Failure(Reason.RUN_FAILED, recovered=True), self._limits)
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
