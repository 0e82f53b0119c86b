"""From a source file to a snapshot: pruned, typed, clamped and capped, or not at all."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event

import duckdb
import pytest
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import TEXT_MAX, Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobCode, JobFailed

T = ColumnType
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
Declare = Callable[..., Dataset]
HEADER = "id,sex,amount,note\n"


class Press:
    """Publishes text as a CSV file, or DuckDB's SQL as a Parquet file, and looks at what was kept."""

    def __init__(self, runner: JailRunner, folder: Path) -> None:
        self.runner = runner
        self.folder = folder
        self.version = ""

    def csv(self, content: str | bytes, dataset: Dataset) -> None:
        path = self.folder / "source.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.version = self.runner.publish(str(path), dataset).version

    def parquet(self, sql: str, dataset: Dataset) -> None:
        path = self.folder / "source.parquet"
        duckdb.execute(f"COPY ({sql}) TO '{path}'")
        self.version = self.runner.publish(str(path), dataset).version

    def rows(self, sql: str, types: Sequence[ColumnType]) -> list[tuple[Cell, ...]]:
        rows, _ = self.runner.query((("s0", self.version),), sql, tuple(types), LIMITS, Event())
        return list(rows)

    def all(self) -> list[tuple[Cell, ...]]:
        return self.rows('SELECT person, sex, amount FROM "s0"."data" ORDER BY ALL', (T.INTEGER, T.TEXT, T.INTEGER))

    def refused(self, content: str | bytes, dataset: Dataset) -> JobCode:
        with pytest.raises(JobFailed) as failed:
            self.csv(content, dataset)
        assert list((self.folder / "node").rglob("*.sealed")) == []
        return failed.value.code


@pytest.fixture
def press(runner: JailRunner, tmp_path: Path) -> Press:
    return Press(runner, tmp_path)


def test_values_are_typed_rounded_clamped_and_held_to_their_domain(press: Press, declare: Declare) -> None:
    press.csv(
        HEADER + '1,F,1.25,"a, ""b"""\n2,M,-7,x\n3,X,1e6,x\n4,f,,x\n5,"",NA,x\n,F,1,x\n6,M,99999999999999999999,x\n',
        declare(),
    )
    assert press.all() == [
        (1, "F", 13),  # decimals in units of 10^-scale
        (2, "M", 0),
        (3, None, 1000),
        (4, None, None),
        (5, None, None),
        (6, "M", 1000),
    ]


def test_hidden_columns_and_undeclared_columns_are_absent(press: Press, declare: Declare, tmp_path: Path) -> None:
    press.csv("id,sex,amount,note,other\n1,F,1,canary-hidden,canary-undeclared\n", declare())
    shape = "SELECT column_name FROM information_schema.columns WHERE table_catalog = 's0' ORDER BY ordinal_position"
    assert press.rows(shape, (T.TEXT,)) == [("person",), ("sex",), ("amount",)]
    types = "SELECT data_type FROM information_schema.columns WHERE table_catalog = 's0' ORDER BY ordinal_position"
    assert press.rows(types, (T.TEXT,)) == [("BIGINT",), ("VARCHAR",), ("BIGINT",)]
    with press.runner._snapshots.open(press.version, Event()) as fd:
        plain = Path(f"/proc/self/fd/{fd}").read_bytes()
    assert b"canary" not in plain
    assert b"person" in plain


def test_rows_above_the_cap_of_a_unit_stay_behind(press: Press, declare: Declare) -> None:
    rows = "".join(f"{index // 10},F,{index % 10},x\n" for index in range(200))
    press.csv(HEADER + rows, declare(rows_per_unit=3))
    counts = press.rows("SELECT person, count(*) FROM s0.data GROUP BY 1", (T.INTEGER, T.INTEGER))
    assert len(counts) == 20
    assert {count for _, count in counts} == {3}


def test_how_many_rows_of_its_unit_stay_is_said_with_each_where_a_unit_may_have_more_rows_than_groups(
    press: Press, declare: Declare
) -> None:
    rows = "".join(f"{unit},F,{place},x\n" for unit in range(1, 7) for place in range(unit)) + ",F,1,x\n"
    press.csv(HEADER + rows, declare(rows_per_unit=4, groups_per_unit=2))
    counts = press.rows(
        'SELECT person, max("unit rows"), count(*) FROM s0.data GROUP BY 1 ORDER BY 1', (T.INTEGER,) * 3
    )
    assert counts == [(unit, min(unit, 4), min(unit, 4)) for unit in range(1, 7)]
    shape = "SELECT count(*) FROM information_schema.columns WHERE table_catalog = 's0'"
    assert press.rows(shape, (T.INTEGER,)) == [(4,)]
    press.csv(HEADER + rows, declare(rows_per_unit=4, groups_per_unit=4))
    assert press.rows(shape, (T.INTEGER,)) == [(3,)]
    press.csv(HEADER + rows, declare(cls=DatasetClass.EXACT, rows_per_unit=4, groups_per_unit=2))
    assert press.rows(shape, (T.INTEGER,)) == [(3,)]


def test_more_units_than_declared_are_not_published(press: Press, declare: Declare) -> None:
    rows = "".join(f"{index % 20},F,{index},x\n" for index in range(60)) + ",F,1,x\n"
    assert press.refused(HEADER + rows, replace(declare(), units_upto=19)) is JobCode.BAD_SOURCE
    press.csv(HEADER + rows, replace(declare(), units_upto=20))


def test_which_rows_stay_does_not_follow_the_file(press: Press, declare: Declare) -> None:
    """A keyed digest chooses: over many units every place in the file is kept sometimes, none always."""
    rows = "".join(f"{unit},F,{place},x\n" for unit in range(200) for place in range(5))
    press.csv(HEADER + rows, declare(rows_per_unit=1))
    kept = press.rows("SELECT amount, count(*) FROM s0.data GROUP BY 1 ORDER BY 1", (T.INTEGER, T.INTEGER))
    assert [amount for amount, _ in kept] == [10 * place for place in range(5)]
    assert all(isinstance(count, int) and 10 < count < 90 for _, count in kept)


def test_rows_are_not_capped_when_the_class_is_exact(press: Press, declare: Declare) -> None:
    press.csv(HEADER + "1,F,1,x\n" * 50 + ",F,1,x\n", declare(cls=DatasetClass.EXACT, rows_per_unit=1))
    assert press.rows("SELECT count(*) FROM s0.data", (T.INTEGER,)) == [(50,)]


def test_what_is_declared_of_open_data_is_made_true_as_well(press: Press, declare: Declare) -> None:
    columns = (
        Column("place", T.TEXT, Role.KEY, domain=("a",), source_name="place"),
        Column("people", T.INTEGER, Role.MEASURE, lower=Decimal(0), upper=Decimal(5), source_name="people"),
    )
    press.csv("place,people\na,10\nb,\n,7\n", declare(columns, DatasetClass.OPEN))
    rows = press.rows(
        "SELECT place, people FROM s0.data ORDER BY people NULLS LAST, place NULLS LAST", (T.TEXT, T.INTEGER)
    )
    assert rows == [("a", 5), (None, 5), (None, None)]


def test_every_type_from_parquet(press: Press, declare: Declare) -> None:
    columns = (
        Column("id", T.TEXT, Role.UNIT, source_name="id"),
        Column("n", T.INTEGER, Role.MEASURE, lower=Decimal(-5), upper=Decimal(5), source_name="n"),
        Column("d", T.DECIMAL, Role.MEASURE, lower=Decimal(-5), upper=Decimal(5), scale=2, source_name="d"),
        Column("b", T.BOOLEAN, Role.KEY, domain=(False, True), source_name="b"),
        Column("t", T.DATE, Role.KEY, domain=(date(2026, 1, 1),), source_name="t"),
        Column("k", T.INTEGER, Role.KEY, domain=(1, 2), source_name="k"),
        Column("m", T.DECIMAL, Role.KEY, domain=(Decimal("1.5"),), scale=1, source_name="m"),
    )
    press.parquet(
        "SELECT 'a' AS id, 7::TINYINT AS n, 1.006::DOUBLE AS d, true AS b, TIMESTAMP '2026-01-01 10:00:00' AS t,"
        " 2.0::DOUBLE AS k, 1.5::DECIMAL(4,2) AS m UNION ALL"
        " SELECT 'b', -7, 'nan'::DOUBLE, NULL, TIMESTAMP '2026-01-02', 3, 2.5",
        declare(columns),
    )
    types = (T.TEXT, T.INTEGER, T.INTEGER, T.BOOLEAN, T.DATE, T.INTEGER, T.INTEGER)
    assert press.rows("SELECT * FROM s0.data ORDER BY id", types) == [
        ("a", 5, 101, True, date(2026, 1, 1), 2, 15),
        ("b", -5, None, None, None, None, None),
    ]


def test_a_fraction_is_no_id_and_no_key(press: Press, declare: Declare) -> None:
    """Rounding 1.4 to 1 would make one person of two."""
    rows = "".join(f"{index},F,1,x\n" for index in range(1, 200))
    press.csv(HEADER + rows + "1.4,F,1,x\n", declare())
    assert press.rows("SELECT count(*) FROM s0.data", (T.INTEGER,)) == [(199,)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty"),
        ("\n", "no header"),
        ("id,sex,amount\n1,F,1\n", "a hidden column is missing"),
        ("id,sex,note\n1,F,x\n", "a declared column is missing"),
        ("id,sex,amount,note,ID\n1,F,1,x,1\n", "a name twice"),
        ("id,sex,amount,note,\n1,F,1,x,1\n", "a column without a name"),
        (HEADER + "1,F,1\n", "a short line"),
        (HEADER + "1,F,1,x,y\n", "a long line"),
        (HEADER + '1,F,1,"x\n', "an open quote"),
        (HEADER.encode() + b"1,F,1,\xff\xfe\n", "not UTF-8"),
        (b"\xff\xfe" + HEADER.encode(), "not UTF-8 in the header"),
        (HEADER.replace(",", ";") + "1;F;1;x\n", "another separator"),
        (HEADER + "1,F,much,x\n" * 2 + "1,F,1,x\n" * 98, "two in a hundred are no numbers"),
        (HEADER + "one,F,1,x\n", "no unit at all"),
        (HEADER + "1,male,1,x\n2,female,1,x\n", "nothing in its domain"),
        (HEADER + "1,F,1,x\n" * 10_001, "more rows than declared"),
        ("PAR1" + "x" * 100 + "PAR1", "another format"),
        ("a" * (1 << 20), "a header without end"),
    ],
)
def test_a_source_that_does_not_fit_its_declaration(press: Press, declare: Declare, content: str, why: str) -> None:
    assert press.refused(content, declare()) is JobCode.BAD_SOURCE, why


def test_one_in_a_hundred_may_be_unreadable(press: Press, declare: Declare) -> None:
    press.csv(HEADER + "1,F,much,x\n" + "1,F,1,x\n" * 99, declare())
    assert press.rows("SELECT count(*), count(amount) FROM s0.data", (T.INTEGER, T.INTEGER)) == [(100, 99)]


@pytest.mark.parametrize("content", [b"PAR1PAR1", b"PAR1" + b"\x00" * 400 + b"\xff\xff\xff\x7fPAR1", b"", b"x" * 5000])
def test_broken_parquet(press: Press, declare: Declare, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "source.parquet"
    path.write_bytes(content)
    with pytest.raises(JobFailed) as failed:
        press.runner.publish(str(path), declare())
    assert failed.value.code is JobCode.BAD_SOURCE


def test_nested_parquet_types_are_no_plain_columns(press: Press, declare: Declare) -> None:
    with pytest.raises(JobFailed) as failed:
        press.parquet("SELECT 1 AS id, {'a': 'F'} AS sex, 1.0 AS amount, 'x' AS note", declare())
    assert failed.value.code is JobCode.BAD_SOURCE


@pytest.mark.parametrize("name", ["missing.csv", "source.xlsx", "source", "."])
def test_a_path_that_is_no_source(press: Press, declare: Declare, tmp_path: Path, name: str) -> None:
    with pytest.raises(JobFailed) as failed:
        press.runner.publish(str(tmp_path / name), declare())
    assert failed.value.code is JobCode.BAD_SOURCE


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_path_that_is_no_plain_file(
    press: Press, declare: Declare, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "odd.csv")
    with pytest.raises(JobFailed) as failed:
        press.runner.publish(str(tmp_path / "odd.csv"), declare())
    assert failed.value.code is JobCode.BAD_SOURCE


def test_names_and_values_cannot_become_sql(press: Press, declare: Declare) -> None:
    odd = 'a"; DROP TABLE x; --'
    columns = (
        Column("person", T.INTEGER, Role.UNIT, source_name="id"),
        Column("odd", T.TEXT, Role.KEY, domain=("it's", "');--"), source_name=odd),
    )
    press.csv('id,"' + odd.replace('"', '""') + "\"\n1,it's\n2,');--\n3,x\n", declare(columns))
    assert press.rows("SELECT odd FROM s0.data ORDER BY person", (T.TEXT,)) == [("it's",), ("');--",), (None,)]


def test_line_ends_and_a_byte_order_mark_are_read(press: Press, declare: Declare) -> None:
    press.csv(("\ufeff" + HEADER + "1,F,1,x\n").replace("\n", "\r\n"), declare())
    assert press.all() == [(1, "F", 10)]


def test_a_large_domain_is_applied(press: Press, declare: Declare) -> None:
    domain = tuple(f"k{number}" for number in range(5_000))
    columns = (
        Column("person", T.INTEGER, Role.UNIT, source_name="id"),
        Column("k", T.TEXT, Role.KEY, domain=domain, source_name="k"),
    )
    press.csv("id,k\n" + "".join(f"{n},k{n}\n" for n in range(0, 10_000, 2)), declare(columns))
    assert press.rows("SELECT count(k), count(*) FROM s0.data", (T.INTEGER, T.INTEGER)) == [(2_500, 5_000)]


def test_a_draft_reads_types_domains_and_bounds(press: Press, tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    lines = "".join(f"P{n},{'MF'[n % 2]},{n / 4},2026-01-{n % 28 + 1:02},{n}{'text' * 5},{n % 3}\n" for n in range(100))
    path.write_text("person_id,sex,amount,day,remark,visits\n" + lines)
    columns = {column.name: column for column in press.runner.inspect(str(path))}
    assert columns["person_id"].role is Role.UNIT
    assert columns["person_id"].domain is None
    assert (columns["sex"].role, columns["sex"].domain) == (Role.KEY, ("F", "M"))
    amount = columns["amount"]
    assert (amount.type, amount.role, amount.scale) == (T.DECIMAL, Role.MEASURE, 2)
    assert (amount.lower, amount.upper) == (Decimal("0"), Decimal("24.75"))
    assert columns["day"].type is T.DATE
    assert columns["remark"].role is Role.HIDDEN
    assert columns["visits"].domain == (0, 1, 2)


def test_a_draft_tells_no_number_that_looks_like_an_identifier(press: Press, tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    lines = "".join(f"P{n},{37010219600101000 + 7 * n},{n % 90}\n" for n in range(200))
    path.write_text("person_id,card,age\n" + lines)
    columns = {column.name: column for column in press.runner.inspect(str(path))}
    assert (columns["card"].role, columns["card"].lower, columns["card"].upper) == (Role.HIDDEN, None, None)
    assert columns["age"].role is Role.MEASURE


def test_a_draft_of_parquet(press: Press, tmp_path: Path) -> None:
    path = tmp_path / "source.parquet"
    duckdb.execute(f"COPY (SELECT i AS id, i * 1.5 AS v, [i] AS l FROM range(100) t(i)) TO '{path}'")
    columns = {column.name: column for column in press.runner.inspect(str(path))}
    assert columns["id"].role is Role.UNIT
    assert columns["v"].type is T.DECIMAL
    assert columns["l"].role is Role.HIDDEN


def test_a_text_that_no_domain_bounds_is_at_most_as_long_as_plans_take_it_to_be(press: Press, declare: Declare) -> None:
    """What a question makes of texts is bounded by their longest: an open domain names none."""
    declared = declare()
    columns = tuple(replace(item, domain=()) if item.name == "sex" else item for item in declared.columns)
    long, longest = "\u96c1" * (TEXT_MAX + 1), "\u96c1" * TEXT_MAX
    press.csv(f"{HEADER}1,{long},1,x\n2,{longest},1,x\n", replace(declared, columns=columns))
    assert [row[1] for row in press.all()] == [None, longest]
