"""The ledger's store in PostgreSQL: the same transactions, over one schema that several processes and hosts share."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

from yanmen.ledger import copying, looking, postgresql_schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection, Writer, reading, replicas
from yanmen.ledger.store import faults
from yanmen.model.refusal import Fault, FaultCode

T = TypeVar("T")

ABANDONED = """
SELECT position FROM intent LEFT JOIN intent_replica USING (position) WHERE ended IS NULL AND NOT EXISTS (
SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2 AND granted
AND classid = %s::bigint::oid AND objid = replica::oid) ORDER BY position
"""
ERASED = ("disclosure", "answer", "question", "job")
"""Tables that disclosures are destroyed in."""


class PostgresqlStore:
    """The open schema: one connection that writes, one that reads, each used by one thread at a time."""

    __slots__ = ("_database", "_reader", "_reading", "_writer", "_writing")

    def __init__(self, database: Database, *, create: bool, replica: int) -> None:
        """Open the schema, making it only if `create` says so, and lift it to the present version."""
        self._database = database
        self._writing = Lock()
        self._reading = Lock()
        self._writer = Writer(database, replica)
        try:
            postgresql_schema.require_durable(self._writer.ready())
            if postgresql_schema.lift(self._writer.ready(), database, create=create):
                _let_look(self._writer.ready(), database, database)
            self._reader = ServerConnection(database)
        except BaseException:
            self._writer.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the one write transaction of all replicas; it is durable when the block ends and gone if it raises."""
        with self._writing, faults(), self._writer.transaction() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a consistent view for a short look."""
        with self._reading:
            if self._reader.lost:
                self._reader = ServerConnection(self._database)
            with faults(), reading(self._reader) as db:
                yield db

    @contextmanager
    def view(self) -> Iterator[Connection]:
        """Give a consistent view for a long read, on a connection of its own: nobody waits for it."""
        connection = ServerConnection(self._database)
        try:
            with faults(), reading(connection) as db:
                yield db
        finally:
            connection.close()

    def copy(self, path: Path, look: Callable[[Connection], T]) -> T:
        """Write all that is committed now to the new file `path`, of SQLite; return what `look` sees of just that."""
        with closing(ServerConnection(self._database)) as connection, faults(), reading(connection) as here:
            copying.to_file(here, path)
            return look(here)

    def empty_journal(self) -> None:
        """Write the tables anew in which something was destroyed: what they held before is no longer in them."""
        with self._writing:
            for table in ERASED:
                self._writer.ready().own(f"VACUUM FULL {table}")

    def serve(self, *, shared: bool) -> bool:
        """Become one of the serving replicas, or the only one, if others let it; say whether it is."""
        with self._writing:
            return self._writer.serve(shared=shared)

    @contextmanager
    def exchange(self, archive: str) -> Iterator[tuple[Connection, Database]]:
        """Give what is kept now, which nobody writes to, and a schema for what follows; then they exchange names.

        The one that is closed then ends with `archive`.
        """
        kept = self._database.beside(archive)
        with (
            self._writing,
            postgresql_schema.exchange(self._writer.ready(), self._database, kept) as following,
            self.view() as here,
        ):
            yield here, following
            _let_look(self._writer.ready(), self._database, following)

    def abandoned(self, db: Connection) -> frozenset[int]:
        """Return the open intents of replicas that no longer live."""
        if not isinstance(db, ServerConnection):
            raise Fault(FaultCode.INTERNAL, "ledger: a connection of another store")
        rows = db.own(ABANDONED, (replicas(self._database),)).fetchall()
        return frozenset(int(str(position)) for (position,) in rows)

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._writer.close()


def _let_look(connection: ServerConnection, database: Database, at: Database) -> None:
    """Let who may look at `database` look at what is new in it, or follows it."""
    for role in looking.lookers(connection, database):
        looking.grant(connection, at, role)
