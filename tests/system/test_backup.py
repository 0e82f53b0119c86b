"""A node is copied while it serves and put back: a copy that is whole serves, an old one never does."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from yanmen.crypto import keys, passphrases
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import note
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.config import Witness
from yanmen.node import backup
from yanmen.node.holder import open_holder
from yanmen.witness.serving import WitnessServer

from tests.system.town import Town, done, run

COUNT = "SELECT count(*) AS n FROM visits WHERE cost > {}"
PASSPHRASE = "a long enough passphrase"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Witness, WitnessBook]]:
    """A witness that answers."""
    with (
        WitnessBook.create(tmp_path / "witness.sqlite", "office.example/w", SystemRandomness()) as book,
        WitnessServer(("127.0.0.1", 0), book, SystemClock()) as server,
    ):
        yield Witness(f"http://127.0.0.1:{server.port}", book.key.name, book.key.public), book


@pytest.fixture
def town(raw_town: Callable[[], Town], monkeypatch: pytest.MonkeyPatch) -> Town:
    made = raw_town()
    monkeypatch.setenv("YANMEN_PASSPHRASE", PASSPHRASE)
    return made


def watch(town: Town, office: tuple[Witness, WitnessBook]) -> None:
    """Have the witness watch the town's log, and get the head cosigned."""
    witness, book = office
    town.configure(witnesses=(witness,))
    with open_holder(town.node) as holder:
        book.watch(note.VerifierKey(holder.ledger.origin, holder.ledger.log_public))
    done("witness", "submit", town.node)


def lose(town: Town) -> None:
    """Lose the node's folder, as with its disk."""
    shutil.rmtree(town.node)


def served(town: Town) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "yanmen.cli.main", "node", "serve", str(town.node)]
    return subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)


def test_a_copy_made_while_it_serves_is_whole_and_serves(
    town: Town, office: tuple[Witness, WitnessBook], tmp_path: Path
) -> None:
    watch(town, office)
    town.serve()
    asked = town.ask(COUNT.format(1))[1]
    made = done("node", "backup", town.node, tmp_path / "copy", "--with-keys", "--with-snapshots")
    assert {"ledger.sqlite", "node.toml", "signing.key", "policies/guard.cedar"} <= set(made["files"])
    assert not any(name.endswith((".lock", "-wal", "-shm")) for name in made["files"])
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "copy").iterdir() if path.is_file()} == {0o600}
    for name in backup.KEYS:
        assert passphrases.is_sealed((tmp_path / "copy" / name).read_bytes())
        assert keys.read_secret(tmp_path / "copy" / name) == keys.read_secret(town.node / name)
    assert town.stop() == 0
    lose(town)
    back = done("node", "restore", tmp_path / "copy", town.node)
    assert back["incident"] is None
    assert back["size"] == note_size(made["head"])
    town.serve()
    again = town.ask(COUNT.format(1))[1]
    assert (again["rows"], again["repeated"]) == (asked["rows"], True), "what it answered and charged is known"
    assert town.ask(COUNT.format(2))[0] == 0
    assert town.verify("after")["ok"]


def note_size(head: str) -> int:
    return int(head.splitlines()[1])


def test_an_old_copy_is_put_back_and_does_not_serve(
    town: Town, office: tuple[Witness, WitnessBook], tmp_path: Path
) -> None:
    watch(town, office)
    done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    done("dataset", "retract", town.node, "visits")
    done("witness", "submit", town.node)
    lose(town)
    code, told = run("node", "restore", tmp_path / "copy", town.node)
    assert (code, told["code"]) == (3, "LOG_BEHIND")
    assert "old copy" in told["message"]
    assert "yanmen node succeed" in told["message"]
    ended = served(town)
    assert ended.returncode == 3
    assert "LOG_BEHIND" in ended.stderr
    assert "yanmen node succeed" in ended.stderr
    code, told = run("node", "restore", tmp_path / "copy", town.node)
    assert (code, told["code"]) == (3, "CONFIG"), "nor does it take the place of a ledger"
    assert done("node", "succeed", town.node, "--reason", "the copy lacks a leaf")["origin"].endswith("-2")


def test_without_a_witness_somebody_takes_it_on_and_the_log_says_so(town: Town, tmp_path: Path) -> None:
    done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    lose(town)
    code, told = run("node", "restore", tmp_path / "copy", town.node)
    assert (code, told["code"]) == (3, "LOG_BEHIND")
    assert not town.node.exists()
    assert run("node", "restore", tmp_path / "copy", town.node, "--unwitnessed", "why")[0] == 2
    back = done("node", "restore", tmp_path / "copy", town.node, "--unwitnessed", "the disk is gone", "--by", "李某")
    incidents = json.dumps(done("incident", "list", town.node), ensure_ascii=False)
    assert back["incident"] == back["size"], "the first new leaf"
    assert "the disk is gone" in incidents


def test_without_the_passphrase_nothing_is_put_back(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    lose(town)
    words = ("node", "restore", tmp_path / "copy", town.node, "--unwitnessed", "the disk is gone", "--by", "李某")
    monkeypatch.setenv("YANMEN_PASSPHRASE", "another long passphrase")
    code, told = run(*words)
    assert (code, told["code"]) == (3, "KEYS")
    assert not town.node.exists(), "so that the same command does it once the passphrase is there"
    monkeypatch.setenv("YANMEN_PASSPHRASE", PASSPHRASE)
    done(*words)


def test_keys_stay_out_unless_asked_for_and_are_put_beside_it_first(town: Town, tmp_path: Path) -> None:
    made = done("node", "backup", town.node, tmp_path / "copy")
    assert not set(backup.KEYS) & set(made["files"])
    secrets = [keys.read_secret(town.node / name) for name in backup.KEYS]
    kept = {path: path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert [path.name for path, data in kept.items() for secret in secrets if secret in data] == []
    elsewhere = tmp_path / "safe"
    elsewhere.mkdir()
    for name in backup.KEYS:
        shutil.copy2(town.node / name, elsewhere / name)
    lose(town)
    taken = ("--unwitnessed", "a test", "--by", "a test")
    assert run("node", "restore", tmp_path / "copy", town.node, *taken)[1]["code"] == "KEYS"
    elsewhere.rename(town.node)
    done("node", "restore", tmp_path / "copy", town.node, *taken)
    code, told = run("check", "node", town.node)
    assert (code, told["code"]) == (3, "SNAPSHOT_ALTERED"), "snapshots stayed out as well: publish again"
    words = ("dataset", "publish", town.node, town.root / "visits.toml", town.root / "visits.csv")
    done(*words)
    done("check", "node", town.node)


def spoil(copy: Path, how: str) -> None:
    match how:
        case "altered":
            data = bytearray((copy / "ledger.sqlite").read_bytes())
            data[len(data) // 2] ^= 1
            (copy / "ledger.sqlite").write_bytes(data)
        case "missing":
            (copy / "ledger.sqlite").unlink()
        case "more":
            (copy / "policies" / "more.cedar").write_text("permit(principal, action, resource);")
        case "link":
            (copy / "more").symlink_to("/etc/passwd")
        case "unfinished":
            (copy / "backup.json").unlink()
        case _:
            text = (copy / "backup.json").read_text()
            (copy / "backup.json").write_text(text.replace('"node.toml"', '"../../node.toml"'))


def test_a_spoiled_copy_is_not_put_back(town: Town, tmp_path: Path) -> None:
    done("node", "backup", town.node, tmp_path / "copy", "--with-keys")
    taken = ("--unwitnessed", "a test", "--by", "a test")
    for how in ("altered", "missing", "more", "link", "unfinished", "outside"):
        spoiled, target = tmp_path / how, tmp_path / f"node-{how}"
        shutil.copytree(tmp_path / "copy", spoiled)
        spoil(spoiled, how)
        code, told = run("node", "restore", spoiled, target, *taken)
        assert code == 3, (how, told)
        assert not target.exists(), how
    done("node", "restore", tmp_path / "copy", tmp_path / "node-whole", *taken)
