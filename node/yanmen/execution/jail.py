"""Jobs in confined processes (DESIGN §3): a worker of its own for each, but for those of a tenant."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TypeVar

from yanmen.crypto.system import SystemClock
from yanmen.execution import described, drafted, object_storage, orders, postgresql, preflight, reply
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.launcher import Launcher
from yanmen.execution.orders import Order
from yanmen.execution.postgresql import Mark
from yanmen.execution.scratch import ScratchSpace
from yanmen.execution.snapshot import SnapshotStore
from yanmen.execution.tenancy import Tenancy, TenantRunner, dataless
from yanmen.execution.waiting import Room
from yanmen.formats.object_source import ObjectSource
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Version
from yanmen.model.config import AtRest, NodeLimits
from yanmen.model.consent import Exclusion
from yanmen.model.ports import Clock, Limits, Profile, Randomness, Runner, Snapshot, TableShape, Tenant
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed, Usage

PARQUET = "parquet"
FORMATS = {".csv": "csv", ".parquet": PARQUET}
"""By the source's suffix; its bytes are looked at in the jail only."""
SOURCE_CPU_SECONDS = 1200
SOURCE_WALL_MS = 1_200_000
"""Publishing is the holder's own act, and files are larger than answers."""
SOURCE_MEMORY_FACTOR = 4
"""Keeping the right rows of every unit holds the table in memory: spilling it would write rows to disk."""
SOURCE_REPLY_BYTES = 4 << 20

KEPT = "s0"
MARK_THERE = "SELECT count(*) FROM duckdb_tables() WHERE database_name = 's0' AND table_name = 'refresh'"
MARK = 'SELECT source, mark, rows, digest FROM "s0"."refresh"'
MARK_TYPES = (ColumnType.TEXT, ColumnType.TEXT, ColumnType.INTEGER, ColumnType.TEXT)
"""How far a source was read lies in the sealed snapshot itself: it is a value of a row."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Shared:
    """What the nodes of one process have in common beside their spawner.

    `profile` is what a preflight of that spawner under the same limits found, None before the first; `room` holds
    the workers of all of them that wait.
    """

    profile: Profile | None
    room: Room


class JailRunner:
    """Runs jobs in jailed processes of the package `yanmen_sandbox`; implements `model.ports.Runner`."""

    def __init__(
        self,
        directory: Path,
        seal_key: bytes,
        randomness: Randomness,
        limits: NodeLimits,
        launcher: Launcher | None = None,
        clear: ClearFiles | None = None,
    ) -> None:
        """Serve the node in `directory`, whose snapshots are sealed with `seal_key` and lie in `clear` while in use."""
        self._seal_key = seal_key
        self._clock: Clock = SystemClock()
        self._snapshots = SnapshotStore(directory, seal_key, randomness, clear)
        self._randomness = randomness
        self._limits = limits
        self._launcher = launcher if launcher is not None else Launcher()
        self._profile: Profile | None = None
        self._scratch = ScratchSpace(directory)
        self._tenancy = Tenancy(self._launcher, self._snapshots, limits, self._scratch)

    def seal_by(self, at_rest: AtRest) -> None:
        """Seal what is published from now on by this cipher."""
        self._snapshots.at_rest = at_rest

    def go_by(self, clock: Clock) -> None:
        """Sign requests for objects with the time of `clock`."""
        self._clock = clock

    def adopt(self, shared: Shared) -> None:
        """Share what the nodes of one process share, before any question."""
        self._profile = shared.profile
        self._tenancy.waiting.move(shared.room)

    def tidy(self) -> None:
        """Remove what workers of dead nodes left on disk; for the one process that serves the node."""
        self._scratch.tidy()

    def holds(self, version: Version) -> bool:
        """Say whether the sealed file of `version` is there, whole by its length; opening it proves the rest."""
        return self._snapshots.sealed_bytes(version.version) == version.plain_bytes

    def within(self, tenant: Tenant) -> Runner:
        """Return this runner for `tenant`, whose questions share workers that wait between them."""
        return TenantRunner(self, self._tenancy, tenant)

    def close(self) -> None:
        """End the workers that wait."""
        self._tenancy.close()

    @property
    def profile(self) -> Profile:
        """What the preflight found engaged; the first call runs it, and raises Fault(SANDBOX) when a probe works."""
        if self._profile is None:
            self._profile = preflight.check(self._launcher, self._limits, self._randomness)
        return self._profile

    def vet(self, sql: str) -> str:
        """Return DuckDB's serialised AST of the caller's `sql`, from a job that holds no data."""
        orders.check_length(sql, self._limits.sql_bytes)
        return self._dataless(orders.vet(sql), self._limits.ast_bytes, reply.text)

    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        """Return DuckDB's serialised bound plan of emitted `sql` over empty tables of `shapes`."""
        return self._dataless(orders.bind(shapes, sql), self._limits.reply_bytes, reply.text)

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
            fds = {schema: opened.enter_context(self._snapshots.open(version, cancel)) for schema, version in scans}
            order = orders.query(fds, sql, limits.rows)
            return self._run(order, limits, cancel, lambda data: reply.cells(data, types, limits.rows))

    def post(
        self,
        columns: tuple[tuple[str, ColumnType | None], ...],
        rows: tuple[tuple[Cell | float, ...], ...],
        sql: str,
        types: tuple[ColumnType | None, ...],
    ) -> tuple[tuple[Cell | float, ...], ...]:
        """Run emitted `sql` over the table `cells` of released values; a None type is a 64-bit float.

        Released rows may be joined and put one after another: an answer may have more of them than cells.
        """
        cap = max(self._limits.cells, len(rows))
        order = orders.post(columns, rows, sql, cap)
        return self._dataless(order, self._limits.reply_bytes, lambda data: reply.table(data, types, cap))

    def publish(self, source: str, dataset: Dataset, previous: str = "") -> Snapshot:
        """Read the hostile `source` in a jail, write and seal the pruned, clamped snapshot.

        `previous` is the version that a source which tells what is new may be read on from ("": from its beginning).
        """
        if described.is_source(source):
            match described.load(source):
                case ObjectSource() as definition:
                    return self._publish_object(source, definition, dataset)
                case PostgresqlSource() as definition:
                    return self._publish_rows(source, definition, dataset, previous)
        with _source(source) as (fd, form):
            return self._import(os.fstat(fd).st_size, lambda to, salt: orders.importing(fd, to, form, dataset, salt))

    def inspect(self, source: str, dataset: Dataset | None = None) -> tuple[Column, ...]:
        """Read `source` in a jail and return drafted columns for `suggest` (bounds and domains derived from data).

        With `dataset`, a database is asked for the columns only that it declares visible.
        """
        if described.is_source(source):
            with self._described(source, dataset) as (fd, form):
                return self._from_source(orders.inspect(fd, form), drafted.columns)
        with _source(source) as (fd, form):
            return self._from_source(orders.inspect(fd, form), drafted.columns)

    def exclude(self, version: Version, exclusion: Exclusion) -> Snapshot:
        """Make and seal the snapshot of `version` without the rows of some units; the node sees none of them."""
        with self._snapshots.open(version.version, Event()) as kept:
            size = os.fstat(kept).st_size
            return self._import(size, lambda to, _: orders.excluding(kept, to, version.dataset, exclusion))

    def _import(self, size: int, ordered: Callable[[int, str], Order]) -> Snapshot:
        """Run the import job that `ordered` gives for a target and a salt, and seal what it wrote."""
        clear = self._snapshots.clear
        with clear.empty(size) as target:
            os.fchmod(target.fd, 0o666)  # the account of jobs opens it, by descriptor: no path leads to it
            order = ordered(target.fd, self._randomness.token(32).hex())
            quality = self._from_source(replace(order, file_bytes=clear.largest_bytes), reply.quality)
            return replace(self._snapshots.seal(target.fd), quality=quality)

    @contextmanager
    def _described(self, source: str, dataset: Dataset | None) -> Iterator[tuple[int, str]]:
        """Give what a described source has as a file, and its format."""
        clear = self._snapshots.clear
        match described.load(source):
            case ObjectSource() as definition:
                with object_storage.fetched(source, definition, clear, self._clock.now_ms()) as (file, found):
                    yield file.fd, found.format
            case PostgresqlSource() as definition:
                want = None if dataset is None else postgresql.wanted(dataset)
                with postgresql.extracted(source, definition, want, clear) as (rows, _):
                    yield rows.fd, PARQUET

    def _publish_object(self, source: str, definition: ObjectSource, dataset: Dataset) -> Snapshot:
        """Publish an object of a store; the record of it names what it was made of."""
        clear, now_ms = self._snapshots.clear, self._clock.now_ms()
        with object_storage.fetched(source, definition, clear, now_ms) as (file, found):
            made = self._import(found.size, lambda to, salt: orders.importing(file.fd, to, found.format, dataset, salt))
            return replace(made, origin=found.origin(dataset, self._seal_key), etag=found.etag)

    def _publish_rows(self, source: str, definition: PostgresqlSource, dataset: Dataset, previous: str) -> Snapshot:
        """Publish rows of a database: all of them, or those of `previous` and what came since."""
        clear = self._snapshots.clear
        digest = definition.digest(dataset)
        before = self._mark(previous, digest) if previous and definition.refresh else None
        want = postgresql.wanted(dataset)
        with ExitStack() as held:
            rows, extract = held.enter_context(postgresql.extracted(source, definition, want, clear, before))
            if before is None and not extract.whole:
                raise JobFailed(JobCode.BAD_REPLY)
            kept = None if extract.whole else held.enter_context(self._snapshots.open(previous, Event()))
            continued = extract.continued(digest, kept)
            size = sum(os.fstat(fd).st_size for fd in (rows.fd, kept) if fd is not None)
            made = self._import(
                size,
                lambda to, salt: orders.of_a_server(orders.importing(rows.fd, to, PARQUET, dataset, salt), continued),
            )
            return replace(made, continued=not extract.whole)

    def _mark(self, version: str, digest: str) -> Mark | None:
        """Return how far the source was read for `version`, None when that was another source, or it is not there."""
        limits = replace(dataless(self._limits.reply_bytes), rows=1)
        try:
            ((there,),), _ = self.query(((KEPT, version),), MARK_THERE, (ColumnType.INTEGER,), limits, Event())
            if not there:
                return None
            (found, *mark), *_ = self.query(((KEPT, version),), MARK, MARK_TYPES, limits, Event())[0]
        except Fault as fault:
            if fault.code is FaultCode.SNAPSHOT_ALTERED:  # reading everything is its remedy
                return None
            raise
        return postgresql.read_mark(mark) if found == digest else None

    def _dataless(self, order: Order, reply_bytes: int, read: Callable[[bytes], _T]) -> _T:
        return self._run(order, dataless(reply_bytes), Event(), read)[0]

    def _from_source(self, order: Order, read: Callable[[bytes], _T]) -> _T:
        memory = SOURCE_MEMORY_FACTOR * self._limits.memory_bytes
        limits = Limits(memory, SOURCE_CPU_SECONDS, SOURCE_WALL_MS, SOURCE_REPLY_BYTES, 0)
        return self._run(order, limits, Event(), read)[0]

    def _run(self, order: Order, limits: Limits, cancel: Event, read: Callable[[bytes], _T]) -> tuple[_T, Usage]:
        """Run `order` and `read` its reply; a failure of either carries what the job used."""
        data, usage = self._launcher.run(order, limits, cancel)
        try:
            return read(data), usage
        except JobFailed as failed:
            raise JobFailed(failed.code, usage) from None


@contextmanager
def _source(path: str) -> Iterator[tuple[int, str]]:
    """Open the source for reading; a path of no known format, or that cannot be opened, is a bad source."""
    form = FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise JobFailed(JobCode.BAD_SOURCE)
    try:
        # O_NONBLOCK: opening a pipe would wait for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        raise JobFailed(JobCode.BAD_SOURCE) from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise JobFailed(JobCode.BAD_SOURCE)
        yield fd, form
    finally:
        os.close(fd)
