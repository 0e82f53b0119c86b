"""The ledger in a PostgreSQL schema, which replicas of one node share: connections and transactions.

    write   one at a time over all replicas: an advisory lock first, then each statement sees what was committed before
    read    one moment, read only

A returned COMMIT is on the server's disk: the session asks for that whatever the server's default is. When the
connection is lost while a COMMIT is on its way, the server is asked what became of the transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import psycopg
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus
from psycopg.sql import Composed
from psycopg.types.numeric import NumericLoader
from typing_extensions import override

from yanmen.ledger import dialect
from yanmen.ledger.connection import Parameters, Value
from yanmen.ledger.place import Database
from yanmen.ledger.recovery import OTHERS
from yanmen.ledger.remembered import Remembered
from yanmen.model.refusal import Fault, FaultCode

WRITERS, SERVERS, REPLICA = 0, 1, 2
"""What is locked: the right to write, to serve, and the life of one replica."""
REPLICA_SETTING = "yanmen.replica"
"""Who asks, as the trigger on intents reads it; 0 does not serve, and what it leaves open is anybody's to end."""
CONNECT_S = 15
WAIT_MS = 30_000
"""How long a writer waits for another replica: a transaction takes milliseconds."""
FULL = frozenset({"53100"})
WAITED = frozenset({"55P03"})
LOOK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE node IN ACCESS SHARE MODE"
"""One moment of one log: while somebody looks, another log does not take its name."""


class ServerConnection:
    """One connection, which takes the ledger's statements as sqlite3's does."""

    def __init__(self, database: Database, settings: Mapping[str, str] | None = None) -> None:
        """Connect, with nothing remembered of the tree."""
        self.remembered = Remembered()
        self._link = _connected(database.connection)
        with told():
            self._link.adapters.register_loader("numeric", _Whole)
            given = {**SESSION, "search_path": f'"{database.schema}"', **(settings or {})}
            for name, value in given.items():
                self._link.execute("SELECT set_config(%s, %s, false)", (name, value))

    def execute(self, sql: str, parameters: Parameters = ()) -> "psycopg.Cursor[tuple[object, ...]]":
        """Run a statement of the ledger's."""
        with told():
            text = dialect.statement(sql, named=isinstance(parameters, Mapping))
            return self._link.execute(text, parameters)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run a statement for each of `rows`."""
        given = list(rows)
        text = dialect.statement(sql, named=bool(given) and isinstance(given[0], Mapping))
        with told(), self._link.cursor() as cursor:
            cursor.executemany(text, given)

    def own(
        self, sql: str | Composed, parameters: Sequence[Value] | Mapping[str, object] = ()
    ) -> "psycopg.Cursor[tuple[object, ...]]":
        """Run a statement written for PostgreSQL."""
        with told():
            return self._link.execute(sql, parameters or None)

    def load(self, table: str, columns: Iterable[str], rows: Iterable[Sequence[Value]]) -> None:
        """Put `rows` into `table` as they are."""
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with told(), self._link.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open and can go on."""
        return self._link.info.transaction_status in {
            TransactionStatus.INTRANS,
            TransactionStatus.ACTIVE,
            TransactionStatus.INERROR,
        }

    @property
    def lost(self) -> bool:
        """Whether it can no longer be used."""
        return self._link.closed or self._link.broken

    def close(self) -> None:
        """Close it."""
        self._link.close()


def _connected(connection: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Connect; what libpq says of a server that does not let the node in holds no password and no value."""
    try:
        return psycopg.connect(
            connection,
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="yanmen",
            cursor_factory=ClientCursor,
        )
    except psycopg.ProgrammingError as error:  # whose text may quote the string
        raise Fault(FaultCode.CONFIG, _NO_STRING) from error
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())[:SAID_MAX]
        raise Fault(FaultCode.STORAGE, f"ledger: no connection to PostgreSQL（无法连接数据库）: {said}") from error


SAID_MAX = 300
_NO_STRING = (
    "the file that ledger.postgresql names is no connection string of libpq（不是 libpq 连接串）:"
    " host=db.example user=health password=… dbname=yanmen"
)
SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": f"{WAIT_MS}ms",
    "idle_in_transaction_session_timeout": "60s",
    "client_min_messages": "error",
    "DateStyle": "ISO",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
}


class _Whole(NumericLoader):
    """Sums of 64-bit integers are `numeric` to the server, and whole."""

    @override
    def load(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Return the integer."""
        return int(bytes(data))


@contextmanager
def told() -> Iterator[None]:
    """Turn what the driver raises into a `Fault` that quotes no value."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or type(error).__name__
        code = FaultCode.STORAGE_FULL if state in FULL else FaultCode.STORAGE
        waited = ", another process was in the way for too long: try again（其他进程占用过久，请重试）"
        raise Fault(code, f"ledger: PostgreSQL {state}{waited if state in WAITED else ''}") from error
    except (OverflowError, UnicodeEncodeError, ValueError) as error:
        raise Fault(FaultCode.STORAGE, "ledger: a value that PostgreSQL cannot hold") from error


class Writer:
    """The connection that writes, made anew when it is lost, and the locks that this replica holds on it."""

    def __init__(self, database: Database, replica: int) -> None:
        """Connect as `replica`."""
        self._database = database
        self._replica = replica
        self._held: list[tuple[str, tuple[int, ...]]] = []
        self._origin: str | None = None
        self._connection = self._connected()

    def _connected(self) -> ServerConnection:
        connection = ServerConnection(self._database, {REPLICA_SETTING: str(self._replica) if self._living else "0"})
        try:
            for sql, key in self._held:
                if not _taken(connection, sql, key):
                    raise Fault(FaultCode.STORAGE, OTHERS)
        except BaseException:
            connection.close()
            raise
        return connection

    def ready(self) -> ServerConnection:
        """Return the connection, a new one if it was lost."""
        if self._connection.lost:
            self._connection = self._connected()
        return self._connection

    def serve(self, *, shared: bool) -> bool:
        """Become one of the serving replicas, or the only one, for as long as this process lives, if others let it."""
        alone = "SELECT pg_try_advisory_lock(%s)"
        among = "SELECT pg_try_advisory_lock_shared(%s)"
        if not self._hold(among if shared else alone, (self._database.key(SERVERS),)):
            return False
        if not self._living:
            if not self._hold("SELECT pg_try_advisory_lock(%s, %s)", (replicas(self._database), self._replica)):
                raise Fault(FaultCode.STORAGE, OTHERS)
            self.ready().own("SELECT set_config(%s, %s, false)", (REPLICA_SETTING, str(self._replica)))
        return True

    @property
    def _living(self) -> bool:
        return any(len(key) > 1 for _, key in self._held)

    def _hold(self, sql: str, key: tuple[int, ...]) -> bool:
        if (sql, key) not in self._held:
            if not _taken(self.ready(), sql, key):
                return False
            self._held.append((sql, key))
        return True

    def close(self) -> None:
        """Close the connection; the locks are free when this returns, not whenever the server notices."""
        with suppress(Fault):
            if not self._connection.lost:
                self._connection.own("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[ServerConnection]:
        """Give the one write transaction of all replicas; it is durable when the block ends."""
        db = self.ready()
        db.own("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            db.own("SELECT pg_advisory_xact_lock(%s)", (self._database.key(WRITERS),))
            yield db
            found = db.own("SELECT pg_current_xact_id_if_assigned()::text, (SELECT origin FROM node)").fetchone()
            number, origin = found or (None, None)
            self._require_same(origin)
            self._commit(db, number)
            db.remembered.begin()
        except BaseException:
            db.remembered.forget()
            if not db.lost and db.in_transaction:
                db.own("ROLLBACK")
            raise

    def _require_same(self, origin: object) -> None:
        """Write to the log that was opened only: meanwhile it may have been closed, and another have its name."""
        if self._origin is None and origin is not None:
            self._origin = str(origin)
        elif origin != self._origin:
            note = "this log was closed meanwhile and another one begun: start again（日志已封存并续建，请重新启动）"
            raise Fault(FaultCode.STORAGE, note)

    def _commit(self, db: ServerConnection, number: object) -> None:
        """Commit; when the answer is lost, ask the server what became of transaction `number`."""
        try:
            if db.own("COMMIT").statusmessage != "COMMIT":  # a failed transaction is rolled back without an error
                raise Fault(FaultCode.STORAGE, "ledger: a transaction was given up")
        except Fault:
            if not db.lost or number is None:
                raise
            if not self._committed(str(number)):
                raise

    def _committed(self, number: str) -> bool:
        """Say whether the server committed transaction `number`, once it knows: its lock is free then."""
        with suppress(Fault):
            db = self.ready()
            db.own("SELECT pg_advisory_lock(%s)", (self._database.key(WRITERS),))
            db.own("SELECT pg_advisory_unlock(%s)", (self._database.key(WRITERS),))
            row = db.own("SELECT pg_xact_status(%s::xid8)", (number,)).fetchone()
            return row == ("committed",)
        return False


def _taken(connection: ServerConnection, sql: str, key: tuple[int, ...]) -> bool:
    return connection.own(sql, key).fetchone() == (True,)


def replicas(database: Database) -> int:
    """Return the class of locks by which replicas of this ledger show that they live."""
    return database.key(REPLICA) & 0x7FFFFFFF


@contextmanager
def reading(connection: ServerConnection) -> Iterator[ServerConnection]:
    """Give a view of one moment."""
    connection.own(LOOK)
    try:
        yield connection
        connection.own("COMMIT")
    except BaseException:
        connection.remembered.forget()
        if not connection.lost and connection.in_transaction:
            connection.own("ROLLBACK")
        raise
