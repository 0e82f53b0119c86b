"""A node and a witness as processes of their own: cosigned, verified, and no way back."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import config as config_format
from yanmen.formats import note
from yanmen.formats.note import VerifierKey
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.config import ReleasePolicy, ReleaseRules, Witness
from yanmen.node import succession
from yanmen.node.holder import open_holder
from yanmen.witness.serving import WitnessServer

from tests.patience import LONG_S, wait_until
from tests.system.town import Town, done, run

OTHER_WITNESS = note.encode_key(VerifierKey("other.example/w", bytes(range(32)), note.COSIGNATURE))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Path]:
    """A witness served by a process of its own."""
    folder = tmp_path / "office"
    done("witness", "init", folder, "--name", "audit.test.example/w1")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "yanmen.cli.main",
        "witness",
        "serve",
        folder,
        "--address",
        "127.0.0.1:0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: (folder / "serving.address").exists() or process.poll() is not None)
    yield folder
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG_S) == 0


def name_witness(town: Town, office: Path) -> None:
    """Write the witness into node.toml."""
    key = note.decode_key((office / "witness.vkey").read_text().strip(), note.COSIGNATURE)
    path = town.node / "node.toml"
    witness = Witness("http://" + (office / "serving.address").read_text().strip(), key.name, key.public)
    path.write_text(config_format.encode(replace(config_format.decode(path.read_bytes()), witnesses=(witness,))))


def ledger_files(node: Path) -> list[Path]:
    return [path for path in node.iterdir() if path.name.startswith("ledger.sqlite")]


def test_a_node_restored_from_a_backup_does_not_serve(
    raw_town: Callable[[], Town], office: Path, tmp_path: Path
) -> None:
    town = raw_town()
    mirror = tmp_path / "mirror"
    assert run("witness", "submit", town.node)[0] == 2
    done("receipts", "tiles", town.node, mirror)
    done("witness", "watch", office, mirror / "log.vkey")
    name_witness(town, office)
    (tmp_path / "backup").mkdir()
    for path in ledger_files(town.node):
        shutil.copy(path, tmp_path / "backup")
    done("dataset", "retract", town.node, "visits")
    (seen,) = done("witness", "submit", town.node)["cosigned"]
    done("receipts", "export", town.node, tmp_path / "bundle")
    space = ("--space-key", town.space / "space.vkey")
    told = done("verify", tmp_path / "bundle", *space, "--witness-key", office / "witness.vkey", "--tiles", mirror)
    assert [(one["witness"], one["size"]) for one in told["cosigned"]] == [("audit.test.example/w1", seen["size"])]
    for path in ledger_files(town.node):
        path.unlink()
    for path in (tmp_path / "backup").iterdir():
        shutil.copy(path, town.node)
    serve = [sys.executable, "-m", "yanmen.cli.main", "node", "serve", str(town.node)]
    ended = subprocess.run(serve, capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == 3
    assert "LOG_BEHIND" in ended.stderr
    assert run("witness", "submit", town.node)[1]["code"] == "LOG_BEHIND"
    followed = done("node", "succeed", town.node, "--reason", "the backup lacks a leaf", "--left", "person=900")
    assert followed["origin"].endswith("-2")
    done("check", "node", town.node)
    done("receipts", "export", town.node, tmp_path / "successor")
    report = done("verify", tmp_path / "successor", *space)
    told = {found["code"]: found["subject"] for found in report["findings"]}
    assert told["DECLARED_GAP"].endswith(": the backup lacks a leaf")
    assert f" {seen['size']} " in told["CONTINUES"], "it names what the witness saw"
    assert run("node", "succeed", town.node, "--reason", "again")[1]["code"] == "CONFIG", "there is no second gap"
    town.serve()
    town.stop()


def test_a_new_year_begins_a_new_log_that_names_the_last(raw_town: Callable[[], Town], tmp_path: Path) -> None:
    town = raw_town()
    ledger = town.node / "ledger.sqlite"
    assert succession.turn_year(town.node) is None
    done("receipts", "export", town.node, tmp_path / "old")
    closed = succession.turn_year(town.node, NextYear())
    assert closed is not None
    assert Path(closed.archive).is_file()
    with open_holder(town.node, clock=NextYear()) as holder:
        holder.ledger.check()
        holder.ledger.export(tmp_path / "new", holder.papers())
    space = ("--space-key", town.space / "space.vkey")
    old, new = done("verify", tmp_path / "old", *space), done("verify", tmp_path / "new", *space)
    told = {found["code"]: found["subject"] for found in new["findings"]}
    assert told["CONTINUES"].startswith(f"{old['origin']} {old['size']} ")
    assert new["origin"] == closed.origin
    ledger.rename(town.node / "ledger.sqlite.next")  # as a crash between the two renames leaves it
    succession.finish(town.node)
    assert ledger.is_file()
    (town.node / "ledger.sqlite.next").write_bytes(b"half")
    succession.finish(town.node)
    assert not (town.node / "ledger.sqlite.next").exists()
    with open_holder(town.node, clock=NextYear()) as holder:
        holder.ledger.check()


class NextYear:
    """A clock that is a year ahead."""

    def now_ms(self) -> int:
        """Return the time a year from now."""
        return SystemClock().now_ms() + 366 * 24 * 60 * 60 * 1000


def test_an_answer_waits_for_its_quorum(raw_town: Callable[[], Town], tmp_path: Path) -> None:
    """Held while the witness is silent, given once it is back; the bundle satisfies the node's own policy."""
    town = raw_town()
    policy = tmp_path / "policy"
    done("receipts", "tiles", town.node, tmp_path / "mirror")
    book = WitnessBook.create(tmp_path / "witness.sqlite", "audit.test.example/w2", SystemRandomness())
    book.watch(note.decode_key((tmp_path / "mirror" / "log.vkey").read_text().strip()))
    server = WitnessServer(("127.0.0.1", 0), book, SystemClock())
    witness = Witness(f"http://127.0.0.1:{server.port}", book.name, book.signer.public)
    with book:
        with server:
            town.configure(witnesses=(witness,), release=ReleaseRules(ReleasePolicy.QUORUM, 1))
            town.serve()
            code, answer = town.ask("SELECT count(*) AS n FROM visits")
            assert code == 0, answer
        where = ("--as", town.root / "alice", "--at", "clinic")
        asked = (
            "query",
            *where,
            "--contract",
            town.contract(),
            "--submit",
            "SELECT count(DISTINCT id) AS n FROM visits",
        )
        job = done(*asked)["job"]
        assert run("fetch", *where, "--timeout", "8", job)[1]["code"] == "TIMEOUT"
        with WitnessServer(("127.0.0.1", server.port), book, SystemClock()):
            assert run("fetch", *where, job)[0] == 0
            assert town.stop() == 0
            policy.write_text(done("witness", "policy", town.node)["policy"])
    done("receipts", "export", town.node, tmp_path / "bundle")
    check = ("verify", tmp_path / "bundle", "--space-key", town.space / "space.vkey", "--witness-policy", policy)
    assert [one["witness"] for one in done(*check)["cosigned"]] == [witness.name]
    policy.write_text(policy.read_text().replace("quorum quorum", f"witness other {OTHER_WITNESS}\nquorum other"))
    code, report = run(*check)
    assert code == 1
    assert "NOT_COSIGNED" in {found["code"] for found in report["findings"]}
