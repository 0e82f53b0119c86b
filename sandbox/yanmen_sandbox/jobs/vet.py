"""The vetting jobs: DuckDB's own parse tree of the caller's text, and bound plan of ours; no data here."""

import re

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine
from yanmen_sandbox.reply import Code, Ended, encode
from yanmen_sandbox.request import Request, array, pair_of_text, text

SQL_TYPE = re.compile(r"BIGINT|HUGEINT|VARCHAR|BOOLEAN|DATE|DOUBLE|DECIMAL\([0-9]{1,2},[0-9]{1,2}\)")


def vet(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the parse tree of the caller's text; its syntax errors are inside that JSON."""
    return _serialised(connection, "json_serialize_sql", request)


def prepare_bind(connection: DuckDBPyConnection, request: Request) -> None:
    """Create the empty tables the emitted text names; a session names none before its questions."""
    _create(connection, request)


def _create(connection: DuckDBPyConnection, request: Request) -> list[str]:
    """Create the empty tables and return the schemas they are in."""
    schemas: list[str] = []
    for shape in array(request.body, "shapes"):
        if not isinstance(shape, dict):
            raise TypeError("shape")
        schema = text(shape, "schema")
        columns = [column(*pair_of_text(pair)) for pair in array(shape, "columns")]
        connection.execute(f"ATTACH ':memory:' AS {engine.identifier(schema)}")
        schemas.append(schema)
        connection.execute(f'CREATE TABLE {engine.identifier(schema)}."data" ({", ".join(columns)})')
    return schemas


def bind_once(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the bound plan over empty tables that are gone after it."""
    schemas = _create(connection, request)
    frame = bind(connection, request)
    for schema in schemas:
        connection.execute(f"DETACH {engine.identifier(schema)}")
    return frame


def bind(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the bound plan of emitted text over the empty tables."""
    return _serialised(connection, "json_serialize_plan", request)


def _serialised(connection: DuckDBPyConnection, function: str, request: Request) -> bytes:
    sql = text(request.body, "sql")
    if "\0" in sql:
        raise Ended(Code.BAD_SQL)
    row = connection.execute(f"SELECT {function}({engine.literal(sql)})").fetchone()
    if row is None or not isinstance(row[0], str):
        raise Ended(Code.FAILED)
    return encode({"ok": True, "json": row[0]}, request.limits.reply)


def column(name: str, sql_type: str) -> str:
    """Write one column definition; only the closed list of types is accepted."""
    if SQL_TYPE.fullmatch(sql_type) is None:
        raise ValueError("type")
    return f"{engine.identifier(name)} {sql_type}"
