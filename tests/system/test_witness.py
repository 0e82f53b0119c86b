"""A node and a witness as processes of their own: cosigned, verified, and no way back."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.formats import config as config_format
from yanmen.formats import note
from yanmen.model.config import Witness

from tests.patience import LONG_S, wait_until
from tests.system.town import Town, done, run


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
