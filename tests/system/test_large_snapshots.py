"""A node whose snapshots are too large for memory: published, checked, asked; it does not work on a plain volume."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from yanmen.execution.volumes import Host, Volume
from yanmen.model.config import LargeSnapshots

from tests.system.town import CANARY, Town, done, run

Maker = Callable[[], Town]


@pytest.fixture
def volume() -> Iterator[Path]:
    """A tmpfs: no disk ever has what is written there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def held(pid: int, folder: Path) -> list[str]:
    """Return how the process `pid` holds files in `folder`: by descriptors, and the flags they were opened with."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.is_symlink() and str(link.readlink()).startswith(str(folder)):
            lines = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text(encoding="ascii").splitlines()
            found.append(next(line.split()[1] for line in lines if line.startswith("flags:")))
    return found


def test_a_node_with_large_snapshots(raw_town: Maker, volume: Path, tmp_path: Path) -> None:
    town = raw_town()
    town.configure(large=LargeSnapshots(str(volume), above_bytes=0))
    (town.root / "again.csv").write_text((town.root / "visits.csv").read_text())
    done("dataset", "publish", town.node, town.root / "visits.toml", town.root / "again.csv")
    code, document = run("check", "node", town.node)
    assert (code, document["large_snapshots"]) == (0, "memory"), document
    town.serve()
    assert town.process is not None
    code, document = town.ask("SELECT ward, count(*) AS n FROM visits GROUP BY ward")
    assert code == 0, json.dumps(document)
    flags = held(town.process.pid, volume)
    assert flags, "a worker waits, so its snapshot is held"
    assert {int(flag, 8) & 3 for flag in flags} == {0}, "for reading only"
    assert list(volume.iterdir()) == []
    town.stop()
    if Host().volume(tmp_path) is Volume.PLAIN:
        (town.root / "plain").mkdir(mode=0o700)
        town.configure(large=LargeSnapshots(str(town.root / "plain"), above_bytes=0))
        code, document = run("check", "node", town.node)
        assert code == 3
        assert "does not lie on an encrypted volume" in json.dumps(document)
        assert CANARY not in json.dumps(document)
