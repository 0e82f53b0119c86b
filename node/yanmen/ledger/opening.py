"""Opens a ledger where it is kept, with the right to serve from there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from yanmen.ledger.connection import Connection
from yanmen.ledger.place import Database, Place
from yanmen.ledger.read_only import Looking, ReadOnly
from yanmen.ledger.recovery import ReplicaLock, Serving, ServingLock
from yanmen.ledger.store import Keeping, Store
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode


def opened(place: Place, randomness: Randomness | None, *, create: bool) -> tuple[Keeping, Serving]:
    """Open the ledger at `place`, making it only if `create` says so; without `randomness` to look at it only."""
    if isinstance(place, Path):
        return Store(place, create=create), ServingLock(place)
    with _driver():
        from yanmen.ledger.postgresql_store import PostgresqlStore
    replica = 0 if randomness is None else int.from_bytes(randomness.token(4), "big") & 0x7FFFFFFF
    store = PostgresqlStore(place, create=create, replica=replica)
    return store, ReplicaLock(store)


def exchange(store: Keeping, archive: str) -> AbstractContextManager[tuple[Connection, Database]]:
    """Give a database's ledger and a schema for the one that follows it; they exchange names when the block ends."""
    with _driver():
        from yanmen.ledger.postgresql_store import PostgresqlStore
    if not isinstance(store, PostgresqlStore):
        raise Fault(FaultCode.INTERNAL, "a file is followed by another file")
    return store.exchange(archive)


def exists(database: Database) -> bool:
    """Say whether there is a ledger in `database`."""
    with _driver():
        from yanmen.ledger import postgresql_schema
    return postgresql_schema.version(database) is not None


def lowered(database: Database, to: int | None) -> int:
    """Return the version of the schema in `database`, undoing migrations down to `to` first if that is said."""
    with _driver():
        from yanmen.ledger import postgresql_schema
    if to is not None:
        postgresql_schema.lower(database, to)
    return postgresql_schema.version(database) or 0


def copied(database: Database, folder: Path, stem: str) -> None:
    """Write each closed log beside the ledger in `database` to a file in `folder`."""
    with _driver():
        from yanmen.ledger import copying
    copying.closed_to_files(database, folder, stem)


def closed(database: Database) -> tuple[str, ...]:
    """Return what the schemas of closed logs are called after that of the ledger in `database`."""
    with _driver():
        from yanmen.ledger import postgresql_schema
    return postgresql_schema.closed(database)


def taken(database: Database, path: Path) -> None:
    """Write the log in `database` to the new file `path`."""
    with _driver():
        from yanmen.ledger import copying
    copying.one_to_file(database, path)


def restored(path: Path, database: Database) -> None:
    """Put the ledger in the file `path` into `database`, where none may be."""
    with _driver():
        from yanmen.ledger import copying
    copying.from_file(path, database)


def looking(place: Place) -> Looking:
    """Return a ledger for somebody who may only look at it."""
    if isinstance(place, Path):
        return ReadOnly(place)
    with _driver():
        from yanmen.ledger.looking import LookedAt
    return LookedAt(place)


def allow_looking(database: Database, role: str) -> None:
    """Let a role of the server's look at the ledger."""
    with _driver():
        from yanmen.ledger import looking
    looking.allow(database, role)


@contextmanager
def _driver() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        note = "the driver of PostgreSQL is missing: install yanmen[ledger-postgresql]（缺少驱动）"
        raise Fault(FaultCode.CONFIG, note) from error
