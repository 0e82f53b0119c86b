"""The query job: emitted text over read-only snapshots, typed rows back."""

from collections.abc import Iterator

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine
from yanmen_sandbox.reply import Code, Ended, encode_rows
from yanmen_sandbox.request import Request, array, integer, text

BATCH = 256


def prepare(connection: DuckDBPyConnection, request: Request) -> None:
    """Attach each snapshot under its schema."""
    for scan in array(request.body, "scans"):
        match scan:
            case [str(schema), int(fd)]:
                engine.attach_snapshot(connection, schema, fd)
            case _:
                raise TypeError("scan")


def run(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Run the emitted text and encode its rows."""
    connection.execute(text(request.body, "sql"))
    return encode_rows(fetch(connection, integer(request.body, "rows")), request.limits.reply)


def fetch(connection: DuckDBPyConnection, cap: int) -> Iterator[list[tuple[object, ...]]]:
    """Yield the rows of the running query in batches; more than `cap` end the job with OUTPUT."""
    count = 0
    while batch := connection.fetchmany(BATCH):
        count += len(batch)
        if count > cap:
            raise Ended(Code.OUTPUT)
        yield batch
