"""Closes the process in: Landlock with nothing allowed, then seccomp; both from data, both checked."""

import errno
from collections.abc import Iterable

import landlockpy
import seccompy

from yanmen_sandbox import seccomp_policy
from yanmen_sandbox.seccomp_policy import Allowed

MIN_LANDLOCK_ABI = 1
"""Files, Linux 5.13. What later ABIs add (TCP, signals, abstract sockets) the seccomp list refuses as well."""


class Unconfined(Exception):
    """The kernel lacks a layer this profile needs; the job must not run."""


def landlock_abi() -> int:
    """Return the kernel's Landlock ABI, 0 when it has none (also loads what the library needs)."""
    return landlockpy.abi_version()


def seccomp_filter(reply_fd: int, extra: Iterable[Allowed] = ()) -> seccompy.Filter:
    """Build the filter of `COMPUTE` and `extra`; writes go to `reply_fd` only."""
    built = seccompy.Filter(
        seccompy.Action.ERRNO | errno.EPERM,
        flags=seccompy.FilterFlag.TSYNC | seccompy.FilterFlag.TSYNC_ESRCH,
    )
    for name, _ in seccomp_policy.KILLED:
        if _exists(name):
            built.kill(name)
    for rule in (*seccomp_policy.COMPUTE, *extra):
        if _exists(rule.name):
            built.allow(rule.name, args=_conditions(rule, reply_fd))
    return built


def _exists(name: str) -> bool:
    """Tell whether this architecture has the call (aarch64 never had fork, stat, access)."""
    try:
        seccompy.syscall_nr(name)
    except ValueError:
        return False
    return True


def _conditions(rule: Allowed, reply_fd: int) -> list[seccompy.ArgCmp] | None:
    if rule.reply_only:
        return [seccompy.ArgCmp(0, seccompy.CmpOp.EQ, reply_fd)]
    if rule.masked_zero is not None:
        argument, mask = rule.masked_zero
        return [seccompy.ArgCmp(argument, seccompy.CmpOp.MASKED_EQ, 0, mask)]
    return None


def require_layers() -> None:
    """Raise `Unconfined` unless the kernel has Landlock and seccomp with thread synchronisation."""
    if landlock_abi() < MIN_LANDLOCK_ABI:
        raise Unconfined("landlock")
    wanted = seccompy.FilterFlag.TSYNC | seccompy.FilterFlag.TSYNC_ESRCH
    if not (seccompy.supported() and seccompy.flag_supported(wanted)):
        raise Unconfined("seccomp")


def engage_landlock() -> None:
    """Refuse all the kernel's ABI can refuse: files, TCP, signals and abstract sockets; threads to come inherit it.

    Memory files stay reachable through /proc/self/fd: their file system is never mounted, so Landlock
    leaves them alone. That is how a snapshot is attached after this call.
    """
    scopes = landlockpy.Scope.ABSTRACT_UNIX_SOCKET | landlockpy.Scope.SIGNAL
    with landlockpy.Ruleset(scoped=scopes) as ruleset:
        ruleset.restrict()
