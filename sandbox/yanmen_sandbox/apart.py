"""What a worker leaves before it reads anything: its zygote's namespaces, root's account, every capability."""

import ctypes
import os
import struct
from typing import NamedTuple

from yanmen_sandbox import kernel

# linux/sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# linux/mount.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18

# linux/capability.h: capset's header, and two words each of effective, permitted and inheritable
CAPABILITY_VERSION_3 = 0x20080522
CAP_SYS_ADMIN = 21

NAMES = ("mnt", "pid", "net", "ipc", "uts", "cgroup")
USER_NAMESPACES = "/proc/sys/user/max_user_namespaces"

EXIT_TOGETHER = 73
EXIT_PRIVILEGED = 74
"""How the worker ends when it did not get namespaces of its own, or kept root's account or a capability."""

_libc = ctypes.CDLL(None, use_errno=True)


class Account(NamedTuple):
    """The user and group that a worker of a root node becomes."""

    user: int
    group: int


def account(text: str) -> Account | None:
    """Read `UID:GID`, or `-` for the account it has: a node that is not root can become nobody else."""
    if text == "-":
        return None
    user, group = text.split(":")
    return Account(int(user), int(group))


class Namespaces:
    """The namespaces of the zygote; each worker is forked out of them."""

    def __init__(self) -> None:
        """Hold on to the process namespace, into which the zygote returns after every fork."""
        if os.getuid() != 0:  # in a user namespace made for it; root's is the host's own
            _forbid_user_namespaces()
        _hold_capabilities(1 << CAP_SYS_ADMIN | (_kept_by_root() if os.getuid() == 0 else 0))
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._links = _links()

    def fork(self) -> int:
        """Fork a child that is the first process of a process namespace."""
        _done(_libc.unshare(CLONE_NEWPID), "unshare")
        child = -1
        try:
            child = os.fork()
        finally:
            if child != 0:
                _done(_libc.setns(self._own, CLONE_NEWPID), "setns")
        return child

    def leave(self) -> None:
        """In the child: take the other namespaces too, with a `/proc` that shows this process and no other."""
        os.close(self._own)
        _done(_libc.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP), "unshare")
        _done(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")
        closed = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
        _done(_libc.mount(b"proc", b"/proc", b"proc", closed, None), "mount")
        if any(before == now for before, now in zip(self._links, _links(), strict=True)):
            os._exit(EXIT_TOGETHER)


def give_up(account: Account | None) -> None:
    """Become `account` and drop every capability; go on only when it is so."""
    if account is not None:
        os.setgroups([])
        os.setresgid(account.group, account.group, account.group)
        os.setresuid(account.user, account.user, account.user)
    _hold_capabilities(0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if 0 in os.getresuid():
        os._exit(EXIT_PRIVILEGED)


def _hold_capabilities(held: int) -> None:
    """Keep `held` of the first 32 capabilities, permitted and effective, and no other."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    _done(_libc.capset(header, struct.pack("=6I", held, held, 0, 0, 0, 0)), "capset")


def _kept_by_root() -> int:
    """Return what becoming another account takes: CAP_SETGID and CAP_SETUID."""
    return 1 << 6 | 1 << 7


def _forbid_user_namespaces() -> None:
    """Let nothing in this user namespace make another, as bubblewrap's --disable-userns does."""
    fd = os.open(USER_NAMESPACES, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"0")
    finally:
        os.close(fd)


def _links() -> tuple[str, ...]:
    return tuple(os.readlink(f"/proc/self/ns/{name}") for name in NAMES)  # noqa: PTH115


def _done(result: int, name: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), name)
