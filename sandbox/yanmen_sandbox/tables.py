"""The source as a table: Parquet as it is, CSV strictly by RFC 4180, both parsed in the closed jail."""

import csv
import io
import os
import re
from typing import NamedTuple

from _duckdb import DuckDBPyConnection

from yanmen_sandbox.engine import literal
from yanmen_sandbox.reply import Code, Ended
from yanmen_sandbox.source import URL

HEADER_BYTES = 256 * 1024
"""Longest header line read."""
COLUMNS_MAX = 4096

SCALAR = re.compile(
    r"BOOLEAN|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\([0-9]+,[0-9]+\)|VARCHAR|DATE"
    r"|TIMESTAMP(?:_S|_MS|_NS)?"
)
"""Types a declared column may have in the source: those whose casts are plain."""


class SourceTable(NamedTuple):
    """How to read the source in SQL, and its columns' types by name."""

    sql: str
    types: dict[str, str]


def open_source(connection: DuckDBPyConnection, fd: int, form: str) -> SourceTable:
    """Describe the source; a broken file ends the job with BAD_SOURCE."""
    sql = f"read_parquet('{URL}')" if form == "parquet" else _csv(fd)
    described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - no outside text but quoted names
    return SourceTable(sql, {str(row[0]): str(row[1]) for row in described})


def _csv(fd: int) -> str:
    """Name every column from the header line, so that DuckDB guesses nothing."""
    names = _header(os.pread(fd, HEADER_BYTES, 0))
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv('{URL}', auto_detect = false, columns = {{{columns}}}, header = true, "
        "delim = ',', quote = '\"', escape = '\"', encoding = 'utf-8', compression = 'none')"
    )


def _header(start: bytes) -> list[str]:
    try:
        text = start.decode("utf-8", errors="ignore" if len(start) == HEADER_BYTES else "strict").removeprefix("\ufeff")
        names = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        raise Ended(Code.BAD_SOURCE) from None
    folded = {name.lower() for name in names}
    if not names or len(names) > COLUMNS_MAX or len(folded) != len(names) or "" in folded:
        raise Ended(Code.BAD_SOURCE)
    return names
