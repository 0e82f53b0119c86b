"""Native code in the jail gets nowhere: every attempt of the worker in escape_worker.py, after a query's lockdown.

Each profile, each way a worker comes to be, and hosts with less Landlock or none.
"""

import ctypes
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event
from types import ModuleType

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import orders, profiles
from yanmen.execution.clear_files import ClearFiles, memory_file
from yanmen.execution.launcher import Launcher
from yanmen.execution.orders import Order
from yanmen.execution.process import Fresh, Spawner
from yanmen.execution.scratch import ScratchSpace
from yanmen.execution.snapshot import SnapshotStore
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobCode, JobFailed

from tests import container_engine, system_packages

SCRIPT = Path(__file__).with_name("escape_worker.py")
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=0)
KEPT = "the host's own words"
MARK = f"yanmen-escaped-{os.getpid()}"
"""What an attempt that succeeded would leave, somewhere; others try the same on this machine."""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("escape_worker", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORKER = load()
QUIET: list[str] = list(WORKER.QUIET)
ENDING: list[str] = list(WORKER.ENDING)


class Jail:
    """Starts the escape worker over a real sealed snapshot, beside a victim process and a host file."""

    def __init__(self, directory: Path, victim: int, spawner: Spawner) -> None:
        self._launcher = Launcher(spawner)
        database = directory / "made.duckdb"
        with duckdb.connect(str(database)) as connection:
            connection.execute("CREATE TABLE data AS SELECT i FROM range(10) t(i)")
        self._volume = tempfile.TemporaryDirectory(dir="/dev/shm")
        clear = ClearFiles(Path(self._volume.name), above_bytes=0)
        self._store = SnapshotStore(directory, b"k" * 32, SystemRandomness())
        self._large = SnapshotStore(directory, b"k" * 32, SystemRandomness(), clear)
        with database.open("rb") as made:
            self._version = self._store.seal(made.fileno()).version
        self.outside = directory / "outside"
        self.outside.write_text(KEPT)
        self._scratch = ScratchSpace(directory)
        self._victim = victim
        self._buffer = ctypes.create_string_buffer(b"secret")

    def attempt(
        self, *names: str, stage: str = "closed", spilling: bool = False, large: bool = False
    ) -> dict[str, str]:
        with ExitStack() as held:
            store = self._large if large else self._store
            fd = held.enter_context(store.open(self._version, Event()))
            other = held.enter_context(memory_file("other")).fd
            arguments = {
                "stage": stage,
                "memory_file": f"/proc/{os.getpid()}/fd/{other}",
                "scans": [["s0", fd]],
                "attempts": list(names),
                "outside": str(self.outside),
                "mark": MARK,
                "victim": self._victim,
                "node": os.getpid(),
                "address": ctypes.addressof(self._buffer),
            }
            order = Order("query", arguments, (fd,))
            if spilling:
                order = orders.spilling(order, held.enter_context(self._scratch.folder(1 << 20)))
            data, _ = self._launcher.run(order, LIMITS, Event())
        return dict(json.loads(data)["outcomes"])

    def close(self) -> None:
        self._scratch.close()
        self._volume.cleanup()


PROGRAM = (sys.executable, "-I", "-B", str(SCRIPT))
WAYS = (
    "landlock",
    "landlock, zygote",
    "landlock ABI 2, zygote",
    "jail",
    "jail without Landlock",
    "docker",
    "docker without Landlock",
    "docker under gVisor",
)


@contextmanager
def spawner(way: str) -> Iterator[Spawner]:
    """Start the escape workers in one way; the last word of the program is the host it pretends to be on."""
    match way:
        case "landlock":
            yield Fresh(PROGRAM)
            return
        case "landlock, zygote":
            found = profiles.zygote("landlock", PROGRAM)
        case "landlock ABI 2, zygote":
            found = profiles.zygote("landlock", (*PROGRAM, "--landlock=2"))
        case "jail":
            found = profiles.zygote("jail", PROGRAM)
        case "jail without Landlock":
            found = profiles.zygote("jail", (*PROGRAM, "--landlock=0"))
        case _:
            mask = ("--landlock=0",) if way.endswith("without Landlock") else ()
            settings = container_engine.need("runsc" if way.endswith("gVisor") else "runc")
            found = container_engine.zygote(settings, str(SCRIPT), *mask)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    found = str(request.param)
    if found.startswith("jail"):
        system_packages.need("bwrap")
    if found.startswith("docker"):
        container_engine.need("runsc" if found.endswith("gVisor") else "runc")
    return found


@pytest.fixture(scope="module")
def jail(way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    victim = subprocess.Popen(["/bin/sleep", "120"])
    try:
        with spawner(way) as started, closing(Jail(tmp_path_factory.mktemp("jail"), victim.pid, started)) as built:
            yield built
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


@pytest.fixture(scope="module")
def outcomes(jail: Jail) -> dict[str, str]:
    return jail.attempt(*QUIET)


WHILE_ATTACHING = (
    "open the snapshot anew",  # it is sealed, and "write the snapshot" is refused
    "unseal the snapshot",
    "look at its length",
    "become dumpable",
    "outlive the node",  # asked again afterwards
    "duplicate the reply pipe",  # "write" knows one descriptor, before and after
)
"""What a worker may still do while it attaches, behind Landlock and the first filter."""


@pytest.fixture(scope="module")
def attaching(jail: Jail) -> dict[str, str]:
    return jail.attempt(*(name for name in QUIET if name != "all the memory"), stage="attaching")


WITHOUT_LANDLOCK = {
    "jail without Landlock": (
        "read /proc/self/environ",  # it is empty
        "read /proc/self/mem",  # its own
        "read /proc/1/cmdline",  # its own: it is the first process it can see
    ),
    "docker without Landlock": (
        "read /proc/1/cmdline",  # the zygote's: which holds no secret
    ),
    "docker under gVisor": (  # which has no Landlock
        "read /proc/1/cmdline",
        "read /proc/self/environ",  # two lines of the image and the host name; Linux keeps it from a changed user
    ),
}
"""What it may do besides on a host without Landlock: the exemptions of docs/THREAT_MODEL.md."""


def test_the_jail_refuses_while_a_snapshot_is_attached(way: str, attaching: dict[str, str]) -> None:
    tried = [name for name in QUIET if name not in (*WHILE_ATTACHING, "all the memory")]
    worked = [name for name in tried if attaching[name] == "works"]
    assert [name for name in worked if name not in WITHOUT_LANDLOCK.get(way, ())] == []


@pytest.mark.parametrize("name", ["run a shell", "fork", "start a thread", "TCP socket", "ptrace the node", "io_uring"])
def test_the_jail_ends_a_worker_that_tries_while_attaching(name: str, jail: Jail) -> None:
    with pytest.raises(JobFailed) as failed:
        jail.attempt(name, stage="attaching")
    assert failed.value.code is JobCode.VIOLATION


def test_the_jail_refuses(outcomes: dict[str, str]) -> None:
    assert len(QUIET) > 70
    assert [name for name in QUIET if outcomes[name] == "works"] == []


@pytest.mark.parametrize("name", ENDING)
def test_the_jail_ends_a_worker_that_tries(name: str, jail: Jail) -> None:
    with pytest.raises(JobFailed) as failed:
        jail.attempt(name)
    assert failed.value.code is JobCode.VIOLATION


WHILE_SPILLING = (
    "open the snapshot anew",  # as while it attaches
    "look at its length",
    "duplicate the reply pipe",
)
"""What a worker with a scratch folder may do besides, until its end."""


@pytest.fixture(scope="module")
def spilling(jail: Jail, way: str) -> dict[str, str]:
    if way.endswith(("without Landlock", "gVisor")):  # gVisor's kernel has none
        with pytest.raises(JobFailed):
            jail.attempt("list /", spilling=True)
        return {}
    return jail.attempt(*(name for name in QUIET if name != "all the memory"), spilling=True)


def test_the_jail_refuses_a_worker_that_may_spill(spilling: dict[str, str]) -> None:
    tried = [name for name in QUIET if name not in (*WHILE_SPILLING, "all the memory")]
    assert [name for name in tried if spilling.get(name) == "works"] == []


LARGE = tuple(name for name in QUIET if name not in ("all the memory", "look at its length"))


@pytest.mark.parametrize("stage", ["attaching", "closed", "spilling"])
def test_a_snapshot_on_a_volume_opens_no_way_that_one_in_memory_does_not(stage: str, jail: Jail, way: str) -> None:
    """Its file is of the host's, and may be opened again: to be read, by its descriptor, and no other."""
    spilling = stage == "spilling"
    if spilling and way.endswith(("without Landlock", "gVisor")):
        return  # there is no spilling there
    found = jail.attempt(*LARGE, stage="attaching" if stage == "attaching" else "closed", spilling=spilling, large=True)
    usual = {*WHILE_ATTACHING, *WITHOUT_LANDLOCK.get(way, ())} if stage == "attaching" else {*WHILE_SPILLING}
    usual -= {"open the snapshot anew"}
    assert {name for name, outcome in found.items() if outcome == "works" and name not in usual} == set()


def test_nothing_is_left_behind(jail: Jail, outcomes: dict[str, str]) -> None:
    assert outcomes
    assert jail.outside.read_text() == KEPT
    assert not [path for folder in ("/tmp", "/dev/shm", ".") for path in Path(folder).glob(f"{MARK}*")]


@pytest.mark.parametrize(
    "name",
    [
        "read /etc/passwd",
        "list /",
        "look at its length",
        "executable memory",
        "make memory executable",
        "name of the machine",
        "load of the machine",
        "pidfd of another process",
        "signal another process",
        "another process's limits",
        "TCP socket",
        "UDP socket",
        "netlink socket",
        "start a thread",
    ],
)
def test_the_attempt_is_real(name: str, tmp_path: Path) -> None:
    """Outside the jail these succeed, so that their failing inside means something."""
    outside = tmp_path / "outside"
    outside.write_text(KEPT)
    with subprocess.Popen(["/bin/sleep", "120"]) as victim:
        body: dict[str, object] = {"outside": str(outside), "victim": victim.pid}
        outcome = WORKER.outcome((WORKER.QUIET | WORKER.ENDING)[name], WORKER.Request("query", None, body))
        victim.kill()
    assert outcome == "works"
