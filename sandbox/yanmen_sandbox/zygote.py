"""Forks prepared workers: engine loaded and connected, no key, no data, no thread; each fork serves one job and dies.

`python -I -B -m yanmen_sandbox.zygote CONTROL_FD open|closed ACCOUNT`, where `closed` says that the node put
this process into namespaces, out of which each worker gets its own. For every job the node sends one
message: the numbers that the job's descriptors must have, and the descriptors: request, reply, status,
then the job's. The zygote answers on `status` with a descriptor of the worker's process and, when it has
ended, with how. It never holds a request or a snapshot: those wait in pipes and descriptors that only the
fork reads.
"""

import fcntl
import gc
import json
import os
import select
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from yanmen_sandbox import apart, engine, kernel
from yanmen_sandbox.apart import Account, Namespaces
from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs import importing
from yanmen_sandbox.jobs.table import JOBS
from yanmen_sandbox.lockdown import Surroundings
from yanmen_sandbox.worker import serve

MESSAGE_BYTES = 1 << 12
DESCRIPTORS_MAX = 64
ENDED = struct.Struct("=iQ")
"""How a worker ended: its wait status and the microseconds of CPU it used."""
SCRATCH = "/dev/shm"  # noqa: S108 - of the namespaces, closed before the first fork


class _Watched(NamedTuple):
    """One running worker and where its end is told."""

    pid: int
    status: socket.socket


class _Start(NamedTuple):
    """One order to fork: what the job reads and writes, where its end is told, and its own descriptors by number."""

    request: int
    reply: int
    status: int
    given: tuple[tuple[int, int], ...]


class Zygote:
    """The loop: fork what the node asks for, tell how each worker ended, die with the node."""

    def __init__(
        self, control_fd: int, jobs: Mapping[str, Job], namespaces: Namespaces | None, account: Account | None
    ) -> None:
        """Prepare everything that a worker can inherit."""
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # inherited: no worker can look into a sibling
        self._jobs = jobs
        self._control = socket.socket(fileno=control_fd)
        self._namespaces = namespaces
        self._account = account
        self._watched: dict[int, _Watched] = {}
        importing.blank()
        if namespaces is not None:
            os.chmod(SCRATCH, 0)  # noqa: PTH101 - nothing of a job may stay for the next one to read
        self._connection = engine.open_engine()
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Serve until the node hangs up; the workers, whose parent this is, are killed by the kernel then."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        while True:
            for fd, _ in poller.poll():
                if fd in self._watched:
                    poller.unregister(fd)
                    self._tell_end(fd)
                    continue
                start = self._receive()
                if start is None:
                    return
                with suppress(OSError):  # no process to be had: the node sees its three pipes close
                    poller.register(self._fork(start), select.POLLIN)

    def _receive(self) -> _Start | None:
        data, fds, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, DESCRIPTORS_MAX)
        if not data:
            return None
        request, reply, status, *given = fds
        return _Start(request, reply, status, tuple(zip(json.loads(data), given, strict=True)))

    def _fork(self, start: _Start) -> int:
        """Fork a worker; return the descriptor that tells its end."""
        parent = os.getpid()
        status = socket.socket(fileno=start.status)
        try:
            pid = os.fork() if self._namespaces is None else self._namespaces.fork()
            if pid == 0:
                self._work(start, parent)
        except OSError:
            status.close()
            raise
        finally:
            for fd in (start.request, start.reply, *(fd for _, fd in start.given)):
                os.close(fd)
        # Unreaped, so the number is still this worker's.
        pidfd = os.pidfd_open(pid)
        with suppress(OSError):
            socket.send_fds(status, [b"\0"], [pidfd])
        self._watched[pidfd] = _Watched(pid, status)
        return pidfd

    def _tell_end(self, pidfd: int) -> None:
        worker = self._watched.pop(pidfd)
        _, status, used = os.wait4(worker.pid, 0)
        os.close(pidfd)
        with suppress(OSError):
            worker.status.send(ENDED.pack(status, round((used.ru_utime + used.ru_stime) * 1_000_000)))
        worker.status.close()

    def _work(self, start: _Start, parent: int) -> None:
        """Be the worker: leave the zygote's namespaces, keep the job's descriptors and no other, do the job, end."""
        around = Surroundings(parent, account=self._account)
        try:
            if self._namespaces is not None:
                self._namespaces.leave()
                around = Surroundings(0, namespaces=True, account=self._account)
            serve(_arrange(start), around, self._jobs, self._connection)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)


def _arrange(start: _Start) -> int:
    """Give every descriptor its number and close the rest; return the reply's."""
    above = max((number for number, _ in start.given), default=0) + 1
    above = max(above, 3)
    reply = fcntl.fcntl(start.reply, fcntl.F_DUPFD, above)
    moved = [(number, fcntl.fcntl(fd, fcntl.F_DUPFD, reply + 1)) for number, fd in start.given]
    os.dup2(start.request, 0)
    for number, fd in moved:
        os.dup2(fd, number)
    _close_all_but((0, 1, 2, *(number for number, _ in moved), reply))
    return reply


def _close_all_but(kept: Sequence[int]) -> None:
    first = 0
    for fd in sorted(kept):
        if first < fd:
            os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def main(arguments: Sequence[str], jobs: Mapping[str, Job]) -> None:
    """Serve on the control socket named in `arguments` until the node hangs up."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    control, closed, account = arguments
    namespaces = Namespaces() if {"closed": True, "open": False}[closed] else None
    Zygote(int(control), jobs, namespaces, apart.account(account)).run()


if __name__ == "__main__":
    main(sys.argv[1:], JOBS)
    # The workers are killed by the kernel when this process, their parent, is gone.
    os._exit(0)
