"""COSE Receipts: foreign tools take the good ones and no byte of a bad one; ours takes no more than they do."""

import base64
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.cli.main import main
from yanmen.crypto import cose_receipts, documents, keys, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, cbor, cose_receipt, merkle, note
from yanmen.formats.cbor import Tag
from yanmen.formats.cose_receipt import Growth, Inclusion
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.note import VerifierKey
from yanmen.model.party import KeyUse
from yanmen.verify import cose

from tests.attacks.exchanged_keys import operator
from tests.system.town import run
from tests.unit.ledger.scene import SPACE_KEY as LEDGER_SPACE
from tests.unit.ledger.scene import Scene, papers
from tests.vectors import specimen
from tests.vectors.specimen import LOG_KEY, ORIGIN, SPACE, SPACE_KEY, signer

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ROOT / "scripts" / "foreign-auditors"
PYTHON = ROOT / ".venv" / "foreign" / "python" / "bin" / "python"
INDEX = 9
LOG = specimen.specimen()
SIZE = len(LOG.leaves)
ROOT_NOW = merkle.root(SIZE, LOG.reader())
KEY = keys.public_pem(LOG_KEY.public)


def inclusion(index: int = INDEX) -> bytes:
    path = merkle.inclusion(index, SIZE, LOG.reader())
    return cose_receipts.sign(ORIGIN, Inclusion(SIZE, index, path), ROOT_NOW, LOG_KEY)


def growth(old: int) -> bytes:
    return cose_receipts.sign(ORIGIN, Growth(old, SIZE, merkle.consistency(old, SIZE, LOG.reader())), ROOT_NOW, LOG_KEY)


@pytest.fixture(scope="module")
def judge() -> Callable[[list[dict[str, str]]], list[list[Any]]]:
    """Give the foreign judge of many cases at once."""
    done = subprocess.run([FOREIGN / "setup"], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == 3 and os.environ.get("CI") != "true":
        pytest.skip(f"foreign tools cannot be installed here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr

    def ask(cases: list[dict[str, str]]) -> list[list[Any]]:
        words = [PYTHON, FOREIGN / "cose.py"]
        told = subprocess.run(words, input=json.dumps(cases), capture_output=True, text=True, check=True, timeout=110)
        verdicts: list[list[Any]] = json.loads(told.stdout)
        return verdicts

    return ask


def case(ask: str, receipt: bytes, **more: bytes) -> dict[str, str]:
    named = {"receipt": receipt, **more}
    return {"ask": ask, "key": KEY} | {name: base64.b64encode(data).decode() for name, data in named.items()}


def root(size: int) -> bytes:
    return merkle.root(size, LOG.reader())


def test_foreign_tools_take_every_receipt(judge: Callable[[list[dict[str, str]]], list[list[Any]]]) -> None:
    made = [inclusion(index) for index in range(SIZE)]
    cases = [case("included", each, leaf=LOG.leaves[index]) for index, each in enumerate(made)]
    assert judge(cases) == [[True, SIZE, index, ORIGIN] for index in range(SIZE)]
    olds = range(1, SIZE)
    assert judge([case("grown", growth(old), old=root(old), new=ROOT_NOW) for old in olds]) == [
        [True, SIZE, old, ""] for old in olds
    ]
    assert all(verdict[0] for verdict in judge([case("canonical", each) for each in [*made, growth(5)]]))


def test_a_byte_changed_is_found_by_them(judge: Callable[[list[dict[str, str]]], list[list[Any]]]) -> None:
    good, leaf = inclusion(), LOG.leaves[INDEX]
    changed = [good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] for place in range(len(good))]
    cases = [case("included", each, leaf=leaf) for each in changed]
    # Some other size leads to the same root; RFC 9942 does not sign it, so that they take it. We sign it ourselves.
    assert all(verdict[1] != SIZE for verdict in judge(cases) if verdict[0])
    assert sum(verdict[0] for verdict in judge(cases)) <= 1


def test_a_byte_changed_is_found_by_us() -> None:
    members, older = specimen.register(), note.encode(LOG.checkpoint(7))
    checks: tuple[tuple[bytes, Callable[[bytes], object]], ...] = (
        (inclusion(), lambda data: cose.verify_included(data, LOG.leaves[INDEX], members)),
        (growth(7), lambda data: cose.verify_grown(data, older, members)),
    )
    for good, check in checks:
        check(good)
        for place in range(len(good)):
            with pytest.raises((Malformed, BadProof, BadSignature)):
                check(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])


def test_we_take_the_good_ones() -> None:
    members = specimen.register()
    said = cose.verify_included(inclusion(), LOG.leaves[INDEX], members)
    assert (said["index"], said["size"], said["origin"], said["stage"]) == (INDEX, SIZE, ORIGIN, "outcome")
    for old in (1, 7, 8, SIZE - 1):
        grown = cose.verify_grown(growth(old), note.encode(LOG.checkpoint(old)), members)
        assert (grown["old"], grown["new"]) == (old, SIZE)
    assert len(inclusion()) < 1024


def _another_leaf() -> object:
    return cose.verify_included(inclusion(), LOG.leaves[INDEX + 1], specimen.register())


def _growth_as_inclusion() -> object:
    return cose.verify_included(growth(7), LOG.leaves[INDEX], specimen.register())


def _inclusion_as_growth() -> object:
    return cose.verify_grown(inclusion(), note.encode(LOG.checkpoint(7)), specimen.register())


def _another_head() -> object:
    return cose.verify_grown(growth(7), note.encode(LOG.checkpoint(8)), specimen.register())


def _a_fork() -> object:
    fork = specimen.specimen("fork")
    return cose.verify_grown(growth(7), note.encode(fork.checkpoint(7)), specimen.register())


def _a_thief() -> object:
    path = merkle.inclusion(INDEX, SIZE, LOG.reader())
    bad = cose_receipts.sign(ORIGIN, Inclusion(SIZE, INDEX, path), ROOT_NOW, signer("thief"))
    return cose.verify_included(bad, LOG.leaves[INDEX], specimen.register())


def _a_thief_who_names_the_log_key() -> object:
    good = cose_receipt.decode(inclusion())
    forged = signer("thief").sign(cose_receipt.signing_input(good.protected, ROOT_NOW))
    return cose.verify_included(
        cose_receipt.encode(replace(good, signature=forged)), LOG.leaves[INDEX], specimen.register()
    )


def _another_log() -> object:
    """The signature names the log: a root of another year's log of the same key is not this one's."""
    good = cose_receipt.decode(inclusion())
    moved = replace(good, origin=ORIGIN.replace("2026", "2027"))
    return cose.verify_included(cose_receipt.encode(moved), LOG.leaves[INDEX], specimen.register())


def _a_note_for_a_receipt() -> object:
    signed = LOG.checkpoint().signatures[0].signature
    good = replace(cose_receipt.decode(inclusion()), signature=signed)
    return cose.verify_included(cose_receipt.encode(good), LOG.leaves[INDEX], specimen.register())


def _nobody_of_the_register() -> object:
    members = replace(specimen.register(), parties=())
    return cose.verify_included(inclusion(), LOG.leaves[INDEX], members)


def _an_attached_root() -> object:
    tag = cbor.decode(inclusion())
    assert isinstance(tag, Tag)
    assert isinstance(tag.value, list)
    tag.value[2] = ROOT_NOW
    return cose.verify_included(cbor.encode(tag), LOG.leaves[INDEX], specimen.register())


def _two_proofs() -> object:
    tag = cbor.decode(inclusion())
    assert isinstance(tag, Tag)
    assert isinstance(tag.value, list)
    loose: Any = tag.value[1]
    loose[396][-1] *= 2
    return cose.verify_included(cbor.encode(tag), LOG.leaves[INDEX], specimen.register())


@pytest.mark.parametrize(
    "forge",
    [
        _another_leaf,
        _growth_as_inclusion,
        _inclusion_as_growth,
        _another_head,
        _a_fork,
        _a_thief,
        _a_thief_who_names_the_log_key,
        _another_log,
        _a_note_for_a_receipt,
        _nobody_of_the_register,
        _an_attached_root,
        _two_proofs,
    ],
    ids=lambda forge: forge.__name__,
)
def test_it_is_not_taken(forge: Callable[[], object]) -> None:
    with pytest.raises((Malformed, BadProof, BadSignature)):
        forge()


def test_keys_count_by_their_place() -> None:
    log = operator()
    old = log.keys[KeyUse.LOG]
    index = log.exchange(KeyUse.LOG)
    size = len(log.leaves)
    proof = Inclusion(size, 3, merkle.inclusion(3, size, log.reader()))
    top = merkle.root(size, log.reader())
    register = log.register()
    cose.verify_included(cose_receipts.sign(ORIGIN, proof, top, log.keys[KeyUse.LOG]), log.leaves[3], register)
    with pytest.raises(BadSignature):
        cose.verify_included(cose_receipts.sign(ORIGIN, proof, top, old), log.leaves[3], register)
    before = Inclusion(index, 3, merkle.inclusion(3, index, log.reader()))
    data = cose_receipts.sign(ORIGIN, before, merkle.root(index, log.reader()), old)
    assert cose.verify_included(data, log.leaves[3], register)["size"] == index


def test_a_note_can_never_be_a_signing_input() -> None:
    note_text = notes.sign_note("x\n1\nAAAA\n", "x", LOG_KEY).text.encode()
    signed = cose_receipt.signing_input(cose_receipt.protected(ORIGIN, 20, bytes(32)), bytes(32))
    assert signed[:11] == b"\x84\x6aSignature"[:11]
    assert note_text[:1] != signed[:1]
    assert ORIGIN.encode()[:1] != signed[:1]


def test_the_node_writes_them_and_anybody_checks_them(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        older = ledger.checkpoint()
        size = ledger.size()
        scene.ask(ledger, contract)
        register = tmp_path / "register.jws"
        register.write_bytes(papers().register)
        key = tmp_path / "space.vkey"
        key.write_text(note.encode_key(VerifierKey(SPACE, LEDGER_SPACE.public)) + "\n")
        (tmp_path / "r.cose").write_bytes(ledger.cose_inclusion(size))
        (tmp_path / "g.cose").write_bytes(ledger.cose_growth(size))
        (tmp_path / "leaf.jws").write_bytes(ledger.leaf(size))
        (tmp_path / "older").write_text(older)
        with pytest.raises(BadProof):
            ledger.cose_inclusion(ledger.size())
        for old in (0, ledger.size()):
            with pytest.raises(BadProof):
                ledger.cose_growth(old)
    base = ("--register", register, "--space-key", key)
    code, said = run("verify-cose", tmp_path / "r.cose", "--leaf", tmp_path / "leaf.jws", *base)
    assert (code, said["valid"], said["index"]) == (0, True, size)
    code, said = run("verify-cose", tmp_path / "g.cose", "--checkpoint", tmp_path / "older", *base)
    assert (code, said["old"]) == (0, size)
    assert run("verify-cose", tmp_path / "g.cose", "--leaf", tmp_path / "leaf.jws", *base)[0] == 1
    (tmp_path / "space.vkey").write_text(note.encode_key(VerifierKey(SPACE, SPACE_KEY.public)) + "\n")
    if SPACE_KEY.public != LEDGER_SPACE.public:
        assert run("verify-cose", tmp_path / "r.cose", "--leaf", tmp_path / "leaf.jws", *base)[0] == 1
    assert main(["verify-cose", str(tmp_path / "r.cose")]) == 2


def test_the_kid_is_the_thumbprint() -> None:
    receipt = cose_receipt.decode(inclusion())
    assert base64url.encode(receipt.kid) == keys.thumbprint(LOG_KEY.public)
    assert documents.digest(cose_receipt.encode(receipt)) == documents.digest(inclusion())
