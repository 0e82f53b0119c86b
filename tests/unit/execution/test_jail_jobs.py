"""The data-less jobs and the query job as the rest of the node uses them."""

import json
import sys
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event

import duckdb
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.process import Fresh
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, TableShape
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed, Usage

from tests.patience import once_within, timed

T = ColumnType
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=1000)
SHAPE = TableShape("s0", (("k", "VARCHAR"), ("v", "DECIMAL(18,2)")))


def seal(runner: JailRunner, folder: Path, sql: str) -> str:
    path = folder / "made.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE data AS {sql}")
    with path.open("rb") as made:
        return runner._snapshots.seal(made.fileno()).version


def failure(runner: JailRunner, version: str, sql: str, *types: ColumnType, limits: Limits = LIMITS) -> JobFailed:
    with pytest.raises(JobFailed) as failed:
        runner.query((("s0", version),), sql, types, limits, Event())
    return failed.value


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM t WHERE name = 'it''s' -- 雁门",
        'SELECT \'a\\b\', "c""d", $$e\'f$$',
        "select\n1\t;",
        "'); ATTACH 'x'; SELECT json_serialize_sql('SELECT 1",
    ],
)
def test_vetting_is_duckdbs_own_reading_of_the_very_text(runner: JailRunner, sql: str) -> None:
    expected = duckdb.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0]
    assert runner.vet(sql) == expected


@pytest.mark.parametrize("sql", ["SELEC 1", "CREATE TABLE t(i INT)", "SELECT 1; DROP TABLE t", "("])
def test_a_syntax_error_comes_back_inside_the_tree(runner: JailRunner, sql: str) -> None:
    assert json.loads(runner.vet(sql))["error"] is True


@pytest.mark.parametrize("sql", ["SELECT 1\0; SELECT 2", "SELECT '\ud800'"])
def test_text_no_parser_reads_whole_is_refused(runner: JailRunner, sql: str) -> None:
    with pytest.raises(JobFailed) as failed:
        runner.vet(sql)
    assert failed.value.code is JobCode.BAD_SQL


def test_vetting_knows_no_table_and_no_file(runner: JailRunner) -> None:
    """The tree is syntax only: whether a table exists is not looked up."""
    assert json.loads(runner.vet("SELECT * FROM read_csv('/etc/passwd')"))["error"] is False


def test_text_longer_than_a_question_never_reaches_a_parser(runner: JailRunner) -> None:
    with pytest.raises(JobFailed) as failed:
        runner.vet("SELECT " + "1, " * 6_000 + "1")
    assert failed.value.code is JobCode.BAD_SQL


@pytest.mark.parametrize("bomb", ["(" * 8_000 + "1" + ")" * 8_000, "NOT " * 4_000 + "true", "[" * 8_000 + "]" * 8_000])
@pytest.mark.alone
def test_a_parser_bomb_ends_soon(runner: JailRunner, bomb: str) -> None:
    def vet() -> None:
        with suppress(JobFailed):
            runner.vet("SELECT " + bomb)

    once_within(5, lambda: timed(vet), tries=3)


def test_binding_resolves_against_the_empty_tables(runner: JailRunner) -> None:
    plan = json.loads(runner.bind((SHAPE,), 'SELECT k, sum(v) FROM "s0"."data" GROUP BY 1'))
    assert plan["error"] is False
    assert "LOGICAL_GET" in json.dumps(plan)


def test_binding_an_unknown_column_is_an_error_in_the_plan(runner: JailRunner) -> None:
    assert json.loads(runner.bind((SHAPE,), 'SELECT nothing FROM "s0"."data"'))["error"] is True


@pytest.mark.parametrize("sql_type", ["INTEGER); DROP TABLE x; --", "STRUCT(a INT)", "varchar", "DECIMAL(18)"])
def test_binding_takes_the_closed_list_of_types(runner: JailRunner, sql_type: str) -> None:
    with pytest.raises(JobFailed) as failed:
        runner.bind((TableShape("s0", (("k", sql_type),)),), "SELECT 1")
    assert failed.value.code is JobCode.FAILED


def test_a_query_over_two_snapshots(runner: JailRunner, tmp_path: Path) -> None:
    first = seal(runner, tmp_path, "SELECT i, (i % 3)::VARCHAR AS k, i::DECIMAL(18,2) AS v FROM range(100) t(i)")
    second = seal(runner, tmp_path, "SELECT i, DATE '2026-01-01' + i::INT AS d, i > 5 AS b FROM range(10) t(i)")
    rows, usage = runner.query(
        (("s0", first), ("s1", second)),
        'SELECT k, sum(v), count(*), max(d), bool_or(b) FROM "s0"."data" JOIN s1.data USING (i) GROUP BY k ORDER BY k',
        (T.TEXT, T.DECIMAL, T.INTEGER, T.DATE, T.BOOLEAN),
        LIMITS,
        Event(),
    )
    assert rows[0] == ("0", Decimal("18.00"), 4, date(2026, 1, 10), True)
    assert len(rows) == 3
    assert usage.cpu_ms > 0
    assert 20 << 20 < usage.peak_bytes < 1 << 30
    assert 0 < usage.reply_bytes < 1000


def test_division_by_zero_is_null_and_not_an_error(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT 1::BIGINT AS i")
    rows, _ = runner.query(
        (("s0", version),), "SELECT i // 0, i % 0 FROM s0.data", (T.INTEGER, T.INTEGER), LIMITS, Event()
    )
    assert rows == ((None, None),)


def test_nulls_come_last_whichever_way(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT * FROM (VALUES (1), (NULL), (2)) t(i)")
    for order, expected in (("ASC", (1, 2, None)), ("DESC", (2, 1, None))):
        rows, _ = runner.query(
            (("s0", version),), f"SELECT i FROM s0.data ORDER BY i {order}", (T.INTEGER,), LIMITS, Event()
        )
        assert tuple(row[0] for row in rows) == expected


def test_more_rows_than_agreed_end_the_job(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT i FROM range(100000) t(i)")
    assert failure(runner, version, "SELECT i FROM s0.data", T.INTEGER).code is JobCode.OUTPUT


def test_more_bytes_than_agreed_end_the_job(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT i FROM range(500) t(i)")
    sql = "SELECT repeat('x', 10000) FROM s0.data"
    failed = failure(runner, version, sql, T.TEXT)
    assert failed.code is JobCode.OUTPUT
    assert failed.usage.reply_bytes < 100


def test_another_type_than_agreed_is_a_bad_reply(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT 1 AS i")
    failed = failure(runner, version, "SELECT i::VARCHAR FROM s0.data", T.INTEGER)
    assert failed.code is JobCode.BAD_REPLY
    assert failed.usage != Usage()
    assert failure(runner, version, "SELECT i::DOUBLE FROM s0.data", T.DECIMAL).code is JobCode.BAD_REPLY
    assert failure(runner, version, "SELECT [i] FROM s0.data", T.TEXT).code is JobCode.BAD_REPLY
    assert failure(runner, version, "SELECT INTERVAL 1 DAY FROM s0.data", T.TEXT).code is JobCode.FAILED


def test_memory_has_a_limit(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT i FROM range(100000) t(i)")
    failed = failure(runner, version, "SELECT length(string_agg(repeat('x', 100000), '')) FROM s0.data", T.INTEGER)
    assert failed.code is JobCode.MEMORY
    assert failed.usage.peak_bytes < (256 << 20) + (1 << 30)


def test_memory_of_scalar_functions_has_a_limit_too(runner: JailRunner, tmp_path: Path) -> None:
    """What DuckDB's own limit does not see (DESIGN §3): 4 GB by one printf, refused by the address space."""
    version = seal(runner, tmp_path, "SELECT 1 AS i")
    failed = failure(runner, version, "SELECT length(printf('%2000000000d', i)) FROM s0.data", T.INTEGER)
    assert failed.code is JobCode.MEMORY


def test_cpu_time_has_a_limit(runner: JailRunner, tmp_path: Path) -> None:
    version = seal(runner, tmp_path, "SELECT i FROM range(1000000) t(i)")
    limits = Limits(256 << 20, 1, 60_000, 1 << 20, 10)
    failed = failure(runner, version, "SELECT sum(a.i * b.i) FROM s0.data a, s0.data b", T.INTEGER, limits=limits)
    assert failed.code is JobCode.TIME
    assert 800 < failed.usage.cpu_ms < 3_000


def test_wall_time_has_a_limit_that_no_function_outlasts(runner: JailRunner, tmp_path: Path) -> None:
    """levenshtein ignores DuckDB's own time limit and interrupt (DESIGN §3)."""
    version = seal(runner, tmp_path, "SELECT 1 AS i")
    limits = Limits(256 << 20, 60, 1_500, 1 << 20, 10)
    sql = "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000)) FROM s0.data"
    assert failure(runner, version, sql, T.INTEGER, limits=limits).code is JobCode.TIME


def test_an_altered_snapshot_starts_no_worker(
    runner: JailRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = seal(runner, tmp_path, "SELECT 1 AS i")
    path = tmp_path / "node" / "snapshots" / f"{version}.sealed"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    def started(*_: object) -> None:
        pytest.fail("a worker was started")

    monkeypatch.setattr("yanmen.execution.launcher.Worker", started)
    with pytest.raises(Fault) as fault:
        runner.query((("s0", version),), "SELECT 1", (T.INTEGER,), LIMITS, Event())
    assert fault.value.code is FaultCode.SNAPSHOT_ALTERED


def test_post_processing_of_every_type(runner: JailRunner) -> None:
    columns = (("k0", T.TEXT), ("a0", T.INTEGER), ("m0", T.DECIMAL), ("d", T.DATE), ("b", T.BOOLEAN), ("w_a0", None))
    rows = (
        ("it's", 2**100, Decimal("-1.50"), date(2026, 1, 1), True, 2.5),
        (None, -3, Decimal("7"), None, False, 1e-9),
        ("雁门", 0, None, date(2026, 1, 2), None, None),
    )
    got = runner.post(columns, rows, 'SELECT * FROM "cells" ORDER BY a0', tuple(kind for _, kind in columns))
    assert got == (
        (None, -3, Decimal("7.00"), None, False, 1e-9),
        ("雁门", 0, None, date(2026, 1, 2), None, None),
        ("it's", 2**100, Decimal("-1.50"), date(2026, 1, 1), True, 2.5),
    )


def test_post_processing_may_add_rows_up_to_what_a_node_releases(runner: JailRunner) -> None:
    most = NodeLimits().cells
    twice = "SELECT a0 FROM (SELECT a0 FROM cells UNION ALL SELECT a0 FROM cells)"
    assert runner.post((("a0", T.INTEGER),), ((1,),), twice, (T.INTEGER,)) == ((1,), (1,))
    with pytest.raises(JobFailed) as failed:
        runner.post((("a0", T.INTEGER),), ((1,),), f"SELECT a0 FROM cells, range({most + 1})", (T.INTEGER,))
    assert failed.value.code is JobCode.OUTPUT


def test_post_processing_of_nothing(runner: JailRunner) -> None:
    assert runner.post((("a0", T.INTEGER),), (), "SELECT count(*) FROM cells", (T.INTEGER,)) == ((0,),)


def test_post_processing_of_the_largest_answer(runner: JailRunner) -> None:
    cells = NodeLimits().cells
    rows = tuple((f"key{n}", n, 1.5) for n in range(cells))
    columns = (("k0", T.TEXT), ("a0", T.INTEGER), ("w_a0", None))
    got = runner.post(columns, rows, "SELECT * FROM cells ORDER BY a0 DESC LIMIT 10", (T.TEXT, T.INTEGER, None))
    assert got[0] == (f"key{cells - 1}", cells - 1, 1.5)
    assert len(got) == 10


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT size FROM read_blob('/etc/passwd')",
        "SELECT size FROM read_blob((SELECT path FROM duckdb_databases() WHERE database_name = 's0'))",
        "COPY (SELECT 1) TO '/tmp/yanmen-copied'",
        "ATTACH '/tmp/yanmen-copied' AS again",
        "SET threads = 64",
    ],
)
def test_the_engine_is_locked_even_where_the_jail_is_not(tmp_path: Path, sql: str) -> None:
    """Settings are no boundary, but they are the second line: without the kernel's layers they still refuse."""
    script = str(Path(__file__).with_name("weaker_worker.py"))
    launcher = Launcher(Fresh((sys.executable, "-I", "-B", script, "confinement-left-out")))
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits(), launcher)
    version = seal(runner, tmp_path, "SELECT 1 AS i")
    assert failure(runner, version, sql, T.INTEGER).code is JobCode.FAILED
    assert not Path("/tmp/yanmen-copied").exists()
