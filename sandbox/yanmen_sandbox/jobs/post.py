"""The post-processing job: emitted text over released cells only."""

import json

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine
from yanmen_sandbox.jobs.query import fetch
from yanmen_sandbox.jobs.vet import SQL_TYPE
from yanmen_sandbox.reply import encode_rows
from yanmen_sandbox.request import Request, array, integer, text


def run(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Fill the table `cells` and run the emitted text over it."""
    columns = ", ".join(_column(column) for column in array(request.body, "columns"))
    connection.execute(f'CREATE TABLE "cells" AS SELECT {columns}')
    connection.execute(text(request.body, "sql"))
    return encode_rows(fetch(connection, integer(request.body, "rows")), request.limits.reply)


def _column(column: object) -> str:
    """Write one column's cells as a list to unnest: twenty times faster than a row of literals each."""
    match column:
        case [str(name), str(sql_type), list(cells)] if SQL_TYPE.fullmatch(sql_type) is not None:
            listed = engine.literal(json.dumps(cells))
            return f"CAST(unnest(from_json({listed}, '[\"VARCHAR\"]')) AS {sql_type}) AS {engine.identifier(name)}"
        case _:
            raise TypeError("column")
