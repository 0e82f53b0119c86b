"""The few protocols: each exists because there are, or will be, two implementations."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Origin
from yanmen.model.refusal import Usage


class Clock(Protocol):
    """Wall clock, injected so that no stage reads time by itself."""

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""
        ...


class Randomness(Protocol):
    """Random bytes, injected so that vectors can be made."""

    def token(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        ...


class Signer(Protocol):
    """An Ed25519 key that signs; a file today, an HSM tomorrow."""

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature."""
        ...


Spans = Callable[[str], AbstractContextManager[None]]
"""Times what is done inside it and tells that to a collector: its name and how it ended, nothing else."""


def untraced(_: str) -> AbstractContextManager[None]:
    """Tell nobody."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use; every number has a default with its reason in model/config.py."""

    memory_bytes: int
    cpu_seconds: int
    wall_ms: int
    reply_bytes: int
    rows: int
    spill_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """What confines a job: engaged layers and their digest, which every receipt carries."""

    name: str
    layers: tuple[str, ...]
    digest: str
    engine: str


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table without rows, for binding emitted SQL in a data-less job: schema, columns and SQL types."""

    schema: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A sealed snapshot as the import job's reply was sealed: of rows only the bands of `quality` (Version)."""

    path: str
    version: str
    plain_bytes: int
    quality: str = ""
    continued: bool = False
    """Made of the version before and of what came since, which was read alone."""
    origin: Origin | None = None
    etag: str = ""
    """The object's ETag as it was read, for the holder's eyes: what a source can be pinned to."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom a worker may serve more than once: one consumer under one contract."""

    consumer: str
    contract: str


class Runner(Protocol):
    """Hands a job to a jail. Every method raises `JobFailed` with a closed code, never with text."""

    def within(self, tenant: Tenant) -> "Runner":
        """Return this runner for the questions of `tenant`, whose workers may serve several of them."""
        ...

    @property
    def profile(self) -> Profile:
        """What the preflight found engaged."""
        ...

    def vet(self, sql: str) -> str:
        """Return DuckDB's serialised AST of the caller's `sql` (JSON text), from a job that holds no data."""
        ...

    def bind(self, shapes: tuple[TableShape, ...], sql: str) -> str:
        """Return DuckDB's serialised bound plan of emitted `sql` over empty tables of `shapes`."""
        ...

    def query(
        self,
        scans: tuple[tuple[str, str], ...],
        sql: str,
        types: tuple[ColumnType, ...],
        limits: Limits,
        cancel: Event,
    ) -> tuple[tuple[tuple[Cell, ...], ...], Usage]:
        """Run emitted `sql` over unsealed snapshots, given as (schema, version), with parsed rows of `types`."""
        ...

    def post(
        self,
        columns: tuple[tuple[str, ColumnType | None], ...],
        rows: tuple[tuple[Cell | float, ...], ...],
        sql: str,
        types: tuple[ColumnType | None, ...],
    ) -> tuple[tuple[Cell | float, ...], ...]:
        """Run emitted `sql` over the table `cells` of released values; a None type is a 64-bit float."""
        ...

    def publish(self, source: str, dataset: Dataset, previous: str = "") -> Snapshot:
        """Read the hostile `source` in a jail, write and seal the pruned, clamped snapshot.

        `previous` is the version that a source which tells what is new may be read on from ("": from its beginning).
        """
        ...

    def inspect(self, source: str, dataset: Dataset | None = None) -> tuple[Column, ...]:
        """Read `source` in a jail and return drafted columns for `suggest` (bounds and domains derived from data).

        With `dataset`, a database is asked for the columns only that it declares visible.
        """
        ...
