"""One prepared worker that waits, closed in with its data, for the questions of one tenant."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Event
from time import monotonic_ns

from yanmen.execution import orders
from yanmen.execution.launcher import Launcher, request
from yanmen.execution.orders import Order
from yanmen.execution.worker import Bounds
from yanmen.model.ports import Limits, Tenant
from yanmen.model.refusal import JobCode, JobFailed, Usage

READY = b'{"ok":true}'
"""What a worker says when it found nothing left of the question before."""
READY_BOUNDS = Bounds(wall_ms=2_000, cpu_seconds=2, reply_bytes=len(READY))
CPU_LIVES = 2
"""The kernel ends a worker at so many times the CPU of one question; the node ends a question at once that much."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a waiting worker serves and nothing else: whose questions, which job, over which versions, within what."""

    tenant: Tenant
    job: str
    scans: tuple[tuple[str, str], ...]
    limits: Limits


Fds = Callable[[ExitStack, Event], Order]
"""Opens what a worker of the key holds, for as long as the stack, and returns an order over it."""


class Session:
    """A worker in use or waiting; closed, it is dead and what it held is given back."""

    def __init__(self, launcher: Launcher, key: Key, opening: Fds, uses: int, cancel: Event) -> None:
        """Prepare a worker: its data attached, everything else closed to it."""
        self.key = key
        self._left = uses
        self._checking = False
        with ExitStack() as held:
            order = orders.session(opening(held, cancel), uses)
            self._scratch = order.scratch
            self.idle_since_ns = monotonic_ns()
            life = replace(key.limits, cpu_seconds=key.limits.cpu_seconds * CPU_LIVES)
            self._worker = held.enter_context(launcher.start(order, life, cancel))
            data, _ = self._worker.ask(request(order, life), self._bounds(0), cancel)
            if data != READY:
                raise JobFailed(JobCode.BAD_REPLY)
            self._late_ms = (monotonic_ns() - self.idle_since_ns) // 1_000_000
            self._held = held.pop_all()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    @property
    def fit(self) -> bool:
        """Whether it waits, may be asked again, and has the CPU of a whole question left to its life."""
        spare = self._worker.cpu_ms <= self.key.limits.cpu_seconds * 1000 * (CPU_LIVES - 1)
        return self._left > 0 and spare and self._worker.alive

    def ready(self) -> bool:
        """Whether it may be asked now: it found its engine as it was before the last question."""
        self._checking = self._checking and not self._worker.hear(READY, READY_BOUNDS)
        return not self._checking and self.fit and (self._scratch is None or self._scratch.clean)

    def wait(self) -> None:
        """Begin to wait: the next question has its whole wall time."""
        self._late_ms = 0
        self.idle_since_ns = monotonic_ns()

    def ask(self, question: bytes, cancel: Event) -> tuple[bytes, Usage]:
        """Ask one question; a worker prepared for it took part of its wall time. JobFailed ends the worker too."""
        self._left -= 1
        self._checking = True
        if self._late_ms >= self.key.limits.wall_ms:
            raise JobFailed(JobCode.TIME)
        return self._worker.ask(question, self._bounds(self._late_ms), cancel)

    def close(self) -> None:
        """End the worker."""
        self._held.close()

    def _bounds(self, late_ms: int) -> Bounds:
        limits = self.key.limits
        wall_ms = limits.wall_ms - late_ms
        # What parsing and binding take is in no receipt.
        return Bounds(wall_ms, limits.cpu_seconds, limits.reply_bytes, self._scratch, peak=self.key.job == "query")
