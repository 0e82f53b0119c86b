"""Attack: a withdrawal that silently does nothing, since data and desk write one name in two ways."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from yanmen import consenting
from yanmen.cli import consent as consent_commands
from yanmen.cli.output import UsageProblem
from yanmen.crypto import unit_hash
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Role, Version
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import Reason, Refused
from yanmen.node.consents import Consents
from yanmen_sandbox.jobs import importing
from yanmen_sandbox.jobs.columns import DeclaredColumn
from yanmen_sandbox.tables import SourceTable

from tests.object_store import stored
from tests.postgresql_server import served
from tests.unit.catalogue.hall import hall
from tests.unit.catalogue.operated import Bytes
from tests.unit.catalogue.test_consents import SEAL, Desk, said
from tests.unit.ledger.scene import dataset, plan_of

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
CITY = Column("city", ColumnType.TEXT, Role.KEY, domain=("太原", "大同"))
BLANKS = "".join(chr(code) for code in range(0x110000) if chr(code).isspace())
NAMES = (
    " u1",
    "u2 ",
    "\tu3\u3000",
    "\u00a0u4\u2003",
    "u\u00a05",
    "Zo\u0065\u0308",
    "\uf90a山公司",
    "甲\u00ad乙",
    "\U00031350氏",
    "x" * 300,
    "a\nb",
    "007",
    "'; --",
)
"""As the data holds them: blanks around and inside, other forms, unseen, newer than our Unicode, long, of lines."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Desk]:
    with hall(tmp_path) as opened:
        opened.publish()
        yield Desk(opened.scene, opened.ledger, opened.listed)


@contextmanager
def source_of(kind: str, folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    """Give a source of this kind with one row of each name."""
    table = pa.table({"id": list(names), "city": ["太原"] * len(names)})
    if kind == "postgresql":
        with served() as server:
            server.run("CREATE TABLE persons (id text, city text)")
            for name in names:
                quoted = name.replace("'", "''")
                server.run(f"INSERT INTO persons VALUES ('{quoted}', '太原')")
            (folder / "connection").write_text(server.connection())
            (folder / "connection").chmod(0o600)
            path = folder / "source.toml"
            path.write_text('[postgresql]\nconnection = "connection"\ntable = "persons"\n')
            yield str(path)
        return
    path = folder / "source.parquet"
    pq.write_table(table, path)
    if kind == "csv":
        path = folder / "source.csv"
        cells = "".join('"' + name.replace('"', '""') + '",太原\n' for name in names)
        path.write_bytes(f"id,city\n{cells}".encode())
    if kind == "object":
        with stored(folder / "buckets") as store:
            store.put("a.parquet", path.read_bytes())
            yield str(store.source(folder, "a.parquet"))
        return
    yield str(path)


class Published:
    """Data about these names, published from a source."""

    def __init__(self, node: Desk, folder: Path, source: str, unit: ColumnType = ColumnType.TEXT) -> None:
        self.node, self.folder = node, folder / "node"
        self.folder.mkdir()
        self.runner = JailRunner(self.folder, SEAL, Bytes(), NodeLimits())
        self.stated: Dataset = dataset(columns=(Column("id", unit, Role.UNIT), CITY), rows_per_unit=3)
        made = self.runner.publish(source, self.stated)
        self.version = Version(self.stated, made.version, made.path, made.plain_bytes, 1)
        self.contract = node.scene.furnish(node.ledger)

    def units(self) -> set[str]:
        """Return who is in what a question reads."""
        scene = self.node.scene
        plan = plan_of(self.contract, scene.clock.ms, scene.name(), scene.name(), scanned=self.version)
        instead = Consents(self.node.ledger, self.runner, SEAL, self.folder).attached(plan)
        read = instead.get(self.version.version, self.version.version)
        sql = 'SELECT CAST(id AS VARCHAR) AS id FROM "s0"."data"'
        rows, _ = self.runner.query((("s0", read),), sql, (ColumnType.TEXT,), LIMITS, Event())
        return {str(name) for (name,) in rows}


@pytest.mark.parametrize("kind", ["csv", "parquet", "object", "postgresql"])
def test_whoever_the_data_holds_withdraws_as_the_data_writes_it(node: Desk, tmp_path: Path, kind: str) -> None:
    others = ("  ", "u1\u3000", "Zo\u00eb", "u9", "7")  # nobody, twice one of them, and who stays: "7" is not "007"
    with source_of(kind, tmp_path, (*NAMES, *others)) as source:
        held = Published(node, tmp_path, source)
    assert held.units() == {*map(unit_hash.name_of, NAMES), "u9", "7"}
    for name in NAMES[1:]:
        consenting.decide(name, said(), node)
    consenting.decide("u1\n", said(), node)
    assert held.units() == {"u9", "7"}


def test_a_snapshot_older_than_the_one_form_is_pruned_by_it(node: Desk, tmp_path: Path) -> None:
    """What was published with blanks before is found all the same: pruning names units anew."""
    with source_of("parquet", tmp_path, (" u1", "u2\t")) as source:
        held = Published(node, tmp_path, source)
        unnamed = (Column("id", ColumnType.TEXT, Role.KEY), CITY)  # a key keeps its blanks, as units once did
        made = held.runner.publish(source, dataset(columns=unnamed, cls=DatasetClass.OPEN))
    held.version = Version(held.stated, made.version, made.path, made.plain_bytes, 2)
    assert held.units() == {" u1", "u2\t"}
    consenting.decide("u1", said(), node)
    assert held.units() == {"u2"}


def test_rows_of_an_older_snapshot_that_is_read_on_from_take_the_one_form() -> None:
    unit = DeclaredColumn("id", "id", "text", "unit", 0, None, None, None)
    city = DeclaredColumn("city", "city", "text", "key", 0, None, None, None)
    server = importing.OfAServer(0, None, continued=True)
    declared = importing.Declared((unit, city), (), unit, 10, None, "", 0, server, None)
    with duckdb.connect() as engine:
        engine.execute("ATTACH ':memory:' AS previous")
        engine.execute("CREATE TABLE previous.data AS SELECT ' u1' AS id, ' 太原' AS city")
        engine.execute("CREATE TABLE fresh AS SELECT 'u1 ' AS id, '大同' AS city")
        table = SourceTable('"fresh"', {"id": "VARCHAR", "city": "VARCHAR"})
        rows = engine.execute(importing._rows(declared, importing._finals(declared, table), "")).fetchall()
    assert sorted(rows) == [("u1", " 太原"), ("u1", "大同")]


def test_a_number_is_withdrawn_with_its_zeros(node: Desk, tmp_path: Path) -> None:
    with source_of("csv", tmp_path, ("007", "0012", "5", "70")) as source:
        held = Published(node, tmp_path, source, ColumnType.INTEGER)
    node.ledger.publish(held.version)
    for written in ("007", "+12", " 5.0 "):
        consenting.decide(written, said(), node)
    assert held.units() == {"70"}
    assert consenting.history("0007", said().space, node) == ()


def test_the_one_form_is_the_same_in_node_and_jail(node: Desk, tmp_path: Path) -> None:
    """Every blank, every character that NFC changes, and a mark after each."""
    changed = [
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000 and not unicodedata.is_normalized("NFC", chr(code))
    ]
    names = (
        *(f"{blank}n{at}{blank}" for at, blank in enumerate(BLANKS)),
        *(f"{each}\u0301z{each}" for each in changed),
    )
    with source_of("parquet", tmp_path, names) as source:
        held = Published(node, tmp_path, source)
    assert held.units() == set(map(unit_hash.name_of, names))
    assert all(unit_hash.name_of(unit_hash.name_of(name)) == unit_hash.name_of(name) for name in names)


@pytest.mark.parametrize(
    ("written", "read"), [("\ufeff u1\r\n".encode(), " u1\r\n"), (b"u1", "u1"), (b"", None), (b"\xff", None)]
)
def test_the_file_at_the_desk_is_read_as_it_is(tmp_path: Path, written: bytes, read: str | None) -> None:
    path = tmp_path / "id.txt"
    path.write_bytes(written)
    if read is None:
        with pytest.raises(UsageProblem):
            consent_commands._read(path)
    else:
        assert consent_commands._read(path) == read


@pytest.mark.parametrize("name", ["", " \u3000\n", "x" * (consenting.UNIT_MAX + 1)])
def test_what_names_nobody_is_refused(node: Desk, name: str) -> None:
    arguments: Any = (name, said(), node)
    with pytest.raises(Refused) as caught:
        consenting.decide(*arguments)
    assert caught.value.reason is Reason.REQUEST_MALFORMED
