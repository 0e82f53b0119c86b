"""Kill a process before the n-th statement it hands to SQLite: every point at which a node can die."""

import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

from yanmen.ledger import store
from yanmen.ledger.ledger import Ledger

from tests.unit.ledger.scene import Scene

FAILED = 70
NEVER = 1_000_000
RETURNED = "-- returned"


class Fuse:
    """Counts statements from when it is lit and kills this process before the one it is set to."""

    def __init__(self, before: int, matching: str = "") -> None:
        self.before = before
        self.matching = matching
        self.lit = False
        self.count = 0

    def burn(self, statement: str) -> None:
        if not self.lit or self.matching not in statement:
            return
        if self.count == self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def statements(scene: Scene, work: Callable[[Ledger], object]) -> int:
    """Return how many statements `work` hands to SQLite, done in a child process that ends well."""
    reader, writer = os.pipe()
    fuse = Fuse(NEVER)

    def counted(ledger: Ledger) -> None:
        work(ledger)
        fuse.burn(RETURNED)
        os.write(writer, str(fuse.count).encode())

    try:
        killed = _child(scene, counted, fuse)
        assert not killed
        return int(os.read(reader, 20))  # the last is the moment after the work has returned
    finally:
        os.close(reader)
        os.close(writer)


def killed_in(scene: Scene, work: Callable[[Ledger], object], before: int, matching: str = "") -> bool:
    """Do `work` in a child that dies before its statement `before` (of those `matching`); say if it came to that."""
    return _child(scene, work, Fuse(before, matching))


def killed_by(scene: Scene, work: Callable[[Ledger], object], fuse: Fuse) -> bool:
    """Do `work` in a child that `fuse` kills; say if it came to that."""
    return _child(scene, work, fuse)


def killed_opening(scene: Scene, before: int) -> bool:
    """Open the ledger, perhaps for the first time, in a child that dies before its statement `before`."""
    fuse = Fuse(before)
    fuse.lit = True
    return _child(scene, lambda _: None, fuse)


def _child(scene: Scene, work: Callable[[Ledger], object], fuse: Fuse) -> bool:
    child = os.fork()
    if child == 0:
        code = FAILED
        try:
            _trace(fuse)
            with scene.open() as ledger:
                fuse.lit = True
                work(ledger)
                fuse.burn(RETURNED)
                fuse.lit = False
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return False


def _trace(fuse: Fuse) -> None:
    """Let every connection of this (child) process report to `fuse`."""
    connect = store._connect

    def traced(path: Path) -> store.FileConnection:
        connection = connect(path)
        connection.set_trace_callback(fuse.burn)
        return connection

    store._connect = traced
