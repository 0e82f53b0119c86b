"""The vetting jobs: DuckDB's own parse tree of the caller's text, and bound plan of ours; no data here."""

import re
from collections.abc import Iterator

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine
from yanmen_sandbox.reply import Code, Ended, encode_text
from yanmen_sandbox.request import Request, array, pair_of_text, text

SQL_TYPE = re.compile(r"BIGINT|HUGEINT|VARCHAR|BOOLEAN|DATE|DOUBLE|DECIMAL\([0-9]{1,2},[0-9]{1,2}\)")


def get_ready_to_vet(connection: DuckDBPyConnection) -> None:
    """Prepare what serialises parse trees, before the text is there."""
    connection.execute("PREPARE serialise AS SELECT json_serialize_sql($1::VARCHAR)")


def get_ready_to_bind(connection: DuckDBPyConnection) -> None:
    """Prepare what serialises bound plans."""
    connection.execute("PREPARE serialise AS SELECT json_serialize_plan($1::VARCHAR)")


def vet_once(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the one parse tree that this worker is for."""
    get_ready_to_vet(connection)
    return vet(connection, request)


def vet(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the parse tree of the caller's text; its syntax errors are inside that JSON."""
    return _serialised(connection, request)


def create(connection: DuckDBPyConnection, request: Request) -> None:
    """Create the empty tables the emitted text names; a session names none before its questions."""
    _create(connection, array(request.body, "shapes"))


def _create(connection: DuckDBPyConnection, shapes: list[object]) -> None:
    for schema, shape in _shapes(shapes):
        columns = [column(*pair_of_text(pair)) for pair in array(shape, "columns")]
        connection.execute(f"ATTACH ':memory:' AS {schema}")
        connection.execute(f'CREATE TABLE {schema}."data" ({", ".join(columns)})')


def bind_once(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Serialise the one bound plan that this worker is for, over tables created before."""
    get_ready_to_bind(connection)
    return _serialised(connection, request)


class Standing:
    """The empty tables of a session that binds: those of the question before stand ready for the next.

    One asker's questions are often about the same tables, and creating them takes as long as half of binding does.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._shapes: list[object] = []

    def get_ready(self, connection: DuckDBPyConnection) -> None:
        """Prepare what serialises bound plans, and the tables."""
        get_ready_to_bind(connection)
        _create(connection, self._shapes)

    def bind(self, connection: DuckDBPyConnection, request: Request) -> bytes:
        """Serialise the bound plan of emitted text over empty tables of its own."""
        shapes = array(request.body, "shapes")
        if shapes != self._shapes:
            self.tidy(connection, request)
            self._shapes = shapes
            _create(connection, shapes)
        return _serialised(connection, request)

    def tidy(self, connection: DuckDBPyConnection, _: Request) -> None:
        """Take the empty tables away."""
        for schema, _shape in _shapes(self._shapes):
            connection.execute(f"DETACH {schema}")


def _shapes(shapes: list[object]) -> Iterator[tuple[str, dict[str, object]]]:
    for shape in shapes:
        if not isinstance(shape, dict):
            raise TypeError("shape")
        yield engine.identifier(text(shape, "schema")), shape


def _serialised(connection: DuckDBPyConnection, request: Request) -> bytes:
    sql = text(request.body, "sql")
    if "\0" in sql:
        raise Ended(Code.BAD_SQL)
    row = connection.execute(f"EXECUTE serialise({engine.literal(sql)})").fetchone()
    if row is None or not isinstance(row[0], str):
        raise Ended(Code.FAILED)
    return encode_text(row[0], request.limits.reply)


def column(name: str, sql_type: str) -> str:
    """Write one column definition; only the closed list of types is accepted."""
    if SQL_TYPE.fullmatch(sql_type) is None:
        raise ValueError("type")
    return f"{engine.identifier(name)} {sql_type}"
