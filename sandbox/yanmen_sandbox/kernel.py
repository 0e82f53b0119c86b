"""The system calls that close a process in, by ctypes: prctl, seccomp and Landlock's three.

The jail starts anew for every job, so what it imports is paid every time: importing the libraries
that wrap these calls takes 60 ms of a job's 160, and they run `ldconfig` to find libc. The tests
hold numbers, rights and programs against those libraries.
"""

import ctypes
import errno
import os
import platform
import stat
import struct
from collections.abc import Iterable
from typing import NamedTuple


class Architecture(NamedTuple):
    """What differs between machines: `column` is the place of its numbers in seccomp_policy."""

    audit: int
    column: int
    seccomp: int


ARCHITECTURES = {
    # linux/audit.h: AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64; seccomp(2) by asm/unistd.h.
    "x86_64": Architecture(audit=0xC000003E, column=0, seccomp=317),
    "aarch64": Architecture(audit=0xC00000B7, column=1, seccomp=277),
}

# The same numbers on every architecture (asm-generic/unistd.h).
SYS_LANDLOCK_CREATE_RULESET = 444
SYS_LANDLOCK_ADD_RULE = 445
SYS_LANDLOCK_RESTRICT_SELF = 446

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

# linux/seccomp.h
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_GET_ACTION_AVAIL = 2
SECCOMP_RET_KILL_PROCESS = 0x80000000
SECCOMP_RET_TRAP = 0x00030000
SECCOMP_FILTER_FLAG_TSYNC = 1 << 0

# linux/landlock.h; the rights each ABI added, so that everything the kernel can refuse is refused.
LANDLOCK_CREATE_RULESET_VERSION = 1 << 0
LANDLOCK_RULE_PATH_BENEATH = 1
# WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REG; with ABI 3 TRUNCATE.
LANDLOCK_SCRATCH = ((1, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8), (3, 1 << 14))
# READ_FILE; the same with READ_DIR; and WRITE_FILE, with ABI 3 TRUNCATE.
LANDLOCK_READ = ((1, 1 << 2),)
LANDLOCK_TREE = ((1, 1 << 2 | 1 << 3),)
LANDLOCK_WRITE = ((1, 1 << 1 | 1 << 2), (3, 1 << 14))
LANDLOCK_FS = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15), (9, 1 << 16))
LANDLOCK_NET = ((4, 0b11), (10, 0b1100))
LANDLOCK_SCOPE = ((6, 0b11),)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def architecture() -> Architecture | None:
    """Return this machine's architecture, None when the jail does not know it."""
    return ARCHITECTURES.get(platform.machine())


def prctl(option: int, value: int) -> None:
    """Set one attribute of the process by prctl."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def landlock_abi() -> int:
    """Return the kernel's Landlock ABI, 0 when it has none or it is switched off."""
    abi = _libc.syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    return int(abi) if abi > 0 else 0


def landlock_rights(abi: int) -> tuple[int, int, int]:
    """Return every file, network and scope right that `abi` can refuse."""
    return _up_to(LANDLOCK_FS, abi), _up_to(LANDLOCK_NET, abi), _up_to(LANDLOCK_SCOPE, abi)


def _up_to(table: tuple[tuple[int, int], ...], abi: int) -> int:
    rights = 0
    for since, bits in table:
        rights |= bits if since <= abi else 0
    return rights


def refuse_by_landlock(scratch: int | None = None, read: Iterable[int] = (), written: Iterable[int] = ()) -> None:
    """Put this thread, and threads to come, into a domain that handles every right and allows none.

    In the folder of the descriptor `scratch` plain files may be made, read, written and removed. The files of the
    descriptors `read` and `written` may be opened again, by descriptor, for that and no more.
    """
    # struct landlock_ruleset_attr as ABI 6 knows it; older kernels accept the longer form when the rest is zero.
    attributes = struct.pack("=QQQ", *landlock_rights(landlock_abi()))
    ruleset = _checked(_libc.syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0), "landlock")
    try:
        if scratch is not None:
            _allow(ruleset, scratch, LANDLOCK_SCRATCH)
        for rights, files in ((LANDLOCK_READ, read), (LANDLOCK_WRITE, written)):
            for fd in files:
                _allow(ruleset, fd, rights)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        _checked(_libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


def keep_paths(fds: Iterable[int]) -> None:
    """Let this thread, and threads to come, read files at or under the paths of `fds`, which are closed, and no others.

    Nothing can be written or made; the network stays as it is, for a process that has yet to connect.
    """
    attributes = struct.pack("=QQQ", _up_to(LANDLOCK_FS, landlock_abi()), 0, 0)
    ruleset = _checked(_libc.syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0), "landlock")
    try:
        for fd in fds:
            _allow(ruleset, fd, LANDLOCK_TREE if stat.S_ISDIR(os.fstat(fd).st_mode) else LANDLOCK_READ)
            os.close(fd)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        _checked(_libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, fd: int, rights: tuple[tuple[int, int], ...]) -> None:
    """Allow `rights` over the file or folder `fd`; a memory file lies on no volume, and needs none."""
    rule = struct.pack("=QI", _up_to(rights, landlock_abi()), fd)
    added = _libc.syscall(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    if added < 0 and ctypes.get_errno() == errno.EBADFD:
        return
    _checked(added, "landlock")


def seccomp_available() -> bool:
    """Tell whether the kernel filters by seccomp and can bring every thread along."""
    machine = architecture()
    if machine is None:
        return False
    # A null program passes the check of the flags and fails on its address, installing nothing.
    done = _libc.syscall(machine.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, None)
    return done == -1 and ctypes.get_errno() == errno.EFAULT


def ending_action() -> int:
    """Return the filter action that ends a process whole: Linux has one since 4.14.

    gVisor knows the action to end a thread only; there a signal does it, for which nothing here has a handler and
    which a job has no call to get one for.
    """
    machine = architecture()
    action = ctypes.byref(ctypes.c_uint32(SECCOMP_RET_KILL_PROCESS))
    known = machine is not None and _libc.syscall(machine.seccomp, SECCOMP_GET_ACTION_AVAIL, 0, action) == 0
    return SECCOMP_RET_KILL_PROCESS if known else SECCOMP_RET_TRAP


def filter_by_seccomp(program: bytes) -> None:
    """Install the BPF `program` on all threads; a thread that cannot follow makes it fail."""
    machine = architecture()
    if machine is None:
        raise OSError(errno.ENOSYS, "seccomp")
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where.
    wrapped = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    done = _libc.syscall(machine.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, wrapped)
    if done != 0:  # above 0 it is the thread that could not follow
        raise OSError(ctypes.get_errno() if done < 0 else errno.ESRCH, "seccomp")


def _checked(result: int, name: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result
