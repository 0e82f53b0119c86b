"""The order in which a job gives everything up.

The research (DESIGN §3) attached the snapshot first and closed afterwards. Here Landlock and a first
seccomp filter come before the attachment: a snapshot was written by an import job that read a
hostile file, so its bytes are hostile too, and the engine already parses them when it attaches.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterable

from _duckdb import DuckDBPyConnection

from yanmen_sandbox import confinement, engine, seccomp_policy
from yanmen_sandbox.request import Limits
from yanmen_sandbox.seccomp_policy import Allowed

NOBODY = 65534
"""The user and group of a job whose node runs as root."""

OPEN_FILES = 64
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4


def close(
    limits: Limits,
    reply_fd: int,
    prepare: Callable[[DuckDBPyConnection], None],
    writes: Iterable[Allowed] = (),
) -> DuckDBPyConnection:
    """Give up, in this order, everything the job does not need; `prepare` attaches what it may see."""
    confinement.require_layers()
    libc = ctypes.CDLL(None, use_errno=True)
    opening = confinement.seccomp_filter(reply_fd, (*seccomp_policy.ATTACH, *writes))
    working = confinement.seccomp_filter(reply_fd, writes)
    _limit(limits)
    _die_with_parent(libc)
    connection = engine.start(limits)
    confinement.engage_landlock()
    engine.start_threads(connection, limits)
    opening.load()
    prepare(connection)
    if os.getuid() == 0:
        _become_nobody()
        _die_with_parent(libc)
    _prctl(libc, PR_SET_DUMPABLE, 0)
    engine.lock(connection, limits)
    working.load()
    return connection


def _limit(limits: Limits) -> None:
    """Lower the kernel's limits: address space, CPU, file size, descriptors, no core file, nothing locked."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.address),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def _die_with_parent(libc: ctypes.CDLL) -> None:
    """Ask the kernel to kill this process when the node dies, unless it is already dead."""
    parent = os.getppid()
    _prctl(libc, PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent or parent == 1:
        os._exit(1)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
