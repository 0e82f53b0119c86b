"""Closing what a dead node left open, and knowing that it is dead."""

import fcntl
import os
from pathlib import Path

from yanmen.model.refusal import Fault, FaultCode


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

    def acquire(self) -> None:
        """Take the lock, or raise a `Fault` when another node serves from this ledger."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise Fault(FaultCode.STORAGE, "another process serves this node") from error
        self._fd = fd

    def release(self) -> None:
        """Give the lock up."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
