"""Several questions to one worker, which is closed in before the first: one contract, one set of snapshots.

The node gives a worker to one consumer under one contract only, so what could pass from one question to
the next passes between questions of the same asker. Still each gets a connection of its own, and the
worker ends itself when a question left anything in the engine that they share.
"""

import os
from typing import Final

import _duckdb
from _duckdb import DuckDBPyConnection

from yanmen_sandbox.job import Job
from yanmen_sandbox.reply import code_of, encode, send
from yanmen_sandbox.request import Request, next_question

EXIT_SOILED: Final = 73
"""How a worker ends after a question that left something behind."""

READY: Final = encode({"ok": True}, 64)
"""The next question may come."""

LEFT = (
    "SELECT 'database', database_name, '', '', readonly FROM duckdb_databases()"
    " UNION ALL SELECT 'table', database_name, schema_name, table_name, temporary FROM duckdb_tables()"
    " UNION ALL SELECT 'secret', name, '', '', persistent FROM duckdb_secrets()",
    "SELECT current_setting('memory_limit'), current_setting('threads'), current_setting('lock_configuration')",
)
"""What outlives a connection: databases, tables in one that is writable, secrets, settings.

The rest (temporary objects, variables, prepared statements, an open transaction, the search path) is the
connection's own; views, macros, types and sequences need a writable database, and the engine keeps none.
"""


def serve(job: Job, connection: DuckDBPyConnection, order: Request, reply_fd: int) -> None:
    """Say `READY`, then answer at most `order.uses` questions and say it after each; a failed one is the last."""
    if job.each is None:
        raise TypeError("a job without sessions")
    _forget_scratch(connection)
    for number, statement in enumerate(LEFT):
        connection.execute(f"PREPARE left{number} AS {statement}")  # once: it is asked after every question
    clean = left(connection)
    cursor = _opened(job, connection)
    send(reply_fd, READY)
    for _ in range(order.uses):
        question = next_question(0, order)
        if question is None:
            return
        try:
            frame = job.each(cursor, question)
        except Exception as error:  # noqa: BLE001 - whatever broke, only its closed code may leave
            send(reply_fd, encode({"code": code_of(error).value}, order.limits.reply))
            break
        send(reply_fd, frame)
        job.tidy(cursor, question)
        cursor.close()
        if left(connection) != clean:
            os._exit(EXIT_SOILED)
        cursor = _opened(job, connection)
        send(reply_fd, READY)
    # The node reads our peak memory from /proc now, then closes the request pipe.
    os.read(0, 1)


def _opened(job: Job, connection: DuckDBPyConnection) -> DuckDBPyConnection:
    """Return a connection for the next question, with what the job prepares before it comes."""
    cursor = connection.cursor()
    job.ready(cursor)
    return cursor


def left(connection: DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    """Return what the connections of this engine share."""
    found = [connection.execute(f"EXECUTE left{number}").fetchall() for number in range(len(LEFT))]
    return [sorted(rows, key=repr) for rows in found]


def _forget_scratch(connection: DuckDBPyConnection) -> None:
    """Detach the engine's own empty database where another can stand in: nothing can be created then."""
    snapshot = connection.execute(
        "SELECT database_name FROM duckdb_databases() WHERE readonly AND NOT internal ORDER BY database_name"
    ).fetchone()
    if snapshot is None:
        return
    name = '"' + str(snapshot[0]).replace('"', '""') + '"'
    connection.execute(f"USE {name}")
    try:
        connection.execute("DETACH memory")
    except _duckdb.Error:
        os._exit(1)
