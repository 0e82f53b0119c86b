"""The node's side of a zygote: a process started once, before there are threads, that forks a worker for each job."""

import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import Protocol

from yanmen.execution.process import ENVIRONMENT, Ended, Pipes, Started, kill, reply_pipe
from yanmen.model.refusal import JobCode, JobFailed

START_SECONDS = 30
"""Within which a zygote answers: it loads the engine first, once."""
END_SECONDS = 10
"""Within which it tells how a dead worker ended."""
ENDED = struct.Struct("=iQ")
TROUBLE_BYTES = 300

Command = Callable[[int], tuple[str, ...]]
"""The command line of a zygote, given its control descriptor."""


class ZygoteProcess:
    """A worker forked by the zygote: the zygote reaps it and tells its end, the node kills it by descriptor."""

    def __init__(self, pipes: Pipes, status: socket.socket) -> None:
        """Hold the node's ends of one worker."""
        self.pipes = pipes
        self._status = status
        # In the node's own numbers, whatever namespace the worker is in.
        lines = Path(f"/proc/self/fdinfo/{pipes.process}").read_text(encoding="ascii").splitlines()
        self._pid = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._pid

    def kill(self) -> None:
        """Kill the worker, if it still runs."""
        kill(self.pipes.process)

    def reap(self) -> Ended:
        """Wait for the zygote's account; without one (the zygote died, its workers with it) the end is a failure."""
        return _account(self._status) or Ended(1, 0)


class ZygoteOrder:
    """A worker in a kernel of its own: only its zygote can name it, so that is told to kill it."""

    def __init__(self, pipes: Pipes, status: socket.socket, home: "Home") -> None:
        """Hold the node's ends of one worker; `pipes.process` is readable when its end was told."""
        self.pipes = pipes
        self._status = status
        self._home = home

    @property
    def pid(self) -> int:
        """The process in which the zygote and all its workers are, as the node sees it."""
        return self._home.pid

    def kill(self) -> None:
        """Have the worker killed, if it still runs."""
        with suppress(OSError):
            self._status.send(b"\0")

    def reap(self) -> Ended:
        """Wait for the zygote's account; one that gives none is ended with all its workers."""
        told = _account(self._status)
        if told is None:
            self._home.end()
        return told or Ended(1, 0)


def _account(status: socket.socket) -> Ended | None:
    """Read how a worker ended and what it took, and close `status`; None when the zygote does not say."""
    with status:
        try:
            told = status.recv(ENDED.size)
        except OSError:
            return None
    if len(told) != ENDED.size:
        return None
    code, cpu_us = ENDED.unpack(told)
    return Ended(os.waitstatus_to_exitcode(code), round(cpu_us / 1000))


class Home(Protocol):
    """Where a zygote lives: it is started there, perhaps anew, and ended."""

    @property
    def running(self) -> bool:
        """Whether one that was started has not ended."""
        ...

    @property
    def pid(self) -> int:
        """Its process id, as the node sees it; 0 before the first start."""
        ...

    def start(self) -> socket.socket:
        """Start it and return what it is told by; raises JobFailed or OSError when it cannot be had."""
        ...

    def end(self) -> None:
        """End it, if it runs, and all its workers."""
        ...

    def trouble(self) -> str:
        """Say what it wrote before it could serve, empty when there is nothing."""
        ...


class Child:
    """A zygote that is a child of the node."""

    def __init__(self, command: Command) -> None:
        """Take note of its command line."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._said = -1

    @property
    def running(self) -> bool:
        """Whether one that was started has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, 0 before the first start."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> socket.socket:
        """Start the command, with an empty environment and its end of a new socket pair."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = os.memfd_create("zygote-stderr", os.MFD_CLOEXEC)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    self._command(theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._said,
                    env=ENVIRONMENT,
                    cwd="/",
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError:
                control.close()
                raise
        return control

    def end(self) -> None:
        """Kill and reap it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._said >= 0:
            os.close(self._said)
            self._said = -1

    def trouble(self) -> str:
        """Return the first line it wrote to its error output."""
        if self._said < 0:
            return ""
        return os.pread(self._said, TROUBLE_BYTES, 0).decode("utf-8", "replace").partition("\n")[0]


class Zygote:
    """Starts workers by forking one prepared process; it dies when the node does, and its workers with it."""

    def __init__(self, home: Home, profile: str, layers: tuple[str, ...] = ()) -> None:
        """Take note of where to start it; `start` or the first job does."""
        self.home = home
        self.profile = profile
        self.layers = ("start:zygote", *layers)
        self._lock = Lock()
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the zygote if none runs: the same one again after one that died, never something weaker."""
        with self._lock:
            if self.home.running:
                return
            self._close()
            try:
                self._control = self.home.start()
            except OSError as error:
                raise JobFailed(JobCode.FAILED) from error

    def spawn(self, fds: tuple[int, ...]) -> Started:
        """Have a worker forked that holds `fds` under the same numbers."""
        self.start()
        with ExitStack() as node_side, ExitStack() as worker_side:
            request, reply, status = _channels(node_side, worker_side)
            ours, theirs = status
            try:
                numbers = json.dumps(list(fds)).encode("ascii")
                with self._lock:
                    control = self._control
                    if control is None:
                        raise JobFailed(JobCode.FAILED)
                    socket.send_fds(control, [numbers], [request[0], reply[1], theirs.fileno(), *fds])
                worker_side.close()
                ours.settimeout(START_SECONDS)
                said, told, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
            except OSError as error:
                raise JobFailed(JobCode.FAILED) from error
            ours.settimeout(END_SECONDS)
            process = self._forked(said, told, (request[1], reply[0]), ours)
            node_side.pop_all()
            return process

    def _forked(self, said: bytes, told: list[int], pipes: tuple[int, int], status: socket.socket) -> Started:
        """Take the worker as its zygote presents it: by a descriptor, or by its word where there are none."""
        match said, told:
            case b"\0", [process]:
                return ZygoteProcess(Pipes(*pipes, process), status)
            case b"\1", []:
                return ZygoteOrder(Pipes(*pipes, os.dup(status.fileno())), status, self.home)
            case _:
                for fd in told:
                    os.close(fd)
                raise JobFailed(JobCode.FAILED)

    def trouble(self) -> str:
        """Say why the zygote does not serve, as far as it is known."""
        return self.home.trouble()

    def close(self) -> None:
        """End the zygote and every worker it still has."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        self.home.end()


def _channels(
    node_side: ExitStack, worker_side: ExitStack
) -> tuple[tuple[int, int], tuple[int, int], tuple[socket.socket, socket.socket]]:
    """Make the request pipe, the reply pipe and the socket on which the worker's end is told."""
    request, reply = os.pipe(), reply_pipe()
    worker_side.callback(os.close, request[0])
    node_side.callback(os.close, request[1])
    node_side.callback(os.close, reply[0])
    worker_side.callback(os.close, reply[1])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    node_side.callback(ours.close)
    worker_side.callback(theirs.close)
    return request, reply, (ours, theirs)
