"""The command line of bubblewrap (Debian package `bubblewrap`): a file view with Python and no more, no network."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from yanmen.model.refusal import Fault, FaultCode

PROGRAM = "bwrap"
SCRATCH_BYTES = 1 << 24
"""For the empty database that the zygote makes at its start; closed to every job."""
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/urandom")
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts")
"""In each of these a worker must be apart from the node; the preflight compares them."""

_VERSION = re.compile(r"bubblewrap ([0-9]+(?:\.[0-9]+){1,3})", re.ASCII)


def version() -> str:
    """Return bubblewrap's version, or raise Fault(SANDBOX) when it is not there."""
    try:
        said = subprocess.run(
            (_program(), "--version"), capture_output=True, env={}, check=True, timeout=10, text=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Fault(FaultCode.SANDBOX, f"bubblewrap does not run: {error}") from error
    found = _VERSION.fullmatch(said.strip())
    if found is None:
        raise Fault(FaultCode.SANDBOX, "bubblewrap does not tell its version")
    return found[1]


def command(program: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line up to and with `--`, in which `program` runs."""
    return (
        _program(),
        *_privileges(),
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--hostname", "sandbox", "--new-session", "--as-pid-1"),
        *("--clearenv", "--setenv", "LANG", "C.UTF-8"),
        *_files(program),
        *("--remount-ro", "/", "--chdir", "/", "--"),
    )


def _program() -> str:
    found = shutil.which(PROGRAM, path="/usr/bin:/bin:/usr/local/bin")
    if found is None:
        raise Fault(FaultCode.SANDBOX, "the profile `jail` needs bubblewrap, which is not installed")
    return found


def _privileges() -> tuple[str, ...]:
    """Keep what the zygote needs to put each worker into namespaces of its own; the worker keeps nothing of it.

    A node that is root has it become another account besides: a user namespace would map the jail's user to root
    outside. Any other needs one, in which the zygote first forbids further ones (yanmen_sandbox.apart).
    """
    if os.getuid() == 0:
        return _capabilities("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID")
    return ("--unshare-user", "--uid", "65534", "--gid", "65534", *_capabilities("CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"))


def _capabilities(*names: str) -> tuple[str, ...]:
    return ("--cap-drop", "ALL", *(word for name in names for word in ("--cap-add", name)))


def _files(program: tuple[str, ...]) -> Iterator[str]:
    """Show the interpreter, its libraries and the two packages, read-only, under their own names."""
    for path in LIBRARIES:
        yield from _shown(path)
    base = Path(sys.base_prefix)
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for shown in (base / "lib" / own, base / "lib64" / own, *sorted(base.glob("lib/libpython*"))):
        yield from _shown(str(shown))
    yield from _shown(sys.prefix)
    yield from _interpreter()
    yield from _shown(_package("yanmen_sandbox"))
    for argument in program[1:]:
        if argument.startswith("/"):
            yield from _shown(argument)
    yield from ("--proc", "/proc")
    for device in DEVICES:
        yield from ("--dev-bind", device, device)
    yield from ("--size", str(SCRATCH_BYTES), "--tmpfs", "/dev/shm")  # noqa: S108 - of the namespace


def _shown(path: str) -> tuple[str, ...]:
    target = Path(path)
    if target.is_symlink():
        return ("--symlink", str(target.readlink()), path)
    return ("--ro-bind-try", path, path)


def _interpreter() -> Iterator[str]:
    """Show the interpreter itself: every link on the way from the one in the environment."""
    path = Path(sys.executable)
    while path.is_symlink():
        path = path.parent / path.readlink()
        if not path.is_relative_to(sys.prefix):
            yield from _shown(str(path))


def _package(name: str) -> str:
    """Return the folder of a package without importing it: the two privilege domains share no code."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise Fault(FaultCode.SANDBOX, f"the package {name} is not installed")
    return str(Path(found.origin).parent)
