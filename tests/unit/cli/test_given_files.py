"""Files that are named on the command line come from anybody: endless, waiting or nested ones end with a sentence."""

import os
from pathlib import Path

import pytest
from yanmen.cli import given
from yanmen.cli.main import main
from yanmen.cli.output import UsageProblem
from yanmen.formats import note
from yanmen.formats.note import VerifierKey

from tests.vectors import specimen

GIGABYTE = 1024**3
PLAIN = ("--space-key", "SPACE")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given")
    specimen.specimen().export(path / "bundle")
    (path / "space.vkey").write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
    with (path / "sparse").open("wb") as file:
        file.truncate(GIGABYTE)
    os.mkfifo(path / "pipe")
    (path / "nested").write_bytes(b"[" * 200_000)
    return path


COMMANDS = {
    "verify --anchors": ("verify", "BUNDLE", *PLAIN, "--anchors", "HOSTILE"),
    "verify --witness-policy": ("verify", "BUNDLE", *PLAIN, "--witness-policy", "HOSTILE"),
    "verify --witness-key": ("verify", "BUNDLE", *PLAIN, "--witness-key", "HOSTILE"),
    "verify --space-key": ("verify", "BUNDLE", "--space-key", "HOSTILE"),
    "inspection list --given": ("inspection", "list", "BUNDLE", *PLAIN, "--given", "HOSTILE"),
    "audit bill": ("audit", "bill", "BUNDLE", "HOSTILE", *PLAIN),
    "mock": ("mock", "HOSTILE"),
    "space sign": ("space", "sign", "DESK", "HOSTILE"),
    "member accept": ("member", "accept", "DESK", "HOSTILE", "--register", "HOSTILE"),
    "node accept": ("node", "accept", "DESK", "HOSTILE", "--register", "HOSTILE"),
    "operation question": ("operation", "question", "HOSTILE"),
    "catalogue record": ("catalogue", "record", "DESK", "HOSTILE"),
}


def run(desk: Path, name: str, hostile: str) -> int:
    words = {"DESK": desk, "BUNDLE": desk / "bundle", "SPACE": desk / "space.vkey", "HOSTILE": desk / hostile}
    try:
        return main([str(words.get(word, word)) for word in COMMANDS[name]])
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("hostile", ["sparse", "pipe", "nested"])
def test_a_hostile_file_ends_with_a_sentence(
    name: str, hostile: str, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", _unbounded)
    monkeypatch.setattr(Path, "read_text", _unbounded)
    code = run(desk, name, hostile)
    printed = capsys.readouterr()
    assert code in (1, 2), printed.err
    assert "Traceback" not in printed.err


def _unbounded(path: Path, *_: object, **__: object) -> bytes:
    raise AssertionError(f"{path} is read without bound")


def test_as_many_bytes_as_a_file_may_have_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345678")
    assert given.read(tmp_path / "file", 8) == b"12345678"
    with pytest.raises(UsageProblem, match="longer than 7 bytes"):
        given.read(tmp_path / "file", 7)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises((UsageProblem, IsADirectoryError)):
            given.read(path)


def test_a_text_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageProblem, match="not text"):
        given.read_text(tmp_path / "key")
