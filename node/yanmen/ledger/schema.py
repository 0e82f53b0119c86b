"""The numbered migrations, applied in order; `PRAGMA user_version` says how many a file has had."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from yanmen.model.refusal import Fault, FaultCode

APPLICATION_ID = 0x59414E4D
"""`YANM`: a file of another program is not ours to migrate."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file of ours: the folder of its migrations and the mark SQLite keeps in it."""

    folder: str
    application: int


LEDGER = Kind("migrations", APPLICATION_ID)
WITNESS = Kind("witness_migrations", 0x59414E57)
SUM = Kind("sum_migrations", 0x59414E53)
JOIN = Kind("join_migrations", 0x59414E4A)

_NAME = re.compile(r"([0-9]{4})_[a-z_]+\.sql", re.ASCII)


def migrations(kind: Kind = LEDGER) -> tuple[str, ...]:
    """Return the SQL of every migration of `kind`; the n-th lifts a file from version n - 1 to n."""
    found: dict[int, str] = {}
    for entry in resources.files("yanmen.ledger").joinpath(kind.folder).iterdir():
        match = _NAME.fullmatch(entry.name)
        if match is not None:
            found[int(match.group(1))] = entry.read_text(encoding="utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise Fault(FaultCode.INTERNAL, "migrations are not numbered from 0001 without gaps")
    return tuple(found[number] for number in sorted(found))


def migrate(connection: sqlite3.Connection, steps: Sequence[str], application: int = APPLICATION_ID) -> None:
    """Lift the open file to the last of `steps`, each step whole or not at all; a newer file is refused."""
    version = _pragma(connection, "user_version")
    marked = _pragma(connection, "application_id")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if marked != (application if version else 0) or (tables and not version):
        raise Fault(FaultCode.STORAGE, "this file is no ledger of ours")
    if version > len(steps):
        note = f"the ledger has schema {version}, this program knows {len(steps)}: use the newer program"
        raise Fault(FaultCode.STORAGE, note)
    if version == len(steps):
        return
    # A table that others refer to can be made anew only while nobody looks; what refers to nothing is found below.
    referring = _pragma(connection, "foreign_keys")
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        for number, step in enumerate(steps[version:], start=version + 1):
            marks = f"PRAGMA application_id = {application};\nPRAGMA user_version = {number};\n"
            _lift(connection, f"BEGIN IMMEDIATE;\n{step}\n{marks}", checked=bool(referring))
    finally:
        connection.execute(f"PRAGMA foreign_keys = {referring}")


def _lift(connection: sqlite3.Connection, script: str, *, checked: bool) -> None:
    """Run one migration, whole or not at all; if `checked`, every row must refer to one that is there."""
    try:
        connection.executescript(script)
        if checked and connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise Fault(FaultCode.STORAGE, "this ledger has a row that refers to none")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
