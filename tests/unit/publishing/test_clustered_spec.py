"""A declared order of rows: kept by the ledger and the file, shown to nobody, and made by the import job."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.formats import declared, spec, spec_draft
from yanmen.ledger import records
from yanmen.model.catalogue import ColumnType, Dataset
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits

SPEC = """
name = "prices"
title_zh = "价格"
title_en = "Prices"
owner = "bureau"
region = "140100"
source_system = "register"
authority = "register"
update_cycle = "daily"
quality = "A"
rights = ["use"]
class = "open"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
clustered_by = "day"
rows_upto = 1000
price_ceiling_fen = 0

[columns.day]
type = "date"
role = "key"

[columns.price]
type = "integer"
role = "measure"
"""
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=1_000)


@pytest.fixture
def dataset() -> Dataset:
    return spec.decode(SPEC.encode())


def test_the_file_and_the_ledger_keep_it(dataset: Dataset) -> None:
    assert dataset.clustered_by == "day"
    assert spec.decode(spec_draft.encode(dataset).encode()) == dataset
    assert records.decode_dataset(records.encode_dataset(dataset)) == dataset


def test_an_open_table_with_one_date_lies_in_its_order_unless_it_says_otherwise(dataset: Dataset) -> None:
    said, other = 'clustered_by = "day"\n', '\n[columns.seen]\ntype = "date"\nrole = "key"\n'
    assert spec.decode(SPEC.replace(said, "").encode()) == dataset
    plain = spec.decode(SPEC.replace(said, 'clustered_by = ""\n').encode())
    assert plain == replace(dataset, clustered_by="")
    assert spec.decode(spec_draft.encode(plain).encode()) == plain
    assert spec.decode((SPEC.replace(said, "") + other).encode()).clustered_by == ""
    assert spec.decode((SPEC + other).encode()).clustered_by == "day"
    hidden = other.replace("key", "hidden")
    assert spec.decode((SPEC.replace(said, "") + hidden).encode()).clustered_by == "day"
    guarded = SPEC.replace(said, "").replace('class = "open"', 'class = "exact"')
    guarded = guarded.replace('role = "measure"', 'role = "measure"\nlower = 0\nupper = 9')
    guarded += '\n[columns.firm]\ntype = "integer"\nrole = "unit"\n'
    assert spec.decode(guarded.encode()).clustered_by == ""


def test_a_record_without_it_is_the_record_of_before(dataset: Dataset) -> None:
    plain = replace(dataset, clustered_by="")
    assert b"clustered_by" not in records.encode_dataset(plain)
    assert records.decode_dataset(records.encode_dataset(plain)) == plain


def test_what_is_declared_in_public_says_nothing_of_it(dataset: Dataset) -> None:
    public = declared.public(dataset)
    assert declared.decode(declared.encode(public)) == public
    assert declared.digest(dataset) == declared.digest(replace(dataset, clustered_by=""))


def test_the_import_job_writes_rows_in_that_order(dataset: Dataset, tmp_path: Path) -> None:
    source = tmp_path / "prices.csv"
    days = [f"2024-01-{day:02}" for day in (9, 3, 31, 1, 3, 17)]
    source.write_text("day,price\n" + "".join(f"{day},{price}\n" for price, day in enumerate(days)) + ",99\n")
    runner = JailRunner(tmp_path / "node", bytes(32), SystemRandomness(), NodeLimits())
    (tmp_path / "node").mkdir()
    version = runner.publish(str(source), dataset).version
    sql = 'SELECT CAST(day AS VARCHAR), price FROM "s0"."data" ORDER BY rowid'
    rows, _ = runner.query((("s0", version),), sql, (ColumnType.TEXT, ColumnType.INTEGER), LIMITS, Event())
    assert [day for day, _ in rows] == [*sorted(days), None]
    assert sorted(price for _, price in rows if isinstance(price, int)) == [0, 1, 2, 3, 4, 5, 99]
