"""One SQLite file and its transactions; every error of SQLite leaves here as a `Fault`.

WAL lets readers go on while one writer writes; `synchronous=FULL` makes a returned COMMIT durable;
BEGIN IMMEDIATE makes a transaction read what it will decide on under the write lock, so that
processes and threads cannot both spend the same budget.
"""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from yanmen.ledger import remembered, schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.remembered import Remembered
from yanmen.ledger.schema import Kind
from yanmen.model.refusal import Fault, FaultCode

T = TypeVar("T")

BUSY_MS = 30_000
"""How long a writer waits for another process: a transaction takes milliseconds."""
PAGE_BYTES = 8192
"""Of a new file: three leaves fit into a page, so that a commit changes and syncs fewer of them than with 4,096."""
JOURNAL_PAGES = 2_000
"""Pages in the journal, 16 MB, before a commit moves them into the file: rarely enough to be no caller's usual wait."""
ROOM_FROM, ROOM_BYTES = 4 << 20, 2 << 20
"""A journal longer than the first is lengthened by the second at a time, with zeros: whoever commits beyond the end of
a file waits for the file system's own journal too, and with it for all who write to that disk."""
SQLITE_LEAST = (3, 37, 0)
"""The first SQLite with STRICT tables."""


class FileConnection(sqlite3.Connection):
    """A connection that remembers what it need not ask for again."""

    def __init__(self, path: str) -> None:
        """Open `path` with nothing remembered."""
        super().__init__(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        self.remembered = Remembered()


class Keeping(Protocol):
    """What keeps a ledger: transactions that write, looks and long views."""

    def write(self) -> AbstractContextManager[Connection]:
        """Give the one write transaction; it is durable when the block ends and gone if the block raises."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Give a consistent view for a short look."""
        ...

    def view(self) -> AbstractContextManager[Connection]:
        """Give a consistent view for a long read: nobody waits for it."""
        ...

    def copy(self, path: Path, look: Callable[[Connection], T]) -> T:
        """Write all that is committed now to the new file `path`; return what `look` sees of just that."""
        ...

    def empty_journal(self) -> None:
        """Leave nothing of what was destroyed in what is kept."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Store:
    """The open file: one connection that writes, one that reads, each used by one thread at a time."""

    __slots__ = ("_journal", "_length", "_path", "_reader", "_reading", "_room", "_writer", "_writing")

    def __init__(self, path: Path, *, create: bool, kind: Kind = schema.LEDGER) -> None:
        """Open `path`, making it only if `create` says so, and lift it to the present schema."""
        self._path = path
        self._journal, self._length = path.with_name(path.name + "-wal"), 0
        self._room: int | None = None
        self._writing = Lock()
        self._reading = Lock()
        with faults(), _opening(path, create=create):
            self._writer = _connect(path)
            try:
                schema.migrate(self._writer, schema.migrations(kind), kind.application)
                self._reader = _connect(path)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the one write transaction; it is durable when the block ends and gone if the block raises."""
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    self._make_room()
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    _roll_back(self._writer)
                    raise
                self._writer.remembered.begin()
            except FAILURES as error:
                raise as_fault(error) from error

    def _make_room(self) -> None:
        """Lengthen a journal that grew; only under the write lock, for then nobody else writes at its end.

        SQLite takes zeros for what they are: no frame of the journal, and so its end.
        """
        if self._room is None:
            if not self._journal.exists():
                return
            self._room = os.open(self._journal, os.O_WRONLY | os.O_CLOEXEC)
        # Not by stat(): Linux gives a file whose times somebody saw new ones with its next write, and a sync of it then
        # has to write its inode as well.
        length = os.lseek(self._room, 0, os.SEEK_END)
        if length > max(self._length, ROOM_FROM):
            os.pwrite(self._room, bytes(ROOM_BYTES), length)
            os.fsync(self._room)
            length = os.lseek(self._room, 0, os.SEEK_END)
        self._length = length

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a consistent view for a short look."""
        with self._reading, faults(), _transaction(self._reader, "BEGIN"):
            yield self._reader

    @contextmanager
    def view(self) -> Iterator[sqlite3.Connection]:
        """Give a consistent view for a long read, on a connection of its own: nobody waits for it."""
        with faults():
            connection = _connect(self._path)
            try:
                with _transaction(connection, "BEGIN"):
                    yield connection
            finally:
                connection.close()

    def copy(self, path: Path, look: Callable[[Connection], T]) -> T:
        """Write all that is committed now to the new file `path`, durably; return what `look` sees of just that.

        Others go on writing meanwhile.
        """
        with faults():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            target = sqlite3.connect(str(path), isolation_level=None)
            try:
                with self.view() as here:
                    here.backup(target)
                    seen = look(here)
                # One file, without a journal beside it, and synced before anybody relies on it.
                target.execute("PRAGMA journal_mode = DELETE")
                (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
            finally:
                target.close()
            if verdict != "ok":
                raise Fault(FaultCode.STORAGE, "ledger: the copy is damaged")
            with path.open("rb") as file:
                os.fsync(file.fileno())
            return seen

    def empty_journal(self) -> None:
        """Move everything out of the journal and cut it to nothing: it holds pages as they were before."""
        with self._writing, faults():
            (busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Fault(FaultCode.STORAGE, "ledger: somebody is reading; the journal still holds what was destroyed")

    def close(self) -> None:
        """Close the connections."""
        with faults():
            if self._room is not None:
                os.close(self._room)
                self._room = None
            self._reader.close()
            self._writer.close()


@contextmanager
def faults() -> Iterator[None]:
    """Turn what SQLite and the file system raise into a `Fault` that quotes no value."""
    try:
        yield
    except FAILURES as error:
        raise as_fault(error) from error


FAILURES = (sqlite3.Error, OverflowError, UnicodeEncodeError, OSError)
"""What is raised where a ledger cannot be read or written."""


def as_fault(error: BaseException) -> Fault:
    """Return the `Fault` that one of `FAILURES` is, which quotes no value."""
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return Fault(FaultCode.STORAGE_FULL if name == "SQLITE_FULL" else FaultCode.STORAGE, f"ledger: {name}")
    if isinstance(error, OSError):
        code = FaultCode.STORAGE_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else FaultCode.STORAGE
        return Fault(code, f"ledger: {error.strerror}")
    return Fault(FaultCode.STORAGE, "ledger: a value that SQLite cannot hold")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    remembered.forget(connection)
    # SQLite itself may have rolled back already (disk full, I/O error).
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def _opening(path: Path, *, create: bool) -> Iterator[None]:
    """Let one process at a time open `path`: two must not both make the tables, or switch to WAL."""
    if sqlite3.sqlite_version_info < SQLITE_LEAST:
        raise Fault(FaultCode.STORAGE, f"SQLite {sqlite3.sqlite_version} is older than 3.37")
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make(path, create=create)
        yield
    finally:
        os.close(lock)


def _make(path: Path, *, create: bool) -> None:
    """Make the file with mode 0600; one that exists is not even opened, for closing it would drop SQLite's locks."""
    if path.is_file():
        return
    if not create:
        raise Fault(FaultCode.STORAGE, "there is no ledger here")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _connect(path: Path) -> FileConnection:
    connection = FileConnection(str(path))
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # a file that has pages keeps theirs
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA secure_delete = ON")  # erased disclosures leave no bytes behind
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")  # pages as they were before each savepoint, a few of them
        connection.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL_PAGES}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Fault(FaultCode.STORAGE, f"journal mode is {mode}, not WAL")
    except BaseException:
        connection.close()
        raise
    return connection
