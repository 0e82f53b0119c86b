"""How a node and the first process of a container meet: on the container's socket, or on one of the node's own."""

import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from yanmen.execution import account

CONTROL = "dev/shm/control"
"""Where the program listens (yanmen_sandbox.contained), below the container's root."""
SHOWN = "/node"
"""Where the container sees the folder of the node's socket."""
PREFIX = "yanmen-meeting-"
POLL_SECONDS = 0.005


class Meeting(Protocol):
    """One way to meet; it is left by `close`, met or not."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the container's program is told."""
        ...

    @property
    def binds(self) -> dict[str, dict[str, str]]:
        """What of the host is shown to the container."""
        ...

    def meet(self, container: int, alive: Callable[[], bool], seconds: float) -> socket.socket | None:
        """Return the connection to the container whose first process is `container`, None when it does not come."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


class Inside:
    """On a socket in the container's own memory: only the container's namespaces lead to it."""

    def __init__(self) -> None:
        """Need nothing before the container runs."""
        self.arguments: tuple[str, ...] = ()
        self.binds: dict[str, dict[str, str]] = {}

    def meet(self, container: int, alive: Callable[[], bool], seconds: float) -> socket.socket | None:
        """Connect as soon as it listens; raises OSError where /proc does not lead there."""
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = str(Path("/proc", str(container), "root", CONTROL))
        end = time.monotonic() + seconds
        try:
            while alive() and time.monotonic() < end:
                with suppress(FileNotFoundError, ConnectionRefusedError):
                    control.connect(path)
                    return control.dup()
                time.sleep(POLL_SECONDS)
        finally:
            control.close()
        return None

    def close(self) -> None:
        """Leave nothing: there was nothing."""


class Outside:
    """On a socket of the node's, in a folder that is there only until they have met."""

    def __init__(self) -> None:
        """Listen, for the account of the container alone."""
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = self._folder / "control"
        self._listener.bind(str(path))
        path.chmod(0o600)
        jobs = account.of_jobs()
        if jobs is not None:
            os.chown(path, jobs.user, jobs.group)
        self._folder.chmod(0o711)
        self._listener.listen(1)
        self.arguments = (f"{SHOWN}/control",)
        self.binds = {str(self._folder): {"bind": SHOWN, "mode": "ro"}}

    def meet(self, container: int, alive: Callable[[], bool], seconds: float) -> socket.socket | None:  # noqa: ARG002
        """Wait for the container to come."""
        end = time.monotonic() + seconds
        self._listener.settimeout(0.05)
        while alive() and time.monotonic() < end:
            with suppress(TimeoutError):
                control, _ = self._listener.accept()
                control.settimeout(None)
                return control
        return None

    def close(self) -> None:
        """Close the socket and remove its folder."""
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _sweep() -> None:
    """Remove what nodes of this user left that were killed between listening and meeting, and their keepers too."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isascii() and number.isdigit() and not Path("/proc", number).exists():
            left_by(int(number))


def left_by(node: int) -> None:
    """Remove the folders in which the process `node`, which is dead, was to meet a container."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}{node}-*"):
        with suppress(FileNotFoundError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
