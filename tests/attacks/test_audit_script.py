"""The script of docs/AUDIT.md, run as an auditor would: with openssl, jq and bash, and nothing of ours."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.formats import bundle, note
from yanmen.formats.note import VerifierKey

from tests.vectors import ed25519_edges, specimen

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = re.search(r"```bash\n(#!/bin/bash\n.*?)```", (ROOT / "docs" / "AUDIT.md").read_text("utf-8"), re.DOTALL)
TOOLS = ["bash", "cat", "cmp", "cut", "grep", "head", "jq", "mktemp", "mv", "openssl", "rm", "tail", "tr", "wc"]
INDEX = 17


class Desk:
    """An auditor's desk: the script, a bundle, the space's key, and only the tools the page names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bundle = specimen.specimen().export(path / "bundle")
        self.key = path / "space.vkey"
        shutil.copy(self.bundle / "space.vkey", self.key)
        assert SCRIPT is not None
        (path / "audit-receipt").write_text(SCRIPT.group(1), encoding="utf-8")
        (path / "bin").mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            if found is None:
                pytest.fail(f"the auditor's tool {tool} is not installed")
            (path / "bin" / tool).symlink_to(found)

    def run(self, index: int = INDEX) -> subprocess.CompletedProcess[str]:
        command = [str(self.path / "bin" / "bash"), "audit-receipt", str(self.bundle), str(index), str(self.key)]
        environment = {"PATH": str(self.path / "bin"), "TMPDIR": str(self.path), "HOME": os.devnull}
        return subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("index", [0, 9, 18])
def test_a_good_receipt_is_valid(desk: Desk, index: int) -> None:
    done = desk.run(index)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"VALID 成立: leaf {index} of 20, ")
    assert ('"price":{"fen":120,"spent_fen":120}' in done.stdout) == (index == 9)


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _after(mark: bytes, offset: int = 0) -> Callable[[bytes], bytes]:
    return lambda data: _flip(data, data.index(mark) + len(mark) + offset)


def _last_of_leaf(data: bytes) -> bytes:
    """Change a spare bit of the signature's last character: another text for the same bytes."""
    place = data.index(b"~") - 1
    return data[:place] + bytes([data[place] + 1]) + data[place + 1 :]


RECEIPT, PROOF = bundle.receipt_name(INDEX), bundle.proof_name(INDEX)


@pytest.mark.parametrize(
    ("name", "alter"),
    [
        ("register.jws", _after(b".", 200)),
        (RECEIPT, _after(b"", 40)),
        (RECEIPT, _after(b".", 100)),
        (RECEIPT, lambda data: _flip(data, data.index(b"~") - 40)),
        (RECEIPT, _last_of_leaf),
        (RECEIPT, _after(b"~", 30)),
        (RECEIPT, lambda data: data + data[data.index(b"~") + 1 : data.index(b"~", 2600) + 1]),
        (RECEIPT, lambda data: data + b"WyJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwicHJpY2UiLDBd~"),
        (PROOF, _after(b"tlog-proof", 2)),
        (PROOF, lambda data: data.replace(b"index 17", b"index 16")),
        (PROOF, lambda data: data.replace(b"\nindex", b"\nextra QQ==\nindex")),
        (PROOF, _after(b"index 17\n", 5)),
        (PROOF, lambda data: data.replace(b"\n20\n", b"\n19\n")),
        (PROOF, _after(b"usage-log/", 3)),
        (PROOF, _after(b"\n20\n", 3)),
        (PROOF, lambda data: _flip(data, data.rindex(b" ") + 3)),
        (PROOF, lambda data: _flip(data, len(data) - 20)),
        (PROOF, lambda data: data + b"\n"),
    ],
)
def test_an_altered_byte_is_not(desk: Desk, name: str, alter: Callable[[bytes], bytes]) -> None:
    file = desk.bundle / name
    good = file.read_bytes()
    bad = alter(good)
    assert bad != good
    file.write_bytes(bad)
    done = desk.run()
    file.write_bytes(good)
    assert done.returncode != 0
    assert "VALID 成立" not in done.stdout


def test_another_space_s_key_is_not(desk: Desk) -> None:
    good = desk.key.read_text()
    desk.key.write_text((desk.bundle / "log.vkey").read_text())
    done = desk.run()
    desk.key.write_text(good)
    assert (done.returncode, done.stderr) == (1, "NOT VALID 不成立: the space did not sign the register\n")


def test_another_leaf_s_proof_is_not(desk: Desk) -> None:
    file = desk.bundle / PROOF
    good = file.read_bytes()
    other = specimen.specimen().proof(INDEX - 1).replace(f"index {INDEX - 1}", f"index {INDEX}")
    file.write_text(other)
    done = desk.run()
    file.write_bytes(good)
    assert (done.returncode, done.stderr) == (1, "NOT VALID 不成立: the path leads to another root\n")


def test_a_key_of_small_order_or_not_canonical_is_refused(desk: Desk) -> None:
    """Every spelling of such a key; which ones those are is counted here, not taken from the script's pattern."""
    places = {int.from_bytes(ed25519_edges.encoded(point), "little") % 2**255 for point in ed25519_edges.torsion()}
    places |= set(range(ed25519_edges.P, 2**255))
    good = desk.key.read_bytes()
    try:
        for place in sorted(places):
            for sign in (0, 1):
                key = (place | sign << 255).to_bytes(32, "little")
                desk.key.write_text(note.encode_key(VerifierKey(specimen.SPACE, key)) + "\n")
                done = desk.run()
                assert (done.returncode, "small order, or not canonical" in done.stderr) == (1, True), key.hex()
    finally:
        desk.key.write_bytes(good)
