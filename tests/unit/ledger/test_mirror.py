"""Static tiles of a ledger: complete, extended without rewriting, never mixed with another history."""

import shutil
from pathlib import Path

import pytest
from yanmen.crypto import notes
from yanmen.formats import merkle, note, tiles
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.verify import Beside, Code, verify_bundle

from tests.unit.ledger.scene import LOG_KEY, SPACE_KEY, Scene, papers


def grow(ledger: Ledger, size: int) -> None:
    while ledger.size() < size:
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_tiles_are_the_log_s(ledger: Ledger, tmp_path: Path) -> None:
    grow(ledger, 300)
    assert ledger.tiles(tmp_path / "mirror") == 300
    found = files(tmp_path / "mirror")
    assert set(found) == {
        "checkpoint",
        "log.vkey",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    }
    head = notes.verify_checkpoint(note.decode(found["checkpoint"]), ledger.origin, LOG_KEY.public)
    entries = tiles.decode_entries(found["tile/entries/000"], 256)
    entries += tiles.decode_entries(found["tile/entries/001.p/44"], 44)
    read = merkle.full_subtrees(merkle.leaf_hash(entry) for entry in entries)
    assert merkle.root(head.size, read) == head.root


def test_a_mirror_is_extended_and_what_is_full_stays(ledger: Ledger, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    grow(ledger, 260)
    ledger.tiles(mirror)
    full = (mirror / "tile/0/000").stat()
    grow(ledger, 520)
    ledger.tiles(mirror)
    after = (mirror / "tile/0/000").stat()
    assert (after.st_ino, after.st_mtime_ns) == (full.st_ino, full.st_mtime_ns)
    ledger.tiles(tmp_path / "fresh")
    fresh = files(tmp_path / "fresh")
    assert {name: data for name, data in files(mirror).items() if name in fresh} == fresh


def test_what_an_interrupted_run_left_is_completed(ledger: Ledger, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    grow(ledger, 30)
    ledger.tiles(mirror)
    whole = files(mirror)
    (mirror / "checkpoint").unlink()
    (mirror / "tile/0/000.p/30").write_bytes(b"half")
    ledger.tiles(mirror)
    assert files(mirror) == whole


def test_a_mirror_of_another_log_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "checkpoint").write_bytes(ledger.checkpoint().encode().replace(b"\n3\n", b"\n2\n"))
    before = files(tmp_path / "mirror")
    with pytest.raises(Fault) as caught:
        ledger.tiles(tmp_path / "mirror")
    assert caught.value.code is FaultCode.STORAGE
    assert files(tmp_path / "mirror") == before


def test_a_restored_ledger_does_not_overwrite_what_was_mirrored(scene: Scene, tmp_path: Path) -> None:
    with scene.open() as ledger:
        grow(ledger, 10)
    shutil.copy(scene.path, tmp_path / "backup.db")
    with scene.open() as ledger:
        grow(ledger, 20)
        ledger.tiles(tmp_path / "mirror")
    shutil.copy(tmp_path / "backup.db", scene.path)
    before = files(tmp_path / "mirror")
    for size, note_ in ((10, "20 leaves, the ledger 10"), (25, "another history")):
        with scene.open() as ledger:
            grow(ledger, size)
            with pytest.raises(Fault, match=note_) as caught:
                ledger.tiles(tmp_path / "mirror")
        assert caught.value.code is FaultCode.LOG_BEHIND
        assert files(tmp_path / "mirror") == before


def test_the_verifier_reads_it(scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path) -> None:
    scene.ask(ledger, contract)
    ledger.tiles(tmp_path / "older")
    ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
    ledger.export(tmp_path / "bundle", papers())
    ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
    ledger.tiles(tmp_path / "newer")
    for mirror in ("older", "newer"):
        assert verify_bundle(tmp_path / "bundle", SPACE_KEY.public, Beside(tmp_path / mirror)).findings == ()
    (tmp_path / "newer" / "checkpoint").unlink()
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public, Beside(tmp_path / "newer"))
    assert [item.code for item in report.findings] == [Code.TILE_MISSING]
