"""The post-processing job: emitted text over released cells only."""

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine
from yanmen_sandbox.jobs.query import fetch
from yanmen_sandbox.jobs.vet import column
from yanmen_sandbox.reply import encode_rows
from yanmen_sandbox.request import Request, array, integer, pair_of_text, text


def run(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Fill the table `cells` and run the emitted text over it."""
    columns = [pair_of_text(pair) for pair in array(request.body, "columns")]
    defined = ", ".join(column(name, sql_type) for name, sql_type in columns)
    connection.execute(f'CREATE TABLE "cells" ({defined})')
    rows = [_row(row, len(columns)) for row in array(request.body, "rows")]
    if rows:
        connection.execute(f'INSERT INTO "cells" VALUES {", ".join(rows)}')  # noqa: S608 - quoted literals
    connection.execute(text(request.body, "sql"))
    return encode_rows(fetch(connection, integer(request.body, "row_cap")), request.limits.reply)


def _row(row: object, width: int) -> str:
    if not isinstance(row, list) or len(row) != width:
        raise TypeError("row")
    return "(" + ", ".join(_literal(cell) for cell in row) + ")"


def _literal(cell: object) -> str:
    """Write a cell as a literal; decimals and dates arrive as text and take the column's type."""
    match cell:
        case None:
            return "NULL"
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return f"{cell!r}::DOUBLE"
        case str():
            return engine.literal(cell)
        case _:
            raise TypeError("cell")
