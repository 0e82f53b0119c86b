"""Writes the snapshot's table, its rows in the order of a date column where one is declared.

DuckDB keeps the least and greatest value of each 122,880 rows, so a question about some of the time reads the rows of
that time only, and one about nearly all of it filters few rows one by one. A table larger than can be sorted in memory
is written in passes over the source, the earliest dates first: sorting on disk would write rows there.
"""

from itertools import pairwise

from _duckdb import DuckDBPyConnection

from yanmen_sandbox.engine import identifier, literal

PASS_CELLS = 32_000_000
"""Sorted at once: half a gigabyte of plain values (measured), a quarter of what an import may take at the least."""


def write(connection: DuckDBPyConnection, table: str, rows: str, by: str, columns: int) -> None:
    """Create `table` of what `rows` selects, in the order of the date column `by` ("": as they come)."""
    if not by:
        connection.execute(f"CREATE TABLE {table} AS {rows}")
        return
    column = identifier(by)
    connection.execute("BEGIN")  # one commit: the engine writes the file once
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM ({rows}) LIMIT 0")  # noqa: S608 - quoted names
    for taken in _passes(connection, rows, column, columns):
        chosen = f"SELECT * FROM ({rows}) WHERE {taken} ORDER BY {column}"  # noqa: S608 - quoted names
        connection.execute(f"INSERT INTO {table} {chosen}")
    connection.execute("COMMIT")


def _passes(connection: DuckDBPyConnection, rows: str, column: str, columns: int) -> list[str]:
    """Return conditions, each row meeting exactly one of them, that take about as many rows each."""
    (count,) = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone() or (0,)  # noqa: S608 - quoted names
    pieces = -(-count * columns // PASS_CELLS)
    if pieces < 2:
        return ["true"]
    shares = ", ".join(f"{piece / pieces:.9f}" for piece in range(1, pieces))
    (ends,) = connection.execute(
        f"SELECT CAST(list_sort(list_distinct(approx_quantile({column}, [{shares}]))) AS VARCHAR[]) FROM ({rows})"  # noqa: S608 - quoted names
    ).fetchone() or (None,)
    borders = [f"CAST({literal(end)} AS DATE)" for end in ends or ()]
    if not borders:
        return ["true"]
    between = [f"{column} >= {low} AND {column} < {high}" for low, high in pairwise(borders)]
    return [f"{column} < {borders[0]}", *between, f"{column} >= {borders[-1]}", f"{column} IS NULL"]
