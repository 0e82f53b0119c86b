"""From an object in a real S3-compatible store to a snapshot: the one that was pinned, signed for, within bounds."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from yanmen.crypto import origins
from yanmen.crypto.system import SystemClock
from yanmen.execution import object_storage
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.jail import JailRunner
from yanmen.formats import object_source
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.ports import Limits
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused

from tests.object_store import BUCKET, SECRET, ObjectStore, stored
from tests.unit.wire.conftest import IDS, issue, make_authority

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
COLUMNS = (
    Column("person", ColumnType.INTEGER, Role.UNIT),
    Column("sex", ColumnType.TEXT, Role.KEY, domain=("F", "M")),
)
CSV = b"person,sex\n1,F\n2,M\n"
HELD = [(1, "F"), (2, "M")]
KEY = "化验/2026 11+a.csv"
Declare = Callable[..., Dataset]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with stored(tmp_path_factory.mktemp("store") / "buckets") as running:
        running.put(KEY, CSV)
        yield running


def rows(runner: JailRunner, version: str) -> list[tuple[Cell, ...]]:
    sql, kinds = 'SELECT person, sex FROM "s0"."data" ORDER BY ALL', (ColumnType.INTEGER, ColumnType.TEXT)
    return list(runner.query((("s0", version),), sql, kinds, LIMITS, Event())[0])


def test_text_and_columns_are_published(
    store: ObjectStore, runner: JailRunner, declare: Declare, tmp_path: Path
) -> None:
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"person": [1, 2], "sex": ["F", "M"]}), table)
    store.put("labs/a.parquet", table.read_bytes())
    for key in (KEY, "labs/a.parquet"):
        made = runner.publish(str(store.source(tmp_path, key)), declare(COLUMNS))
        assert rows(runner, made.version) == HELD
    drafted = runner.inspect(str(store.source(tmp_path, KEY)))
    assert [column.name for column in drafted] == ["person", "sex"]


def test_the_record_names_the_object_and_tells_nothing_of_rows(
    store: ObjectStore, runner: JailRunner, declare: Declare, tmp_path: Path
) -> None:
    source = str(store.source(tmp_path, KEY))
    etag, digest = hashlib.md5(CSV).hexdigest(), hashlib.sha256(CSV).hexdigest()
    made = runner.publish(source, declare(COLUMNS))
    origin = made.origin
    assert origin is not None
    assert (origin.location, origin.endpoint) == (f"s3://{BUCKET}/{KEY}", store.endpoint)
    assert made.etag == etag
    assert origin.keyed
    assert origin.etag == origins.keyed(b"k" * 32, "visits", etag)
    assert origin.sha256 == origins.keyed(b"k" * 32, "visits", digest)
    public = declare((Column("sex", ColumnType.TEXT, Role.KEY, domain=("F", "M")),), DatasetClass.OPEN)
    shown = runner.publish(source, public).origin
    assert shown is not None
    assert (shown.etag, shown.sha256, shown.keyed) == (etag, digest, False)


@pytest.mark.parametrize(("name", "algorithm"), [("etag", "md5"), ("sha256", "sha256")])
def test_another_object_than_was_pinned_is_refused(
    store: ObjectStore, runner: JailRunner, declare: Declare, tmp_path: Path, name: str, algorithm: str
) -> None:
    key = f"pinned/{name}.csv"
    store.put(key, CSV)
    pin = f'{name} = "{hashlib.new(algorithm, CSV).hexdigest()}"'
    source = str(store.source(tmp_path, key, pin))
    assert rows(runner, runner.publish(source, declare(COLUMNS)).version) == HELD
    store.put(key, CSV.replace(b"2,M", b"2,F"))
    with pytest.raises(Refused) as refused:
        runner.publish(source, declare(COLUMNS))
    assert (refused.value.reason, "pinned" in refused.value.detail.hint_en) == (Reason.SOURCE_MISMATCH, True)


def test_wrong_keys_a_missing_object_and_a_public_key_file(
    store: ObjectStore, runner: JailRunner, declare: Declare, tmp_path: Path
) -> None:
    with pytest.raises(Fault) as fault:
        runner.publish(str(store.source(tmp_path, KEY, secret="not-the-secret")), declare(COLUMNS))
    assert "keys" in fault.value.note
    with pytest.raises(Refused) as refused:
        runner.publish(str(store.source(tmp_path, "labs/none.csv")), declare(COLUMNS))
    assert refused.value.detail.clauses == ("HTTP 404",)
    source = store.source(tmp_path, KEY)
    (tmp_path / "store.keys").chmod(0o640)
    with pytest.raises(Fault) as fault:
        runner.publish(str(source), declare(COLUMNS))
    assert fault.value.code is FaultCode.KEYS


def test_the_secret_is_in_nothing_the_reader_is_told(
    store: ObjectStore, runner: JailRunner, declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    run = object_storage._run

    def watched(order: dict[str, object], *rest: object) -> bytes:
        told.append(str(order))
        return run(order, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(object_storage, "_run", watched)
    runner.publish(str(store.source(tmp_path, KEY)), declare(COLUMNS))
    assert told
    assert SECRET not in told[0]


def test_an_object_above_the_bound_is_not_kept(store: ObjectStore, tmp_path: Path) -> None:
    store.put("labs/long.csv", b"person,sex\n" + b"1,F\n" * 10_000)
    path = store.source(tmp_path, "labs/long.csv")
    clear, source = ClearFiles(largest_bytes=10_000), object_source.decode(path.read_bytes())
    with (
        pytest.raises(Fault) as fault,
        object_storage.fetched(str(path), source, clear, SystemClock().now_ms()),
    ):
        pytest.fail("it was fetched")
    assert fault.value.code is FaultCode.STORAGE_FULL


def test_tls_is_verified(runner: JailRunner, declare: Declare, tmp_path: Path) -> None:
    authority = make_authority(tmp_path, "root")
    issue(tmp_path, authority, "node", IDS["node"], ("127.0.0.1",))
    other = make_authority(tmp_path, "other").certificate.public_bytes(Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "other.pem").write_bytes(other)
    with stored(tmp_path / "buckets", tmp_path / "node.crt", tmp_path / "node.key") as store:
        store.put(KEY, CSV)
        made = runner.publish(str(store.source(tmp_path, KEY, 'authority = "ca.pem"')), declare(COLUMNS))
        assert rows(runner, made.version) == HELD
        for line in ("", 'authority = "other.pem"'):
            with pytest.raises(Fault) as fault:
                runner.publish(str(store.source(tmp_path, KEY, line)), declare(COLUMNS))
            assert "TLS" in fault.value.note
        named = store.source(tmp_path, KEY, 'authority = "ca.pem"')
        named.write_text(named.read_text().replace("127.0.0.1", "localhost"))
        with pytest.raises(Fault) as fault:
            runner.publish(str(named), declare(COLUMNS))
        assert "TLS" in fault.value.note, "a certificate of another name"
