"""The workers that wait: at most so many, each for one tenant and one set of snapshots, for so long, so many times."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Timer
from time import monotonic_ns

from yanmen.execution.launcher import Launcher
from yanmen.execution.session import Fds, Key, Session
from yanmen.model.refusal import Fault, JobFailed


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many workers wait at most, how often one is used, and how long it waits for the next question."""

    workers: int
    uses: int
    seconds: int


class Room:
    """Place for so many workers to wait, whichever of the nodes of one process they are: the oldest goes first."""

    def __init__(self, workers: int) -> None:
        """Begin empty."""
        self._workers = workers
        self._lock = Lock()
        self._held: dict[Session, Waiting] = {}

    def enter(self, session: Session, where: "Waiting") -> "list[tuple[Session, Waiting]]":
        """Take note that `session` waits at `where`; return those that waited longest, where there are too many."""
        with self._lock:
            self._held[session] = where
            over = list(self._held.items())[: max(0, len(self._held) - self._workers)]
            for other, _ in over:
                del self._held[other]
        return over

    def leave(self, session: Session) -> None:
        """Take note that `session` waits no more."""
        with self._lock:
            self._held.pop(session, None)


class Waiting:
    """Lends prepared workers to the questions of their tenant and takes back those that are fit."""

    def __init__(self, launcher: Launcher, allowance: Allowance, usable: Callable[[Key], bool]) -> None:
        """Begin empty; `usable` says whether what a key names is still what its workers hold."""
        self._room = Room(allowance.workers)
        self._launcher = launcher
        self._allowance = allowance
        self._usable = usable
        self._lock = Lock()
        self._idle: list[Session] = []
        self._sweeper: Timer | None = None
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._closed = False

    @contextmanager
    def lent(self, key: Key, opening: Fds, cancel: Event) -> Iterator[Session]:
        """Lend the worker that waits for `key`, or one prepared now; after a failure inside the block it is dead."""
        session = self._take(key) or Session(self._launcher, key, opening, self._allowance.uses, cancel)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        if self._give(session):
            return
        session.close()
        self._replace(key, opening)

    def move(self, room: Room) -> None:
        """Have workers wait in `room` from now on, with those of other nodes; none waits yet."""
        self._room = room

    def prepare(self, key: Key, opening: Fds) -> None:
        """Have a worker wait for `key`, unless one does."""
        with self._lock:
            if any(session.key == key for session in self._idle):
                return
        fresh = Session(self._launcher, key, opening, self._allowance.uses, Event())
        if not self._give(fresh):
            fresh.close()

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers that wait."""
        with self._lock:
            return tuple(session.pid for session in self._idle)

    def dismiss(self, session: Session) -> None:
        """End `session` if it still waits here: there is no room for it any more."""
        with self._lock:
            if session not in self._idle:
                return
            self._idle.remove(session)
        session.close()

    def close(self) -> None:
        """End every worker that waits; none waits from now on."""
        with self._lock:
            self._closed = True
            gone, self._idle = self._idle, []
            if self._sweeper is not None:
                self._sweeper.cancel()
        self._behind.shutdown(wait=True, cancel_futures=True)
        for session in gone:
            self._room.leave(session)
            session.close()

    def _take(self, key: Key) -> Session | None:
        with self._lock:
            found = next((session for session in reversed(self._idle) if session.key == key), None)
            if found is not None:
                self._idle.remove(found)
                self._room.leave(found)
        if found is None or (self._usable(key) and found.ready()):
            return found
        found.close()
        return self._take(key)

    def _give(self, session: Session) -> bool:
        """Let `session` wait if it is fit; the one that waited longest goes when there are too many."""
        if not session.fit:
            return False
        gone: list[Session] = []
        with self._lock:
            if self._closed:
                return False
            session.wait()
            self._idle.append(session)
            while len(self._idle) > self._allowance.workers:
                gone.append(self._idle.pop(0))
                self._room.leave(gone[-1])
            over = self._room.enter(session, self)
            self._sweep_later()
        for other in gone:
            other.close()
        for other, there in over:  # not under our lock: theirs may wait for it
            there.dismiss(other)
        return True

    def _replace(self, key: Key, opening: Fds) -> None:
        """Prepare the successor of a worker that was used up, behind the asker's back."""

        def succeed() -> None:
            # Nobody waits for it: the next question prepares its own, and is told what is wrong.
            with suppress(JobFailed, Fault):
                self.prepare(key, opening)

        with self._lock:
            if not self._closed:
                self._behind.submit(succeed)

    def _sweep_later(self) -> None:
        if self._sweeper is None or not self._sweeper.is_alive():
            self._sweeper = Timer(self._allowance.seconds, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        """End the workers that waited long enough; none waits for more than twice that."""
        limit = monotonic_ns() - self._allowance.seconds * 1_000_000_000
        with self._lock:
            stay = [session for session in self._idle if session.idle_since_ns > limit]
            gone = [session for session in self._idle if session.idle_since_ns <= limit]
            self._idle = stay
            self._sweeper = None
            if stay and not self._closed:
                self._sweep_later()
        for session in gone:
            self._room.leave(session)
            session.close()
