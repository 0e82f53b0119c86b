"""The connection: made once, then one read-only transaction in which everything is seen as of one moment.

Texts of the server are looked at for what kind of failure they tell and never passed on: they quote values, and parts
of a connection string.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement, Error
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_postgresql import _driver_path

from yanmen_reader.order import Ended, Trouble

DRIVER = _driver_path()
"""Found now: later no module can be imported any more."""
BY_ENVIRONMENT = "application_name=yanmen"
"""A connection string that leaves everything to the environment; an empty one the driver does not take."""
CANCELED = "57014"
STATE = re.compile(r"[0-9A-Z]{5}", re.ASCII)
FAILURES = (
    (Trouble.LOGIN, re.compile(r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist")),
    (Trouble.DATABASE, re.compile(r"database .* does not exist|permission denied for database")),
    (Trouble.TLS, re.compile(r"SSL|certificate|TLS", re.IGNORECASE)),
    (
        Trouble.UNREACHABLE,
        re.compile(
            r"could not translate host|Connection refused|timeout expired|timed out|No such file|No route|unreachable"
            r"|server closed the connection|starting up|shutting down|too many (?:clients|connections)"
        ),
    ),
)
"""What libpq and the server say of a connection that was not made; there is no SQLSTATE for it."""


class Server:
    """One connection to a PostgreSQL server."""

    def __init__(self, connection: str) -> None:
        """Connect as the libpq connection string says; nothing is asked but what the driver needs to know of types."""
        try:
            self._database = AdbcDatabase(driver=DRIVER, uri=connection or BY_ENVIRONMENT)
            self._connection = AdbcConnection(self._database)
        except Error as error:
            raise Ended(_failure(str(error))) from None

    def begin(self, zone: str, timeout_ms: int) -> None:
        """Begin the one transaction: read only, at one moment, in a time zone the server knows by name."""
        self.do("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self.do(f"SET LOCAL statement_timeout = {timeout_ms:d}")
        self.do(f"SET LOCAL lock_timeout = {timeout_ms:d}")
        self.do("SET LOCAL client_encoding = 'UTF8'")
        self.do("SET LOCAL DateStyle = 'ISO, YMD'")
        known = self.one(f"SELECT count(*) FROM pg_timezone_names WHERE name = {literal(zone)}")  # noqa: S608 - quoted
        if known != (1,):
            raise Ended(Trouble.TIME_ZONE)
        self.do(f"SET LOCAL TimeZone = {literal(zone)}")

    def do(self, sql: str) -> None:
        """Run a statement without rows."""
        with _told(), AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()

    def schema(self, sql: str) -> pyarrow.Schema:
        """Return the columns that `sql` would give, without running it."""
        with _told(), AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            return pyarrow.schema(statement.execute_schema())

    def one(self, sql: str) -> tuple[object, ...]:
        """Return the one row of `sql`."""
        rows: list[dict[str, object]] = []
        for batch in self.batches(sql):
            rows += batch.to_pylist()
        if len(rows) != 1:
            raise Ended(Trouble.FAILED)
        return tuple(rows[0].values())

    def batches(self, sql: str) -> Iterator[pyarrow.RecordBatch]:
        """Yield the rows of `sql` as they arrive."""
        with _told(), AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            handle, _ = statement.execute_query()
            # As the driver's own DBAPI does: Arrow's reader would drop the SQLSTATE of what breaks while rows arrive.
            with AdbcRecordBatchReader._import_from_c(handle.address) as reader:  # noqa: SLF001
                yield from reader


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the driver raises into what may be told: the SQLSTATE where there is one."""
    try:
        yield
    except Error as error:
        state = error.sqlstate or ""
        if state == CANCELED:
            raise Ended(Trouble.TIMEOUT) from None
        raise Ended(Trouble.QUERY, word=state if STATE.fullmatch(state) else "") from None


def _failure(text: str) -> Trouble:
    return next((trouble for trouble, pattern in FAILURES if pattern.search(text)), Trouble.CONNECTION)


def identifier(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote an SQL text literal: standard strings, for a backslash is nothing special there."""
    if "\\" in value:
        raise Ended(Trouble.FAILED)
    return "'" + value.replace("'", "''") + "'"
