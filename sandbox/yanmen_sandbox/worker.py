"""The life of one worker: give up root, read the request, close the jail, work, reply, wait to be dismissed."""

import os
from collections.abc import Mapping

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import apart, engine, lockdown, session
from yanmen_sandbox.job import Job
from yanmen_sandbox.lockdown import Surroundings
from yanmen_sandbox.reply import code_of, encode, send
from yanmen_sandbox.request import parse, read_frame


def serve(
    reply_fd: int, around: Surroundings, jobs: Mapping[str, Job], prepared: DuckDBPyConnection | None = None
) -> None:
    """Do the job that the request on descriptor 0 names, with the `prepared` engine or one of its own."""
    connection = prepared if prepared is not None else engine.open_engine()
    apart.give_up(around.account)
    request = parse(read_frame(0))
    job = jobs[request.job]
    lockdown.close(job, request, reply_fd, around, connection)
    if request.uses > 0:
        session.serve(job, connection, request, reply_fd)
        return
    try:
        frame = job.run(connection, request)
    except Exception as error:  # noqa: BLE001 - whatever broke, only its closed code may leave
        frame = encode({"code": code_of(error).value}, request.limits.reply)
    send(reply_fd, frame)
    # The node reads our peak memory from /proc now, then closes the request pipe.
    os.read(0, 1)
