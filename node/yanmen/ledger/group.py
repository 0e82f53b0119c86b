"""Group commit: what many callers record at once is one transaction, under one signed head and one fsync.

Whoever finds nobody writing writes for all who wait; the next in line goes on from there. Each
caller's change stands in a savepoint of its own, but the first's, which the transaction itself is: one that is
refused, or breaks, is undone alone.
Nobody goes on before the commit that holds its change is durable.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, TypeVar, cast

from yanmen.formats.malformed import Malformed
from yanmen.ledger.connection import Connection
from yanmen.ledger.remembered import forget
from yanmen.ledger.store import FAILURES, Keeping, as_fault
from yanmen.model.refusal import Fault, FaultCode

K = TypeVar("K")
T = TypeVar("T")

CALLERS_MAX = 64
"""Callers in one transaction: the first does not wait for an endless line behind it."""
GATHER_S, GATHER_MAX_S = 0.0003, 0.005
"""How long a leader waits for one more of those who were served together last, and for enough of them."""
GATHER_SHARE = 4
"""One in so many of them is enough to begin with: the others come while these are signed and written."""


class GroupCommit:
    """Lets callers share transactions of one store; `seal` is what each transaction ends with."""

    __slots__ = ("_awaited", "_come", "_led", "_line", "_lock", "_seal", "_served", "_store")

    def __init__(self, store: Keeping, seal: Callable[[Connection], None]) -> None:
        """Begin with nobody waiting."""
        self._store = store
        self._seal = seal
        self._lock = Lock()
        self._line: deque[_Caller] = deque()
        self._led = False
        self._served = 1
        self._awaited = 0
        self._come = Lock()
        self._come.acquire()

    def do(self, change: Callable[[Connection], K], show: Callable[[Connection, K], T]) -> T:
        """Make `change` durable and return what `show` makes of its result once the head is signed.

        What `change` raises is raised here and undoes nothing but `change`. A `Fault` of anything else
        says that nothing of the whole transaction happened.
        """
        caller = _Caller(change, show)
        with self._lock:
            self._line.append(caller)
            leads, self._led = not self._led, True
            if len(self._line) == self._awaited:
                self._awaited = 0
                self._come.release()
        if leads or caller.waits():
            self._lead()
        return cast("T", caller.ended())

    def _lead(self) -> None:
        """Serve those who wait, then let the next in line lead and those served go."""
        served: list[_Caller] = []
        try:
            self._gather()
            with suppress(_Undone):
                self._together(served)
        except BaseException as error:
            served = served or self._everybody()
            for caller in served:
                caller.fail(error)
            if not isinstance(error, Fault):
                raise
        finally:
            with self._lock:
                self._served = len(served)
                following = self._line[0] if self._line else None
                self._led = following is not None
            for caller in served:
                caller.wake(leads=False)
            if following is not None:
                following.wake(leads=True)

    def _gather(self) -> None:
        """Wait for a share of those who were served together last, as long as they keep coming: they are on their way.

        A caller who comes alone after callers who came alone waits for nobody.
        """
        enough = -(-self._served // GATHER_SHARE)
        for _ in range(int(GATHER_MAX_S / GATHER_S)):
            with self._lock:
                here = len(self._line)
                if here >= enough:
                    return
                self._awaited = enough
            told = self._come.acquire(timeout=GATHER_S)
            with self._lock:
                if not self._awaited:
                    if not told:  # but just now
                        self._come.acquire()
                    return
                self._awaited = 0
                if len(self._line) == here:
                    return

    def _together(self, served: "list[_Caller]") -> None:
        """Record the changes of all who wait, also of those who come meanwhile, in one transaction."""
        with self._store.write() as db:
            while (caller := self._next(len(served))) is not None:
                served.append(caller)
                caller.change(db, first=len(served) == 1)
                if not db.in_transaction:  # SQLite gave all of it up: the disk is full, say
                    raise Fault(FaultCode.STORAGE, "ledger: a transaction was given up")
            self._seal(db)
            for caller in served:
                caller.show(db)
        for caller in served:
            caller.done()

    def _next(self, served: int) -> "_Caller | None":
        with self._lock:
            return self._line.popleft() if self._line and served < CALLERS_MAX else None

    def _everybody(self) -> "list[_Caller]":
        with self._lock:
            waiting = list(self._line)
            self._line.clear()
        return waiting


class _Caller:
    """One caller's change and how it ended."""

    __slots__ = (
        "_change",
        "_changed",
        "_durable",
        "_error",
        "_gate",
        "_leads",
        "_made",
        "_own",
        "_show",
        "_shown",
    )

    def __init__(self, change: Callable[[Connection], Any], show: Callable[[Connection, Any], object]) -> None:
        """Stand with a gate that is shut."""
        self._change, self._show = change, show
        self._made: object = None
        self._changed = False
        self._shown: object = None
        self._gate = Lock()
        self._gate.acquire()
        self._leads = False
        self._own = False
        self._durable = False
        self._error: BaseException | None = None

    def ended(self) -> object:
        """Return what the caller is shown, or raise why nothing of its change happened."""
        if self._error is not None:
            raise self._error
        if not self._durable:
            raise Fault(FaultCode.STORAGE, "ledger: a transaction did not end")
        return self._shown

    def waits(self) -> bool:
        """Wait to be served; True when the caller is to lead itself."""
        self._gate.acquire()
        return self._leads

    def wake(self, *, leads: bool) -> None:
        """Open the gate."""
        self._leads = leads
        self._gate.release()

    def change(self, db: Connection, *, first: bool) -> None:
        """Make the change, so that what it raises undoes it alone and is this caller's and nobody else's."""
        try:
            if not first:
                db.execute("SAVEPOINT caller")
            self._made = self._change(db)
            if not first:
                db.execute("RELEASE caller")
            self._changed = True
        except BaseException as error:
            self._error, self._own, self._changed = _of_caller(error), True, False
            if first:
                raise _Undone from error
            _undo(db)

    def show(self, db: Connection) -> None:
        """Make what the caller is shown of its change, unless that was undone."""
        if self._changed:
            self._shown = self._show(db, self._made)

    def done(self) -> None:
        """The change is durable."""
        self._durable = self._changed

    def fail(self, error: BaseException) -> None:
        """Nothing of the transaction happened, because of `error`; each caller raises a fault of its own."""
        if not self._own and isinstance(error, Fault):
            self._error = Fault(error.code, error.note)


class _Undone(Exception):
    """The first change of a transaction broke, and nothing else stands in it."""


def _of_caller(error: BaseException) -> BaseException:
    """Return what a caller whose change raised `error` is told: a `Fault` where the ledger is what failed."""
    if isinstance(error, FAILURES):
        told = as_fault(error)
    elif isinstance(error, Malformed):
        told = Fault(FaultCode.INTERNAL, str(error))
    else:
        return error
    told.__cause__ = error
    return told


def _undo(db: Connection) -> None:
    """Undo the change of one caller."""
    forget(db)
    if db.in_transaction:
        db.execute("ROLLBACK TO caller")
        db.execute("RELEASE caller")


@contextmanager
def internal() -> Iterator[None]:
    """A value of ours that breaks its own format is our fault, and nothing of it is recorded."""
    try:
        yield
    except Malformed as error:
        raise Fault(FaultCode.INTERNAL, str(error)) from error
