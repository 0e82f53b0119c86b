"""The order in which a job gives everything up.

The research (DESIGN §3) attached the snapshot first and closed afterwards. Here Landlock and a first
seccomp filter come before the attachment: a snapshot was written by an import job that read a
hostile file, so its bytes are hostile too, and the engine already parses them when it attaches.
"""

import os
import resource
import signal
from typing import NamedTuple

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine, kernel
from yanmen_sandbox.job import Job
from yanmen_sandbox.request import Limits, Request, integer
from yanmen_sandbox.seccomp_filter import compile_policy
from yanmen_sandbox.seccomp_policy import ATTACH, SPILL

NOBODY = 65534
"""The user and group of a job whose node runs as root."""
OPEN_FILES = 64
"""A job holds a dozen."""


EXIT_NO_LANDLOCK = 71
EXIT_NO_SECCOMP = 72
"""How the worker ends where the kernel lacks a layer: the node's operator is told which."""


class Surroundings(NamedTuple):
    """Who the worker dies with, and whether it is in namespaces: another file view, no other process, no network."""

    parent: int
    namespaces: bool = False


def close(
    job: Job, request: Request, reply_fd: int, around: Surroundings, prepared: DuckDBPyConnection | None = None
) -> DuckDBPyConnection:
    """Give up, in this order, everything the job does not need; return the engine it works with."""
    machine = _require_layers(around)
    scratch = _scratch(request)
    calls = job.calls if scratch is None else (*job.calls, *SPILL)
    _limit(request.limits)
    _die_with(around.parent)
    job.first(request)
    connection = prepared if prepared is not None else engine.open_engine()
    engine.hold_memory(connection, request.limits)
    if kernel.landlock_abi() > 0:
        kernel.refuse_by_landlock(scratch)
    engine.start_threads(connection, request.limits)
    kernel.filter_by_seccomp(compile_policy(machine, reply_fd, (*ATTACH, *calls)))
    job.prepare(connection, request)
    if os.getuid() == 0:
        _become_nobody()
    _die_with(around.parent)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    engine.lock(connection, request.limits, scratch)
    kernel.filter_by_seccomp(compile_policy(machine, reply_fd, calls))
    return connection


def _scratch(request: Request) -> int | None:
    """Return the descriptor of the job's scratch folder, if it has one; without Landlock it would open every path."""
    if "scratch" not in request.body or request.job != "query":
        return None
    if kernel.landlock_abi() == 0:
        os._exit(EXIT_NO_LANDLOCK)
    return integer(request.body, "scratch")


def _require_layers(around: Surroundings) -> kernel.Architecture:
    """End the process unless it has seccomp, and Landlock or a file view of its own."""
    if kernel.landlock_abi() == 0 and not around.namespaces:
        os._exit(EXIT_NO_LANDLOCK)
    machine = kernel.architecture()
    if machine is None or not kernel.seccomp_available():
        os._exit(EXIT_NO_SECCOMP)
    return machine


def _limit(limits: Limits) -> None:
    """Lower the kernel's limits: address space, CPU, file size, descriptors, no core file, nothing locked.

    One more second of CPU before the kill lets SIGXCPU, which cannot be caught in the closed jail, name the cause.
    """
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits.address, limits.address),
        (resource.RLIMIT_CPU, limits.cpu, limits.cpu + 1),
        (resource.RLIMIT_FSIZE, limits.file, limits.file),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ):
        given = resource.getrlimit(kind)[1]
        highest = hard if given == resource.RLIM_INFINITY else min(hard, given)
        resource.setrlimit(kind, (min(soft, highest), highest))


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies, the node or the zygote, unless it is already dead.

    A change of user clears the order (prctl(2)), so it is given again after one.
    """
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
