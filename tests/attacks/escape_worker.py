"""Runs native attempts to get out, in place of a query, after the very lockdown a query gets.

This is what a memory bug in the engine would buy: any system call, any descriptor the job holds.
"""

# The plain calls are what is tried.
# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH116, PTH208, PTH211

import ctypes
import fcntl
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from unittest.mock import patch

import _duckdb
from _duckdb import DuckDBPyConnection
from yanmen_sandbox import kernel, zygote
from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs import query
from yanmen_sandbox.lockdown import Surroundings
from yanmen_sandbox.reply import encode
from yanmen_sandbox.request import Request, array, integer, text
from yanmen_sandbox.worker import serve

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p

MACHINE = os.uname().machine
VICTIM = "victim"

# Numbers that libc has no wrapper for; the same on x86_64 and aarch64 from 424 on.
IO_URING_SETUP = 425
OPEN_TREE = 428
PIDFD_OPEN = 434
OPENAT2 = 437
PIDFD_GETFD = 438
PROCESS_MADVISE = 440
MEMFD_SECRET = 447
KEXEC_LOAD, BPF, USERFAULTFD, PERF, MEMFD, FINIT = (
    (246, 321, 323, 298, 319, 313) if MACHINE == "x86_64" else (104, 280, 282, 241, 279, 273)
)
KEYCTL, ADD_KEY, NAME_TO_HANDLE, OPEN_BY_HANDLE = (250, 248, 303, 304) if MACHINE == "x86_64" else (219, 217, 264, 265)
PROCESS_VM_READV, UNSHARE, SETNS, PIVOT_ROOT = (310, 272, 308, 155) if MACHINE == "x86_64" else (270, 97, 268, 41)
SHMGET, MQ_OPEN, PERSONALITY, CHROOT = (29, 240, 135, 161) if MACHINE == "x86_64" else (194, 180, 92, 51)
VMSPLICE, SYSINFO, UNAME, SYSLOG = (278, 99, 63, 103) if MACHINE == "x86_64" else (75, 179, 160, 116)
PKEY_MPROTECT, MODIFY_LDT = (329, 154) if MACHINE == "x86_64" else (288, 288)
REMAP_FILE_PAGES = 216 if MACHINE == "x86_64" else 234

Attempt = Callable[[Request], object]


def call(number: int, *arguments: object) -> int:
    done = libc.syscall(number, *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), "syscall")
    return int(done)


def checked(done: int) -> int:
    if done < 0:
        raise OSError(ctypes.get_errno(), "libc")
    return done


def node(request: Request) -> int:
    return integer(request.body, "node")


def victim(request: Request) -> int:
    return integer(request.body, VICTIM)


def reopen_data(request: Request) -> object:
    """Open the job's own snapshot anew, for writing."""
    return os.open(f"/proc/self/fd/{snapshot(request)}", os.O_RDWR)


def snapshot(request: Request) -> int:
    match array(request.body, "scans"):
        case [[str(), int(fd)]]:
            return fd
        case _:
            raise ValueError("scans")


def map_memory(protection: int, flags: int = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, fd: int = -1) -> int:
    address = libc.mmap(None, 4096, protection, flags, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    return int(address)


def make_executable(_: Request) -> object:
    address = map_memory(mmap.PROT_READ | mmap.PROT_WRITE)
    return checked(libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_EXEC)) == 0


def make_executable_by_key(_: Request) -> object:
    address = map_memory(mmap.PROT_READ | mmap.PROT_WRITE)
    return call(PKEY_MPROTECT, ctypes.c_void_p(address), 4096, 7, -1) == 0


def write_snapshot(request: Request) -> object:
    return os.pwrite(snapshot(request), b"x", 0)


def map_snapshot_writable(request: Request) -> object:
    return map_memory(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, snapshot(request))


def write_error_output(_: Request) -> object:
    return os.write(2, b"x")


def write_to_request_pipe(_: Request) -> object:
    return os.write(0, b"x")


def start_thread(_: Request) -> object:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    return True


def exec_shell(_: Request) -> object:
    os.execv("/bin/sh", ["/bin/sh", "-c", "true"])


def fork(_: Request) -> object:
    if os.fork() == 0:
        os._exit(0)
    return True


def read_victim_memory(request: Request) -> object:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_size_t * 2)(integer(request.body, "address"), 8)
    return call(PROCESS_VM_READV, victim(request), local, 1, remote, 1, 0)


def raise_limit(_: Request) -> object:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def open_socket(family: int, kind: int, protocol: int = 0) -> Attempt:
    return lambda _: socket.socket(family, kind, protocol)


def left(request: Request, folder: str = "/tmp/") -> str:
    """Return where this run's attempts would leave a file: others try the same on this machine."""
    return f"{folder}{request.body.get('mark', 'yanmen-escaped')}"


def open_path(path: str, flags: int = os.O_RDONLY) -> Attempt:
    return lambda _: os.open(path, flags, 0o600)


def connect_inherited(request: Request) -> object:
    """Use the request pipe's descriptor as a socket: the calls themselves are refused."""
    return checked(libc.connect(0, None, 0))


def become_dumpable(_: Request) -> object:
    return checked(libc.prctl(4, 1, 0, 0, 0)) == 0


def outlive_node(_: Request) -> object:
    return checked(libc.prctl(1, 0, 0, 0, 0)) == 0


def allocate(request: Request) -> object:
    return bytearray(request.limits.address)


def x32_open(_: Request) -> object:
    return call(0x40000000 | 2, b"/etc/passwd", 0)


def duplicate_reply(_: Request) -> object:
    """A second descriptor of the reply pipe would let a lingering thread write after the reply."""
    return os.dup(int(sys.argv[1]))


QUIET: dict[str, Attempt] = {
    "read /etc/passwd": open_path("/etc/passwd"),
    "read /etc/shadow": open_path("/etc/shadow"),
    "read a host file outside": lambda request: os.open(text(request.body, "outside"), os.O_RDONLY),
    "list /": lambda _: os.listdir("/"),
    "list home": lambda _: os.listdir("/root"),
    "read /proc/self/environ": open_path("/proc/self/environ"),
    "read /proc/self/mem": open_path("/proc/self/mem", os.O_RDWR),
    "read /proc/1/cmdline": open_path("/proc/1/cmdline"),
    "read the node's memory": lambda request: os.open(f"/proc/{node(request)}/mem", os.O_RDONLY),
    "read the node's environment": lambda request: os.open(f"/proc/{node(request)}/environ", os.O_RDONLY),
    "take the node's descriptors": lambda request: os.open(f"/proc/{node(request)}/fd/0", os.O_RDONLY),
    "take the node's memory files": lambda request: os.open(text(request.body, "memory_file"), os.O_RDONLY),
    "open the snapshot anew": reopen_data,
    "write the snapshot": write_snapshot,
    "map the snapshot writable": map_snapshot_writable,
    "unseal the snapshot": lambda request: fcntl.fcntl(snapshot(request), fcntl.F_ADD_SEALS, 0),
    "write a file in /tmp": lambda request: os.open(left(request), os.O_WRONLY | os.O_CREAT, 0o600),
    "write a file in /dev/shm": lambda request: os.open(left(request, "/dev/shm/"), os.O_WRONLY | os.O_CREAT, 0o600),
    "write a file here": lambda request: os.open(left(request, ""), os.O_WRONLY | os.O_CREAT, 0o600),
    "unnamed temporary file": open_path("/tmp", os.O_WRONLY | os.O_TMPFILE),
    "overwrite the host file": lambda request: os.open(text(request.body, "outside"), os.O_WRONLY | os.O_TRUNC),
    "remove the host file": lambda request: os.unlink(text(request.body, "outside")),
    "rename the host file": lambda request: os.rename(text(request.body, "outside"), left(request)),
    "truncate the host file": lambda request: os.truncate(text(request.body, "outside"), 0),
    "change its mode": lambda request: os.chmod(text(request.body, "outside"), 0o777),
    "look at its length": lambda request: os.stat(text(request.body, "outside")),
    "make a symbolic link": lambda request: os.symlink("/etc/passwd", left(request)),
    "make a hard link": lambda request: os.link(text(request.body, "outside"), left(request)),
    "make a directory": lambda request: os.mkdir(left(request)),
    "make a device": lambda request: os.mknod(left(request), 0o666 | 0o20000, os.makedev(1, 3)),
    "make a fifo": lambda request: os.mkfifo(left(request)),
    "change directory": lambda _: os.chdir("/etc"),
    "open a disk": open_path("/dev/vda"),
    "open its parent's memory": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "open its parent's descriptors": lambda _: os.listdir(f"/proc/{os.getppid()}/fd"),
    "open its parent's control socket": lambda _: os.open(f"/proc/{os.getppid()}/fd/3", os.O_RDWR),
    "open memory": open_path("/dev/mem"),
    "open a terminal": open_path("/dev/tty"),
    "open by openat2": lambda _: call(OPENAT2, -100, b"/etc/passwd", (ctypes.c_uint64 * 3)(), 24),
    "open by a 32-bit number": x32_open,
    "memory file to run from": lambda _: call(MEMFD, b"x", 0),
    "secret memory": lambda _: call(MEMFD_SECRET, 0),
    "write to descriptor 2": write_error_output,
    "write to the request pipe": write_to_request_pipe,
    "duplicate the reply pipe": duplicate_reply,
    "executable memory": lambda _: map_memory(7),
    "executable map of a file": lambda request: map_memory(5, mmap.MAP_PRIVATE, snapshot(request)),
    "make memory executable": make_executable,
    "make memory executable by key": make_executable_by_key,
    "signal the node": lambda request: os.kill(node(request), 0),
    "signal another process": lambda request: os.kill(victim(request), signal.SIGKILL),
    "signal a process group": lambda _: os.killpg(0, 0),
    "signal by tgkill": lambda _: signal.pthread_kill(threading.main_thread().ident or 0, 0),
    "pidfd of another process": lambda request: call(PIDFD_OPEN, victim(request), 0),
    "another process's limits": lambda request: resource.prlimit(victim(request), resource.RLIMIT_AS),
    "another process's priority": lambda request: os.setpriority(os.PRIO_PROCESS, victim(request), 19),
    "another process's cores": lambda request: os.sched_setaffinity(victim(request), {0}),
    "advise another's memory": lambda _: call(PROCESS_MADVISE, -1, None, 0, 0, 0),
    "raise a limit": raise_limit,
    "become root": lambda _: os.setuid(0),
    "change groups": lambda _: os.setgroups([0]),
    "chroot": lambda _: call(CHROOT, b"/tmp"),
    "become dumpable": become_dumpable,
    "outlive the node": outlive_node,
    "shared memory of System V": lambda _: call(SHMGET, 0, 4096, 0o1600),
    "message queue": lambda _: call(MQ_OPEN, b"yanmen", 0o102, 0o600, None),
    "no address randomisation": lambda _: call(PERSONALITY, 0x0040000),
    "splice memory": lambda _: call(VMSPLICE, 0, None, 0, 0),
    "load of the machine": lambda _: call(SYSINFO, ctypes.create_string_buffer(256)),
    "name of the machine": lambda _: call(UNAME, ctypes.create_string_buffer(512)),
    "kernel log": lambda _: call(SYSLOG, 3, ctypes.create_string_buffer(64), 64),
    "name a file handle": lambda _: call(NAME_TO_HANDLE, -100, b"/", ctypes.create_string_buffer(256), None, 0),
    "remap file pages": lambda _: call(REMAP_FILE_PAGES, None, 4096, 7, 0, 0),
    "segment descriptors": lambda _: call(MODIFY_LDT, 0, None, 0),
    "all the memory": allocate,
}
"""Attempts the jail answers with an error."""

ENDING: dict[str, Attempt] = {
    "run a shell": exec_shell,
    "fork": fork,
    "start a thread": start_thread,
    "TCP socket": open_socket(socket.AF_INET, socket.SOCK_STREAM),
    "TCP over IPv6": open_socket(socket.AF_INET6, socket.SOCK_STREAM),
    "UDP socket": open_socket(socket.AF_INET, socket.SOCK_DGRAM),
    "raw socket": open_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "Unix socket": open_socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "netlink socket": open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "vsock socket": open_socket(40, socket.SOCK_STREAM),
    "kernel crypto socket": open_socket(38, socket.SOCK_SEQPACKET),
    "connect": connect_inherited,
    "ptrace the node": lambda request: checked(libc.ptrace(16, node(request), None, None)),
    "read another's memory": read_victim_memory,
    "take another's descriptor": lambda _: call(PIDFD_GETFD, 0, 0, 0),
    "user namespace": lambda _: call(UNSHARE, 0x10000000),
    "another namespace": lambda _: call(SETNS, 0, 0),
    "mount": lambda _: checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "unmount": lambda _: checked(libc.umount2(b"/proc", 2)),
    "pivot the root": lambda _: call(PIVOT_ROOT, b"/", b"/"),
    "open a mount tree": lambda _: call(OPEN_TREE, -100, b"/", 0),
    "io_uring": lambda _: call(IO_URING_SETUP, 1, ctypes.create_string_buffer(512)),
    "page faults": lambda _: call(USERFAULTFD, 0),
    "BPF": lambda _: call(BPF, 0, None, 0),
    "performance counters": lambda _: call(PERF, None, 0, -1, -1, 0),
    "keyring": lambda _: call(KEYCTL, 0, -3, 1),
    "add a key": lambda _: call(ADD_KEY, b"user", b"x", b"y", 1, -3),
    "open by handle": lambda _: call(OPEN_BY_HANDLE, -100, ctypes.create_string_buffer(256), 0),
    "load a module": lambda _: call(FINIT, -1, b"", 0),
    "load a kernel": lambda _: call(KEXEC_LOAD, 0, 0, None, 0),
}
"""Attempts that end the process."""


def prepare(connection: DuckDBPyConnection, request: Request) -> None:
    """Attach as a query does; a snapshot that subverts the engine while it is attached acts here."""
    query.prepare(connection, request)
    if request.body["stage"] == "attaching":
        request.body["outcomes"] = outcomes(request)


def run(_: DuckDBPyConnection, request: Request) -> bytes:
    if request.body["stage"] == "closed":
        request.body["outcomes"] = outcomes(request)
    return encode({"ok": True, "outcomes": array(request.body, "outcomes")}, request.limits.reply)


def run_statements(connection: DuckDBPyConnection, request: Request) -> bytes:
    """Run SQL as if it had been emitted; "works" is what no statement of an attacker should come to."""
    found: list[list[str]] = []
    for statement in array(request.body, "statements"):
        try:
            connection.execute(str(statement)).fetchall()
        except _duckdb.Error as error:
            found.append([str(statement), type(error).__name__])
        else:
            found.append([str(statement), "works"])
    return encode({"ok": True, "outcomes": found}, request.limits.reply)


def outcomes(request: Request) -> list[list[str]]:
    attempts = QUIET | ENDING
    return [[str(name), outcome(attempts[str(name)], request)] for name in array(request.body, "attempts")]


def outcome(attempt: Attempt, request: Request) -> str:
    try:
        gained = attempt(request)
    except OSError as error:
        return f"errno {error.errno}"
    except MemoryError:
        return "no memory"
    except ValueError as error:  # resource.setrlimit says "not allowed to raise maximum limit"
        return f"refused {error}"
    if isinstance(gained, socket.socket):
        gained.close()
    return "works"


if __name__ == "__main__":
    try:
        jobs = {"query": Job(run, prepare), "statements": Job(run_statements, query.prepare)}
        if sys.argv[1].startswith("--landlock="):
            patch.object(kernel, "landlock_abi", lambda: int(sys.argv[1].partition("=")[2])).start()
        if sys.argv[-1] in {"open", "closed"}:
            zygote.main(sys.argv[-2:], jobs)
        else:
            serve(int(sys.argv[1]), Surroundings(int(sys.argv[2])), jobs)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)
