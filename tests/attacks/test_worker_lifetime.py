"""No worker outlives its question, its node or its cancel, and none can be reached by a descriptor left open."""

import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import account
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobCode, JobFailed

from tests.patience import LONG_S, once_within, timed, wait_until

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=600, wall_ms=600_000, reply_bytes=1 << 20, rows=10)
LONG = "SELECT sum(levenshtein(repeat(a.s, 100), repeat(b.s, 99))) FROM s0.data a, s0.data b"

NODE = f"""
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
runner = JailRunner(Path(sys.argv[1]), b"k" * 32, SystemRandomness(), NodeLimits())
limits = Limits({256 << 20}, 600, 600_000, 1 << 20, 10)
runner.query((("s0", sys.argv[2]),), {LONG!r}, (ColumnType.INTEGER,), limits, Event())
"""


@pytest.fixture
def published(tmp_path: Path) -> tuple[JailRunner, str]:
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits())
    path = tmp_path / "made.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE data AS SELECT 'person' || i AS s FROM range(10000) t(i)")
    with path.open("rb") as made:
        return runner, runner._snapshots.seal(made.fileno()).version


def workers(parent: int) -> set[int]:
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


def confined(pid: int) -> bool:
    """Tell whether the worker is in its closed jail: seccomp in filter mode, by two filters."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "Seccomp_filters:\t2" in status


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_killing_the_node_kills_the_worker(published: tuple[JailRunner, str], tmp_path: Path) -> None:
    node = subprocess.Popen([sys.executable, "-c", NODE, str(tmp_path), published[1]])
    try:
        wait_until(lambda: any(confined(pid) for pid in workers(node.pid)))
        (worker,) = workers(node.pid)
    finally:
        node.send_signal(signal.SIGKILL)
        node.wait()
    wait_until(lambda: not alive(worker), LONG_S / 2)


def test_killing_the_node_while_a_worker_starts_kills_the_worker(
    published: tuple[JailRunner, str], tmp_path: Path
) -> None:
    node = subprocess.Popen([sys.executable, "-c", NODE, str(tmp_path), published[1]])
    try:
        wait_until(lambda: bool(workers(node.pid)))
        (worker,) = workers(node.pid)
    finally:
        node.send_signal(signal.SIGKILL)
        node.wait()
    wait_until(lambda: not alive(worker), LONG_S / 2)


@pytest.mark.alone
def test_a_cancel_ends_a_running_query_within_a_second(published: tuple[JailRunner, str]) -> None:
    once_within(1, lambda: cancelled_after(*published), tries=5)


def cancelled_after(runner: JailRunner, version: str) -> float:
    """Return how long after its cancel a query that runs in its closed jail has ended."""
    cancel = Event()
    codes: list[JobCode] = []

    def ask() -> None:
        with pytest.raises(JobFailed) as failed:
            runner.query((("s0", version),), LONG, (ColumnType.INTEGER,), LIMITS, cancel)
        codes.append(failed.value.code)

    def stop() -> None:
        cancel.set()
        thread.join()

    before = workers(os.getpid())
    thread = Thread(target=ask)
    thread.start()
    wait_until(lambda: any(confined(pid) for pid in workers(os.getpid()) - before))
    (worker,) = workers(os.getpid()) - before
    seconds = timed(stop)
    assert codes == [JobCode.CANCELLED]
    assert not alive(worker)
    return seconds


def test_a_worker_runs_under_its_own_account_without_privileges(published: tuple[JailRunner, str]) -> None:
    runner, version = published
    cancel = Event()
    thread = Thread(target=lambda: _swallow(runner, version, cancel))
    before = workers(os.getpid())
    thread.start()
    try:
        wait_until(lambda: any(confined(pid) for pid in workers(os.getpid()) - before))
        (worker,) = workers(os.getpid()) - before
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines() if ":\t" in line
        )
        threads = [path.read_text() for path in Path(f"/proc/{worker}/task").glob("*/status")]
    finally:
        cancel.set()
        thread.join()
    jobs = account.of_jobs()
    user = os.getuid() if jobs is None else jobs.user
    assert status["Uid"].split() == [str(user)] * 4
    assert int(status["CapEff"], 16) == 0 or os.getuid() != 0
    assert int(status["CapPrm"], 16) == 0 or os.getuid() != 0
    assert status["NoNewPrivs"] == "1"
    assert len(threads) == 2
    for thread_status in threads:
        assert "Seccomp:\t2" in thread_status
        assert "Seccomp_filters:\t2" in thread_status
        if os.getuid() == 0:
            assert "Groups:\t \n" in thread_status


def _swallow(runner: JailRunner, version: str, cancel: Event) -> None:
    with pytest.raises(JobFailed):
        runner.query((("s0", version),), LONG, (ColumnType.INTEGER,), LIMITS, cancel)


def test_many_jobs_leave_no_descriptor_and_no_process(published: tuple[JailRunner, str]) -> None:
    runner, version = published
    gc.collect()
    before = descriptors(), workers(os.getpid())
    for sql in ("SELECT count(*) FROM s0.data", "SELECT nonsense", "SELECT s FROM s0.data"):
        try:
            runner.query((("s0", version),), sql, (ColumnType.INTEGER,), LIMITS, Event())
        except JobFailed:
            continue
    assert descriptors() <= before[0]
    assert workers(os.getpid()) <= before[1]


def descriptors() -> set[tuple[str, str]]:
    """Return what is open, by number; the listing itself is gone when its name is read."""
    found: set[tuple[str, str]] = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add((path.name, str(path.readlink())))
    return {each for each in found if not each[1].endswith("/fd")}
