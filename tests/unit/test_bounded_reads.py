"""What others may have written is read through one door: regular files only, of bounded size, and nobody waits."""

import ast
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from yanmen import regular_file
from yanmen.admission.identity import RegisterFile, Source
from yanmen.admission.policies import load_guards, shipped
from yanmen.admission.verdicts import policy_test
from yanmen.client import durable
from yanmen.crypto.system import SystemClock
from yanmen.execution import described
from yanmen.ledger import accounts
from yanmen.model.refusal import Fault, JobFailed

NODE = Path(__file__).parents[2] / "node" / "yanmen"
DOORS = {
    "regular_file.py": "the door",
    "crypto/keys.py": "secret files: no links, no other owner, as small",
    "verify/directory.py": "an auditor's bundle: no links either, and the format says how long each file is",
    "execution/jail.py": "a source of data, handed to the jail as a descriptor; regular ones only",
    "execution/clear_files.py": "a descriptor of our own, opened again to read only",
    "execution/container.py": "the kernel's own, in /proc",
    "execution/volumes.py": "the kernel's own, in /proc and /sys",
    "execution/worker.py": "the kernel's own, in /proc",
    "execution/zygote.py": "the kernel's own, in /proc",
    "execution/snapshot.py": "what the node itself wrote, sealed",
    "ledger/copying.py": "what was just written, opened to have it on disk",
    "ledger/store.py": "what was just written, opened to have it on disk",
    "ledger/daybook.py": "the program's own, a line of bounded length at a time",
    "ledger/schema.py": "installed with the program",
    "wire/https/schemas.py": "installed with the program",
    "admission/policies.py": "installed with the program",
    "admission/spelling.py": "installed with the program",
    "console/assets.py": "installed with the program",
}
"""Every module that opens files for reading by itself, and why it may."""
WHOLE = {"read_bytes", "read_text"}
HINT = re.compile(r"read_bytes|read_text|open\(|shutil")
"""A text without any of these calls none of them."""
COPIES = {"shutil.copyfile", "shutil.copy", "shutil.copy2", "shutil.copytree"}


def reads(tree: ast.Module) -> Iterator[str]:
    """Yield what in `tree` reads a file by its path."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        if called in COPIES or (name in WHOLE and called != "given.read_text"):
            yield called
        elif called == "os.open":
            flags = ast.unparse(node.args[1])
            if "O_WRONLY" not in flags and "O_RDWR" not in flags and "O_DIRECTORY" not in flags:
                yield called
        elif called == "open" or (name == "open" and node.args and isinstance(node.args[0], ast.Constant)):
            mode = next((each.value for each in node.args if isinstance(each, ast.Constant)), "r")
            if not isinstance(mode, str) or not {"w", "x", "a"} & set(mode):
                yield called


def test_files_are_read_through_the_door() -> None:
    found = {
        str(path.relative_to(NODE)): sorted(set(reads(ast.parse(text))))
        for path in NODE.rglob("*.py")
        if HINT.search(text := path.read_text(encoding="utf-8"))
    }
    assert {name: calls for name, calls in found.items() if calls and name not in DOORS} == {}
    assert {name for name in DOORS if not found.get(name)} == set(), "these read no file by themselves"


@pytest.mark.parametrize(
    "text",
    [
        "path.read_bytes()",
        "path.read_text(encoding='utf-8')",
        "arguments.file.open('rb')",
        "open(path)",
        "open(path, 'rb')",
        "os.open(path, os.O_RDONLY)",
        "os.open(path, _FLAGS)",
        "shutil.copyfile(a, b)",
    ],
)
def test_a_read_past_the_door_is_seen(text: str) -> None:
    assert list(reads(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "given.read_text(path)",
        "regular_file.read(path, 5)",
        "path.open('xb')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "os.open(path, os.O_RDONLY | os.O_DIRECTORY)",
        "book.open(place)",
    ],
)
def test_what_reads_no_file_is_none(text: str) -> None:
    assert not list(reads(ast.parse(text)))


def test_as_many_bytes_as_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert regular_file.read(path, 8) == b"12345678"
    with pytest.raises(regular_file.TooLong, match="longer than 7 bytes"):
        regular_file.read(path, 7)


def test_what_is_no_file_is_neither_waited_for_nor_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(regular_file.NotRegular):
            regular_file.read(path, 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


HOLDS: dict[str, Callable[[Path], object]] = {
    "the register": lambda at: RegisterFile(Source(at, "space", bytes(32)), SystemClock(), (0, ""), _never).current(),
    "guard rails": lambda at: load_guards(at.parent),
    "the verdicts they are held to": lambda at: policy_test(at, load_guards(shipped())),
    "what a member keeps": lambda at: durable.read(at.parent, at.name, 10),
    "the accounts of the console": lambda at: accounts.read(at.parent),
    "a source described": lambda at: described.load(str(at)),
}


def _never(*_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("what", HOLDS)
def test_a_pipe_holds_nobody(what: str, tmp_path: Path) -> None:
    """The test itself would wait for ever at a pipe that somebody waits for."""
    names = {"guard rails": "a.cedar", "the accounts of the console": accounts.FILE}
    path = tmp_path / names.get(what, "file")
    os.mkfifo(path)
    with pytest.raises((Fault, JobFailed, regular_file.NotRegular)):
        HOLDS[what](path)
