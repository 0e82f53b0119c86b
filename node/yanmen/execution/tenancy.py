"""The jobs of one consumer under one contract, whose workers wait between its questions; never those of another.

Vetting, binding and querying each have workers of their own: one that read hostile text never sees data,
nor vouches for what is emitted.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from threading import Event, Lock
from typing import TypeVar

from yanmen.execution import orders, reply
from yanmen.execution.launcher import Launcher
from yanmen.execution.orders import Order
from yanmen.execution.scratch import ScratchSpace
from yanmen.execution.session import Fds, Key
from yanmen.execution.snapshot import SnapshotStore
from yanmen.execution.unsealed import Unsealed
from yanmen.execution.waiting import Allowance, Waiting
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Profile, Runner, Snapshot, TableShape, Tenant
from yanmen.model.refusal import JobFailed, Usage

DATALESS_MEMORY = 256 << 20
DATALESS_CPU_SECONDS = 5
DATALESS_WALL_MS = 10_000
"""A question of 16 KiB parses in milliseconds; a parser bomb ends here."""

KNOWN_MAX, KNOWN_LENGTH_MAX = 16, 64 * 1024
"""Replies kept, and the longest of them: a megabyte a node at most."""

_T = TypeVar("_T")


def dataless(reply_bytes: int) -> Limits:
    """Return the limits of a job that holds no data."""
    return Limits(DATALESS_MEMORY, DATALESS_CPU_SECONDS, DATALESS_WALL_MS, reply_bytes, 0)


class Known:
    """What workers without data replied last, each to one tenant: `explain` and then the question parse alike.

    A reply follows from the order alone and is held to the same rules each time it is read; a failure is not kept.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = Lock()
        self._replies: OrderedDict[tuple[Key, bytes], str] = OrderedDict()

    def get(self, asked: tuple[Key, bytes]) -> str | None:
        """Return the reply to what was asked, None when it is not known."""
        with self._lock:
            return self._replies.get(asked)

    def keep(self, asked: tuple[Key, bytes], reply: str) -> None:
        """Keep `reply`, unless it is long; the oldest goes."""
        if len(reply) > KNOWN_LENGTH_MAX:
            return
        with self._lock:
            self._replies[asked] = reply
            while len(self._replies) > KNOWN_MAX:
                self._replies.popitem(last=False)


class Tenancy:
    """The waiting workers of one node and the snapshots they hold."""

    def __init__(self, launcher: Launcher, store: SnapshotStore, limits: NodeLimits, scratch: ScratchSpace) -> None:
        """Begin with none."""
        allowance = Allowance(limits.waiting_workers, limits.worker_uses, limits.waiting_seconds)
        self.limits = limits
        self.snapshots = Unsealed(store)
        self.scratch = scratch
        self.waiting = Waiting(launcher, allowance, self._usable)
        self.known = Known()

    def close(self) -> None:
        """End the workers that wait."""
        self.waiting.close()
        self.scratch.close()

    def _usable(self, key: Key) -> bool:
        return all(self.snapshots.unchanged(version) for _, version in key.scans)


class TenantRunner:
    """Runs the jobs of one tenant; implements `model.ports.Runner`."""

    def __init__(self, whole: Runner, tenancy: Tenancy, tenant: Tenant) -> None:
        """Serve `tenant` for `whole`, which runs everything that is not shared."""
        self._whole = whole
        self._tenancy = tenancy
        self._tenant = tenant

    def within(self, tenant: Tenant) -> Runner:
        """Return the runner of another tenant."""
        return self._whole.within(tenant)

    @property
    def profile(self) -> Profile:
        """What the preflight found engaged."""
        return self._whole.profile

    def vet(self, sql: str) -> str:
        """Return DuckDB's serialised AST of the caller's `sql`, from a job that holds no data."""
        limits = self._tenancy.limits
        orders.check_length(sql, limits.sql_bytes)
        return self._text(self._key("vet", dataless(limits.ast_bytes)), orders.vet(sql))

    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        """Return DuckDB's serialised bound plan of emitted `sql` over empty tables of `shapes`."""
        return self._text(self._key("bind", dataless(self._tenancy.limits.reply_bytes)), orders.bind(shapes, sql))

    def query(
        self,
        scans: tuple[tuple[str, str], ...],
        sql: str,
        types: tuple[ColumnType, ...],
        limits: Limits,
        cancel: Event,
    ) -> tuple[tuple[tuple[Cell, ...], ...], Usage]:
        """Run emitted `sql` over unsealed snapshots, given as (schema, version), with parsed rows of `types`."""
        key = self._key("query", replace(limits, rows=0), scans)
        order = orders.query({}, sql, limits.rows)
        return self._ask(key, order, cancel, lambda data: reply.cells(data, types, limits.rows))

    def post(
        self,
        columns: tuple[tuple[str, ColumnType | None], ...],
        rows: tuple[tuple[Cell | float, ...], ...],
        sql: str,
        types: tuple[ColumnType | None, ...],
    ) -> tuple[tuple[Cell | float, ...], ...]:
        """Run emitted `sql` over the table `cells` of released values, in a worker of its own."""
        return self._whole.post(columns, rows, sql, types)

    def publish(self, source: str, dataset: Dataset, previous: str = "") -> Snapshot:
        """Read `source` in a worker of its own and seal the snapshot."""
        return self._whole.publish(source, dataset, previous)

    def inspect(self, source: str, dataset: Dataset | None = None) -> tuple[Column, ...]:
        """Read `source` in a worker of its own and return drafted columns."""
        return self._whole.inspect(source, dataset)

    def _key(self, job: str, limits: Limits, scans: tuple[tuple[str, str], ...] = ()) -> Key:
        return Key(self._tenant, job, scans, limits)

    def _opening(self, key: Key) -> Fds:
        """Return what opens the snapshots of `key` for a worker to come."""

        def opening(held: ExitStack, cancel: Event) -> Order:
            fds = {
                schema: held.enter_context(self._tenancy.snapshots.held(version, cancel))
                for schema, version in key.scans
            }
            if key.job != "query":
                return Order(key.job, {})
            order = orders.query(fds, "", 0)
            if key.limits.spill_bytes == 0:
                return order
            return orders.spilling(order, held.enter_context(self._tenancy.scratch.folder(key.limits.spill_bytes)))

        return opening

    def _text(self, key: Key, order: Order) -> str:
        """Return what a worker without data makes of `order`: the same for this tenant as when it was last asked."""
        asked = (key, orders.question(order))
        found = self._tenancy.known.get(asked)
        if found is None:
            found = self._ask(key, order, Event(), reply.text)[0]
            self._tenancy.known.keep(asked, found)
        return found

    def _ask(self, key: Key, order: Order, cancel: Event, read: Callable[[bytes], _T]) -> tuple[_T, Usage]:
        """Ask the worker that waits for `key`, or a new one; a failure carries what the question used."""
        with self._tenancy.waiting.lent(key, self._opening(key), cancel) as session:
            data, usage = session.ask(orders.question(order), cancel)
            try:
                return read(data), usage
            except JobFailed as failed:
                raise JobFailed(failed.code, usage) from None
