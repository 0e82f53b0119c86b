"""Closing what a dead node left open, and knowing that it is dead."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from yanmen.ledger.connection import Connection
from yanmen.model.refusal import Fault, FaultCode

OTHERS = "another process serves this node"


class Serving(Protocol):
    """The right to serve a node."""

    @property
    def held(self) -> bool:
        """Whether this process is the only one that serves."""
        ...

    def alone(self) -> bool:
        """Become the only one if nobody else serves; say whether it is."""
        ...

    def share(self) -> None:
        """Become one of those that may serve at once, or raise a `Fault`."""
        ...

    def release(self) -> None:
        """Serve no longer."""
        ...

    def abandoned(self, db: Connection, opened: Iterable[int]) -> frozenset[int]:
        """Return which of the `opened` intents nobody runs any more."""
        ...


class Replicated(Protocol):
    """A store that several processes serve from."""

    def serve(self, *, shared: bool) -> bool:
        """Become one of the serving replicas, or the only one, if others let it; say whether it is."""
        ...

    def abandoned(self, db: Connection) -> frozenset[int]:
        """Return the open intents of replicas that no longer live."""
        ...


class ServingLock:
    """Held by the one process that serves this node; the kernel gives it up when the process dies.

    An open intent is then either ours or nobody's. `flock` also keeps two nodes in one process apart.
    """

    __slots__ = ("_fd", "_path")

    def __init__(self, ledger: Path) -> None:
        """Name the lock of the ledger file `ledger`."""
        self._path = ledger.with_name(ledger.name + ".serving")
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds the lock."""
        return self._fd is not None

    def alone(self) -> bool:
        """Take the lock, unless another node serves from this ledger; say whether it is held."""
        if self._fd is not None:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def share(self) -> None:
        """Become the one serving process: a file has one."""
        if not self.alone():
            raise Fault(FaultCode.STORAGE, OTHERS)

    def abandoned(self, db: Connection, opened: Iterable[int]) -> frozenset[int]:  # noqa: ARG002 - none is another's
        """Return all of them: what is open is nobody else's."""
        return frozenset(opened)

    def release(self) -> None:
        """Give the lock up."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class ReplicaLock:
    """Held by each replica that serves a node from one database; the server gives it up when the process dies."""

    __slots__ = ("_alone", "_store")

    def __init__(self, store: Replicated) -> None:
        """Hold nothing yet."""
        self._store = store
        self._alone = False

    @property
    def held(self) -> bool:
        """Whether this replica is the only one that serves."""
        return self._alone

    def alone(self) -> bool:
        """Become the only one unless another replica serves; say whether it is."""
        self._alone = self._alone or self._store.serve(shared=False)
        return self._alone

    def share(self) -> None:
        """Become one of the serving replicas, or raise a `Fault` when one serves alone."""
        if not self._alone and not self._store.serve(shared=True):
            raise Fault(FaultCode.STORAGE, OTHERS)

    def abandoned(self, db: Connection, opened: Iterable[int]) -> frozenset[int]:
        """Return which of the `opened` intents were a dead replica's."""
        return self._store.abandoned(db) & frozenset(opened)

    def release(self) -> None:
        """Serve no longer: with its connection, the server has given up this replica's locks."""
        self._alone = False
