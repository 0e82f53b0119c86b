"""An honest bundle holds; no file of it can be deleted or altered without being found."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from yanmen.formats import bundle
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.model.receipt import Stage
from yanmen.verify import Code, verify_bundle

KEYS = {"bundle.json", "checkpoint", "leaves.txt", "log.vkey", "register.jws", "space.vkey"}


@pytest.fixture(scope="module")
def exported(specimens: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an honest bundle; tests put back what they change."""
    path: Path = specimens.specimen().export(tmp_path_factory.mktemp("bundle"))
    return path


def names(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_an_honest_bundle_holds(specimens: ModuleType, exported: Path) -> None:
    report = verify_bundle(exported, specimens.SPACE_KEY.public)
    assert report.findings == ()
    assert report.ok
    assert (report.node, report.origin, report.size, report.verified) == (specimens.NODE, specimens.ORIGIN, 20, 20)
    assert dict(report.stages)[Stage.REFUSED] == 3
    assert sum(count for _, count in report.stages) == 20
    assert report.contracts == (
        ContractTotal(specimens.CONTRACT, leaves=9, queries=2, micro_rho=5_000, delta_e12=5, fen=240),
        ContractTotal(specimens.OTHER, leaves=5, queries=1, micro_rho=1_000, delta_e12=7, fen=80),
    )
    assert report.spaces == (SpaceTotal("residents", micro_rho=6_000, delta_e12=12),)
    assert len(report.not_proven) == 5


def test_a_bundle_checked_with_its_own_key_says_so(exported: Path) -> None:
    report = verify_bundle(exported)
    assert report.ok
    assert [item.code for item in report.findings] == [Code.SPACE_KEY_NOT_PINNED]


def test_a_bundle_of_another_space_does_not_hold(specimens: ModuleType, exported: Path) -> None:
    report = verify_bundle(exported, specimens.MEMBER_KEY.public)
    assert not report.ok
    assert Code.REGISTER_SIGNATURE in [item.code for item in report.findings]


def test_the_specimen_has_every_file(exported: Path) -> None:
    assert len(names(exported)) == len(KEYS) + 3 * 20


def test_every_deleted_file_is_found(specimens: ModuleType, exported: Path) -> None:
    for name in names(exported):
        file = exported / name
        data = file.read_bytes()
        file.unlink()
        report = verify_bundle(exported, specimens.SPACE_KEY.public)
        file.write_bytes(data)
        assert not report.ok, name
        texts = [item.en for item in report.findings]
        if name in KEYS:
            assert f"{name} is missing" in texts
        else:
            index = int(Path(name).stem)
            assert any(f"leaf {index} (" in text and "is missing" in text for text in texts), name


def test_every_altered_file_is_found(specimens: ModuleType, exported: Path) -> None:
    """Two flips in each of the 63 files: in the middle and in the last byte."""
    for name in names(exported):
        file = exported / name
        data = file.read_bytes()
        for place in (len(data) // 2, len(data) - 1):
            file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            report = verify_bundle(exported, specimens.SPACE_KEY.public)
            assert not report.ok, (name, place)
            if name not in KEYS:
                assert int(Path(name).stem) in {item.index for item in report.findings}, (name, place)
        file.write_bytes(data)
    assert verify_bundle(exported, specimens.SPACE_KEY.public).ok


@pytest.mark.parametrize("name", sorted(KEYS - {"register.jws"}))
def test_no_byte_of_a_key_file_can_be_flipped(specimens: ModuleType, exported: Path, name: str) -> None:
    file = exported / name
    data = file.read_bytes()
    step = max(1, len(data) // 60)
    for place in range(0, len(data), step):
        file.write_bytes(data[:place] + bytes([data[place] ^ 2]) + data[place + 1 :])
        assert not verify_bundle(exported, specimens.SPACE_KEY.public).ok, (name, place)
    file.write_bytes(data)


def test_two_leaves_cannot_be_exchanged(specimens: ModuleType, exported: Path) -> None:
    first, second = exported / bundle.leaf_name(3), exported / bundle.leaf_name(5)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    found = {(item.index, item.code) for item in verify_bundle(exported, specimens.SPACE_KEY.public).findings}
    first.write_bytes(one)
    second.write_bytes(other)
    assert {(3, Code.LEAF_ALTERED), (5, Code.LEAF_ALTERED)} <= found


def test_nothing_there_is_a_report_too(tmp_path: Path) -> None:
    report = verify_bundle(tmp_path / "absent")
    assert not report.ok
    assert [(item.code, item.subject) for item in report.findings] == [(Code.FILE_MISSING, "bundle.json")]


def test_an_oversized_file_is_not_read(specimens: ModuleType, exported: Path) -> None:
    file = exported / "checkpoint"
    data = file.read_bytes()
    with file.open("r+b") as opened:
        opened.truncate(2**40)
    report = verify_bundle(exported, specimens.SPACE_KEY.public)
    file.unlink()
    file.write_bytes(data)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.FILE_UNREADABLE, "checkpoint")]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("log.vkey")])
def test_a_file_that_is_no_file_is_not_read(
    specimens: ModuleType, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """A pipe would make the verifier wait for ever, a link would show it another file."""
    path = specimens.specimen().export(tmp_path / "bundle")
    (path / "checkpoint").unlink()
    make(path / "checkpoint")
    report = verify_bundle(path, specimens.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.FILE_UNREADABLE, "checkpoint")]


def test_proofs_under_older_heads_hold(specimens: ModuleType, tmp_path: Path) -> None:
    """A receipt keeps the proof it was issued with; its head must be a prefix of the bundle's."""
    log = specimens.specimen()
    path = log.export(tmp_path / "bundle")
    for index, size in ((0, 1), (2, 3), (8, 17)):
        (path / bundle.proof_name(index)).write_text(log.proof(index, size))
    assert verify_bundle(path, specimens.SPACE_KEY.public).findings == ()


def test_a_lost_leaf_list_is_found_but_loses_nothing_else(specimens: ModuleType, tmp_path: Path) -> None:
    path = specimens.specimen().export(tmp_path / "bundle")
    (path / "leaves.txt").unlink()
    report = verify_bundle(path, specimens.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.FILE_MISSING, "leaves.txt")]
    assert report.verified == 20
    (path / bundle.leaf_name(4)).write_bytes((path / bundle.leaf_name(5)).read_bytes())
    codes = {item.code for item in verify_bundle(path, specimens.SPACE_KEY.public).findings}
    assert {Code.ROOT_DIFFERS, Code.PROOF_WRONG} <= codes
