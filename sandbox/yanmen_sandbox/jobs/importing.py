"""The import job: a hostile source file in, a pruned, typed, clamped snapshot out (DESIGN §4)."""

import os
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import _duckdb
from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine, source
from yanmen_sandbox.jobs import clustering, excluding
from yanmen_sandbox.jobs.columns import DeclaredColumn, read_column, unit_name
from yanmen_sandbox.jobs.excluding import Excluded
from yanmen_sandbox.jobs.quality import bands
from yanmen_sandbox.reply import Code, Ended, encode
from yanmen_sandbox.request import Request, array, integer, text
from yanmen_sandbox.tables import SCALAR, SourceTable, open_source

TARGET = "snapshot"
PREVIOUS = "previous"
SNAPSHOT = "snapshot"
"""The format of a source that is a snapshot itself."""
"""The snapshot before, of a source that is read on from there."""
FAILED_PERCENT = 1
"""How many of a column's values may fail to take the declared type before the declaration is held wrong."""
REFRESH = f'CREATE TABLE {TARGET}."refresh" (source VARCHAR, mark VARCHAR, rows BIGINT, digest VARCHAR)'
"""How far the source was read, sealed with the rows: a mark is a value of one of them."""


class Declared(NamedTuple):
    """What the specification says of the table; `hidden` are columns that must exist and stay behind.

    `kept`: the rows are those of a snapshot, which was held to all of it when it was made.
    `counted` names the column that says how many rows of its unit are kept; "" = none.
    """

    columns: tuple[DeclaredColumn, ...]
    hidden: tuple[str, ...]
    unit: DeclaredColumn | None
    rows_upto: int
    rows_per_unit: int | None
    counted: str
    units_upto: int
    server: "OfAServer | None"
    excluded: Excluded | None
    kept: bool = False


class OfAServer(NamedTuple):
    """What holds for rows of a database: no value may fail to be exactly of its type.

    `seen` is how many rows the source has had; `refresh` is written beside them, None where the source does not tell
    what is new; `continued`: the rows of the snapshot before stay.
    """

    seen: int
    refresh: tuple[object, ...] | None
    continued: bool


def make_blank(request: Request) -> None:
    """Write an empty database into the target: DuckDB creates files by path only, and no path is left later."""
    os.pwrite(integer(request.body, "target"), blank(), 0)


@cache
def blank() -> bytes:
    """Return an empty database."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"  # noqa: S108, PTH112 - a fresh private directory in it
    folder = f"{memory}/yanmen-{os.urandom(16).hex()}"
    os.mkdir(folder, 0o700)  # noqa: PTH102
    try:
        connection = _duckdb.connect(f"{folder}/blank", config={"threads": 1, "async_threads": 0})
        connection.close()
        with open(f"{folder}/blank", "rb") as file:  # noqa: PTH123
            return file.read()
    finally:
        for name in os.listdir(folder):  # noqa: PTH208
            os.unlink(f"{folder}/{name}")  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106


def prepare(connection: DuckDBPyConnection, request: Request) -> None:
    """Attach the target and name the source; nothing of the source is read yet."""
    fd, previous = integer(request.body, "target"), request.body.get("previous")
    connection.execute(f"ATTACH '/proc/self/fd/{fd:d}' AS {TARGET}")
    if isinstance(previous, int):
        engine.attach_snapshot(connection, PREVIOUS, previous)
    source.register(connection, integer(request.body, "source"))


def run(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Check the source against the declaration, write the snapshot, say that it is done."""
    declared = _declared(request)
    try:
        table = _source(connection, request)
        _check_names(declared, table)
        if declared.kept:
            rows = _rows(declared, _again(declared, table), text(request.body, "salt"))
        else:
            _check_values(connection, declared, table)
            rows = _rows(declared, _finals(declared, table), text(request.body, "salt"))
        clustering.write(
            connection, f'{TARGET}."data"', rows, text(request.body, "clustered_by"), len(declared.columns)
        )
        _check_units(connection, declared)
        quality = _quality(connection, declared, table) if request.body["quality"] is True else ""
        if declared.server is not None and declared.server.refresh is not None:
            connection.execute(REFRESH)
            connection.execute(f'INSERT INTO {TARGET}."refresh" VALUES (?, ?, ?, ?)', declared.server.refresh)  # noqa: S608
    except (_duckdb.OutOfMemoryException, _duckdb.InterruptException, _duckdb.FatalException):
        raise
    except _duckdb.Error:
        raise Ended(Code.BAD_SOURCE) from None
    connection.execute(f"DETACH {TARGET}")
    return encode({"ok": True, "quality": quality}, request.limits.reply)


def _source(connection: DuckDBPyConnection, request: Request) -> SourceTable:
    """Describe the source: a file, or a snapshot that was attached."""
    if text(request.body, "format") != SNAPSHOT:
        return open_source(connection, integer(request.body, "source"), text(request.body, "format"))
    sql = f'{PREVIOUS}."data"'
    described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - a name of ours
    return SourceTable(sql, {str(row[0]): str(row[1]) for row in described})


def _quality(connection: DuckDBPyConnection, declared: Declared, table: SourceTable) -> str:
    """Return the bands of the whole source; what is read on from a snapshot before is a part of it, and is not."""
    if declared.server is not None and declared.server.continued:
        return ""
    (kept,) = connection.execute(f'SELECT count(*) FROM {TARGET}."data"').fetchone() or (0,)  # noqa: S608 - our name
    return bands(connection, declared.columns, table, kept)


def _declared(request: Request) -> Declared:
    server = _server(request)
    columns = tuple(read_column(column, exact=server is not None) for column in array(request.body, "columns"))
    cap = integer(request.body, "rows_per_unit") if text(request.body, "class") == "personal" else None
    return Declared(
        columns=columns,
        hidden=tuple(str(name) for name in array(request.body, "hidden")),
        unit=next((column for column in columns if column.role == "unit"), None),
        rows_upto=integer(request.body, "rows_upto"),
        rows_per_unit=cap,
        counted=text(request.body, "counted"),
        units_upto=integer(request.body, "units_upto"),
        server=server,
        excluded=excluding.read(request),
        kept=text(request.body, "format") == SNAPSHOT,
    )


def _server(request: Request) -> OfAServer | None:
    if "exact" not in request.body:
        return None
    match request.body["refresh"]:
        case None:
            refresh: tuple[object, ...] | None = None
        case [str(source), str(mark), int(rows), str(digest)]:
            refresh = (source, mark, rows, digest)
        case _:
            raise TypeError("refresh")
    return OfAServer(integer(request.body, "seen"), refresh, request.body["previous"] is not None)


def _check_names(declared: Declared, table: SourceTable) -> None:
    """Hold the source's columns to the declared names and to plain types."""
    for column in declared.columns:
        if SCALAR.fullmatch(table.types.get(column.source, "")) is None:
            raise Ended(Code.BAD_SOURCE)
    if not set(declared.hidden) <= set(table.types):
        raise Ended(Code.BAD_SOURCE)


def _check_values(connection: DuckDBPyConnection, declared: Declared, table: SourceTable) -> None:
    """Hold the rows to the declared number and each column to its type; the figures stay in here."""
    counts = ", ".join(
        f"count({column.value(table.types)}), count({column.typed(table.types)}), count({column.final(table.types)})"
        for column in declared.columns
    )
    row = connection.execute(f"SELECT count(*), {counts} FROM {table.sql}").fetchone()  # noqa: S608 - quoted names
    server = declared.server
    if row is None or max(row[0], 0 if server is None else server.seen) > declared.rows_upto:
        raise Ended(Code.BAD_SOURCE)
    some = server is not None and server.continued  # a few new rows may well all be out of a domain
    for given, typed, kept in _triples(row[1:]):
        failed = (given - typed) * 100 > given * (FAILED_PERCENT if server is None else 0)
        if failed or (given > 0 and kept == 0 and not some):
            raise Ended(Code.BAD_SOURCE)


def _triples(counts: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    for index in range(0, len(counts), 3):
        yield counts[index], counts[index + 1], counts[index + 2]


def _finals(declared: Declared, table: SourceTable) -> str:
    """Select the source's rows as a snapshot has them."""
    finals = ", ".join(
        f"{column.final(table.types)} AS {engine.identifier(column.name)}" for column in declared.columns
    )
    return f"SELECT {finals} FROM {table.sql}"  # noqa: S608 - quoted names


def _again(declared: Declared, table: SourceTable) -> str:
    """Select a snapshot's rows as they are: decimals are in units of 10^-scale already, and clamped."""
    return f"SELECT {', '.join(map(_before, declared.columns))} FROM {table.sql}"  # noqa: S608 - quoted names


def _rows(declared: Declared, rows: str, salt: str) -> str:
    """Select what the snapshot keeps: rows without a unit stay behind, and so do rows above the cap of their unit."""
    if declared.server is not None and declared.server.continued:
        names = ", ".join(_before(column) for column in declared.columns)
        rows = f'SELECT {names} FROM {PREVIOUS}."data" UNION ALL {rows}'  # noqa: S608 - quoted names
    if declared.unit is not None:
        unit = engine.identifier(declared.unit.name)
        kept = "" if declared.excluded is None else f" AND {excluding.where(declared.excluded, unit, rows)}"
        rows = f"SELECT * FROM ({rows}) WHERE {unit} IS NOT NULL{kept}"  # noqa: S608 - quoted names
        if declared.rows_per_unit is not None:
            rows += _cap(declared, unit, declared.rows_per_unit, salt)
        if declared.counted:
            count = f"count(*) OVER (PARTITION BY {unit}) AS {engine.identifier(declared.counted)}"
            rows = f"SELECT *, {count} FROM ({rows})"  # noqa: S608 - quoted names
    return rows


def _before(column: DeclaredColumn) -> str:
    """Select a column of the snapshot before, which may be older than the one form of units' names."""
    name = engine.identifier(column.name)
    return f"{unit_name(name)} AS {name}" if column.named else name


def _check_units(connection: DuckDBPyConnection, declared: Declared) -> None:
    """Hold the snapshot to the declared number of units; 0 declares none."""
    if declared.unit is None or not declared.units_upto:
        return
    unit = engine.identifier(declared.unit.name)
    (units,) = connection.execute(f'SELECT count(DISTINCT {unit}) FROM {TARGET}."data"').fetchone() or (0,)  # noqa: S608
    if units > declared.units_upto:
        raise Ended(Code.BAD_SOURCE)


def _cap(declared: Declared, unit: str, cap: int, salt: str) -> str:
    """Keep `cap` rows of each unit, chosen by a keyed digest of the row: not by what the file puts first."""
    cells = ", ".join(engine.identifier(column.name) for column in declared.columns)
    digest = f"sha256({engine.literal(salt)} || CAST(row({cells}) AS VARCHAR))"
    return f" QUALIFY row_number() OVER (PARTITION BY {unit} ORDER BY {digest}) <= {cap:d}"
