"""The snapshots that lie unsealed in memory: each once, however many workers hold it, and only while one does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from yanmen.execution.snapshot import Mark, SnapshotStore
from yanmen.model.refusal import JobCode, JobFailed

POLL_SECONDS = 0.05
"""How often a cancel is looked for while another job unseals the same snapshot."""


@dataclass(slots=True)
class _Slot:
    """One version: its memory file while somebody holds it, and what the sealed file was then."""

    unsealing: Lock = field(default_factory=Lock)
    opened: ExitStack | None = None
    fd: int = -1
    mark: Mark | None = None
    holders: int = 0


class Unsealed:
    """Shares memory files between the workers of one node; nobody can write them."""

    def __init__(self, store: SnapshotStore) -> None:
        """Begin with nothing in memory."""
        self._store = store
        self._lock = Lock()
        self._slots: dict[str, _Slot] = {}

    @contextmanager
    def held(self, version: str, cancel: Event) -> Iterator[int]:
        """Hold the memory file of `version`; a sealed file that changed meanwhile is read, and checked, again."""
        slot = self._slot(version, cancel)
        try:
            yield slot.fd
        finally:
            self._release(version, slot)

    def unchanged(self, version: str) -> bool:
        """Tell whether the sealed file is the very one that those who hold `version` got theirs from."""
        with self._lock:
            slot = self._slots.get(version)
        return slot is not None and slot.mark is not None and slot.mark == self._store.mark(version)

    def _slot(self, version: str, cancel: Event) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(version, _Slot())
            slot.holders += 1
        try:
            while not slot.unsealing.acquire(timeout=POLL_SECONDS):
                if cancel.is_set():
                    raise JobFailed(JobCode.CANCELLED)
            with _released(slot.unsealing):
                mark = self._store.mark(version)
                if slot.opened is None:
                    self._open(slot, version, mark, cancel)
                elif slot.mark != mark:
                    return self._again(version, slot, cancel)
        except BaseException:
            self._release(version, slot)
            raise
        return slot

    def _open(self, slot: _Slot, version: str, mark: Mark | None, cancel: Event) -> None:
        with ExitStack() as opened:
            slot.fd = opened.enter_context(self._store.open(version, cancel))
            slot.mark = mark
            slot.opened = opened.pop_all()

    def _again(self, version: str, old: _Slot, cancel: Event) -> _Slot:
        """Leave what others hold to them, for new holders begin with the file as it is now."""
        fresh = _Slot(holders=1)
        self._open(fresh, version, self._store.mark(version), cancel)
        with self._lock:
            self._slots[version] = fresh
        self._release(version, old)
        return fresh

    def _release(self, version: str, slot: _Slot) -> None:
        with self._lock:
            slot.holders -= 1
            if slot.holders > 0:
                return
            if self._slots.get(version) is slot:
                del self._slots[version]
        if slot.opened is not None:
            slot.opened.close()


@contextmanager
def _released(lock: Lock) -> Iterator[None]:
    try:
        yield
    finally:
        lock.release()
