"""The inspect job: a first draft of a specification, read from the data itself, for its holder's eyes only."""

import re
from decimal import Decimal
from typing import NamedTuple

import _duckdb
from _duckdb import DuckDBPyConnection

from yanmen_sandbox import source
from yanmen_sandbox.jobs.columns import DeclaredColumn
from yanmen_sandbox.reply import Code, Ended, encode
from yanmen_sandbox.request import Request, integer, text
from yanmen_sandbox.tables import SCALAR, SourceTable, open_source

DOMAIN_MAX = 64
"""More different values than this are drafted as hidden text or as a measure, not as a key."""
APART_PERCENT = 95
"""So many different whole numbers among the rows look like identifiers."""
SCALE_MAX = 9
UNIT_NAMES = (
    re.compile(r".*身份证.*|.*证件号.*|.*信用代码.*|(?:.*_)?(?:id_?card|id_?(?:no|number))", re.IGNORECASE),
    re.compile(r"(?:.*_)?id|.*编号|.*号码|.*证号|.*代码", re.IGNORECASE),
)
"""What names a person or an enterprise first, then whatever is called an id."""

KINDS = (
    ("boolean", re.compile(r"BOOLEAN")),
    ("integer", re.compile(r"U?(?:TINYINT|SMALLINT|INTEGER|BIGINT)")),
    ("decimal", re.compile(r"FLOAT|DOUBLE|DECIMAL.*|U?HUGEINT")),
    ("date", re.compile(r"DATE")),
)
"""Declared type by the source's own; everything else starts as text."""


class Drafted(NamedTuple):
    """One drafted column, as it goes into the reply."""

    source: str
    kind: str
    role: str
    scale: int
    domain: list[object] | None
    lower: object
    upper: object


def prepare(connection: DuckDBPyConnection, request: Request) -> None:
    """Name the source; nothing of it is read yet."""
    source.register(connection, integer(request.body, "source"))


def run(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Draft every column of the source."""
    try:
        table = open_source(connection, integer(request.body, "source"), text(request.body, "format"))
        drafts = [_draft(connection, table, name) for name in table.types]
    except (_duckdb.OutOfMemoryException, _duckdb.InterruptException, _duckdb.FatalException):
        raise
    except _duckdb.Error:
        raise Ended(Code.BAD_SOURCE) from None
    return encode({"ok": True, "columns": with_one_unit(drafts)}, request.limits.reply)


def with_one_unit(drafts: list[Drafted]) -> list[Drafted]:
    """Let the first column named most like an id be the unit; a person decides."""
    for names in UNIT_NAMES:
        for index, draft in enumerate(drafts):
            if draft.kind in {"integer", "text"} and names.fullmatch(draft.source) is not None:
                unit = draft._replace(role="unit", domain=None, lower=None, upper=None)
                return [*drafts[:index], unit, *drafts[index + 1 :]]
    return drafts


def _draft(connection: DuckDBPyConnection, table: SourceTable, name: str) -> Drafted:
    given = table.types[name]
    if SCALAR.fullmatch(given) is None:
        return Drafted(name, "text", "hidden", 0, None, None, None)
    kind = _kind(connection, table, name, given)
    scale = _scale(connection, table, name) if kind == "decimal" else 0
    typed = _column(name, kind, scale).typed(table.types)
    domain = _domain(connection, table, typed)
    if domain is not None:
        return Drafted(name, kind, "key", scale, domain, None, None)
    if kind == "integer" and _tells_apart(connection, table, typed):
        return Drafted(name, kind, "hidden", 0, None, None, None)
    if kind in {"integer", "decimal"}:
        low, high = _one(connection, f"SELECT min({typed}), max({typed}) FROM {table.sql}")  # noqa: S608 - quoted names
        return Drafted(name, kind, "measure", scale, None, _bound(low), _bound(high))
    return Drafted(name, kind, "key" if kind == "date" else "hidden", 0, None, None, None)


def _kind(connection: DuckDBPyConnection, table: SourceTable, name: str, given: str) -> str:
    for kind, pattern in KINDS:
        if pattern.fullmatch(given) is not None:
            return kind
    if given != "VARCHAR":
        return "date"  # the timestamps
    for kind in ("integer", "decimal", "date", "boolean"):
        column = _column(name, kind, SCALE_MAX)
        value, typed = column.value(table.types), column.typed(table.types)
        held, taken = _one(connection, f"SELECT count({value}), count({typed}) FROM {table.sql}")  # noqa: S608 - quoted names
        if held == taken and held:
            return kind
    return "text"


def _column(name: str, kind: str, scale: int) -> DeclaredColumn:
    """Read whole numbers strictly, so that fractions show; decimals as if bounded, so that wide values do not fail."""
    bound = "0" if kind == "decimal" else None
    return DeclaredColumn(name, name, kind, "key", scale, None, bound, bound)


def _scale(connection: DuckDBPyConnection, table: SourceTable, name: str) -> int:
    """Count the decimal places in use, up to what a snapshot can keep."""
    typed = _column(name, "decimal", SCALE_MAX).typed(table.types)
    places = f"max(length(rtrim(split_part(CAST({typed} AS VARCHAR), '.', 2), '0')))"
    (scale,) = _one(connection, f"SELECT {places} FROM {table.sql}")  # noqa: S608 - quoted names
    return scale if isinstance(scale, int) else 0


def _domain(connection: DuckDBPyConnection, table: SourceTable, typed: str) -> list[object] | None:
    sql = f"SELECT DISTINCT {typed} FROM {table.sql} WHERE {typed} IS NOT NULL LIMIT {DOMAIN_MAX + 1}"  # noqa: S608 - quoted names
    found = sorted(row[0] for row in connection.execute(sql).fetchall())
    return found if 1 <= len(found) <= DOMAIN_MAX else None


def _tells_apart(connection: DuckDBPyConnection, table: SourceTable, typed: str) -> bool:
    """Tell whether nearly every row has a number of its own, as identifiers are: none of them is drafted as a bound."""
    different, held = _one(connection, f"SELECT count(DISTINCT {typed}), count({typed}) FROM {table.sql}")  # noqa: S608 - quoted names
    return isinstance(different, int) and isinstance(held, int) and 100 * different >= APART_PERCENT * held


def _bound(value: object) -> str | None:
    """Write a bound without an exponent, which the reply's parser does not take."""
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else f"{value}"


def _one(connection: DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    row = connection.execute(sql).fetchone()
    if row is None:
        raise Ended(Code.FAILED)
    return tuple(row)
