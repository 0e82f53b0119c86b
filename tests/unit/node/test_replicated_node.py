"""A node whose ledger is in PostgreSQL, and a replica of it: opened by the same commands, from two folders."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override
from yanmen.cli.main import main
from yanmen.crypto.system import SystemClock
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node import succession
from yanmen.node.holder import LEDGER, open_holder, read_config

from tests.postgresql_server import PASSWORD, PostgresqlServer, served
from tests.system.town import SUBJECT, run


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


def made(root: Path, server: PostgresqlServer, database: str = "postgres") -> Path:
    """Make a node by the commands an operator gives."""
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    run("space", "init", root / "space", "--name", "test.example")
    run("node", "init", root / "clinic", "--name", "诊所", "--alias", "clinic", *who)
    grant = run("space", "sign", root / "space", root / "clinic" / "application.jws")[1]["grant"]
    (root / "clinic" / "ledger.conn").write_text(server.connection(database=database))
    (root / "clinic" / "ledger.conn").chmod(0o600)
    ledger = ("--ledger", root / "clinic" / "ledger.conn")
    register = ("--register", root / "space" / "register.jws")
    assert run("node", "accept", root / "clinic", grant, *register, *ledger)[0] == 0
    return root / "clinic"


def test_a_node_and_its_replica(tmp_path: Path, server: PostgresqlServer, capsys: pytest.CaptureFixture[str]) -> None:
    clinic, replica = made(tmp_path, server), tmp_path / "replica"
    assert not (clinic / LEDGER).exists()
    assert read_config(clinic).ledger.postgresql == str(clinic / "ledger.conn")
    shutil.copytree(clinic, replica)
    with open_holder(clinic) as one, open_holder(replica) as other:
        one.ledger.recover()
        other.ledger.recover()
        one.ledger.register_space(SubjectSpace("visits", 7, 0))
        assert other.ledger.space_left("visits") == SubjectSpace("visits", 7, 0)
        assert one.ledger.checkpoint() == other.ledger.checkpoint()
        words = ("--by", "张某", "--reason", "年度更换")
        code, said = run("node", "rotate", clinic, "receipt", *words)
        assert (code, "another process serves" in str(said)) == (3, True)
    assert run("check", "node", replica)[0] == 0
    assert succession.turn_year(clinic) is None
    with pytest.raises(Fault, match="no gap to declare") as fault:
        succession.succeed(clinic, "lost", {})
    assert fault.value.code is FaultCode.CONFIG
    newest = run("node", "schema", clinic)[1]["schema"]
    assert run("node", "schema", clinic, "--to", newest - 1)[1]["schema"] == newest - 1
    assert run("check", "node", clinic)[0] == 0
    assert run("node", "schema", replica)[1]["schema"] == newest
    (clinic / "ledger.conn").chmod(0o644)
    assert main(["check", "node", str(clinic)]) == 3
    said_all = capsys.readouterr()
    assert PASSWORD not in said_all.out + said_all.err


def test_a_new_year_waits_until_no_replica_serves(tmp_path: Path, server: PostgresqlServer) -> None:
    server.run("CREATE DATABASE years")
    clinic = made(tmp_path, server, "years")

    class Later(SystemClock):
        @override
        def now_ms(self) -> int:
            return super().now_ms() + 366 * 24 * 60 * 60 * 1000

    with open_holder(clinic) as serving:
        serving.ledger.recover()
        assert succession.turn_year(clinic, Later()) is None, "one that starts meanwhile goes on in the old log"
        assert serving.ledger.size() > 0
    closed = succession.turn_year(clinic, Later())
    assert closed is not None
    with open_holder(clinic, clock=Later()) as holder:
        assert holder.ledger.origin == closed.origin
        holder.ledger.check()


def test_a_ledger_in_a_file_only_rises(tmp_path: Path) -> None:
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    run("space", "init", tmp_path / "space", "--name", "test.example")
    run("node", "init", tmp_path / "clinic", "--name", "诊所", "--alias", "clinic", *who)
    grant = run("space", "sign", tmp_path / "space", tmp_path / "clinic" / "application.jws")[1]["grant"]
    run("node", "accept", tmp_path / "clinic", grant, "--register", tmp_path / "space" / "register.jws")
    assert run("node", "schema", tmp_path / "clinic")[0] == 2
