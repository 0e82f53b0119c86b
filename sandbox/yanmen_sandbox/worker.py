"""The life of one job: read the request, close the jail, work, reply, wait to be dismissed."""

import os
from collections.abc import Mapping

from yanmen_sandbox import lockdown
from yanmen_sandbox.job import Job
from yanmen_sandbox.reply import code_of, encode, send
from yanmen_sandbox.request import parse, read_frame


def serve(reply_fd: int, node_pid: int, jobs: Mapping[str, Job]) -> None:
    """Do the one job that the request on descriptor 0 names."""
    request = parse(read_frame(0))
    job = jobs[request.job]
    connection = lockdown.close(job, request, reply_fd, node_pid)
    try:
        frame = job.run(connection, request)
    except Exception as error:  # noqa: BLE001 - whatever broke, only its closed code may leave
        frame = encode({"code": code_of(error).value}, request.limits.reply)
    send(reply_fd, frame)
    # The node reads our peak memory from /proc now, then closes the request pipe.
    os.read(0, 1)
