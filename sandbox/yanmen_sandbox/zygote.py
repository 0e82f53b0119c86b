"""Forks prepared workers: engine loaded and connected, no key, no data, no thread; each fork serves one job and dies.

`python -I -B -m yanmen_sandbox.zygote CONTROL_FD open|closed|contained ACCOUNT`, where `closed` says that the
node put this process into namespaces, out of which each worker gets its own, and `contained` that a container
engine did, whose namespaces its workers share. For every job the node sends one
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
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum, unique
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
GONE = -1
"""In place of a descriptor whose number may be another worker's by now."""
SCRATCH = "/dev/shm"  # noqa: S108 - of the namespaces, closed before the first fork


@unique
class Place(Enum):
    """Where the node put this process."""

    OPEN = "open"
    CLOSED = "closed"
    CONTAINED = "contained"


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

    def __init__(self, control_fd: int, jobs: Mapping[str, Job], place: Place, account: Account | None) -> None:
        """Prepare everything that a worker can inherit."""
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # inherited: no worker can look into a sibling
        self._jobs = jobs
        self._control = socket.socket(fileno=control_fd)
        self._place = place
        self._namespaces = Namespaces() if place is Place.CLOSED else None
        self._account = account
        self._watched: dict[int, _Watched] = {}
        self._orders: dict[int, tuple[socket.socket, int]] = {}
        self._poller = select.poll()
        self._descriptors = _of_processes()
        importing.blank()
        if place is not Place.OPEN:
            os.chmod(SCRATCH, 0)  # noqa: PTH101 - nothing of a job may stay for the next one to read
        self._connection = engine.open_engine()
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Serve until the node hangs up; the workers, whose parent this is, are killed by the kernel then."""
        self._poller.register(self._control, select.POLLIN)
        while True:
            for fd, _ in self._poller.poll():
                if fd in self._watched:
                    self._tell_end(fd)
                elif fd in self._orders:
                    self._obey(fd)
                elif fd == self._control.fileno():
                    start = self._receive()
                    if start is None:
                        return
                    with suppress(OSError):  # no process to be had: the node sees its three pipes close
                        self._fork(start)

    def _receive(self) -> _Start | None:
        data, fds, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, DESCRIPTORS_MAX)
        if not data:
            return None
        request, reply, status, *given = fds
        return _Start(request, reply, status, tuple(zip(json.loads(data), given, strict=True)))

    def _fork(self, start: _Start) -> None:
        """Fork a worker and watch over it."""
        parent = os.getpid()
        status = socket.socket(fileno=start.status)
        life, end = (-1, -1) if self._descriptors else os.pipe()
        try:
            pid = os.fork() if self._namespaces is None else self._namespaces.fork()
            if pid == 0:
                self._work(start, parent, end)
        except OSError:
            status.close()
            raise
        finally:
            for fd in (start.request, start.reply, end, *(fd for _, fd in start.given)):
                if fd >= 0:
                    os.close(fd)
        if self._descriptors:
            # Unreaped, so the number is still this worker's.
            life = os.pidfd_open(pid)
            with suppress(OSError):
                socket.send_fds(status, [b"\0"], [life])
        else:
            self._take_orders(status, life)
        self._watched[life] = _Watched(pid, status)
        self._poller.register(life, select.POLLIN)

    def _take_orders(self, status: socket.socket, life: int) -> None:
        """Where a process has no descriptor, end it when the node says so."""
        with suppress(OSError):
            status.send(b"\1")
        self._orders[status.fileno()] = status, life
        self._poller.register(status, select.POLLIN)

    def _obey(self, fd: int) -> None:
        """End the worker that the node wants ended; when the node hangs up it knows the end, and all is done."""
        status, life = self._orders[fd]
        with suppress(OSError):
            if status.recv(1):
                if life in self._watched:
                    _end(self._watched[life].pid)
                return
        self._poller.unregister(fd)
        del self._orders[fd]
        status.close()

    def _tell_end(self, life: int) -> None:
        worker = self._watched.pop(life)
        self._poller.unregister(life)
        if not self._descriptors:
            _end(worker.pid)  # it may still run, and only have let go of its end of the pipe
        _, status, used = os.wait4(worker.pid, 0)
        os.close(life)
        with suppress(OSError):
            worker.status.send(ENDED.pack(status, round((used.ru_utime + used.ru_stime) * 1_000_000)))
        if self._descriptors:
            worker.status.close()
        else:
            self._orders[worker.status.fileno()] = worker.status, GONE

    def _work(self, start: _Start, parent: int, end: int) -> None:
        """Be the worker: leave the zygote's namespaces, keep the job's descriptors and no other, do the job, end."""
        try:
            if self._namespaces is not None:
                self._namespaces.leave()
                parent = 0
            around = Surroundings(parent, self._place is not Place.OPEN, self._account)
            serve(_arrange(start, end), around, self._jobs, self._connection)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)


def _end(pid: int) -> None:
    """Kill a worker that was not reaped yet; under gVisor a dead one cannot be named any more."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _of_processes() -> bool:
    """Tell whether the kernel has descriptors of processes: Linux 5.3 has, a runtime's own kernel may not."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _arrange(start: _Start, end: int) -> int:
    """Give every descriptor its number and close the rest, but for `end`, which closes when this process ends."""
    above = max((number for number, _ in start.given), default=0) + 1
    above = max(above, 3)
    reply = fcntl.fcntl(start.reply, fcntl.F_DUPFD, above)
    moved = [(number, fcntl.fcntl(fd, fcntl.F_DUPFD, reply + 1)) for number, fd in start.given]
    lasting = [] if end < 0 else [fcntl.fcntl(end, fcntl.F_DUPFD, reply + 1)]
    os.dup2(start.request, 0)
    for number, fd in moved:
        os.dup2(fd, number)
    _close_all_but((0, 1, 2, *(number for number, _ in moved), reply, *lasting))
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
    control, place, account = arguments
    Zygote(int(control), jobs, Place(place), apart.account(account)).run()


if __name__ == "__main__":
    main(sys.argv[1:], JOBS)
    # The workers are killed by the kernel when this process, their parent, is gone.
    os._exit(0)
