"""Has a container made by a process of its own, which outlives the node's sudden end and then removes what it made.

Creating a container and starting it are two calls to the engine, and a third moment passes until node and
container have met. A node killed between them would leave what nobody owns; so it is not the node that makes
the two calls but this program, `python -I -B -m yanmen.execution.keeper SOCKET NODE`, in a session of its own.
It reads what to make on descriptor 0, says on descriptor 1 what it made, and ends when the node says that it
holds the container. When descriptor 0 closes before that, it removes the container, and what the node with
the process id NODE had in the temporary directory to meet it, and ends.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from yanmen.execution import engine, meeting
from yanmen.execution.process import ENVIRONMENT
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

if TYPE_CHECKING:
    from docker import APIClient

PROGRAM = (sys.executable, "-I", "-B", "-m", "yanmen.execution.keeper")
HELD = b"held\n"
FAILED = b"failed\n"
"""The node's last word: it holds the container, or lives but does not want it; killed, it says neither."""
END_SECONDS = 3 * engine.CALL_SECONDS
"""Within which it ends: three calls at most are still to make."""


class Keeper:
    """The node's side, as a context: a container that was not let go is removed at its end."""

    def __init__(self, socket: str) -> None:
        """Start the program; it loads the engine's SDK while the caller says what to make."""
        try:
            self._process = subprocess.Popen(
                [*PROGRAM, socket, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise JobFailed(JobCode.FAILED) from error

    def __enter__(self) -> Self:
        """Return the keeper."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up, and wait until nothing is left to be removed."""
        with suppress(BrokenPipeError):
            self._process.communicate(FAILED, timeout=END_SECONDS)

    def make(self, config: Mapping[str, object]) -> str:
        """Have a container created and started, and return the engine's name for it."""
        with suppress(BrokenPipeError):
            self._write(json.dumps(config).encode("ascii") + b"\n")
        said = b"" if self._process.stdout is None else self._process.stdout.readline()
        match json.loads(said or b"null"):
            case {"made": str(made)}:
                return made
            case {"refused": str(refused)}:
                raise Fault(FaultCode.SANDBOX, refused)
            case _:
                raise Fault(FaultCode.SANDBOX, "docker: what makes the containers ended")

    def let_go(self) -> None:
        """Say that the node holds the container now: it ends when the node does."""
        self._write(HELD)

    def _write(self, data: bytes) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(data)
            self._process.stdin.flush()


def main(socket: str, node: str) -> None:
    """Make a container as the node asks; what the engine refuses is told in its own words."""
    last = b""
    try:
        with engine.opened(socket) as api:
            last = _keep(api)
    except Fault as fault:
        _say({"refused": fault.note})
        last = sys.stdin.buffer.readline()
    finally:
        if last == b"":
            meeting.left_by(int(node))


def _keep(api: "APIClient") -> bytes:
    """Make and start the container, remove it unless the node holds it, and return the node's last word."""
    asked = sys.stdin.buffer.readline()
    if asked in {b"", FAILED}:
        return asked
    created = api.create_container_from_config(json.loads(asked))
    last = b""
    try:
        if created.get("Warnings"):
            # The engine would go on without what its kernel lacks.
            raise Fault(FaultCode.SANDBOX, f"docker: {'; '.join(created['Warnings'])}")
        if not _hung_up():
            api.start(created["Id"])
            _say({"made": str(created["Id"])})
            last = sys.stdin.buffer.readline()
    finally:
        if last != HELD:
            engine.removed(api, str(created["Id"]))
    return last


def _hung_up() -> bool:
    """Whether the node has closed its end, as it does by dying."""
    poller = select.poll()
    poller.register(0, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poller.poll(0))


def _say(document: Mapping[str, str]) -> None:
    """Tell the node, if there is one to tell."""
    with suppress(BrokenPipeError):
        os.write(1, json.dumps(document).encode("ascii") + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
