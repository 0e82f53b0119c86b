"""The probe job: tries to get out of the closed jail and reports what worked; the node serves only if nothing did."""

import ctypes
import hashlib
import os
import time
from collections.abc import Callable

import _duckdb
from _duckdb import DuckDBPyConnection

from yanmen_sandbox import kernel
from yanmen_sandbox.reply import encode
from yanmen_sandbox.request import Request, array, integer, text
from yanmen_sandbox.seccomp_filter import compile_policy
from yanmen_sandbox.seccomp_policy import ATTACH, SPILL, WRITE_SNAPSHOT

AF_INET = 2
AF_VSOCK = 40
SOCK_STREAM = 1
SOCK_DGRAM = 2
PROT_ALL = 0x7
MAP_PRIVATE_ANONYMOUS = 0x22
PTRACE_SEIZE = 0x4206
"""Attaching without stopping: a probe that works must not freeze the node."""
SYS_IO_URING_SETUP = 425
SPIN_SECONDS = 1.0
FAILED = ctypes.c_void_p(-1).value

CALLS = ((), ATTACH, WRITE_SNAPSHOT, SPILL)
"""What jobs may call besides computing: all of it is in the digest that the profile states."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


def first(request: Request) -> None:
    """Note the kernel's Landlock ABI and the worker's namespaces while they can still be asked."""
    request.body["landlock"] = kernel.landlock_abi()
    request.body["end"] = kernel.ending_action()
    request.body["namespaces"] = [_namespace(str(name)) for name in array(request.body, "apart")]


def _namespace(name: str) -> str:
    """Return which namespace of this kind it is in, empty under a kernel that does not have the kind."""
    try:
        return os.readlink(f"/proc/self/ns/{name}")  # noqa: PTH115
    except FileNotFoundError:
        return ""


def prepare(_: DuckDBPyConnection, request: Request) -> None:
    """Try the host's files behind Landlock and the first filter, where files can be opened at all.

    Without Landlock a worker in a file view of its own still sees that view: no file of the host's.
    """
    names = ("read-file", "read-environment", "list-root") if request.body["landlock"] else ("read-file",)
    found = [name for name in names if _works(PROBES[name], request)]
    request.body["attaching"] = [f"{name}-while-attaching" for name in found]


def run(_: DuckDBPyConnection, request: Request) -> bytes:
    """Try the named probes; reply with those that worked and with what the jail is made of.

    `exceed-output` is a reply that no job of ours would write: longer than it may be, past our own cap.
    """
    if "exceed-output" in array(request.body, "names"):
        size = request.limits.reply + 1
        return size.to_bytes(4, "big") + bytes(size)
    machine = kernel.architecture()
    end = integer(request.body, "end")
    programs = [] if machine is None else [compile_policy(machine, 0, calls, end) for calls in CALLS]
    found = {
        "engine": str(_duckdb.__version__),
        "escaped": [
            *array(request.body, "attaching"),
            *(name for name in array(request.body, "names") if _works(PROBES[str(name)], request)),
        ],
        "landlock": integer(request.body, "landlock"),
        "namespaces": array(request.body, "namespaces"),
        "seccomp": hashlib.sha256(b"".join(programs)).hexdigest(),
        "user": os.geteuid(),
    }
    return encode({"ok": True, **found}, request.limits.reply)


def _works(probe: Callable[[Request], bool], request: Request) -> bool:
    try:
        return probe(request)
    except (OSError, MemoryError):
        return False


def _read_file(_: Request) -> bool:
    return os.open("/etc/passwd", os.O_RDONLY) >= 0


def _read_environment(_: Request) -> bool:
    return os.open("/proc/self/environ", os.O_RDONLY) >= 0


def _list_root(_: Request) -> bool:
    return len(os.listdir("/")) > 0  # noqa: PTH208


def _write_file(request: Request) -> bool:
    """Leave a file, in the place the node named and will look at and clean."""
    return os.open(text(request.body, "scratch"), os.O_WRONLY | os.O_CREAT, 0o600) >= 0


def _signal_node(request: Request) -> bool:
    os.kill(integer(request.body, "node"), 0)
    return True


def _map_executable(_: Request) -> bool:
    return bool(_libc.mmap(None, 4096, PROT_ALL, MAP_PRIVATE_ANONYMOUS, -1, 0) != FAILED)


def _become_dumpable(_: Request) -> bool:
    """Open this process to others of its user; only the second filter refuses it."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    return True


def _exceed_memory(request: Request) -> bool:
    return len(bytearray(request.limits.address)) > 0


def _exceed_time(_: Request) -> bool:
    """Compute for longer than the node waits."""
    end = time.monotonic() + SPIN_SECONDS
    while time.monotonic() < end:
        pass
    return True


def _socket(family: int, kind: int) -> Callable[[Request], bool]:
    return lambda _: bool(_libc.socket(family, kind, 0) >= 0)


def _fork(_: Request) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return True


def _exec(_: Request) -> bool:
    os.execv("/bin/true", ["/bin/true"])  # noqa: S606 - it must not happen


def _io_uring(_: Request) -> bool:
    return bool(_libc.syscall(SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(512)) >= 0)


def _ptrace(request: Request) -> bool:
    return bool(_libc.ptrace(PTRACE_SEIZE, integer(request.body, "node"), None, None) == 0)


PROBES: dict[str, Callable[[Request], bool]] = {
    "read-file": _read_file,
    "read-environment": _read_environment,
    "list-root": _list_root,
    "write-file": _write_file,
    "signal-node": _signal_node,
    "map-executable": _map_executable,
    "become-dumpable": _become_dumpable,
    "exceed-memory": _exceed_memory,
    "exceed-time": _exceed_time,
    "tcp-socket": _socket(AF_INET, SOCK_STREAM),
    "udp-socket": _socket(AF_INET, SOCK_DGRAM),
    "vsock-socket": _socket(AF_VSOCK, SOCK_STREAM),
    "fork": _fork,
    "exec": _exec,
    "io-uring": _io_uring,
    "ptrace": _ptrace,
}
"""By the name that the node's operator reads when one works."""
