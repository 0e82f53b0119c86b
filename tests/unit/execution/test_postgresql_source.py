"""From a table in a real PostgreSQL server to a snapshot: exact, in one time zone, or refused with the next step."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event

import duckdb
import pytest
from yanmen.execution import described, postgresql
from yanmen.execution.jail import JailRunner
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.ports import Limits, Snapshot
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed, Reason, Refused

from tests.postgresql_server import PASSWORD, PostgresqlServer, served

T, R = ColumnType, Role
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
Declare = Callable[..., Dataset]
VISITS = """CREATE TABLE visits (id bigint, day timestamptz, amount numeric, sex char(3), ok boolean, name text);
INSERT INTO visits VALUES
 (9007199254740993, '2024-02-29 15:59:59.999999+00', 12345678901234567.8, 'F', true, 'Canary'),
 (2, '2024-02-29 16:00:00+00', -0.1, 'M', false, 'Canary'),
 (3, NULL, NULL, NULL, NULL, NULL)"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"timezone": "America/New_York"}) as server:
        server.run(*VISITS.split(";"), "CREATE ROLE clerk LOGIN PASSWORD 'clerk'")
        server.run("GRANT SELECT (id, day, amount, sex, ok) ON visits TO clerk")
        yield server


@dataclass
class Press:
    """Publishes what a server has, and looks at what was kept."""

    runner: JailRunner
    folder: Path
    server: PostgresqlServer
    snapshot: Snapshot | None = None
    user: tuple[str, str] = ("owner", PASSWORD)

    def source(self, *lines: str) -> str:
        (self.folder / "connection").write_text(self.server.connection(*self.user))
        (self.folder / "connection").chmod(0o600)
        path = self.folder / "source.toml"
        path.write_text("\n".join(["[postgresql]", 'connection = "connection"', *lines]))
        return str(path)

    def publish(self, dataset: Dataset, *lines: str, previous: str = "") -> Snapshot:
        self.snapshot = self.runner.publish(self.source(*lines), dataset, previous)
        return self.snapshot

    def query(self, sql: str, dataset: Dataset) -> Snapshot:
        return self.publish(dataset, f"query = '''{sql}'''")

    def refused(self, sql: str, dataset: Dataset) -> Refused:
        with pytest.raises(Refused) as refused:
            self.query(sql, dataset)
        assert list((self.folder / "node").rglob("*.sealed")) == []
        return refused.value

    def inexact(self, sql: str, dataset: Dataset) -> JobCode:
        with pytest.raises(JobFailed) as failed:
            self.query(sql, dataset)
        return failed.value.code

    def rows(self, *types: ColumnType) -> list[tuple[Cell, ...]]:
        assert self.snapshot is not None
        scans = (("s0", self.snapshot.version),)
        rows, _ = self.runner.query(scans, 'SELECT * FROM "s0"."data" ORDER BY ALL', types, LIMITS, Event())
        return list(rows)


@pytest.fixture
def press(runner: JailRunner, tmp_path: Path, server: PostgresqlServer) -> Press:
    return Press(runner, tmp_path, server)


def column(name: str, kind: ColumnType, role: Role = R.KEY, scale: int = 0) -> Column:
    return Column(name, kind, role, scale=scale)


@pytest.fixture
def opened(declare: Declare) -> Callable[..., Dataset]:
    def opened(*columns: Column) -> Dataset:
        return declare(columns, DatasetClass.OPEN)

    return opened


COLUMNS = (
    column("id", T.INTEGER, R.UNIT),
    column("day", T.DATE),
    Column("amount", T.DECIMAL, R.MEASURE, lower=Decimal("-1.0"), upper=Decimal("12345678901234567.9"), scale=1),
    Column("sex", T.TEXT, R.KEY, domain=("F", "M")),
    column("ok", T.BOOLEAN),
    column("name", T.TEXT, R.HIDDEN),
)
KEPT = [
    (2, date(2024, 3, 1), -1, "M", False),
    (3, None, None, None, None),
    (9007199254740993, date(2024, 2, 29), 123456789012345678, "F", True),
]
KINDS = (T.INTEGER, T.DATE, T.INTEGER, T.TEXT, T.BOOLEAN)


def test_values_are_exact_and_days_are_those_of_shanghai(press: Press, declare: Declare) -> None:
    press.publish(declare(COLUMNS), 'table = "public.visits"')
    assert press.rows(*KINDS) == KEPT


def test_a_query_is_a_source_too(press: Press, declare: Declare) -> None:
    press.query("WITH v AS (SELECT * FROM visits) SELECT * FROM v -- to its end", declare(COLUMNS))
    assert press.rows(*KINDS) == KEPT


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Shanghai", date(2024, 3, 10)),
        ("Pacific/Honolulu", date(2024, 3, 9)),
    ],
)
def test_an_instant_is_the_day_on_the_clocks_of_the_declared_zone(
    press: Press, opened: Callable[..., Dataset], zone: str, day: date
) -> None:
    sql = "SELECT timestamptz '2024-03-10 07:30+00' AS at, current_setting('TimeZone') AS zone"
    dataset = opened(column("at", T.DATE), column("zone", T.TEXT))
    press.publish(dataset, f'query = "{sql}"', f'time_zone = "{zone}"')
    assert press.rows(T.DATE, T.TEXT) == [(day, zone)]


def test_a_time_without_a_zone_keeps_its_day(press: Press, opened: Callable[..., Dataset]) -> None:
    press.query("SELECT timestamp '2024-03-10 23:59:59' AS at", opened(column("at", T.DATE)))
    assert press.rows(T.DATE) == [(date(2024, 3, 10),)]


@pytest.mark.parametrize("zone", ["UTC+8", "Asia/Nowhere"])
def test_a_zone_the_server_does_not_know_by_name_is_refused(
    press: Press, opened: Callable[..., Dataset], zone: str
) -> None:
    with pytest.raises(Refused) as refused:
        press.publish(opened(column("a", T.INTEGER)), 'query = "SELECT 1 AS a"', f'time_zone = "{zone}"')
    assert "pg_timezone_names" in refused.value.detail.hint_en


def test_texts_are_the_servers_own(press: Press, opened: Callable[..., Dataset]) -> None:
    """The padding of `char` is no part of the value; everything else is kept as it is."""
    values = {"t": "'  kept  '", "v": "'x'::varchar(9)", "c": "'ab'::char(5)", "n": "'n'::name", "d": "12.50::numeric"}
    values["u"] = "'00000000-0000-4000-8000-000000000001'::uuid"
    values["at"] = "timestamptz '2024-03-10 00:00:00.5+00'"
    sql = ", ".join(f"{value} AS {name}" for name, value in values.items())
    press.query(f"SELECT {sql}", opened(*(column(name, T.TEXT) for name in values)))
    uuid = "00000000-0000-4000-8000-000000000001"
    assert press.rows(*(T.TEXT for _ in values)) == [
        ("  kept  ", "x", "ab", "n", "12.50", uuid, "2024-03-10 08:00:00.5")
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("1.005::numeric", T.DECIMAL),
        ("'NaN'::float8", T.DECIMAL),
        ("9223372036854775808", T.INTEGER),
        ("'infinity'::timestamptz", T.DATE),
    ],
)
def test_one_value_that_is_not_exactly_of_its_type_is_refused(
    press: Press, opened: Callable[..., Dataset], values: str, kind: ColumnType
) -> None:
    """Among a thousand that are: a file may have one in a hundred; the rest is in test_exact_columns.py."""
    sql = f"SELECT CASE WHEN g < 1001 THEN NULL ELSE {values} END AS v FROM generate_series(1, 1001) AS g"
    scale = 2 if kind is T.DECIMAL else 0
    assert press.inexact(sql, opened(column("v", kind, R.KEY, scale))) is JobCode.BAD_SOURCE


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("'\\x00'::bytea", "bytea"),
        ("ARRAY[1]", "array"),
        ("ROW(1)", "other"),
    ],
)
def test_a_type_that_is_not_read_is_named(press: Press, opened: Callable[..., Dataset], value: str, kind: str) -> None:
    refusal = press.refused(f"SELECT 1 AS a, {value} AS v", opened(column("a", T.INTEGER), column("v", T.TEXT)))
    assert (refusal.reason, refusal.detail.subject) == (Reason.SOURCE_MISMATCH, "v")
    assert refusal.detail.clauses == (f"type 类型 {kind}",)


def test_a_type_that_is_not_read_may_be_hidden(press: Press, opened: Callable[..., Dataset]) -> None:
    press.query("SELECT 1 AS a, '\\x00'::bytea AS v", opened(column("a", T.INTEGER), column("v", T.TEXT, R.HIDDEN)))
    assert press.rows(T.INTEGER) == [(1,)]


def test_a_hidden_column_never_leaves_the_server(press: Press, declare: Declare) -> None:
    """The user needs no right to it; that it is there is looked up."""
    press.user = ("clerk", "clerk")
    press.publish(declare(COLUMNS), 'table = "public.visits"')
    path = press.source('table = "visits"')
    source = described.load(path)
    assert isinstance(source, PostgresqlSource)
    with postgresql.extracted(path, source, postgresql.wanted(declare(COLUMNS)), press.runner._snapshots.clear) as got:
        file, _ = got
        data = os.pread(file.fd, 1 << 20, 0)
        assert b"Canary" not in data
        columns = duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet('/proc/self/fd/{file.fd}')").fetchall()
        with pytest.raises(OSError, match="not permitted"):
            os.pwrite(file.fd, b"x", 0)
    assert [row[0] for row in columns] == ["id", "day", "amount", "sex", "ok"]
    gone = declare((*COLUMNS, column("gone", T.TEXT, R.HIDDEN)))
    with pytest.raises(Refused) as refused:
        press.publish(gone, 'table = "visits"')
    assert refused.value.detail.subject == "gone"


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT 1 AS id; DROP TABLE visits", "42601"),
        ("SELECT written() AS id", "25006"),
        ("SELECT 1 AS id) AS x; DROP TABLE visits; --", "42601"),
        ("SELECT 1 AS id WHERE 1 / (SELECT 0) = 1", "22012"),
    ],
)
def test_what_the_server_refuses_is_told_by_its_sqlstate(
    press: Press, opened: Callable[..., Dataset], sql: str, state: str
) -> None:
    body = "BEGIN INSERT INTO visits (id) VALUES (77); RETURN 1; END"
    press.server.run(
        "CREATE SEQUENCE IF NOT EXISTS s",
        f"CREATE OR REPLACE FUNCTION written() RETURNS int LANGUAGE plpgsql AS $${body}$$",
    )
    refusal = press.refused(sql, opened(column("id", T.INTEGER)))
    assert refusal.detail.clauses == (f"SQLSTATE {state}",)
    press.publish(opened(column("id", T.INTEGER)), 'table = "visits"')
    assert len(press.rows(T.INTEGER)) == 3


def test_a_column_given_twice_is_refused(press: Press, opened: Callable[..., Dataset]) -> None:
    refusal = press.refused("SELECT 1 AS id, 2 AS id", opened(column("id", T.INTEGER)))
    assert "twice" in refusal.detail.hint_en


def test_a_query_ends_at_its_time(press: Press, opened: Callable[..., Dataset]) -> None:
    for sql in ("SELECT 1 AS id FROM pg_sleep(60)", "SELECT g AS id FROM generate_series(1, 1e12::bigint) AS g"):
        with pytest.raises(Refused) as refused:
            press.publish(opened(column("id", T.INTEGER)), f"query = '{sql}'", "timeout_seconds = 1")
        assert "timeout_seconds" in refused.value.detail.hint_en


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("{right} password=wrong", "user"),
        ("{right} dbname=nowhere", "dbname"),
        ("host=/nowhere user=owner password='secret words'", "psql"),
        ("service=nowhere", "psql"),
        ("nonsense 'secret words", "psql"),
    ],
)
def test_without_a_connection_the_fault_says_what_to_check_and_no_secret(
    press: Press, opened: Callable[..., Dataset], connection: str, said: str
) -> None:
    path = press.source('table = "visits"')
    right = (press.folder / "connection").read_text()
    (press.folder / "connection").write_text(connection.format(right=right))
    with pytest.raises(Fault) as fault:
        press.runner.publish(path, opened(column("id", T.INTEGER)))
    assert fault.value.code is FaultCode.UNREACHABLE
    assert said in fault.value.note
    assert "secret" not in fault.value.note
    assert PASSWORD not in fault.value.note


def test_a_connection_that_others_may_read_is_not_used(press: Press, opened: Callable[..., Dataset]) -> None:
    path = press.source('table = "visits"')
    (press.folder / "connection").chmod(0o640)
    with pytest.raises(Fault) as fault:
        press.runner.publish(path, opened(column("id", T.INTEGER)))
    assert fault.value.code is FaultCode.KEYS


def test_a_service_and_a_password_file_are_libpqs_own(
    press: Press, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, passwords = press.folder / "services", press.folder / "passwords"
    services.write_text(f"[visits]\nhost={press.server.folder}\nuser=owner\ndbname=postgres\n")
    passwords.write_text(f"*:*:*:owner:{PASSWORD}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    path = press.folder / "source.toml"
    path.write_text('[postgresql]\nservice = "visits"\ntable = "visits"\n')
    press.snapshot = press.runner.publish(str(path), opened(column("id", T.INTEGER)))
    assert len(press.rows(T.INTEGER)) == 3
    for name, value in (("PGHOST", str(press.server.folder)), ("PGUSER", "owner"), ("PGDATABASE", "postgres")):
        monkeypatch.setenv(name, value)
    path.write_text('[postgresql]\ntable = "visits"\n')
    assert press.runner.publish(str(path), opened(column("id", T.INTEGER))).plain_bytes > 0


def test_a_draft_has_every_column_and_hides_what_is_not_read(press: Press) -> None:
    sql = "SELECT id, amount, day::date AS day, sex, 'x'::bytea AS raw FROM visits"
    drafted = {column.name: column for column in press.runner.inspect(press.source(f'query = "{sql}"'))}
    assert {name: column.type for name, column in drafted.items()} == {
        "id": T.INTEGER,
        "amount": T.DECIMAL,
        "day": T.DATE,
        "sex": T.TEXT,
        "raw": T.TEXT,
    }
    assert drafted["raw"].role is R.HIDDEN
