"""The order in which a job gives everything up.

The research (DESIGN §3) attached the snapshot first and closed afterwards. Here Landlock and a first
seccomp filter come before the attachment: a snapshot was written by an import job that read a
hostile file, so its bytes are hostile too, and the engine already parses them when it attaches.
"""

import os
import resource
import signal
from contextlib import suppress
from typing import NamedTuple

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import engine, kernel
from yanmen_sandbox.apart import Account
from yanmen_sandbox.job import Job
from yanmen_sandbox.request import Limits, Request, array, integer
from yanmen_sandbox.seccomp_filter import compile_policy
from yanmen_sandbox.seccomp_policy import ATTACH, SPILL

OPEN_FILES = 64
"""A job holds a dozen."""


EXIT_NO_LANDLOCK = 71
EXIT_NO_SECCOMP = 72
"""How the worker ends where the kernel lacks a layer: the node's operator is told which."""


class Surroundings(NamedTuple):
    """Who the worker dies with, whether it is in namespaces (another file view, no network), and what account it takes.

    A worker that is the first of its own process namespace sees its parent as 0.
    """

    parent: int
    namespaces: bool = False
    account: Account | None = None


def close(job: Job, request: Request, reply_fd: int, around: Surroundings, connection: DuckDBPyConnection) -> None:
    """Give up, in this order, everything that the job and its engine do not need."""
    machine = _require_layers(around)
    scratch = _scratch(request)
    calls = job.calls if scratch is None else (*job.calls, *SPILL)
    _limit(request.limits)
    _die_with(around.parent)
    job.first(request)
    engine.hold_memory(connection, request.limits)
    if kernel.landlock_abi() > 0:
        kernel.refuse_by_landlock(scratch, *_files(request))
    engine.start_threads(connection, request.limits)
    end = kernel.ending_action()
    kernel.filter_by_seccomp(compile_policy(machine, reply_fd, (*ATTACH, *calls), end))
    job.prepare(connection, request)
    _die_with(around.parent)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    engine.lock(connection, request.limits, scratch)
    kernel.filter_by_seccomp(compile_policy(machine, reply_fd, calls, end))


def _scratch(request: Request) -> int | None:
    """Return the descriptor of the job's scratch folder, if it has one; without Landlock it would open every path."""
    if "scratch" not in request.body or request.job != "query":
        return None
    if kernel.landlock_abi() == 0:
        os._exit(EXIT_NO_LANDLOCK)
    return integer(request.body, "scratch")


def _files(request: Request) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the descriptors that the engine opens again, to read and to write: they may be files on a volume."""
    match request.job:
        case "query":
            pairs = [scan for scan in array(request.body, "scans") if isinstance(scan, list)]
            return tuple(fd for _, fd in pairs if isinstance(fd, int)), ()
        case "import":
            previous = request.body.get("previous")
            return (previous,) if isinstance(previous, int) else (), (integer(request.body, "target"),)
        case _:
            return (), ()


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

    One more second of CPU before the kill lets SIGXCPU, which cannot be caught in the closed jail, name the cause. The
    first process of a namespace does not get it: the kill comes at once.
    """
    grace = 0 if os.getpid() == 1 else 1
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits.address, limits.address),
        (resource.RLIMIT_CPU, limits.cpu, limits.cpu + grace),
        (resource.RLIMIT_FSIZE, limits.file, limits.file),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
    ):
        given = resource.getrlimit(kind)[1]
        highest = hard if given == resource.RLIM_INFINITY else min(hard, given)
        resource.setrlimit(kind, (min(soft, highest), highest))
    with suppress(ValueError):  # gVisor has neither the limit nor the queues; the filter refuses mq_open anywhere
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies, the node or the zygote, unless it is already dead.

    It is asked again after the attachment, while which the order could be taken back.
    """
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
