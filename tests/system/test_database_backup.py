"""A node whose ledger is in PostgreSQL: copied, put back and continued under the same rule as a file's."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from yanmen.crypto import keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import note
from yanmen.ledger import postgresql_schema
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.config import Witness
from yanmen.node import succession
from yanmen.node.holder import LEDGER, ledger_place, open_holder, read_config
from yanmen.witness.serving import WitnessServer

from tests.postgresql_server import PostgresqlServer, served
from tests.system.database_town import DatabaseTown
from tests.system.town import SUBJECT, done, run

YEAR_MS = 366 * 24 * 60 * 60 * 1000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


@pytest.fixture
def town(tmp_path: Path, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> DatabaseTown:
    """A node without data in a database of its own: what is copied is its log."""
    monkeypatch.setenv("YANMEN_PASSPHRASE", "a long enough passphrase")
    made = DatabaseTown(tmp_path, server=server)
    done("space", "init", made.space, "--name", "test.example")
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    done("node", "init", made.node, "--name", "诊所", "--alias", "clinic", *who)
    made.database = f"t{SystemRandomness().token(8).hex()}"
    server.run(f"CREATE DATABASE {made.database}")
    made.admit(made.node, "node")
    return made


@pytest.fixture
def witnessed(town: DatabaseTown, tmp_path: Path) -> Iterator[DatabaseTown]:
    """The same node, watched."""
    with (
        WitnessBook.create(tmp_path / "witness.sqlite", "office.example/w", SystemRandomness()) as book,
        WitnessServer(("127.0.0.1", 0), book, SystemClock()) as witness,
    ):
        town.configure(witnesses=(Witness(f"http://127.0.0.1:{witness.port}", book.key.name, book.key.public),))
        with open_holder(town.node) as holder:
            book.watch(note.VerifierKey(holder.ledger.origin, holder.ledger.log_public))
        yield town


def place(town: DatabaseTown) -> Database:
    found = ledger_place(town.node, read_config(town.node))
    assert isinstance(found, Database)
    return found


def lose(town: DatabaseTown) -> None:
    """Lose folder and database; the secret that leads to the server is kept elsewhere."""
    there = place(town)
    secret = (town.node / "ledger.conn").read_text()
    with closing(ServerConnection(there)) as connection:
        for name in ("", *(f"_{name}" for name in postgresql_schema.closed(there))):
            connection.own(f'DROP SCHEMA "{there.schema}{name}" CASCADE')
    shutil.rmtree(town.node)
    town.node.mkdir(mode=0o700)
    (town.node / "ledger.conn").write_text(secret)
    (town.node / "ledger.conn").chmod(0o600)


def more(town: DatabaseTown) -> None:
    """Add leaves."""
    done("control", "disconnect", town.node, "--by", "张某", "--reason", "检修")
    done("control", "connect", town.node, "--by", "张某", "--reason", "检修完毕")


def size(town: DatabaseTown) -> int:
    with open_holder(town.node) as holder:
        holder.ledger.check()
        return holder.ledger.size()


def test_a_copy_holds_every_log_and_is_put_back_whole(
    town: DatabaseTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more(town)
    first = size(town)
    today = SystemClock.now_ms
    monkeypatch.setattr(SystemClock, "now_ms", lambda self: today(self) + YEAR_MS)
    closed = succession.turn_year(town.node)
    assert closed is not None
    assert closed.archive == f"yanmen_{closed.origin[-4:-1]}{int(closed.origin[-1]) - 1}"
    made = done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    year = closed.archive.rpartition("_")[2]
    assert {LEDGER, f"ledger-{year}.sqlite", "node.toml", "signing.key"} <= set(made["files"])
    assert "ledger.conn" not in made["files"], "the way into the database is a secret, and no part of a copy"
    lose(town)
    words = ("node", "restore", tmp_path / "copy", town.node, "--unwitnessed", "the disk is gone", "--by", "李某")
    assert done(*words)["incident"] is not None
    assert not (town.node / LEDGER).exists()
    assert postgresql_schema.closed(place(town)) == (year,)
    with closing(ServerConnection(place(town).beside(year))) as connection:
        assert connection.own("SELECT count(*) FROM leaf").fetchone() == (first,)
    with open_holder(town.node) as holder:
        assert holder.ledger.origin == closed.origin
        holder.ledger.check()
    code, told = run(*words)
    assert (code, told["code"], "never takes its place" in told["message"]) == (3, "CONFIG", True)


def test_an_old_copy_never_serves_and_a_successor_declares_the_gap(witnessed: DatabaseTown, tmp_path: Path) -> None:
    done("witness", "submit", witnessed.node)
    done("node", "backup", witnessed.node, tmp_path / "copy", "--with-keys")
    before = size(witnessed)
    more(witnessed)
    done("witness", "submit", witnessed.node)
    lose(witnessed)
    code, told = run("node", "restore", tmp_path / "copy", witnessed.node)
    assert (code, told["code"], "yanmen node succeed" in told["message"]) == (3, "LOG_BEHIND", True)
    assert size(witnessed) == before
    closed = done("node", "succeed", witnessed.node, "--reason", "the copy lacks leaves")
    assert closed["origin"].endswith("-2")
    assert closed["archive"] == f"yanmen_{closed['origin'][-6:-2]}"
    with open_holder(witnessed.node) as holder:
        holder.ledger.check()
        assert holder.ledger.origin == closed["origin"]


def test_a_copy_that_was_altered_is_not_put_back(town: DatabaseTown, tmp_path: Path) -> None:
    done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    with (tmp_path / "copy" / LEDGER).open("r+b") as file:
        file.seek(8192)
        file.write(b"\0")
    there = place(town)
    lose(town)
    words = ("node", "restore", tmp_path / "copy", town.node, "--unwitnessed", "why", "--by", "李某")
    code, told = run(*words)
    assert (code, told["code"]) == (3, "STORAGE")
    assert postgresql_schema.version(there) is None, "nothing of it is in the database"
    assert keys.read_private(town.node / "ledger.conn")
