"""What the reader gives up, and when: most before it connects, all the rest before the first row can arrive.

    connecting   Landlock: the files a client reads, nothing to write; limits; no core file
    reading      another account when the node is root; no file at all, no new connection, no program, no thread: the
                 open connection, the file the rows go to, and the reply

So what a hostile server sends after the login is parsed where nothing is to be had. The handshake before it is
parsed without the system call filter, which it needs to be without.
"""

import os
import resource
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

from yanmen_sandbox import apart, kernel
from yanmen_sandbox.apart import Account
from yanmen_sandbox.seccomp_filter import compile_policy
from yanmen_sandbox.seccomp_policy import KILLED, Allowed

from yanmen_reader.order import Bounds

OPEN_FILES = 64
EXIT_NO_LANDLOCK = 71
EXIT_NO_SECCOMP = 72
"""As a worker ends where the kernel lacks a layer."""

SYSTEM = (
    # Libraries of the C library's name service, and what it looks hosts and services up in.
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/passwd",
    # Certificates of authorities.
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki",
)
"""Read by any client before it is connected."""
# libpq, chapters 34.16 to 34.19 of the PostgreSQL manual.
OF_THE_USER = (".pgpass", ".pg_service.conf", ".postgresql")
NAMED = (
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGSSLCRLDIR",
)
"""Variables of the environment that name files of the same kind."""

READ_ROWS = (
    Allowed("sendto", (44, 206), "queries, over the connection that is open; no other socket can be made"),
    Allowed("recvfrom", (45, 207), "rows"),
    Allowed("poll", (7, None), "waits for rows"),
    Allowed("ppoll", (271, 73), "as poll, where that does not exist"),
    Allowed("pwrite64", (18, 68), "rows into the target; no other descriptor of the reader is open for writing"),
)
"""Added to what every job may call."""


def connecting(parent: int, bounds: Bounds, files: Iterable[str]) -> None:
    """Lower the limits, and let nothing be opened but what any client needs to connect, and `files`."""
    if kernel.landlock_abi() == 0:
        os._exit(EXIT_NO_LANDLOCK)
    if kernel.architecture() is None or not kernel.seccomp_available():
        os._exit(EXIT_NO_SECCOMP)
    for kind, value in (
        (resource.RLIMIT_AS, bounds.address),
        (resource.RLIMIT_CPU, bounds.cpu),
        (resource.RLIMIT_FSIZE, bounds.file),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        given = resource.getrlimit(kind)[1]
        highest = value if given == resource.RLIM_INFINITY else min(value, given)
        resource.setrlimit(kind, (highest, highest))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    kernel.keep_paths(_opened((*SYSTEM, *files)))


def reading(account: Account | None, reply_fd: int) -> None:
    """Give up everything but the open connection, the target and the reply."""
    machine = kernel.architecture()
    if machine is None:
        os._exit(EXIT_NO_SECCOMP)
    apart.give_up(account)
    # Another account forgets who it is to die with.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.refuse_by_landlock()
    killed = [call for call in KILLED if call.name != "sendto"]
    kernel.filter_by_seccomp(compile_policy(machine, reply_fd, READ_ROWS, kernel.ending_action(), killed))


def of_postgresql(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a PostgreSQL client reads beside: its driver, and the files of the user and the environment."""
    import adbc_driver_postgresql

    driver = Path(adbc_driver_postgresql.__file__).parent
    home = environment.get("HOME", "")
    own = [f"{home}/{name}" for name in OF_THE_USER] if home.startswith("/") else []
    named = [environment[name] for name in NAMED if environment.get(name, "").startswith("/")]
    return (str(driver), f"{driver}.libs", *own, *named)


def _opened(paths: Iterable[str]) -> list[int]:
    """Open what is there; what is not can be named all the same."""
    found = []
    for path in dict.fromkeys(paths):
        try:
            found.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
        except OSError:
            continue
    return found
