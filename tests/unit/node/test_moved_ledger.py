"""A ledger moved from a file into a real PostgreSQL server, and the bundles of closed logs from either."""

import filecmp
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.crypto.system import SystemClock
from yanmen.formats import note
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node import closed_logs, moving, succession
from yanmen.node.holder import CONFIG, LEDGER, open_holder, read_config
from yanmen.verify import verify_bundle

from tests.postgresql_server import PASSWORD, PostgresqlServer, served
from tests.system.town import SUBJECT, run

YEAR_MS = 366 * 24 * 60 * 60 * 1000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a node with a log of this year and a closed one of last year."""
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    run("space", "init", tmp_path / "space", "--name", "test.example")
    run("node", "init", tmp_path / "clinic", "--name", "诊所", "--alias", "clinic", *who)
    grant = run("space", "sign", tmp_path / "space", tmp_path / "clinic" / "application.jws")[1]["grant"]
    run("node", "accept", tmp_path / "clinic", grant, "--register", tmp_path / "space" / "register.jws")
    now_ms = SystemClock.now_ms
    with open_holder(tmp_path / "clinic") as holder:
        holder.ledger.register_space(SubjectSpace("visits", 7, 0))
    monkeypatch.setattr(SystemClock, "now_ms", lambda clock: now_ms(clock) + YEAR_MS)
    assert succession.turn_year(tmp_path / "clinic") is not None
    return tmp_path / "clinic"


def connection(clinic: Path, server: PostgresqlServer, database: str) -> Path:
    server.run(f"CREATE DATABASE {database}")
    path = clinic / "ledger.conn"
    path.write_text(server.connection(database=database))
    path.chmod(0o600)
    return path


def bundles(clinic: Path, into: Path) -> tuple[Path, Path]:
    """Export the log that is kept and the closed one by the commands an auditor asks for."""
    (year,) = closed_logs.archives(clinic)
    kept, closed = into / "kept", into / "closed"
    into.mkdir()
    assert run("receipts", "export", clinic, kept)[0] == 0
    assert run("receipts", "export", clinic, closed, "--log", year)[0] == 0
    return kept, closed


def same(one: Path, other: Path) -> bool:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file())
    return filecmp.cmpfiles(one, other, names, shallow=False) == (names, [], [])


def space_key(clinic: Path) -> bytes:
    return read_config(clinic).space_key


def test_a_closed_log_is_exported_and_not_touched(clinic: Path, tmp_path: Path) -> None:
    ((year, archive),) = closed_logs.archives(clinic).items()
    assert isinstance(archive, Path)
    before = archive.read_bytes()
    kept, closed = bundles(clinic, tmp_path / "out")
    for bundle in (kept, closed):
        report = verify_bundle(bundle, space_key(clinic))
        assert report.ok, report.findings
    origins = [note.decode((bundle / "checkpoint").read_bytes()).text.split("\n")[0] for bundle in (closed, kept)]
    assert origins[0].endswith(f"/{year}")
    assert origins[1].endswith(f"/{int(year) + 1}")
    assert archive.read_bytes() == before
    assert not list(clinic.glob(".closed-*"))
    assert run("receipts", "export", clinic, tmp_path / "none", "--log", "1999")[0] == 3
    assert not (tmp_path / "none").exists()


def test_what_is_moved_is_the_same_to_an_auditor(
    clinic: Path, tmp_path: Path, server: PostgresqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bundles(clinic, tmp_path / "before")
    (clinic / CONFIG).write_text("# kept by 王工\n" + (clinic / CONFIG).read_text())
    code, said = run("node", "move-ledger", clinic, connection(clinic, server, "moved"))
    assert (code, len(said["closed"])) == (0, 1)
    assert (clinic / CONFIG).read_text().startswith("# kept by 王工\n")
    assert not (clinic / LEDGER).exists()
    assert (clinic / f"{LEDGER}{moving.MOVED}").exists()
    after = bundles(clinic, tmp_path / "after")
    assert all(same(one, other) for one, other in zip(before, after, strict=True))
    with open_holder(clinic) as holder:
        holder.ledger.check()
        assert holder.ledger.space_left("visits") == SubjectSpace("visits", 7, 0)
        holder.ledger.recover()
    assert run("node", "move-ledger", clinic, clinic / "ledger.conn")[0] == 3
    assert run("node", "backup", clinic, tmp_path / "copy")[0] == 0
    said_all = capsys.readouterr()
    assert PASSWORD not in said_all.out + said_all.err


def test_a_node_that_serves_is_not_moved(clinic: Path, server: PostgresqlServer) -> None:
    conn = connection(clinic, server, "serving")
    before = (clinic / CONFIG).read_bytes()
    with open_holder(clinic) as serving:
        serving.ledger.recover()
        with pytest.raises(Fault, match="another process serves"):
            moving.move(clinic, conn, "yanmen")
    assert (clinic / CONFIG).read_bytes() == before
    assert (clinic / LEDGER).exists()


def test_a_crash_before_the_end_leaves_the_file_in_force_and_is_gone_on_from(
    clinic: Path, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = connection(clinic, server, "crashed")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            moving.move(clinic, conn, "yanmen")
    assert not read_config(clinic).ledger.postgresql
    with open_holder(clinic) as holder:
        size = holder.ledger.size()
    assert moving.move(clinic, conn, "yanmen").size == size
    assert read_config(clinic).ledger.postgresql == str(conn)


def test_what_went_on_in_the_file_meanwhile_is_not_lost(
    clinic: Path, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that a crash left behind is older than the file: it is neither taken for it nor written over."""
    conn = connection(clinic, server, "overtaken")
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            moving.move(clinic, conn, "yanmen")
    with open_holder(clinic) as holder:
        holder.ledger.register_space(SubjectSpace("later", 5, 0))
    with pytest.raises(Fault) as fault:
        moving.move(clinic, conn, "yanmen")
    assert fault.value.code is FaultCode.STORAGE
    assert not read_config(clinic).ledger.postgresql


def test_a_schema_must_have_a_plain_name(clinic: Path, server: PostgresqlServer) -> None:
    conn = connection(clinic, server, "named")
    before = (clinic / CONFIG).read_bytes()
    assert main(["node", "move-ledger", str(clinic), str(conn), "--schema", 'x"; DROP SCHEMA public']) != 0
    assert (clinic / CONFIG).read_bytes() == before


def test_what_stands_in_the_database_is_held_to_the_file_whoever_put_it_there(
    clinic: Path, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = connection(clinic, server, "held")
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            moving.move(clinic, conn, "yanmen")
    with open_holder(clinic) as holder:
        holder.ledger.accept_register(holder.config.space, 2**40, "ab" * 32)  # a leaf more than the copy has
    monkeypatch.setattr("yanmen.ledger.opening.restored", lambda *_: None)
    with pytest.raises(Fault, match="another log stands"):
        moving.move(clinic, conn, "yanmen")
    assert not read_config(clinic).ledger.postgresql
