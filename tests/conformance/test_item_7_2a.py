"""7.2a 资源接入: resources from files (CSV, Parquet), a database (PostgreSQL) and object storage (S3-compatible)."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conformance.department import OPEN_SPEC, Department
from tests.object_store import stored
from tests.postgresql_server import served
from tests.system.town import done

SUM = "SELECT ward, sum(beds) AS beds FROM {name} GROUP BY ward ORDER BY ward"
HELD = [{"ward": "north", "beds": 3}, {"ward": "south", "beds": 4}]


def answered(department: Department, name: str, source: Path) -> list[dict[str, object]]:
    """Publish the table from this source and ask for all of it."""
    said = OPEN_SPEC.replace('name = "wards"', f'name = "{name}"').replace("病区床位", f"来源{name}")
    done("dataset", "publish", department.node, department.write(f"{name}.toml", said), source)
    who = ("--as", department.root / "alice", "--at", "clinic")
    words = ("--grant", f"{name}:ward,beds", "--price", "100", "--scenario", "s-11", "--purpose", "x")
    terms = ("--legal-basis", "x", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    contract = done("contract", "request", *who, *words, *terms)["id"]
    rows: list[dict[str, object]] = done("query", *who, "--contract", contract, SUM.format(name=name))["rows"]
    return rows


def test_files(department: Department) -> None:
    """本地文件: text and columnar."""
    parquet = department.root / "beds.parquet"
    pq.write_table(pa.table({"ward": ["north", "south"], "beds": [3, 4]}), parquet)
    assert answered(department, "from_csv", department.root / "wards.csv") == HELD
    assert answered(department, "from_parquet", parquet) == HELD


def test_a_database(department: Department) -> None:
    """数据库: read by a confined process, in one read-only transaction."""
    with served() as server:
        server.run("CREATE TABLE beds (ward text, beds integer)", "INSERT INTO beds VALUES ('north', 3), ('south', 4)")
        connection = department.write("beds.conn", server.connection())
        connection.chmod(0o600)
        source = department.write("beds-source.toml", '[postgresql]\nconnection = "beds.conn"\ntable = "public.beds"\n')
        assert answered(department, "from_database", source) == HELD


def test_object_storage(department: Department, tmp_path: Path) -> None:
    """对象存储: one object, signed for by the node, fetched by a confined process, named in the record."""
    with stored(tmp_path / "buckets") as store:
        store.put("2026/beds.csv", b"ward,beds\nnorth,3\nsouth,4\n")
        source = store.source(department.root, "2026/beds.csv")
        assert answered(department, "from_objects", source) == HELD
