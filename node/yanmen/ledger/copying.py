"""A ledger in a database written into a file of SQLite, and put back: both have the same tables.

Triggers are off while rows are put where they were: they watch over changes, not over a copy, which is held to its
leaves, heads and keys as a whole when it is opened.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from yanmen.ledger import postgresql_schema, schema
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection, reading
from yanmen.ledger.store import PAGE_BYTES, faults
from yanmen.model.refusal import Fault, FaultCode

ROWS = 100
"""Rows in memory at once: a released answer can be megabytes."""


def to_file(here: ServerConnection, path: Path) -> None:
    """Write the ledger that `here` looks at to the new file `path`, durably, with the schema it has."""
    version = postgresql_schema.version_of(here)
    with faults():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(str(path), isolation_level=None)) as file:
            file.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            file.execute("PRAGMA synchronous = OFF")  # it is synced before anybody relies on it
            schema.migrate(file, schema.migrations()[:version])
            file.execute("BEGIN")
            triggers = file.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                file.execute(f"DROP TRIGGER {name}")
            for table, columns in _tables(file).items():
                marks = ", ".join("?" * len(columns))
                file.executemany(f"INSERT INTO {table} VALUES ({marks})", _rows(here, table, columns))  # noqa: S608 - names of ours
            for _, made in triggers:
                file.execute(made)
            file.execute("COMMIT")
            _check(file)
        with path.open("rb") as written:
            os.fsync(written.fileno())


def closed_to_files(database: Database, folder: Path, stem: str) -> None:
    """Write each closed log of the ledger in `database` to a file in `folder`, named as if it had been one."""
    for name in postgresql_schema.closed(database):
        one_to_file(database.beside(name), folder / f"{stem}-{name.replace('_', '-')}.sqlite")


def one_to_file(database: Database, path: Path) -> None:
    """Write the log in `database` to the new file `path`."""
    with closing(ServerConnection(database)) as connection, reading(connection) as here:
        to_file(here, path)


def from_file(path: Path, database: Database) -> None:
    """Put the ledger in the file `path` into `database`, which has none; it is there whole or not at all."""
    with faults(), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
        version = _version(file)
        with closing(ServerConnection(database)) as link:
            postgresql_schema.require_durable(link)
            if _is_same(file, database):
                return
            with (
                postgresql_schema.exchange(link, database, None) as following,
                closing(ServerConnection(following)) as target,
            ):
                postgresql_schema.lift(target, following, create=True, newest=version)
                _fill(file, target)


def _is_same(file: sqlite3.Connection, database: Database) -> bool:
    """Say whether `database` holds the log in `file` already: one that was closed does not change."""
    if postgresql_schema.version(database) is None:
        return False
    last = "SELECT origin, note FROM node, checkpoint ORDER BY size DESC LIMIT 1"
    with closing(ServerConnection(database)) as there:
        return bool(there.own(last).fetchone() == file.execute(last).fetchone())


def _fill(file: sqlite3.Connection, target: ServerConnection) -> None:
    target.own("BEGIN")
    for table, columns in _tables(file).items():
        target.own(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        target.load(table, columns, file.execute(f"SELECT {', '.join(columns)} FROM {table}"))  # noqa: S608 - names of ours
        target.own(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for table, last in file.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        (column,) = (each[1] for each in file.execute(f"PRAGMA table_info({table})") if each[5])
        target.own("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table, column, last))
    target.own("COMMIT")


def _tables(file: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return every table with its columns; one that refers to another comes after it."""
    found = file.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid"
    )
    waiting = {str(name): _named(file, str(name)) for (name,) in found.fetchall()}
    names: list[str] = []
    while waiting:  # a migration may make a table anew that others refer to: then it is the last that was made
        placed = [name for name, others in waiting.items() if not (others & waiting.keys()) - {name}]
        if not placed:
            raise Fault(FaultCode.STORAGE, "ledger: tables that refer to each other")
        names += placed
        waiting = {name: others for name, others in waiting.items() if name not in placed}
    return {name: tuple(str(row[1]) for row in file.execute(f"PRAGMA table_info({name})")) for name in names}


def _named(file: sqlite3.Connection, table: str) -> set[str]:
    """Return the tables that `table` refers to."""
    return {str(row[2]) for row in file.execute(f"PRAGMA foreign_key_list({table})")}


def _rows(here: ServerConnection, table: str, columns: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    here.own(f"DECLARE copied NO SCROLL CURSOR FOR SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - names of ours
    while rows := here.own(f"FETCH {ROWS} FROM copied").fetchall():
        yield from rows
    here.own("CLOSE copied")


def _check(file: sqlite3.Connection) -> None:
    (verdict,) = file.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok" or file.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Fault(FaultCode.STORAGE, "ledger: the copy is damaged")


def _version(file: sqlite3.Connection) -> int:
    (marked,), (version,) = (file.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
    if marked != schema.APPLICATION_ID or not 1 <= version <= len(schema.migrations()):
        raise Fault(FaultCode.STORAGE, "this file is no ledger that this program can put into a database")
    return int(version)
