"""Runs one order in one process under one set of limits."""

from dataclasses import dataclass, field
from threading import Event

from yanmen.execution import orders
from yanmen.execution.orders import JobLimits, Order
from yanmen.execution.process import Fresh, Spawner
from yanmen.execution.worker import Bounds, Worker
from yanmen.model.ports import Limits
from yanmen.model.refusal import Usage

ADDRESS_OVERHEAD = 1 << 30
"""Address space beyond DuckDB's own limit: code, thread stacks, allocator arenas (measured)."""
THREADS = 2
"""Threads of one job; several jobs run at once."""
ALONE = frozenset({"vet", "bind"})
"""Jobs of one thread: parsing and binding have nothing to share, and waking a second one takes longer."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Runs jobs in workers of `spawner`."""

    spawner: Spawner = field(default_factory=Fresh)

    def start(self, order: Order, limits: Limits, cancel: Event) -> Worker:
        """Start the worker that `run` would, for a caller who wants to watch it."""
        bounds = Bounds(wall_ms=limits.wall_ms, cpu_seconds=limits.cpu_seconds, reply_bytes=limits.reply_bytes)
        return Worker(self.spawner.spawn(order.fds), bounds, cancel)

    def run(self, order: Order, limits: Limits, cancel: Event) -> tuple[bytes, Usage]:
        """Return the reply to `order` and its cost, or raise JobFailed."""
        with self.start(order, limits, cancel) as worker:
            return worker.exchange(request(order, limits))


def request(order: Order, limits: Limits) -> bytes:
    """Return the bytes that ask a worker for `order` within `limits`."""
    inside = JobLimits(
        memory=limits.memory_bytes,
        address=address_space(limits),
        cpu=limits.cpu_seconds,
        wall_ms=limits.wall_ms,
        file=order.file_bytes,
        reply=limits.reply_bytes,
        threads=1 if order.job in ALONE else THREADS,
    )
    return orders.encode(order, inside)


def address_space(limits: Limits) -> int:
    """Return the address space of a worker within `limits`."""
    return limits.memory_bytes + ADDRESS_OVERHEAD
