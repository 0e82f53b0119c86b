"""A source that tells what is new: only that is read, and never when anything else of it changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from yanmen.execution import postgresql
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Role
from yanmen.model.ports import Limits, Snapshot
from yanmen.model.refusal import Refused

from tests.postgresql_server import PostgresqlServer, served

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
COLUMNS = (
    Column("person", ColumnType.INTEGER, Role.UNIT),
    Column("sex", ColumnType.TEXT, Role.KEY, domain=("F", "M")),
)
Declare = Callable[..., Dataset]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served() as server:
        yield server


class Press:
    """Publishes the table `visits` again and again."""

    def __init__(self, runner: JailRunner, folder: Path, server: PostgresqlServer, dataset: Dataset) -> None:
        self.runner, self.server, self.dataset = runner, server, dataset
        self.path = folder / "source.toml"
        (folder / "connection").write_text(server.connection())
        (folder / "connection").chmod(0o600)
        self.source("changed")
        self.last: Snapshot | None = None

    def source(self, refresh: str) -> None:
        lines = '[postgresql]\nconnection = "connection"\ntable = "visits"\n'
        self.path.write_text(f'{lines}refresh = "{refresh}"\n' if refresh else lines)

    def again(self, *statements: str, whole: bool = False) -> bool:
        """Return whether only what is new was read, once `statements` were run."""
        self.server.run(*statements)
        before = "" if whole or self.last is None else self.last.version
        self.last = self.runner.publish(str(self.path), self.dataset, before)
        return self.last.continued

    def rows(self) -> list[tuple[Cell, ...]]:
        assert self.last is not None
        sql, kinds = 'SELECT person, sex FROM "s0"."data" ORDER BY ALL', (ColumnType.INTEGER, ColumnType.TEXT)
        return list(self.runner.query((("s0", self.last.version),), sql, kinds, LIMITS, Event())[0])


@pytest.fixture
def press(runner: JailRunner, tmp_path: Path, server: PostgresqlServer, declare: Declare) -> Press:
    server.run(
        "DROP TABLE IF EXISTS visits",
        "CREATE TABLE visits (person int, sex text, changed timestamptz, hidden text)",
        "INSERT INTO visits VALUES (1, 'F', '2026-01-01 00:00:00.000001+00', 'x')",
        "INSERT INTO visits VALUES (2, 'M', '2026-01-02 00:00+00', 'x')",
    )
    return Press(runner, tmp_path, server, declare(COLUMNS, rows_per_unit=2))


def test_what_came_since_is_added_and_nothing_else_is_read(press: Press) -> None:
    assert not press.again()
    assert press.again()
    assert press.rows() == [(1, "F"), (2, "M")]
    assert press.again("INSERT INTO visits VALUES (3, 'X', '2026-01-02 00:00:00.000001+00', 'x')")
    assert press.rows() == [(1, "F"), (2, "M"), (3, None)]
    three = "INSERT INTO visits SELECT 1, 'F', timestamptz '2026-02-01 00:00+00' + g * interval '1 s' FROM"
    assert press.again(f"{three} generate_series(1, 5) AS g")
    assert press.rows() == [(1, "F"), (1, "F"), (2, "M"), (3, None)], "the cap of a unit holds over old and new rows"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE visits SET sex = 'F' WHERE person = 2",
        "UPDATE visits SET changed = '2026-03-01 00:00+00', sex = 'F' WHERE person = 2",
        "DELETE FROM visits WHERE person = 1",
        "INSERT INTO visits VALUES (7, 'F', '2025-12-31 00:00+00', 'x')",
    ],
    ids=["changed-in-place", "changed", "removed", "committed-late"],
)
def test_a_row_behind_the_mark_that_changed_makes_everything_be_read(press: Press, change: str) -> None:
    press.again()
    assert not press.again(change)
    kept = press.rows()
    fresh = (
        [(1, "F"), (2, "F")]
        if "UPDATE" in change
        else [(2, "M")]
        if "DELETE" in change
        else [(1, "F"), (2, "M"), (7, "F")]
    )
    assert kept == fresh


def test_another_specification_another_source_or_a_person_who_asks_reads_everything(
    press: Press, declare: Declare
) -> None:
    press.again()
    press.dataset = declare(COLUMNS, rows_per_unit=1)
    assert not press.again()
    assert not press.again(whole=True)
    assert press.again()
    (press.runner._snapshots._directory / (press.last.path if press.last else "")).unlink()
    assert not press.again(), "a snapshot that is gone"
    press.source("")
    assert not press.again()
    press.source("changed")
    assert not press.again(), "the version before kept no mark"


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("changed", "INSERT INTO visits VALUES (3, 'F', NULL, 'x')"),
        ("changed", "INSERT INTO visits VALUES (3, 'F', 'infinity', 'x')"),
        ("sex", "SELECT 1"),
        ("nothing", "SELECT 1"),
    ],
)
def test_a_column_that_has_no_order_of_its_own_is_refused(press: Press, column: str, change: str) -> None:
    press.source(column)
    with pytest.raises(Refused) as refused:
        press.again(change)
    assert "refresh" in refused.value.detail.hint_en


def test_more_rows_than_declared_are_refused_also_when_they_come_a_few_at_a_time(
    press: Press, declare: Declare
) -> None:
    press.dataset = declare(COLUMNS, rows_upto=3)
    press.again()
    assert press.again("INSERT INTO visits VALUES (3, 'F', '2026-02-01 00:00+00', 'x')")
    with pytest.raises(Exception, match="BAD_SOURCE"):
        press.again("INSERT INTO visits VALUES (4, 'F', '2026-02-02 00:00+00', 'x')")


@pytest.mark.parametrize(
    "value", [["2026", -1, "0"], ["x" * 65, 1, "0"], ["2026'; --", 1, "0"], ["1", 1, "01"], ["1", "1", "0"], 5]
)
def test_a_mark_that_no_reader_writes_is_not_taken(value: object) -> None:
    with pytest.raises(Exception, match="BAD_REPLY"):
        postgresql.read_mark(value)
