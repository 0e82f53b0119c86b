"""SQL that reaches the engine by a mistake of ours still finds nothing: files, settings, extensions, other data.

What is closed here is the second line: only emitted text reaches the query job (DESIGN §2).
"""

import json
import sys
from pathlib import Path
from threading import Event

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.orders import Order
from yanmen.execution.process import Fresh
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobCode, JobFailed

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=1000)


SCRIPT = Path(__file__).with_name("escape_worker.py")

STATEMENTS = [
    "SELECT content FROM read_text('/etc/passwd')",
    "SELECT size FROM read_blob('{path}')",
    "SELECT size FROM read_blob('/proc/self/fd/9')",
    "SELECT size FROM read_blob((SELECT path FROM duckdb_databases() WHERE database_name = 's0'))",
    "SELECT * FROM read_csv('/etc/passwd', sep=':')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('{path}')",
    "SELECT * FROM read_duckdb('{path}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('jail://source')",
    "COPY (SELECT 1) TO '/tmp/yanmen-copied'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "EXPORT DATABASE '/tmp/yanmen-copied'",
    "ATTACH '{path}' AS again",
    "ATTACH '/tmp/yanmen-copied' AS again",
    "ATTACH 'https://127.0.0.1/x' AS again",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{path}'",
    "SELECT * FROM read_text('https://127.0.0.1/x')",
    "SELECT * FROM read_text('s3://a/b')",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET enable_external_access = true",
    "SET disabled_filesystems = ''",
    "SET lock_configuration = false",
    "RESET memory_limit",
    "PRAGMA threads = 64",
    "SET profiling_output = '/tmp/yanmen-copied'",
    "CALL enable_logging()",
    "CREATE PERSISTENT SECRET x (TYPE http)",
    "UPDATE s0.data SET i = 1",
    "DELETE FROM s0.data",
    "DROP TABLE s0.data",
    "INSERT INTO s0.data VALUES (1, 'x')",
    "ALTER TABLE s0.data ADD COLUMN x INT",
    "SELECT getenv('HOME')",
    "SELECT * FROM opened",
    "SELECT * FROM LIMITS",
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[JailRunner, str, Path]:
    folder = tmp_path_factory.mktemp("node")
    runner = JailRunner(folder, b"k" * 32, SystemRandomness(), NodeLimits())
    path = folder / "made.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE data AS SELECT 42::BIGINT AS i, 'canary-cell' AS s")
    with path.open("rb") as made:
        version = runner._snapshots.seal(made.fileno()).version
    return runner, version, path


@pytest.fixture(scope="module")
def outcomes(opened: tuple[JailRunner, str, Path]) -> dict[str, str]:
    """Run every statement in one closed jail, in place of a query."""
    runner, version, path = opened
    statements = [sql.format(path=path) for sql in STATEMENTS]
    with runner._snapshots.open(version, Event()) as fd:
        order = Order("statements", {"scans": [["s0", fd]], "statements": statements}, (fd,))
        data, _ = Launcher(Fresh((sys.executable, "-I", "-B", str(SCRIPT)))).run(order, LIMITS, Event())
    return dict(json.loads(data)["outcomes"])


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_engine_refuses(sql: str, opened: tuple[JailRunner, str, Path], outcomes: dict[str, str]) -> None:
    assert outcomes[sql.format(path=opened[2])] != "works"
    assert not Path("/tmp/yanmen-copied").exists()


@pytest.mark.parametrize(
    "sql", ["SELECT content FROM read_text('/etc/passwd')", "SET threads = 64", "DROP TABLE s0.data"]
)
def test_a_refused_statement_is_only_a_code(sql: str, opened: tuple[JailRunner, str, Path]) -> None:
    runner, version, _ = opened
    with pytest.raises(JobFailed) as failed:
        runner.query((("s0", version),), sql, (ColumnType.INTEGER,), LIMITS, Event())
    assert failed.value.code is JobCode.FAILED


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT error(s) FROM s0.data",
        "SELECT CAST(s AS INTEGER) FROM s0.data",
        "SELECT CAST(s AS DATE) FROM s0.data",
        "SELECT i::TINYINT * 100::TINYINT FROM s0.data",
        "SELECT json_extract(s, '$') FROM s0.data",
        "SELECT strptime(s, '%Y') FROM s0.data",
        "SELECT regexp_matches('x', s || '(') FROM s0.data",
        "SELECT (SELECT s FROM (VALUES (s), (s)) t(s)) FROM s0.data",
    ],
)
def test_an_error_that_quotes_a_cell_never_leaves(sql: str, opened: tuple[JailRunner, str, Path]) -> None:
    runner, version, _ = opened
    order_limits = Limits(256 << 20, 10, 20_000, 64, 10)  # no reply longer than its code could pass
    with pytest.raises(JobFailed) as failed:
        runner.query((("s0", version),), sql, (ColumnType.TEXT,), order_limits, Event())
    assert failed.value.code is JobCode.FAILED
    assert "canary" not in repr(failed.value) + str(failed.value.__cause__) + str(failed.value.__context__)
