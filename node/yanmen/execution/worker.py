"""One worker as the node deals with it: fed, watched from outside, killed on time, measured, reaped."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic_ns
from types import TracebackType
from typing import Self

from yanmen.execution.process import Ended, Started
from yanmen.execution.scratch import Scratch
from yanmen.model.refusal import JobCode, JobFailed, Usage

POLL_MS = 50
"""How often a cancel is looked for: far below the promised second."""

TICK_MS = 100
"""The kernel's CPU limit and its account of CPU time differ by a few ticks."""
SPENT_PERCENT = 75
"""A worker killed by the kernel after so much of its CPU time was killed for that: the limit is held in ticks, and a
tick counts whole for whom it meets, while the account is exact; on a busy machine they differ by more than a few."""
HEADER = 4
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is enforced from outside: wall clock, CPU, size of the reply, and what lies in the scratch folder."""

    wall_ms: int
    cpu_seconds: int
    reply_bytes: int
    scratch: Scratch | None = None


class Worker:
    """A worker process as a context: whatever happens inside the block, it is dead and reaped after it."""

    def __init__(self, process: Started, bounds: Bounds, cancel: Event) -> None:
        """Watch over `process`, which was started just now."""
        self._process = process
        self._bounds = bounds
        self._cancel = cancel
        self._peak_bytes = 0
        self._cpu_before_ms = 0
        self._ended: Ended | None = None
        self._request_fd: int | None = process.pipes.request
        self._read_fd = process.pipes.reply
        self._pidfd = process.pipes.process
        self._deadline = monotonic_ns() + bounds.wall_ms * 1_000_000

    @property
    def exit_status(self) -> int | None:
        """How the worker ended (negative: by that signal), None while it runs."""
        return self._ended.exit_status if self._ended is not None else None

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        """Return the running worker."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill and reap."""
        self._kill()
        self._reap()
        self._hang_up()
        os.close(self._pidfd)
        os.close(self._read_fd)

    def exchange(self, request: bytes) -> tuple[bytes, Usage]:
        """Send `request`, return the reply's bytes and the cost, or raise JobFailed with what the outside knows."""
        with self._fatal():
            reply = self._call(request)
            self._measure_peak()
            self._dismiss()
        return reply, self._usage(len(reply))

    def ask(self, request: bytes, bounds: Bounds, cancel: Event) -> tuple[bytes, Usage]:
        """Send one of several questions, within `bounds` of its own; return its reply and its cost, or raise as above.

        The worker lives on after a reply, and is dead after a JobFailed.
        """
        self._begin(bounds, cancel)
        self._forget_peak()
        with self._fatal():
            if _readable(self._read_fd):
                raise JobFailed(JobCode.BAD_REPLY)  # it spoke before it was asked
            reply = self._call(request)
            self._measure_peak()
            return reply, self._usage(len(reply))

    def hear(self, expected: bytes, bounds: Bounds) -> bool:
        """Whether it says `expected`, unasked, within `bounds`; one that does not is dead."""
        self._begin(bounds, Event())
        try:
            with self._fatal():
                size = int.from_bytes(self._receive(HEADER), "big")
                if size != len(expected) or self._receive(size) != expected:
                    raise JobFailed(JobCode.BAD_REPLY)
        except JobFailed:
            return False
        return True

    def _begin(self, bounds: Bounds, cancel: Event) -> None:
        self._cpu_before_ms = self.cpu_ms
        self._bounds, self._cancel = bounds, cancel
        self._deadline = monotonic_ns() + bounds.wall_ms * 1_000_000

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._ended is None and not _readable(self._pidfd)

    @property
    def cpu_ms(self) -> int:
        """The CPU time of its whole life, read from outside."""
        if self._ended is None:
            with contextlib.suppress(OSError):
                # CPUCLOCK_SCHED of a process (linux/posix-timers.h); the number is only its own while it is unreaped.
                return time.clock_gettime_ns((~self.pid << 3) | 2) // 1_000_000
        return self._ended.cpu_ms if self._ended is not None else 0

    @contextlib.contextmanager
    def _fatal(self) -> Iterator[None]:
        """End the worker at a JobFailed, and say what it used."""
        try:
            yield
        except JobFailed as failed:
            self._measure_peak()
            self._kill()
            self._reap()
            raise JobFailed(failed.code, self._usage(0)) from None

    def _call(self, request: bytes) -> bytes:
        self._send(len(request).to_bytes(HEADER, "big") + request)
        size = int.from_bytes(self._receive(HEADER), "big")
        if size > self._bounds.reply_bytes:
            raise JobFailed(JobCode.OUTPUT)
        return self._receive(size)

    def _send(self, data: bytes) -> None:
        fd = self._request_fd
        if fd is None:
            raise JobFailed(JobCode.FAILED)
        os.set_blocking(fd, False)
        view = memoryview(data)
        while view:
            self._wait(fd, select.POLLOUT)
            try:
                view = view[os.write(fd, view) :]
            except BrokenPipeError:
                raise JobFailed(self._cause()) from None

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(self._read_fd, select.POLLIN)
            chunk = os.read(self._read_fd, min(CHUNK, size - len(data)))
            if not chunk:
                raise JobFailed(self._cause())
            data += chunk
        return bytes(data)

    def _dismiss(self) -> None:
        """Let the worker go; anything it still has to say makes the whole reply unusable."""
        self._hang_up()
        self._wait(self._read_fd, select.POLLIN)
        if os.read(self._read_fd, 1):
            raise JobFailed(JobCode.BAD_REPLY)
        cause = self._cause()
        if self.exit_status != 0:
            raise JobFailed(cause)

    def _hang_up(self) -> None:
        """Close the request pipe, for which a worker that has replied waits."""
        if self._request_fd is not None:
            os.close(self._request_fd)
            self._request_fd = None

    def _wait(self, fd: int, event: int) -> None:
        """Wait until `fd` is ready; a cancel or the deadline ends the worker first."""
        poller = select.poll()
        poller.register(fd, event)
        while not poller.poll(POLL_MS):
            self._measure_peak()
            self._check()
            if self._bounds.scratch is not None and self._bounds.scratch.exceeded:
                raise JobFailed(JobCode.MEMORY)
        self._check()

    def _check(self) -> None:
        if self._cancel.is_set():
            raise JobFailed(JobCode.CANCELLED)
        if monotonic_ns() > self._deadline:
            raise JobFailed(JobCode.TIME)
        if self.cpu_ms - self._cpu_before_ms > self._bounds.cpu_seconds * 1000 + TICK_MS:
            raise JobFailed(JobCode.TIME)

    def _forget_peak(self) -> None:
        """Begin a new peak where the kernel lets us: for an ordinary user it stays that of the worker's life."""
        self._peak_bytes = 0
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_bytes(b"5")

    def _measure_peak(self) -> None:
        """Read VmHWM: unlike ru_maxrss it does not count what the node held when it forked."""
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self.pid}/status").read_bytes().splitlines()
            if _readable(self._pidfd):
                return  # the number may have passed to another process
            for line in lines:
                if line.startswith(b"VmHWM:"):
                    self._peak_bytes = max(self._peak_bytes, int(line.split()[1]) * 1024)

    def _kill(self) -> None:
        if self._ended is None:
            self._process.kill()

    def _reap(self) -> Ended:
        if self._ended is None:
            self._ended = self._process.reap()
        return self._ended

    def _cause(self) -> JobCode:
        """Name why the worker ended by itself, from its wait status and CPU time; it may hang up and live on."""
        self._wait(self._pidfd, select.POLLIN)
        ended = self._reap()
        code = ended.exit_status
        if code == -signal.SIGSYS:
            return JobCode.VIOLATION
        spent = ended.cpu_ms * 100 >= self._bounds.cpu_seconds * 1000 * SPENT_PERCENT
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and spent):
            return JobCode.TIME
        if code == -signal.SIGKILL:
            return JobCode.MEMORY
        return JobCode.BAD_REPLY if code == 0 else JobCode.FAILED

    def _usage(self, reply_bytes: int) -> Usage:
        spent = max(0, self.cpu_ms - self._cpu_before_ms)
        return Usage(cpu_ms=spent, peak_bytes=self._peak_bytes, reply_bytes=reply_bytes)


def _readable(fd: int) -> bool:
    """Whether there is something to read now; of a process descriptor: whether the process has ended."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))
