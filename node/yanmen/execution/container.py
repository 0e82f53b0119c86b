"""A zygote in a container: no network, nothing to write, no capability; the only door to the container engine.

The node speaks to it over a socket, so pipes and sealed memory files are passed as descriptors. Under a
runtime that shares the host's kernel it is a socket in the container's own memory, reached through /proc,
and the host shares no file with the container. gVisor hides that: there it is a socket of the node's,
shown to the container and removed as soon as they have met (yanmen.execution.meeting).
"""

import os
import select
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.execution import account, engine
from yanmen.execution.keeper import Keeper
from yanmen.execution.meeting import Inside, Meeting, Outside
from yanmen.model.config import Docker
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types import HostConfig

PROGRAM = ("python3", "-I", "-B", "-m", "yanmen_sandbox.contained")
"""In the image; it is not told what to do by anything else."""
OWNER = "yanmen.node"
"""The label that names the node by process id and start time."""
SCRATCH_BYTES = 1 << 24
PROCESSES = 512
"""Threads of all jobs; runsc needs a few hundred for itself."""
START_SECONDS = 30
END_SECONDS = 10
KERNELS = ("runsc", "runsc-kvm", "runsc-ptrace", "runsc-systrap")
"""Runtimes by whose usual names a container has gVisor's kernel, not the host's; `--host-uds=open` lets it connect."""


class Container:
    """One container with a zygote in it, started anew when it ended."""

    def __init__(self, settings: Docker, program: tuple[str, ...] = PROGRAM, shown: tuple[str, ...] = ()) -> None:
        """Ask the engine for image and runtime; files `shown` read-only in the container are for tests only."""
        self._settings = settings
        self._program = program
        self._shown = shown
        self._process = -1
        self._pid = 0
        self._id = ""
        self._trouble = ""
        with engine.opened(self._settings.socket) as api:
            self._image = str(api.inspect_image(settings.image)["Id"])
            self.layers = tuple(_layers(settings, self._image, api.version(), api.info()))

    @property
    def running(self) -> bool:
        """Whether one that was started has not ended."""
        return self._process >= 0 and not _readable(self._process, 0)

    @property
    def pid(self) -> int:
        """The process id of the container's first process, as the node sees it; 0 before the first start."""
        return self._pid

    @property
    def id(self) -> str:
        """The engine's name for the container, empty before the first start."""
        return self._id

    def start(self) -> socket.socket:
        """Create and start a container, and return the connection to its first process."""
        with Keeper(self._settings.socket) as keeper:
            meeting: Meeting = Outside() if self._settings.runtime in KERNELS else Inside()
            try:
                with engine.opened(self._settings.socket) as api:
                    _sweep(api)
                    self._id = keeper.make(self._described(api, meeting))
                    self._hold(api)
                control = self._met(meeting)
                keeper.let_go()
                return control
            finally:
                meeting.close()

    def _described(self, api: "APIClient", meeting: Meeting) -> Mapping[str, object]:
        """Return what the engine is asked to make."""
        described: Mapping[str, object] = api.create_container_config(
            self._image,
            [*self._program, *meeting.arguments],
            user=_user(),
            hostname="sandbox",
            labels={OWNER: _myself()},
            environment={"LANG": "C.UTF-8"},
            host_config=self._confined(api, meeting),
        )
        return described

    def _hold(self, api: "APIClient") -> None:
        """Take a descriptor of the container's first process; asked twice, so that it is no other's."""
        number = self._first_process(api)
        try:
            self._process = os.pidfd_open(number) if number else -1
        except ProcessLookupError:
            number = 0
        if number == 0 or self._first_process(api) != number:
            self._trouble = "docker: the container ended at once"
            raise JobFailed(JobCode.FAILED)
        self._pid = number

    def _first_process(self, api: "APIClient") -> int:
        """Return its process id; 0 when it has ended, or is gone already: the engine removes what ended."""
        state = {"Pid": 0}
        with engine.already_gone():
            state = api.inspect_container(self._id)["State"]
        return int(state["Pid"])

    def _met(self, meeting: Meeting) -> socket.socket:
        try:
            control = meeting.meet(self._pid, lambda: self.running, START_SECONDS)
        except OSError as error:
            self._trouble = f"docker: the container's socket: {error.strerror}"
            raise JobFailed(JobCode.FAILED) from error
        if control is None:
            self._trouble = "docker: the container's first process does not answer"
            raise JobFailed(JobCode.FAILED)
        return control

    def end(self) -> None:
        """Kill the container; the engine removes it."""
        if self._process < 0:
            return
        if self.running:
            with engine.opened(self._settings.socket) as api, engine.already_gone():
                api.kill(self._id, signal.SIGKILL)
            _readable(self._process, END_SECONDS)
        os.close(self._process)
        self._process = -1

    def trouble(self) -> str:
        """Say why the container did not serve."""
        return self._trouble

    def _confined(self, api: "APIClient", meeting: Meeting) -> "HostConfig":
        """Return what the engine is told to keep from the container."""
        import docker

        user, _, group = _user().partition(":")
        return api.create_host_config(
            auto_remove=True,
            network_mode="none",
            ipc_mode="none",
            cgroupns="private",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            runtime=self._settings.runtime,
            mem_limit=self._settings.memory_bytes,
            memswap_limit=self._settings.memory_bytes,
            pids_limit=PROCESSES,
            ulimits=[docker.types.Ulimit(name="core", soft=0, hard=0)],
            log_config=docker.types.LogConfig(type="none"),
            tmpfs={
                "/dev/shm": f"size={SCRATCH_BYTES},mode=0700,uid={user},gid={group},noexec,nosuid,nodev",  # noqa: S108
                # gVisor mounts one to write in where nothing is mounted.
                "/tmp": "ro,noexec,nosuid,nodev,size=4096",  # noqa: S108
            },
            binds={**meeting.binds, **{path: {"bind": path, "mode": "ro"} for path in self._shown}},
        )


def _layers(settings: Docker, image: str, version: Mapping[str, object], info: Mapping[str, object]) -> list[str]:
    """Say what is around the workers; a runtime the engine does not know is a fault."""
    known = info.get("Runtimes")
    if not isinstance(known, dict) or settings.runtime not in known:
        raise Fault(FaultCode.SANDBOX, f"docker: the engine has no runtime {settings.runtime!r}")
    return [
        f"docker:{version['Version']}",
        f"runtime:{settings.runtime}",
        f"image:{image}",
        f"container-memory:{settings.memory_bytes}",
        f"container-processes:{PROCESSES}",
        "container:no-network+no-ipc+read-only+no-capabilities+no-new-privileges",
    ]


def _user() -> str:
    """Return who the container's processes are: the account of jobs, or a node's own that is not root."""
    jobs = account.of_jobs()
    return f"{os.getuid()}:{os.getgid()}" if jobs is None else jobs.word


def _myself() -> str:
    return f"{os.getpid()}.{_started(os.getpid())}"


def _started(number: int) -> str:
    """Return when a process started, as its own kernel counts; empty when there is none."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _sweep(api: "APIClient") -> None:
    """Remove containers that a node had made, but not started, when it was killed; started ones end by themselves."""
    for found in api.containers(all=True, filters={"label": OWNER, "status": "created"}):
        number, _, started = str(found["Labels"][OWNER]).partition(".")
        if number.isascii() and number.isdigit() and _started(int(number)) != started:
            engine.removed(api, found["Id"])


def _readable(process: int, seconds: float) -> bool:
    """Wait until the process of the descriptor has ended, so long at most; say whether it has."""
    poller = select.poll()
    poller.register(process, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
