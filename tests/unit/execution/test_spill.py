"""A worker may spill into a folder of its own: no other path, no more than its room, and nothing stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.scratch import ScratchSpace
from yanmen.execution.zygote import Zygote
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner, Tenant
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

from tests import system_packages
from tests.patience import below

T = ColumnType
ROOM = 256 << 20
SPILLING = Limits(memory_bytes=64 << 20, cpu_seconds=30, wall_ms=60_000, reply_bytes=1 << 20, rows=10, spill_bytes=ROOM)
IN_MEMORY = replace(SPILLING, spill_bytes=0)
LARGE = (
    "SELECT count(h)::BIGINT FROM (SELECT hash(range) h, repeat('s', 40) || range p"
    " FROM range(1500000) ORDER BY h, p LIMIT 1499999)"
)
LAB = Tenant("lab", "one")
WEAKER = Path(__file__).with_name("weaker_worker.py")


@pytest.fixture(scope="module", params=["landlock", "jail"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    if request.param == "jail":
        system_packages.need("bwrap")
    found = profiles.zygote(str(request.param))
    yield found
    found.close()


@pytest.fixture
def node(tmp_path: Path) -> Path:
    folder = tmp_path / "node"
    folder.mkdir()
    return folder


@pytest.fixture
def runner(node: Path, zygote: Zygote) -> Iterator[JailRunner]:
    found = JailRunner(node, b"k" * 32, SystemRandomness(), NodeLimits(), Launcher(zygote))
    yield found
    found.close()
    assert files(node) == []


@pytest.fixture
def version(runner: JailRunner, tmp_path: Path) -> str:
    path = tmp_path / "made.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE data AS SELECT i FROM range(10) t(i)")
    with path.open("rb") as made:
        return runner._snapshots.seal(made.fileno()).version


def files(node: Path) -> list[Path]:
    return [path for path in below(node / "scratch") if path.is_file() and not path.name.endswith("_owner")]


def ask(
    runner: Runner, version: str, sql: str, *types: ColumnType, limits: Limits = SPILLING
) -> tuple[tuple[Cell, ...], ...]:
    return runner.query((("s0", version),), sql, types, limits, Event())[0]


def scratch_of(tenant: Runner, version: str) -> str:
    return str(ask(tenant, version, "SELECT current_setting('temp_directory')", T.TEXT)[0][0])


def test_what_does_not_fit_in_memory_is_spilled_and_gone_after(runner: JailRunner, version: str, node: Path) -> None:
    tenant = runner.within(LAB)
    with pytest.raises(JobFailed) as failed:
        ask(tenant, version, LARGE, T.INTEGER, limits=IN_MEMORY)
    assert failed.value.code is JobCode.MEMORY
    seen: set[int] = set()
    stop = Event()

    def look() -> None:
        while not stop.wait(0.005):
            seen.add(sum(path.stat().st_size for path in files(node) if path.exists()))

    looking = Thread(target=look)
    looking.start()
    try:
        assert ask(tenant, version, LARGE, T.INTEGER) == ((1_499_999,),)
    finally:
        stop.set()
        looking.join()
    assert max(seen) > 1 << 20
    assert files(node) == []


def test_no_other_path_can_be_reached(runner: JailRunner, version: str, node: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    tenant = runner.within(LAB)
    scratch = scratch_of(tenant, version)
    for sql in (
        f"SELECT content FROM read_text('{outside}')",
        "SELECT content FROM read_text('/etc/hostname')",
        "SELECT content FROM read_text('/proc/self/environ')",
        f"SELECT content FROM read_text('{scratch}/../../../outside')",
        f"COPY (SELECT 1) TO '{tmp_path}/written'",
        f"COPY (SELECT 1) TO '{scratch}/../written'",
        f"ATTACH '{tmp_path}/written' AS w",
    ):
        with pytest.raises(JobFailed):
            ask(tenant, version, sql, T.TEXT)
    assert outside.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.duckdb", "node", "outside"]
    assert sorted(path.name for path in node.iterdir()) == ["scratch", "snapshots"]


def test_a_worker_that_left_a_file_is_not_asked_again(runner: JailRunner, version: str, node: Path) -> None:
    tenant = runner.within(LAB)
    scratch = scratch_of(tenant, version)
    (before,) = runner._tenancy.waiting.pids()
    assert ask(tenant, version, f"COPY (SELECT 1) TO '{scratch}/kept.csv'", T.INTEGER) == ((1,),)
    assert [path.name for path in files(node)] == ["kept.csv"]
    ask(tenant, version, "SELECT 1", T.INTEGER)
    assert runner._tenancy.waiting.pids() != (before,)
    assert files(node) == []


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT repeat('x', 1000) || range FROM range(100000000)) TO '{scratch}/one.csv'",
        "COPY (SELECT repeat('x', 1000) AS c, range % 60 AS p FROM range(100000000))"
        " TO '{scratch}/many.csv' (PER_THREAD_OUTPUT false, FILE_SIZE_BYTES '2MB')",
        "SELECT count(h) FROM (SELECT hash(range) h, repeat('s', 400) || range p FROM range(30000000) ORDER BY h, p)",
    ],
)
def test_nothing_takes_more_than_its_room(runner: JailRunner, version: str, node: Path, sql: str) -> None:
    tenant = runner.within(LAB)
    small = replace(SPILLING, spill_bytes=16 << 20)
    scratch = str(ask(tenant, version, "SELECT current_setting('temp_directory')", T.TEXT, limits=small)[0][0])
    most = 0
    done = Event()

    def run() -> None:
        with pytest.raises(JobFailed):
            ask(tenant, version, sql.format(scratch=scratch), T.INTEGER, limits=small)
        done.set()

    running = Thread(target=run)
    running.start()
    while not done.wait(0.01):
        most = max(most, sum(path.stat().st_size for path in files(node) if path.exists()))
    running.join()
    assert most < 512 << 20  # looked at every 50 ms: a disk's speed beyond its room, never its size
    assert files(node) == []


def test_a_killed_worker_leaves_nothing(runner: JailRunner, version: str, node: Path) -> None:
    tenant = runner.within(LAB)
    ask(tenant, version, "SELECT 1", T.INTEGER)
    (pid,) = runner._tenancy.waiting.pids()

    def kill() -> None:
        end = time.monotonic() + 20
        while not files(node) and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)

    killing = Thread(target=kill)
    killing.start()
    with pytest.raises(JobFailed):
        ask(tenant, version, LARGE.replace("1500000", "9000000"), T.INTEGER)
    killing.join()
    assert files(node) == []


HOLDS = """
import sys, time
from pathlib import Path
from yanmen.execution.scratch import ScratchSpace
with ScratchSpace(Path(sys.argv[1])).folder(1 << 20) as scratch:
    import os
    fd = os.open("kept", os.O_CREAT | os.O_WRONLY, dir_fd=scratch.fd)
    os.write(fd, b"rows")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_node_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(files(tmp_path)) == 1
        process.kill()
    end = time.monotonic() + 10
    while files(tmp_path) and time.monotonic() < end:
        time.sleep(0.01)
    assert files(tmp_path) == []


def test_what_a_dead_node_left_all_the_same_goes_when_the_next_one_serves(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "1" / "0"
    left.mkdir(parents=True)
    (left / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    ScratchSpace(tmp_path).tidy()
    assert not (tmp_path / "scratch").exists()


def test_without_landlock_nothing_spills(node: Path) -> None:
    system_packages.need("bwrap")
    program = (sys.executable, "-I", "-B", str(WEAKER), "no-landlock")
    weaker = profiles.zygote("jail", program)
    runner = JailRunner(node, b"k" * 32, SystemRandomness(), NodeLimits(spill_bytes=ROOM), Launcher(weaker))
    try:
        with pytest.raises(Fault) as fault:
            _ = runner.profile
        assert fault.value.code is FaultCode.SANDBOX
        assert "Landlock" in fault.value.note
    finally:
        runner.close()
        weaker.close()
