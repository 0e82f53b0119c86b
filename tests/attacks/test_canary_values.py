"""Values planted in a source are looked for in every place a sandboxed job could leave them."""

import logging
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from threading import Event, Timer

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Grade, Role, Sharing
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobFailed

SOURCE = f"source-{secrets.token_hex(8)}.csv"
CANARY = f"canary{secrets.token_hex(8)}".encode()
NUMBER = 10**11 + secrets.randbelow(10**11)
PLACES = (Path("/dev/shm"), Path("/tmp"), Path("/var/tmp"), Path("/run"))
LIMITS = Limits(memory_bytes=64 << 20, cpu_seconds=5, wall_ms=60_000, reply_bytes=1 << 20, rows=100)

DATASET = Dataset(
    name="people",
    title_zh="",
    title_en="",
    owner="",
    region="",
    registration="",
    ndi_id="",
    source_system="",
    authority="",
    update_cycle="",
    quality="A",
    rights=(),
    cls=DatasetClass.PERSONAL,
    grade=Grade.GENERAL,
    sharing=Sharing.UNCONDITIONAL,
    sharing_reason="",
    legal_basis="",
    channels=(),
    subject_space="people",
    rows_per_unit=50,
    groups_per_unit=1,
    rows_upto=200_000,
    price_ceiling_fen=0,
    columns=(
        Column("id", ColumnType.TEXT, Role.UNIT, source_name="id"),
        Column("v", ColumnType.INTEGER, Role.MEASURE, lower=Decimal(0), upper=Decimal(10**12), source_name="v"),
        Column("name", ColumnType.TEXT, Role.KEY, source_name="name"),
        Column("secret", ColumnType.TEXT, Role.HIDDEN, source_name="secret"),
    ),
)


@pytest.fixture
def runner(tmp_path: Path) -> JailRunner:
    return JailRunner(tmp_path / "node", b"k" * 32, SystemRandomness(), NodeLimits())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "node").mkdir()
    path = tmp_path / SOURCE
    path.write_text(
        "id,v,name,secret\n"
        + "".join(
            f"u{index}-{CANARY.decode()},{NUMBER},{CANARY.decode()},{CANARY.decode()}\n" for index in range(5_000)
        )
    )
    return path


@pytest.fixture(scope="module", autouse=True)
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """After the last test: no file written since the first holds a planted value but the sources and what a test left.

    Looked for once, since there may be very many files; what the tests themselves leave is not removed before.
    """
    first = tmp_path_factory.mktemp("first") / "first"
    first.touch()
    planted: list[Path] = []
    yield planted
    try:
        found = [path for path in written_since(first, tmp_path_factory.getbasetemp(), *PLACES) if holds_a_value(path)]
    finally:
        for path in planted:
            path.unlink()
    assert {path for path in found if path.name != SOURCE} == set(planted)
    assert any(path.name == SOURCE for path in found), "the search looks where the tests were"


def written_since(first: Path, *folders: Path) -> list[Path]:
    """Return the files under `folders` newer than `first`; others work on this machine, and theirs come and go."""
    words = ["find", *map(str, folders), "-type", "f", "-newer", str(first), "-print0"]
    found = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return [Path(os.fsdecode(name)) for name in found.split(b"\0") if name]


def holds_a_value(path: Path) -> bool:
    """Look into a file; what is gone again is no matter."""
    with suppress(OSError):
        content = path.read_bytes()
        return CANARY in content or str(NUMBER).encode() in content
    return False


def tell(failed: JobFailed) -> str:
    return f"{failed!r} {failed} {failed.args} {failed.__cause__!r} {failed.__context__!r}"


def test_publishing_and_asking_leave_no_value_anywhere(
    runner: JailRunner, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = runner.publish(str(source), DATASET)
        rows, _ = runner.query(
            (("s0", made.version),), "SELECT count(*) FROM s0.data", (ColumnType.INTEGER,), LIMITS, Event()
        )
        assert rows == ((5_000,),)
    assert CANARY.decode() not in repr(made) + caplog.text


@pytest.mark.parametrize(
    "spoil",
    [
        "{canary},x\n",  # a short line: DuckDB's message quotes it
        '"{canary}\n',
        "{canary},{canary},{canary},{canary}\n" * 200,  # no numbers
    ],
)
def test_a_bad_source_is_refused_without_quoting_it(runner: JailRunner, source: Path, spoil: str) -> None:
    with source.open("a") as file:
        file.write(spoil.format(canary=CANARY.decode()))
    with pytest.raises(JobFailed) as failed:
        runner.publish(str(source), DATASET)
    assert CANARY.decode() not in tell(failed.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT error(name) FROM s0.data",
        "SELECT CAST(name AS INTEGER) FROM s0.data",
        "SELECT length(string_agg(repeat(name, 100000), '')) FROM s0.data",  # past its memory, where DuckDB would spill
        "SELECT name, row_number() OVER (ORDER BY name, a.i, b.i) FROM s0.data, range(100) a(i), range(100) b(i)",
        "SELECT name FROM s0.data",  # more rows than agreed
    ],
)
def test_a_failing_job_leaves_no_value_anywhere(runner: JailRunner, source: Path, sql: str) -> None:
    made = runner.publish(str(source), DATASET)
    with pytest.raises(JobFailed) as failed:
        runner.query((("s0", made.version),), sql, (ColumnType.TEXT,), LIMITS, Event())
    assert CANARY.decode() not in tell(failed.value)


def test_a_killed_job_leaves_no_value_anywhere(runner: JailRunner, source: Path) -> None:
    made = runner.publish(str(source), DATASET)
    cancel = Event()
    timer = Timer(0.5, cancel.set)
    timer.start()
    sql = "SELECT sum(levenshtein(repeat(a.name, 50), repeat(b.id, 50))) FROM s0.data a, s0.data b"
    with pytest.raises(JobFailed):
        runner.query((("s0", made.version),), sql, (ColumnType.INTEGER,), LIMITS, cancel)
    timer.join()


def test_the_search_finds_a_value_left_behind(left: list[Path]) -> None:
    """In the end it finds this file and no other."""
    behind = Path("/dev/shm") / f"yanmen-test-{secrets.token_hex(8)}"
    left.append(behind)
    behind.write_bytes(b"x" * 100 + CANARY)
    assert holds_a_value(behind)
