"""One job per process: `python -I -B -m yanmen_sandbox REPLY_FD`, the request on descriptor 0."""

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import lockdown
from yanmen_sandbox.jobs import post, query, vet
from yanmen_sandbox.reply import code_of, encode, send
from yanmen_sandbox.request import Request, parse, read_frame
from yanmen_sandbox.seccomp_policy import Allowed


class Job(NamedTuple):
    """What a job does before and after the jail closes, and what it may call besides `COMPUTE`."""

    run: Callable[[DuckDBPyConnection, Request], bytes]
    prepare: Callable[[DuckDBPyConnection, Request], None] | None = None
    writes: tuple[Allowed, ...] = ()


JOBS = {
    "vet": Job(vet.vet),
    "bind": Job(vet.bind, vet.prepare_bind),
    "query": Job(query.run, query.prepare),
    "post": Job(post.run),
}


def serve(reply_fd: int, jobs: dict[str, Job]) -> None:
    """Read one request, close the jail, run the job, reply, and wait to be dismissed."""
    request = parse(read_frame(0))
    job = jobs[request.job]

    def prepare(connection: DuckDBPyConnection) -> None:
        if job.prepare is not None:
            job.prepare(connection, request)

    connection = lockdown.close(request.limits, reply_fd, prepare, job.writes)
    try:
        frame = job.run(connection, request)
    except Exception as error:  # noqa: BLE001 - whatever broke, only its closed code may leave
        frame = encode({"code": code_of(error).value}, request.limits.reply)
    send(reply_fd, frame)
    # The node reads our peak memory from /proc now, then closes the request pipe.
    os.read(0, 1)


if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]), JOBS)
    finally:
        # No interpreter teardown: it would run engine destructors for nothing.
        os._exit(0 if sys.exc_info()[0] is None else 1)
