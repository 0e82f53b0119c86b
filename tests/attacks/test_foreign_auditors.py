"""Auditors on other people's packages, in five languages, and one file to carry: they take the good, never the bad."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from yanmen.crypto import documents, notes
from yanmen.formats import base64url, bundle, merkle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.model.party import KeyUse
from yanmen.verify import Code

from tests.attacks.exchanged_keys import Operator, operator
from tests.attacks.test_exchanged_keys import MISPLACED
from tests.unit.verify import test_verify_dishonest_node  # noqa: F401 - adds its own to ATTACKS
from tests.unit.verify.altered_files import ATTACKS
from tests.unit.verify.terms_scene import started
from tests.unit.verify.test_verify_contract_life import LIFE
from tests.unit.verify.test_verify_terms import BROKEN
from tests.vectors import ed25519_edges, specimen

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ROOT / "scripts" / "foreign-auditors"
TOOLS = ROOT / ".venv" / "foreign"
CARRY = ROOT / "scripts" / "carry-auditor.py"
SCRIPT = re.compile(r"^```bash\n(#!/bin/bash\n# Verify one receipt offline.*?)^```$", re.MULTILINE | re.DOTALL)
INDEX = 9

AUDITORS: dict[str, list[str | Path]] = {
    "JavaScript: jose, @sd-jwt/core, @sigstore/verify": ["node", TOOLS / "audit.mjs"],
    "Python: sd-jwt, jwcrypto, tlog-scales": [TOOLS / "python" / "bin" / "python", FOREIGN / "audit.py"],
    "Perl: CryptX": ["perl", FOREIGN / "audit.pl"],
    "PHP: libsodium": ["php", FOREIGN / "audit.php"],
    "bash: openssl, jq": ["bash", "audit-receipt"],
}
"""The auditor in Go, the sixth language, reads mirrors and has its own attacks: test_go_auditor.py."""


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    done = subprocess.run([FOREIGN / "setup"], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == 3 and os.environ.get("CI") != "true":
        pytest.skip(f"foreign tools cannot be installed here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk")
    match = SCRIPT.search((ROOT / "docs" / "AUDIT.md").read_text(encoding="utf-8"))
    assert match is not None
    (path / "audit-receipt").write_text(match[1])
    (path / "space.vkey").write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
    specimen.specimen().export(path / "good")
    return path


def run(auditor: str, desk: Path, path: Path) -> subprocess.CompletedProcess[str]:
    command = [*AUDITORS[auditor], path, desk / "space.vkey"]
    if auditor.startswith("bash"):
        command.insert(3, str(INDEX))
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=desk, timeout=60)


@pytest.mark.parametrize("auditor", AUDITORS)
def test_the_good_bundle_is_taken(auditor: str, desk: Path) -> None:
    done = run(auditor, desk, desk / "good")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VALID")


# What a courier, an exporter or an operator could do to it; all of it touches leaf INDEX ---------------------

Change = Callable[[Path], object]


def _edit(name: str, change: Callable[[bytes], bytes]) -> Change:
    def edited(path: Path) -> None:
        good = (path / name).read_bytes()
        assert change(good) != good
        (path / name).write_bytes(change(good))

    return edited


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _replaced(path: Path) -> None:
    """The node signs another leaf and receipt for this place, under the head it showed before."""
    other = specimen.specimen("another")
    (path / bundle.leaf_name(INDEX)).write_bytes(other.leaves[INDEX])
    (path / bundle.receipt_name(INDEX)).write_text(other.sdjwts[INDEX])


def _head_by_a_stranger(path: Path) -> None:
    log = specimen.specimen()
    head = Checkpoint(log.origin, len(log.leaves), merkle.root(len(log.leaves), log.reader()))
    signed = notes.sign_checkpoint(head, specimen.signer("a stranger"))
    (path / "checkpoint").write_bytes(note.encode(signed))
    hashes = merkle.inclusion(INDEX, len(log.leaves), log.reader())
    (path / bundle.proof_name(INDEX)).write_text(proof.encode(Proof(INDEX, hashes, signed)))


def _stranger(path: Path) -> None:
    (path / "register.jws").write_bytes(documents.sign_register(specimen.register(), specimen.signer("a stranger")))


def _longer_path(path: Path) -> None:
    file = path / bundle.proof_name(INDEX)
    found = proof.decode(file.read_text())
    file.write_text(proof.encode(Proof(INDEX, (*found.path, found.path[-1]), found.checkpoint)))


RECEIPT, PROOF = bundle.receipt_name(INDEX), bundle.proof_name(INDEX)
BAD: dict[str, Change] = {
    "leaf altered": lambda path: [_edit(name, _flip(1000))(path) for name in (bundle.leaf_name(INDEX), RECEIPT)],
    "leaf replaced by one the node signed": _replaced,
    "disclosure altered": _edit(RECEIPT, _flip(2600)),
    "disclosure added": _edit(RECEIPT, lambda data: data + b"WyJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwicHJpY2UiLDBd~"),
    "disclosure doubled": _edit(RECEIPT, lambda data: data + data.split(b"~")[1] + b"~"),
    "receipt of another leaf": lambda path: shutil.copy(path / bundle.receipt_name(INDEX - 1), path / RECEIPT),
    "register by a stranger": _stranger,
    "head by a stranger": _head_by_a_stranger,
    "proof altered": _edit(PROOF, _flip(50)),
    "proof too long": _longer_path,
    "proof of another leaf": _edit(PROOF, lambda data: data.replace(b"index 9\n", b"index 8\n")),
    "proof under another size": _edit(PROOF, lambda data: data.replace(b"\n20\n", b"\n19\n")),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("auditor", AUDITORS)
def test_a_bad_bundle_is_not(auditor: str, name: str, desk: Path, tmp_path: Path) -> None:
    path = shutil.copytree(desk / "good", tmp_path / "bad")
    BAD[name](path)
    done = run(auditor, desk, path)
    assert done.returncode != 0, done.stdout
    assert "VALID" not in done.stdout
    assert done.stderr


# Exchanged keys, and keys on which implementations disagree ------------------------------------------------

FOLLOWING = [name for name in AUDITORS if not name.startswith("bash")]
"""The script in bash looks at one receipt, and has its own test of exchanged keys: test_audit_script.py."""


@pytest.mark.parametrize("auditor", FOLLOWING)
def test_exchanged_keys_are_followed(auditor: str, desk: Path, tmp_path: Path) -> None:
    log = operator()
    log.exchange(KeyUse.LOG)
    log.exchange(KeyUse.RECEIPT)
    log.ask()
    done = run(auditor, desk, log.bundle(tmp_path / "bundle"))
    assert (done.returncode, done.stderr, done.stdout[:5]) == (0, "", "VALID")


@pytest.mark.parametrize("forge", MISPLACED, ids=lambda forge: str(forge.__name__))
@pytest.mark.parametrize("auditor", FOLLOWING)
def test_no_key_signs_where_it_does_not_count(
    auditor: str, forge: Callable[[Operator], None], desk: Path, tmp_path: Path
) -> None:
    log = operator()
    forge(log)
    done = run(auditor, desk, log.bundle(tmp_path / "bundle"))
    assert (done.returncode != 0, "VALID" in done.stdout) == (True, False)
    assert done.stderr


@pytest.mark.parametrize("where", ["receipt", "log", "space"])
@pytest.mark.parametrize("auditor", FOLLOWING)
def test_keys_outside_the_main_subgroup_are_refused(auditor: str, where: str, desk: Path, tmp_path: Path) -> None:
    path = shutil.copytree(desk / "good", tmp_path / "bad")
    mixed = ed25519_edges.encoded(ed25519_edges.add(ed25519_edges.B, ed25519_edges.torsion()[1]))
    if where == "space":
        (path / "space.vkey").write_text(note.encode_key(VerifierKey(specimen.SPACE, mixed)) + "\n")
        done = run(auditor, path, path)
    else:
        known = specimen.register()
        node = known.find(specimen.NODE)
        assert node is not None
        other = replace(node, signing_key=mixed) if where == "receipt" else replace(node, log_key=mixed)
        parties = tuple(other if each.id == specimen.NODE else each for each in known.parties)
        (path / "register.jws").write_bytes(
            documents.sign_register(replace(known, parties=parties), specimen.SPACE_KEY)
        )
        done = run(auditor, desk, path)
    assert done.returncode != 0
    assert re.search("prime order|conversion failed", done.stderr), done.stderr


# The one file to carry also follows the log: the attacks on `yanmen verify` are tried on it ------------------

NOT_ITS_OWN = {
    # It pins the key it is given, reads no leaf lines and no keys the bundle encloses, and types slots only where it
    # computes with them; the rest it says it does not check.
    *(Code.SPACE_KEY_DIFFERS, Code.SPACE_KEY_NOT_PINNED, Code.REGISTER_OTHER_SPACE, Code.LOG_KEY_DIFFERS),
    *(Code.LEAF_LINES_DIFFER, Code.LEAF_STAGE_DIFFERS, Code.FILE_UNREADABLE, Code.INTENT_RUNNING, Code.SLOT_MALFORMED),
    *(Code.NOISE_DIFFERS, Code.RELEASE_TOO_LAX, Code.DATASET_NOT_CURRENT, Code.DECISION_WRONG),
}


@pytest.fixture(scope="module")
def carried() -> ModuleType:
    import importlib.util

    spec = importlib.util.spec_from_file_location("carry_auditor", CARRY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def taken(carried: ModuleType, desk: Path, path: Path) -> bool:
    try:
        carried.audit(path, desk / "space.vkey")
    except Exception:  # noqa: BLE001 - the program calls whatever goes wrong NOT VALID
        return False
    return True


def test_the_carried_file_takes_the_good_and_no_bad_bundle(carried: ModuleType, desk: Path, tmp_path: Path) -> None:
    good = subprocess.run([sys.executable, CARRY, desk / "good", desk / "space.vkey"], capture_output=True, check=False)
    assert (good.returncode, good.stderr, good.stdout[:5]) == (0, b"", b"VALID")
    for number, change in enumerate(BAD.values()):
        path = shutil.copytree(desk / "good", tmp_path / str(number))
        change(path)
        assert not taken(carried, desk, path)
        if number == 0:
            bad = subprocess.run([sys.executable, CARRY, path, desk / "space.vkey"], capture_output=True, check=False)
            assert (bad.returncode, bad.stderr[:9]) == (1, b"NOT VALID")


@pytest.mark.parametrize(
    "code", [code for code in ATTACKS if code not in NOT_ITS_OWN], ids=lambda code: str(code.value)
)
def test_the_carried_file_finds_what_a_dishonest_node_does(
    carried: ModuleType, desk: Path, tmp_path: Path, code: Code
) -> None:
    assert not taken(carried, desk, ATTACKS[code](specimen, tmp_path / "bundle"))


@pytest.mark.parametrize("name", [name for name, case in BROKEN.items() if case[2] is Code.TERMS_BROKEN])
def test_the_carried_file_holds_uses_to_the_terms(carried: ModuleType, desk: Path, tmp_path: Path, name: str) -> None:
    terms, use, _, _ = BROKEN[name]
    log = started(**terms)
    use(log)
    assert not taken(carried, desk, log.export(tmp_path / "bundle"))


@pytest.mark.parametrize("name", LIFE)
def test_the_carried_file_takes_contracts_as_signed(carried: ModuleType, desk: Path, tmp_path: Path, name: str) -> None:
    log = started()
    LIFE[name][0](log)
    assert not taken(carried, desk, log.export(tmp_path / "bundle"))


def test_the_carried_file_is_short_and_needs_nothing_of_ours() -> None:
    text = CARRY.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 540
    assert "yanmen" not in re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE)


def test_a_key_that_is_not_of_prime_order_is_refused(carried: ModuleType) -> None:
    carried.prime_order(specimen.SPACE_KEY.public)
    for bad in (
        bytes(32),
        b"\x01" + bytes(31),
        b"\xff" * 32,
        base64url.decode("7P_______________________________________38"),
    ):
        with pytest.raises(Exception, match="a key"):
            carried.prime_order(bad)
