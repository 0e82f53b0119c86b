"""Waiting workers: one tenant, one set of snapshots, so many uses, nothing carried over."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.zygote import Zygote
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner, TableShape, Tenant
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

T = ColumnType
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=10_000, reply_bytes=1 << 20, rows=1000)
LAB = Tenant("lab", "one")
FEW = NodeLimits(worker_uses=3, waiting_workers=4)
SHAPE = TableShape("s0", (("i", "BIGINT"),))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    found = profiles.zygote("landlock")
    yield found
    found.close()


def runner_in(folder: Path, zygote: Zygote, limits: NodeLimits) -> JailRunner:
    folder.mkdir(exist_ok=True)
    return JailRunner(folder, b"k" * 32, SystemRandomness(), limits, Launcher(zygote))


@pytest.fixture
def runner(tmp_path: Path, zygote: Zygote) -> Iterator[JailRunner]:
    found = runner_in(tmp_path / "node", zygote, FEW)
    yield found
    found.close()


@pytest.fixture
def version(runner: JailRunner, tmp_path: Path) -> str:
    return seal(runner, tmp_path, "SELECT i FROM range(10) t(i)")


def seal(runner: JailRunner, folder: Path, sql: str) -> str:
    path = folder / "made.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE data AS {sql}")
    with path.open("rb") as made:
        return runner._snapshots.seal(made.fileno()).version


def ask(
    runner: Runner, version: str, sql: str, *types: ColumnType, limits: Limits = LIMITS
) -> tuple[tuple[Cell, ...], ...]:
    return runner.query((("s0", version),), sql, types, limits, Event())[0]


def count(runner: Runner, version: str, limits: Limits = LIMITS) -> None:
    assert ask(runner, version, 'SELECT count(*) FROM "s0"."data"', T.INTEGER, limits=limits) == ((10,),)


def waiting(runner: JailRunner) -> tuple[int, ...]:
    return runner._tenancy.waiting.pids()


def settled(runner: JailRunner, workers: int, seconds: float = 5) -> tuple[int, ...]:
    """Return the workers that wait, once there are `workers`: a successor is prepared behind the asker's back."""
    end = time.monotonic() + seconds
    while len(waiting(runner)) != workers and time.monotonic() < end:
        time.sleep(0.01)
    assert len(waiting(runner)) == workers
    return waiting(runner)


def test_a_tenants_next_question_goes_to_the_worker_that_waits(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    count(tenant, version)
    (pid,) = waiting(runner)
    count(tenant, version)
    assert waiting(runner) == (pid,)


def test_nobody_elses_question_does(runner: JailRunner, version: str, tmp_path: Path) -> None:
    other = seal(runner, tmp_path, "SELECT i FROM range(10) t(i)")
    count(runner.within(LAB), version)
    first = set(waiting(runner))
    for tenant, data, limits in (
        (Tenant("lab", "two"), version, LIMITS),
        (Tenant("another", "one"), version, LIMITS),
        (LAB, other, LIMITS),
        (LAB, version, replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 1024)),
    ):
        before = set(waiting(runner))
        count(runner.within(tenant), data, limits)
        assert len(set(waiting(runner)) - before) == 1
    assert first & set(waiting(runner)) == set()  # no more than four wait: the first made room


def test_without_a_tenant_nothing_waits(runner: JailRunner, version: str) -> None:
    count(runner, version)
    runner.vet("SELECT 1")
    assert waiting(runner) == ()


def test_vetting_binding_and_querying_have_workers_of_their_own(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    for _ in range(2):
        count(tenant, version)
        assert tenant.vet("SELECT 1") == runner.vet("SELECT 1")
        bound = tenant.bind((SHAPE,), 'SELECT count(*) FROM "s0"."data"')
        assert bound == runner.bind((SHAPE,), 'SELECT count(*) FROM "s0"."data"')
    assert len(waiting(runner)) == 3


def test_a_worker_dies_after_its_uses_and_its_successor_waits(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    count(tenant, version)
    (first,) = waiting(runner)
    for _ in range(FEW.worker_uses - 1):
        count(tenant, version)
    (second,) = settled(runner, 1)
    assert second != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


LEAVINGS = [
    "CREATE TEMP TABLE kept AS SELECT 1 AS x",
    "CREATE TEMP MACRO kept() AS 1",
    "CREATE TEMP VIEW kept AS SELECT 1 AS x",
    "CREATE TEMP SEQUENCE kept",
    "CREATE TABLE kept AS SELECT 1 AS x",
    "CREATE MACRO kept() AS 1",
    "CREATE VIEW kept AS SELECT 1 AS x",
    "CREATE SCHEMA kept",
    "CREATE TYPE kept AS ENUM ('a')",
    "CREATE SEQUENCE kept",
    "ATTACH ':memory:' AS kept",
    "ATTACH ':memory:' AS memory",
    "CREATE SECRET kept (TYPE http)",
    "SET VARIABLE kept = 1",
    "PREPARE kept AS SELECT 1",
    "BEGIN TRANSACTION",
    "USE s0",
    "SET schema = 's0.main'",
    "SET TimeZone = 'Asia/Shanghai'",
    "SET threads = 1",
    "DETACH s0",
    "SELECT setseed(0.5)",
]
SEEN = """
SELECT
    (SELECT count(*) FROM duckdb_tables() WHERE table_name <> 'data')
    + (SELECT count(*) FROM duckdb_views() WHERE NOT internal)
    + (SELECT count(*) FROM duckdb_functions() WHERE NOT internal)
    + (SELECT count(*) FROM duckdb_types() WHERE NOT internal)
    + (SELECT count(*) FROM duckdb_sequences())
    + (SELECT count(*) FROM duckdb_secrets())
    + (SELECT count(*) FROM duckdb_variables())
    + (SELECT count(*) FROM duckdb_prepared_statements())
    + (SELECT count(*) FROM duckdb_databases() WHERE database_name NOT IN ('s0', 'system', 'temp')),
    current_setting('TimeZone') || current_setting('search_path') || current_setting('schema'),
    (SELECT md5(string_agg(name || value, ',' ORDER BY name)) FROM duckdb_settings()
        WHERE name NOT IN ('allowed_paths', 'write_buffer_row_group_memory_limit'))
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Iterator[tuple[JailRunner, str]]:
    folder = tmp_path_factory.mktemp("shared")
    runner = runner_in(folder, zygote, NodeLimits())
    yield runner, seal(runner, folder, "SELECT i FROM range(10) t(i)")
    runner.close()


@pytest.mark.parametrize("sql", LEAVINGS)
def test_nothing_a_question_leaves_reaches_the_next(shared: tuple[JailRunner, str], sql: str) -> None:
    """Statements that no plan emits: what is closed here is the second line."""
    runner, version = shared
    tenant = runner.within(LAB)
    clean = ask(tenant, version, SEEN, T.INTEGER, T.TEXT, T.TEXT)
    assert clean[0][0] == 0
    with suppress(JobFailed):
        ask(tenant, version, sql, T.INTEGER)
    assert ask(tenant, version, SEEN, T.INTEGER, T.TEXT, T.TEXT) == clean
    count(tenant, version)


@pytest.mark.parametrize(
    ("sql", "lives"),
    [
        ("ATTACH ':memory:' AS kept; SELECT 1", False),
        ("CREATE SECRET kept (TYPE http); SELECT 1", False),
        ("CREATE TEMP TABLE kept AS SELECT 1 AS x; SELECT 1", True),
        ("SELECT 1", True),
    ],
)
def test_a_worker_in_which_something_was_left_is_not_asked_again(
    shared: tuple[JailRunner, str], sql: str, lives: bool
) -> None:
    runner, version = shared
    tenant = runner.within(Tenant("lab", sql))
    assert ask(tenant, version, sql, T.INTEGER) == ((1,),)
    before = waiting(runner)
    time.sleep(0.2)
    count(tenant, version)
    assert (waiting(runner) == before) == lives


def test_settings_are_the_same_for_each_question(shared: tuple[JailRunner, str]) -> None:
    """A question of a session has a connection of its own, and must not lose what was set on the first one."""
    runner, version = shared
    replacements = "current_setting('python_enable_replacements')"
    sql = f"SELECT (1 // (i - i)) IS NULL, current_setting('TimeZone'), {replacements} FROM s0.data LIMIT 1"
    types = (T.BOOLEAN, T.TEXT, T.BOOLEAN)
    assert ask(runner.within(LAB), version, sql, *types) == ask(runner, version, sql, *types) == ((True, "UTC", False),)


def test_a_failed_question_ends_its_worker_and_only_that(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    count(tenant, version)
    (pid,) = waiting(runner)
    with pytest.raises(JobFailed):
        ask(tenant, version, "SELECT error('x')", T.INTEGER)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    count(tenant, version)


def test_a_question_has_its_own_cpu_though_the_worker_has_more(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    limits = replace(LIMITS, cpu_seconds=1, wall_ms=60_000)
    count(tenant, version, limits)
    with pytest.raises(JobFailed) as failed:
        ask(tenant, version, "SELECT count(*) FROM range(1000000000000)", T.INTEGER, limits=limits)
    assert failed.value.code is JobCode.TIME
    assert 900 < failed.value.usage.cpu_ms < 1900


def test_usage_is_the_questions_own(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    _, heavy = tenant.query(
        (("s0", version),), "SELECT sum(hash(range)) % 7 FROM range(10000000)", (T.INTEGER,), LIMITS, Event()
    )
    _, light = tenant.query((("s0", version),), "SELECT 1", (T.INTEGER,), LIMITS, Event())
    assert heavy.cpu_ms > 20
    assert light.cpu_ms < heavy.cpu_ms / 2


def test_a_changed_snapshot_is_found_though_a_worker_waits(runner: JailRunner, version: str, tmp_path: Path) -> None:
    tenant = runner.within(LAB)
    count(tenant, version)
    sealed = tmp_path / "node" / "snapshots" / f"{version}.sealed"
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Fault) as fault:
        count(tenant, version)
    assert fault.value.code is FaultCode.SNAPSHOT_ALTERED
    assert waiting(runner) == ()
    sealed.write_bytes(whole)
    count(tenant, version)


def test_a_snapshot_lies_in_memory_once_and_only_while_it_is_held(runner: JailRunner, version: str) -> None:
    before = len(memory_files())
    for contract in ("one", "two"):
        count(runner.within(Tenant("lab", contract)), version)
    assert len(waiting(runner)) == 2
    assert len(memory_files()) == before + 1
    runner.close()
    assert len(memory_files()) == before


def memory_files() -> list[str]:
    names = []
    for path in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(path.readlink()))
        except FileNotFoundError:
            continue
    return [name for name in names if "memfd:snapshot" in name]


def test_a_worker_does_not_wait_for_ever(tmp_path: Path, zygote: Zygote) -> None:
    runner = runner_in(tmp_path / "brief", zygote, NodeLimits(waiting_seconds=1))
    try:
        runner.within(LAB).vet("SELECT 1")
        assert len(waiting(runner)) == 1
        settled(runner, 0)
    finally:
        runner.close()


def test_a_closed_runner_leaves_no_worker(runner: JailRunner, version: str) -> None:
    tenant = runner.within(LAB)
    count(tenant, version)
    tenant.vet("SELECT 1")
    pids = waiting(runner)
    runner.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    count(tenant, version)
    assert waiting(runner) == ()
