"""How a worker comes to be: a process of its own, started clean, that its spawner kills, reaps and accounts for."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from yanmen.execution import account
from yanmen.model.refusal import JobCode, JobFailed

WORKER = (sys.executable, "-I", "-B", "-m", "yanmen_sandbox")
"""Isolated: no environment, no user site, no current directory; nothing is written beside the code."""
ENVIRONMENT = {"LANG": "C.UTF-8"}
"""All that a worker or zygote inherits by name."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended (negative: by that signal) and the CPU time it used."""

    exit_status: int
    cpu_ms: int


@dataclass(frozen=True, slots=True)
class Pipes:
    """The node's ends: where the request is written, where the reply is read, and a descriptor of the process."""

    request: int
    reply: int
    process: int


PIPE_BYTES = 1 << 18
"""What a reply's pipe holds, where the kernel lets us: four times as many bytes for each change of process."""


def reply_pipe() -> tuple[int, int]:
    """Make a pipe for replies, which may have megabytes."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # above what this user's pipes may hold together: the usual size then
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


class Started(Protocol):
    """A started worker process."""

    @property
    def pid(self) -> int:
        """Its process id, as the node sees it."""
        ...

    @property
    def pipes(self) -> Pipes:
        """What the node speaks to it by; whoever started the worker closes them."""
        ...

    def kill(self) -> None:
        """Kill it, if it still runs."""
        ...

    def reap(self) -> Ended:
        """Wait for its end and account for it; called once, after its end or a kill."""
        ...


class Spawner(Protocol):
    """Starts workers in one way."""

    @property
    def profile(self) -> str:
        """The name of the profile that node.toml asks for."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """What this way adds to the layers that a worker reports itself."""
        ...

    def spawn(self, fds: tuple[int, ...]) -> Started:
        """Start a worker that holds `fds` under the same numbers; raises JobFailed when none can be had."""
        ...

    def trouble(self) -> str:
        """Say why no worker could be had, as far as is known."""
        ...


@dataclass(frozen=True, slots=True)
class Fresh:
    """Starts a new interpreter for each job; `command` is another one only in tests."""

    command: tuple[str, ...] = WORKER
    profile: str = "landlock"
    layers: tuple[str, ...] = ("start:fresh",)

    def spawn(self, fds: tuple[int, ...]) -> "FreshProcess":
        """Start the command."""
        return FreshProcess(self.command, fds)

    def trouble(self) -> str:
        """Say nothing: the worker's own exit status does."""
        return ""


class FreshProcess:
    """A child of the node with an empty environment and only its pipes and the descriptors it was given."""

    def __init__(
        self, command: tuple[str, ...], fds: tuple[int, ...], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `command`."""
        reply, reply_fd = reply_pipe()
        request_fd, request = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*command, str(reply_fd), str(os.getpid()), account.word()],
                stdin=request_fd,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT if environment is None else dict(environment),
                cwd="/",
                pass_fds=(reply_fd, *fds),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reply)
            os.close(request)
            raise JobFailed(JobCode.FAILED) from error
        finally:
            os.close(reply_fd)
            os.close(request_fd)
        # The process is our child and unreaped, so the number cannot have passed to another.
        self.pipes = Pipes(request, reply, os.pidfd_open(self._process.pid))

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def kill(self) -> None:
        """Kill the worker, if it still runs."""
        kill(self.pipes.process)

    def reap(self) -> Ended:
        """Wait for its end."""
        _, status, used = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(self._process.returncode, round((used.ru_utime + used.ru_stime) * 1000))


def kill(process: int) -> None:
    """Kill the process of the descriptor `process`, if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)
