"""What the engine is made to keep from a container, what is left of one, and what it is refused for."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import docker
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import container, meeting, orders, preflight, profiles
from yanmen.execution import zygote as zygotes
from yanmen.execution.container import Container
from yanmen.execution.launcher import Launcher
from yanmen.execution.zygote import Zygote
from yanmen.model.config import Docker, NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

from tests import container_engine
from tests.patience import wait_until

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=5, wall_ms=10_000, reply_bytes=1 << 20, rows=0)


@pytest.fixture(scope="module")
def settings() -> Docker:
    return container_engine.need()


@pytest.fixture(scope="module")
def engine(settings: Docker) -> Iterator[docker.APIClient]:
    api = docker.APIClient(f"unix://{settings.socket}", version="auto")
    yield api
    api.close()


@pytest.fixture(scope="module")
def zygote(settings: Docker) -> Iterator[Zygote]:
    started = profiles.zygote("docker", docker=settings)
    Launcher(started).run(orders.vet("SELECT 1"), LIMITS, Event())
    yield started
    started.close()


@pytest.fixture(scope="module")
def home(zygote: Zygote) -> Container:
    assert isinstance(zygote.home, Container)
    return zygote.home


def known(engine: docker.APIClient, name: str) -> bool:
    return any(found["Id"] == name for found in engine.containers(all=True))


def status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(line.split(":\t")[1] for line in lines if line.startswith(f"{name}:"))


def seen(home: Container) -> Path:
    """Return the container's root, as the container sees it."""
    return Path("/proc", str(home.pid), "root")


def test_the_kernel_holds_what_the_engine_was_told(home: Container) -> None:
    """Read off the kernel, not off the engine: what it says it did is not what counts."""
    assert int(status(home.pid, "CapBnd"), 16) == 0
    assert int(status(home.pid, "CapEff"), 16) == 0
    assert status(home.pid, "NoNewPrivs") == "1"
    assert status(home.pid, "Seccomp") == "2"
    assert "0" not in status(home.pid, "Uid").split()
    interfaces = Path(f"/proc/{home.pid}/net/dev").read_text(encoding="ascii").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    mounts = [line.split() for line in Path(f"/proc/{home.pid}/mounts").read_text(encoding="utf-8").splitlines()]
    assert next(mount[3] for mount in mounts if mount[1] == "/").split(",")[0] == "ro"
    root = seen(home)
    found = [(mount[1], (root / mount[1].lstrip("/")).stat()) for mount in mounts if mount[3].split(",")[0] == "rw"]
    # A queue of messages is made by a call that the worker's filter refuses (tests/attacks/test_escape.py).
    assert {name for name, at in found if stat.S_ISDIR(at.st_mode) and at.st_mode & 0o002} <= {"/dev/mqueue"}
    user = int(status(home.pid, "Uid").split()[0])
    assert {name for name, at in found if at.st_uid == user and at.st_mode & 0o222} == set()
    assert not [mount for mount in mounts if mount[1].startswith(("/var", "/home", "/mnt", "/run", "/root"))]


def test_the_engine_bounds_memory_and_processes(engine: docker.APIClient, home: Container, settings: Docker) -> None:
    told = engine.inspect_container(home.id)["HostConfig"]
    assert (told["Memory"], told["MemorySwap"]) == (settings.memory_bytes, settings.memory_bytes)
    assert told["PidsLimit"] == container.PROCESSES
    assert not told["Binds"]
    assert not told["Privileged"]


def test_nobody_else_can_speak_to_a_zygote_that_the_node_speaks_to(home: Container) -> None:
    shm = seen(home) / "dev" / "shm"
    assert list(shm.iterdir()) == []
    assert shm.stat().st_mode & 0o777 == 0


def test_the_image_is_an_ordinary_users_and_has_no_shell(engine: docker.APIClient, home: Container) -> None:
    assert engine.inspect_image("yanmen-worker")["Config"]["User"] not in {"", "0", "root"}
    root = seen(home)
    assert not [name for name in ("bin/sh", "usr/bin/sh", "usr/bin/apt", "usr/bin/pip") if (root / name).exists()]
    assert not [path for path in (root / "usr/local/bin").iterdir() if path.lstat().st_mode & 0o6000]


def test_the_profile_names_engine_runtime_and_image(engine: docker.APIClient, zygote: Zygote) -> None:
    assert f"docker:{engine.version()['Version']}" in zygote.layers
    assert "runtime:runc" in zygote.layers
    assert f"image:{engine.inspect_image('yanmen-worker')['Id']}" in zygote.layers


def test_an_image_exchanged_under_the_same_name_is_not_taken(engine: docker.APIClient, settings: Docker) -> None:
    """What was asked for is a name; what is started again is what the profile says."""
    home = Container(settings)
    first = engine.inspect_image("yanmen-worker")["Id"]
    engine.tag("yanmen-base", "yanmen-worker", "exchanged")
    assert f"image:{first}" in home.layers
    try:
        home.start().close()
        assert engine.inspect_container(home.id)["Image"] == first
    finally:
        home.end()
        engine.remove_image("yanmen-worker:exchanged")


def test_a_container_that_was_killed_is_succeeded_by_the_same(engine: docker.APIClient, settings: Docker) -> None:
    zygote = profiles.zygote("docker", docker=settings)
    assert isinstance(zygote.home, Container)
    try:
        zygote.start()
        before = zygote.home.id
        engine.kill(before)
        wait_until(lambda: not zygote.home.running)
        data, _ = Launcher(zygote).run(orders.vet("SELECT 1"), LIMITS, Event())
        assert data
        assert zygote.home.id != before
        wait_until(lambda: not known(engine, before))
    finally:
        after = zygote.home.id
        zygote.close()
    wait_until(lambda: not known(engine, after))


@pytest.fixture(scope="module")
def gvisor() -> Iterator[Zygote]:
    settings = container_engine.need("runsc")
    started = profiles.zygote("docker", docker=settings)
    yield started
    started.close()


def meetings() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{meeting.PREFIX}{os.getpid()}-*"))


def test_gvisor_serves_and_says_that_it_has_a_kernel_of_its_own(gvisor: Zygote) -> None:
    found = preflight.check(Launcher(gvisor), NodeLimits(), SystemRandomness())
    assert {"landlock-none", "runtime:runsc", "kernel:not-the-host's"} <= set(found.layers)
    assert "Landlock" in (preflight.lost(found) or "")
    assert meetings() == []


def test_a_worker_under_gvisor_is_ended_through_its_zygote(gvisor: Zygote) -> None:
    """It has no process descriptor: the node asks, and ends the container when nobody does it."""
    gvisor.start()
    before = gvisor.home.pid
    for wall_ms, cancel, code in ((1, False, JobCode.TIME), (10_000, True, JobCode.CANCELLED)):
        event = Event()
        if cancel:
            event.set()
        limits = replace(LIMITS, wall_ms=wall_ms)
        with pytest.raises(JobFailed) as failed:
            Launcher(gvisor).run(orders.vet("SELECT 1"), limits, event)
        assert failed.value.code is code
    assert Launcher(gvisor).run(orders.vet("SELECT 1"), LIMITS, Event())[0]
    assert gvisor.home.pid == before


def test_a_zygote_that_ends_no_worker_is_ended_with_all_of_them(
    gvisor: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygotes, "END_SECONDS", 0.5)
    monkeypatch.setattr(zygotes.ZygoteOrder, "kill", lambda self: None)
    gvisor.start()
    before = gvisor.home.pid
    with Launcher(gvisor).start(orders.vet("SELECT 1"), LIMITS, Event()):
        pass
    assert not Path("/proc", str(before)).exists()
    monkeypatch.undo()
    assert Launcher(gvisor).run(orders.vet("SELECT 1"), LIMITS, Event())[0]


def test_a_node_killed_before_they_met_leaves_a_folder_that_the_next_removes() -> None:
    with subprocess.Popen(["/bin/true"]) as dead:
        dead.wait()
    left = Path(tempfile.gettempdir()) / f"{meeting.PREFIX}{dead.pid}-x"
    left.mkdir()
    mine = meeting.Outside()
    try:
        assert not left.exists()
        assert len(meetings()) == 1
    finally:
        mine.close()
    assert meetings() == []


NODE = """
import sys
from yanmen.execution import profiles
from yanmen.model.config import Docker
zygote = profiles.zygote("docker", docker=Docker(socket=sys.argv[1], runtime=sys.argv[2]))
zygote.start()
print(zygote.home.id, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
def test_killing_the_node_leaves_no_container(engine: docker.APIClient, runtime: str) -> None:
    settings = container_engine.need(runtime)
    command = [sys.executable, "-c", NODE, settings.socket, runtime]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        name = node.stdout.readline().strip()
        assert known(engine, name)
        node.send_signal(signal.SIGKILL)
        node.wait()
    wait_until(lambda: not known(engine, name))


def test_what_a_killed_node_made_and_never_started_is_swept(engine: docker.APIClient, settings: Docker) -> None:
    def made(owner: str) -> str:
        return str(engine.create_container("yanmen-worker", labels={container.OWNER: owner})["Id"])

    dead, mine = made(f"{os.getpid()}.1"), made(container._myself())
    home = Container(settings)
    try:
        home.start().close()
        assert not known(engine, dead)
        assert known(engine, mine)
    finally:
        home.end()
        engine.remove_container(mine)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"socket": "/nonexistent/docker.sock"}, "no engine listens"),
        ({"image": "yanmen-no-such-image"}, "yanmen-no-such-image"),
        ({"runtime": "no-such-runtime"}, "no runtime 'no-such-runtime'"),
    ],
)
def test_what_the_engine_cannot_do_is_a_fault(settings: Docker, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(Fault, match=said) as fault:
        profiles.zygote("docker", docker=replace(settings, **wrong))  # type: ignore[arg-type]
    assert fault.value.code is FaultCode.SANDBOX


def test_an_image_that_is_no_worker_is_a_fault(settings: Docker) -> None:
    with (
        pytest.raises(Fault, match="no worker starts"),
        profiles.serving("docker", replace(settings, image="yanmen-base")),
    ):
        pass


def test_a_program_that_never_listens_is_given_up(settings: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "START_SECONDS", 0.5)
    home = Container(settings, ("python3", "-I", "-c", "import time; time.sleep(60)"))
    with pytest.raises(JobFailed):
        home.start()
    assert "does not answer" in home.trouble()
    home.end()
    assert not home.running
