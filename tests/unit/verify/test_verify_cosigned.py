"""The cosigned head of a bundle: what witnesses saw is told, what they did not see or saw otherwise is found."""

from pathlib import Path

import pytest
from yanmen.crypto import cosigning, notes
from yanmen.formats import merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.note import Note, VerifierKey
from yanmen.verify import Beside, Code, Report, verify_bundle

from tests.vectors import specimen
from tests.vectors.specimen import Log

AT_S = 1_780_000_000
KEYS = {name: VerifierKey(name, specimen.signer(name).public, note.COSIGNATURE) for name in ("w1", "w2")}


def cosigned(log: Log, size: int, *names: str) -> bytes:
    head = log.checkpoint(size)
    lines = tuple(cosigning.cosign(head.text, name, specimen.signer(name), AT_S) for name in names)
    return note.encode(Note(head.text, head.signatures + lines))


def report(path: Path, head: bytes | None, *keys: str) -> Report:
    bundle = specimen.specimen().export(path / "bundle")
    if head is not None:
        (bundle / "cosigned").write_bytes(head)
    return verify_bundle(bundle, specimen.SPACE_KEY.public, Beside(witnesses=tuple(KEYS[name] for name in keys)))


def codes(found: Report) -> list[Code]:
    return [item.code for item in found.findings]


def test_what_witnesses_saw_is_told(tmp_path: Path) -> None:
    found = report(tmp_path, cosigned(specimen.specimen(), 20, "w1", "w2"), "w1", "w2")
    assert codes(found) == []
    assert [(one.witness, one.size, one.at_s) for one in found.cosigned] == [("w1", 20, AT_S), ("w2", 20, AT_S)]


def test_leaves_nobody_saw_yet_are_noted(tmp_path: Path) -> None:
    found = report(tmp_path, cosigned(specimen.specimen(), 12, "w1"), "w1")
    assert (codes(found), found.ok) == ([Code.COSIGNED_PART], True)


@pytest.mark.parametrize("names", [(), ("w2",)])
def test_a_witness_that_did_not_cosign_is_missed(tmp_path: Path, names: tuple[str, ...]) -> None:
    found = report(tmp_path, cosigned(specimen.specimen(), 20, *names), "w1")
    assert (codes(found), found.ok) == ([Code.NOT_COSIGNED], False)


def test_without_a_cosigned_head_every_witness_is_missed(tmp_path: Path) -> None:
    assert codes(report(tmp_path, None, "w1", "w2")) == [Code.NOT_COSIGNED, Code.NOT_COSIGNED]
    (tmp_path / "other").mkdir()
    assert codes(report(tmp_path / "other", None)) == []


def test_a_forged_cosignature_is_missed(tmp_path: Path) -> None:
    head = specimen.specimen().checkpoint(20)
    forged = cosigning.cosign(head.text, "w1", specimen.signer("a stranger"), AT_S)
    line = note.NoteSignature("w1", KEYS["w1"].key_id, forged.signature)
    found = report(tmp_path, note.encode(Note(head.text, (*head.signatures, line))), "w1")
    assert codes(found) == [Code.NOT_COSIGNED]


@pytest.mark.parametrize("size", [12, 20])
def test_another_history_shown_to_the_witness_is_found(tmp_path: Path, size: int) -> None:
    log = specimen.specimen()
    log.leaves[4] = specimen.specimen("another").leaves[4]
    assert codes(report(tmp_path, cosigned(log, size, "w1"))) == [Code.COSIGNED_OTHER_HISTORY]


def test_a_longer_history_shown_to_the_witness_is_found(tmp_path: Path) -> None:
    log = specimen.specimen()
    log.refuse("", "REQUEST_EXPIRED")
    found = report(tmp_path, cosigned(log, 21, "w1"), "w1")
    assert codes(found) == [Code.COSIGNED_OTHER_HISTORY, Code.NOT_COSIGNED]


def test_a_head_of_another_log_is_found(tmp_path: Path) -> None:
    log = specimen.specimen()
    head = Checkpoint(log.origin, 20, merkle.root(20, log.reader()))
    other = notes.sign_checkpoint(head, specimen.signer("a stranger"))
    assert codes(report(tmp_path, note.encode(other), "w1")) == [Code.COSIGNED_HEAD, Code.NOT_COSIGNED]
    (tmp_path / "b").mkdir()
    assert codes(report(tmp_path / "b", b"nonsense")) == [Code.FILE_MALFORMED]
