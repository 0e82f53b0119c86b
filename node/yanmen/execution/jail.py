"""The `landlock` profile: every job a fresh confined process (DESIGN §3)."""

from contextlib import ExitStack
from pathlib import Path
from threading import Event

from yanmen.execution import orders, reply
from yanmen.execution.orders import JobLimits, Order
from yanmen.execution.process import Bounds, Worker
from yanmen.execution.snapshot import SnapshotStore
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Randomness, TableShape
from yanmen.model.refusal import Usage

MODULE = "yanmen_sandbox"

ADDRESS_OVERHEAD = 1 << 30
"""Address space beyond DuckDB's own limit: code, thread stacks, allocator arenas (measured)."""
THREADS = 2
"""Threads of one job; several jobs run at once."""
DATALESS = Limits(memory_bytes=256 << 20, cpu_seconds=5, wall_ms=10_000, reply_bytes=0, rows=0)
"""A question of 16 KiB parses in milliseconds; a parser bomb ends here."""
NEVER = Event()
"""Data-less jobs are short and end by their own limits: nothing cancels them."""


class JailRunner:
    """Runs jobs in jailed processes of the package `yanmen_sandbox`."""

    def __init__(self, directory: Path, seal_key: bytes, randomness: Randomness, limits: NodeLimits) -> None:
        """Serve the node in `directory`, whose snapshots are sealed with `seal_key`."""
        self._snapshots = SnapshotStore(directory, seal_key, randomness)
        self._limits = limits

    def vet(self, sql: str) -> str:
        """Return DuckDB's serialised AST of the caller's `sql`, from a job that holds no data."""
        return reply.text(self._dataless(orders.vet(sql), self._limits.ast_bytes), "json")

    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        """Return DuckDB's serialised bound plan of emitted `sql` over empty tables of `shapes`."""
        return reply.text(self._dataless(orders.bind(shapes, sql), self._limits.reply_bytes), "json")

    def query(
        self,
        scans: tuple[tuple[str, str], ...],
        sql: str,
        types: tuple[ColumnType, ...],
        limits: Limits,
        cancel: Event,
    ) -> tuple[tuple[tuple[Cell, ...], ...], Usage]:
        """Run emitted `sql` over unsealed snapshots, given as (schema, version), with parsed rows of `types`."""
        with ExitStack() as opened:
            fds = {schema: opened.enter_context(self._snapshots.open(version)) for schema, version in scans}
            data, usage = _run(orders.query(fds, sql, limits.rows), limits, 0, cancel)
        return reply.cells(data, types, limits.rows), usage

    def post(
        self,
        columns: tuple[tuple[str, ColumnType | None], ...],
        rows: tuple[tuple[Cell | float, ...], ...],
        sql: str,
        types: tuple[ColumnType | None, ...],
    ) -> tuple[tuple[Cell | float, ...], ...]:
        """Run emitted `sql` over the table `cells` of released values; a None type is a 64-bit float."""
        cap = max(1, len(rows))
        data = self._dataless(orders.post(columns, rows, sql, cap), self._limits.reply_bytes)
        return reply.table(data, types, cap)

    def _dataless(self, order: Order, reply_bytes: int) -> bytes:
        limits = Limits(DATALESS.memory_bytes, DATALESS.cpu_seconds, DATALESS.wall_ms, reply_bytes, 0)
        return _run(order, limits, 0, NEVER)[0]


def _run(order: Order, limits: Limits, file_bytes: int, cancel: Event) -> tuple[bytes, Usage]:
    """Run `order` in a process of its own."""
    inside = JobLimits(
        memory=limits.memory_bytes,
        address=limits.memory_bytes + ADDRESS_OVERHEAD,
        cpu=limits.cpu_seconds,
        wall_ms=limits.wall_ms,
        file=file_bytes,
        reply=limits.reply_bytes,
        threads=THREADS,
    )
    bounds = Bounds(wall_ms=limits.wall_ms, cpu_seconds=limits.cpu_seconds, reply_bytes=limits.reply_bytes)
    with Worker(MODULE, order.fds, bounds, cancel) as worker:
        return worker.exchange(orders.encode(order, inside))
