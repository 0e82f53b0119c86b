"""The auditor in Go, built on foreign packages only, accepts the honest log and nothing an operator could forge."""

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.crypto import cosigning, documents, notes, receipts
from yanmen.formats import base64url, bundle, merkle, note, proof, receipt, tiles
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.note import Note, VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Head
from yanmen.model.receipt import Stage

from tests.vectors import ed25519_cctv, ed25519_edges, specimen
from tests.vectors.specimen import Log, long_specimen

BUILD = Path(__file__).resolve().parents[2] / "scripts" / "go-auditor" / "build"
INDEX = 17


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("go") / "auditor"
    done = subprocess.run([BUILD, target], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == 3 and os.environ.get("CI") != "true":
        pytest.skip(f"Go cannot be installed here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return target


class Desk:
    """What the auditor was handed."""

    def __init__(self, path: Path, log: Log | None = None) -> None:
        self.log = log or long_specimen()
        path.mkdir()
        self.tiles = self.log.mirror(path / "tiles")
        self.space, self.register = path / "space.vkey", path / "register.jws"
        self.receipt, self.proof = path / "r.sdjwt", path / "r.tlog-proof"
        self.space.write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
        self.register.write_bytes(documents.sign_register(specimen.register(), specimen.SPACE_KEY))
        self.receipt.write_text(self.log.sdjwts[INDEX])
        self.proof.write_text(self.log.proof(INDEX))

    def cosign(self, name: str, text: str | None = None) -> Path:
        """Let the witness `name` cosign the mirror's head, or another `text`, and return its key file."""
        path = self.tiles / "checkpoint"
        signed, key = note.decode(path.read_bytes()), specimen.signer(name)
        line = cosigning.cosign(text or signed.text, "w", key, specimen.START_S)
        path.write_bytes(note.encode(Note(signed.text, (*signed.signatures, line))))
        vkey = self.tiles.with_name(f"{name}.vkey")
        vkey.write_text(note.encode_key(VerifierKey("w", key.public, note.COSIGNATURE)) + "\n")
        return vkey

    def run(
        self, auditor: Path, *, whole: bool = True, witness: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [auditor, "-space", self.space, "-register", self.register, "-tiles", self.tiles]
        if witness is not None:
            command += ["-witness", witness]
        if whole:
            command += ["-receipt", self.receipt, "-proof", self.proof]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


Tamper = Callable[[Desk], object]


def _edit(name: str, change: Callable[[bytes], bytes]) -> Tamper:
    def tamper(desk: Desk) -> None:
        path: Path = getattr(desk, name) if hasattr(desk, name) else desk.tiles / name
        good = path.read_bytes()
        assert change(good) != good
        path.write_bytes(change(good))

    return tamper


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if at >= 0 else _flip(len(data) + at)(data)


def _rewritten(change: Callable[[Log], object]) -> Tamper:
    """An operator with all its keys: the mirror and its head are made anew, the consumer holds its old receipt."""

    def tamper(desk: Desk) -> None:
        log = long_specimen()
        change(log)
        shutil.rmtree(desk.tiles)
        log.mirror(desk.tiles)

    return tamper


def _mirrored(desk: Desk, log: Log, head: bytes) -> None:
    shutil.rmtree(desk.tiles)
    log.mirror(desk.tiles)
    (desk.tiles / "checkpoint").write_bytes(head)


def _old_head(change: Callable[[Log], object]) -> Tamper:
    """The leaves are changed under the head that was signed before."""

    def tamper(desk: Desk) -> None:
        log = long_specimen()
        head = note.encode(log.checkpoint())
        change(log)
        _mirrored(desk, log, head)

    return tamper


def _put(index: int, leaf: bytes) -> Callable[[Log], None]:
    return lambda log: log.leaves.__setitem__(index, leaf)


def _swap(log: Log) -> None:
    log.leaves[30], log.leaves[31] = log.leaves[31], log.leaves[30]


def _signed_anew(**said: object) -> bytes:
    """Return a leaf that the node's own key signed."""
    head = {"iss": specimen.NODE, "iat_s": specimen.START_S, "jti": "ab" * 16, "stage": Stage.REFUSED}
    head |= {"intent": base64url.encode(bytes(32)), **said}
    random = specimen.Pinned("forger")
    return receipts.issue(Head(**head), {}, specimen.RECEIPT_KEY, random).leaf  # type: ignore[arg-type]


def _foreign_leaf() -> bytes:
    head = Head(specimen.NODE, specimen.START_S, "ab" * 16, Stage.REFUSED, base64url.encode(bytes(32)))
    return receipts.issue(head, {}, specimen.signer("a stranger"), specimen.Pinned("stranger")).leaf


def _head_by_another_key(desk: Desk) -> None:
    log = desk.log
    head = Checkpoint(log.origin, len(log.leaves), merkle.root(len(log.leaves), log.reader()))
    (desk.tiles / "checkpoint").write_bytes(note.encode(notes.sign_checkpoint(head, specimen.signer("a stranger"))))


def _huge(desk: Desk) -> None:
    head = Checkpoint(desk.log.origin, 2**62, bytes(32))
    (desk.tiles / "checkpoint").write_bytes(note.encode(notes.sign_checkpoint(head, specimen.LOG_KEY)))


def _entry_in_tile_only(desk: Desk) -> None:
    file = desk.tiles / "tile/entries/001.p/13"
    entries = list(tiles.decode_entries(file.read_bytes(), 13))
    entries[3], entries[4] = entries[4], entries[3]
    file.write_bytes(tiles.encode_entries(entries))


def _proof_of_fork(desk: Desk) -> None:
    log = long_specimen()
    log.leaves[40] = log.leaves[41]
    desk.proof.write_text(log.proof(INDEX))


def _proof_newer(desk: Desk) -> None:
    log = long_specimen()
    log.refuse("", "REQUEST_EXPIRED")
    desk.proof.write_text(log.proof(INDEX))


def _proof_of_other_index(desk: Desk) -> None:
    path = merkle.inclusion(INDEX, len(desk.log.leaves), desk.log.reader())
    desk.proof.write_text(proof.encode(Proof(INDEX - 1, path, desk.log.checkpoint())))


def _register_by_stranger(desk: Desk) -> None:
    desk.register.write_bytes(documents.sign_register(specimen.register(), specimen.signer("a stranger")))


def _other_space_key(desk: Desk) -> None:
    key = VerifierKey(specimen.SPACE, specimen.signer("a stranger").public)
    desk.space.write_text(note.encode_key(key) + "\n")


TAMPERED: dict[str, Tamper] = {
    "register altered": _edit("register", _flip(200)),
    "register signed by a stranger": _register_by_stranger,
    "another space key": _other_space_key,
    "head altered": _edit("checkpoint", _flip(75)),
    "head of another size": _edit("checkpoint", lambda data: data.replace(b"\n269\n", b"\n268\n")),
    "head signature altered": _edit("checkpoint", _flip(-10)),
    "head signed by another key": _head_by_another_key,
    "head of a size that cannot be": _huge,
    "tile altered": _edit("tile/0/000", _flip(4000)),
    "tile cut": _edit("tile/0/000", lambda data: data[:-32]),
    "partial tile altered": _edit("tile/0/001.p/13", _flip(40)),
    "tile of level 1 altered": _edit("tile/1/000.p/1", _flip(31)),
    "tile missing": lambda desk: (desk.tiles / "tile/1/000.p/1").unlink(),
    "entry altered": _edit("tile/entries/000", _flip(100_000)),
    "entry signature altered": _edit("tile/entries/000", _flip(2561)),
    "entry dropped": _edit("tile/entries/001.p/13", lambda data: data[2562:]),
    "entry doubled": _edit("tile/entries/001.p/13", lambda data: data + data[:2562]),
    "entries swapped in their bundle": _entry_in_tile_only,
    "entries missing": lambda desk: (desk.tiles / "tile/entries/000").unlink(),
    "leaf replaced under the old head": _old_head(_put(40, _signed_anew(jti="cd" * 16))),
    "leaf deleted under the old head": _old_head(lambda log: log.leaves.pop(40)),
    "leaves swapped under the old head": _old_head(_swap),
    "leaf inserted under the old head": _old_head(lambda log: log.leaves.insert(40, log.leaves[40])),
    "last leaf cut off under the old head": _old_head(lambda log: log.leaves.pop()),
    "history signed anew: leaf twice": _rewritten(_put(40, long_specimen().leaves[41])),
    "history signed anew: leaf of a stranger": _rewritten(_put(40, _foreign_leaf())),
    "history signed anew: leaf of another node": _rewritten(_put(40, _signed_anew(iss=specimen.CONSUMER))),
    "history signed anew: time goes back": _rewritten(_put(40, _signed_anew())),
    "history signed anew: second genesis": _rewritten(
        _put(40, _signed_anew(stage=Stage.GENESIS, iat_s=specimen.START_S + 60 * 40))
    ),
    "history signed anew: no genesis": _rewritten(_put(0, _signed_anew())),
    "history signed anew: text for a leaf": _rewritten(_put(40, b"x" * 2560)),
    "history signed anew: the receipt's leaf replaced": _rewritten(
        _put(INDEX, _signed_anew(iat_s=specimen.START_S + 60 * INDEX))
    ),
    "history signed anew: the receipt's leaf left out": _rewritten(lambda log: log.leaves.pop(INDEX)),
    "history signed anew: shorter than the receipt's head": _rewritten(lambda log: log.leaves.pop()),
    "receipt altered": _edit("receipt", _flip(300)),
    "receipt of another leaf": lambda desk: desk.receipt.write_text(desk.log.sdjwts[INDEX - 1]),
    "disclosure altered": _edit("receipt", _flip(2600)),
    "disclosure added": _edit("receipt", lambda data: data + b"WyJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwicHJpY2UiLDBd~"),
    "disclosure doubled": _edit("receipt", lambda data: data + data.split(b"~")[1] + b"~"),
    "proof altered": _edit("proof", _flip(60)),
    "proof of another index": _proof_of_other_index,
    "proof from a fork": _proof_of_fork,
    "proof newer than the mirror": _proof_newer,
    "proof's head altered": _edit("proof", _flip(-10)),
}


def test_the_honest_log_is_valid(auditor: Path, tmp_path: Path) -> None:
    for name, log in (("short", specimen.specimen()), ("long", long_specimen())):
        desk = Desk(tmp_path / name, log)
        done = desk.run(auditor)
        said = f"VALID: {len(log.leaves)} leaves of {specimen.ORIGIN}; the receipt is leaf {INDEX}\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
        assert desk.run(auditor, whole=False).returncode == 0


def test_a_proof_under_an_older_head_is_valid(auditor: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    for size in (INDEX + 1, 200, 256, 268):
        desk.proof.write_text(desk.log.proof(INDEX, size))
        assert desk.run(auditor).returncode == 0


def test_leaving_disclosures_out_is_allowed(auditor: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    desk.receipt.write_text(desk.receipt.read_text().split("~")[0] + "~")
    assert desk.run(auditor).returncode == 0


def test_what_a_witness_cosigned_is_valid_and_what_it_did_not_is_not(auditor: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    witness = desk.cosign("witness")
    assert desk.run(auditor, witness=witness).returncode == 0
    assert desk.run(auditor).returncode == 0
    never, forged = Desk(tmp_path / "never"), Desk(tmp_path / "forged")
    forged.cosign("witness", "another head\n")
    for other in (never, forged):
        done = other.run(auditor, witness=witness)
        assert (done.returncode, done.stderr[:18]) == (1, "NOT VALID: witness")


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_not(auditor: Path, tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path / "desk")
    TAMPERED[name](desk)
    # Without the receipt where the mirror alone must give the lie away.
    done = desk.run(auditor, whole=any(word in name for word in ("receipt", "disclosure", "proof")))
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("NOT VALID:")


def test_a_bundle_and_a_mirror_have_leaves_of_one_length() -> None:
    assert {len(leaf) for leaf in long_specimen().leaves} == {receipt.LEAF_BYTES}
    assert bundle.INDEX_MAX + 1 == 100_000_000  # the largest size the program in Go reads


def test_one_byte_changed_anywhere_is_found(auditor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of what `scripts/bench forgeries` tries: register, receipt, proof, cosigned head, tiles and entries."""
    monkeypatch.syspath_prepend(str(BUILD.parents[1]))
    forgeries = importlib.import_module("bench_files.forgeries")
    assert list(forgeries.mutated(tmp_path / "desk", auditor, 120)) == []


def test_signatures_at_the_edges_of_the_curve_count_as_they_do_for_us(auditor: Path, tmp_path: Path) -> None:
    edges = list(ed25519_edges.edges())
    file = tmp_path / "edges"
    file.write_text("".join(f"{one.key.hex()} {one.message.hex()} {one.signature.hex()}\n" for one in edges))
    done = subprocess.run([auditor, "-vectors", file], capture_output=True, text=True, check=True, timeout=60)
    counts = ["true" if one.prime_order_key and one.prime_order_r and not one.residue else "false" for one in edges]
    assert done.stdout.split() == counts
    assert "true" in counts


def test_the_published_vectors_count_by_their_flags(auditor: Path, tmp_path: Path) -> None:
    vectors, file = ed25519_cctv.vectors(), tmp_path / "cctv"
    rows = ((one.key, one.message.encode(), one.signature) for one in vectors)
    file.write_text("".join(f"{key.hex()} {message.hex()} {signature.hex()}\n" for key, message, signature in rows))
    done = subprocess.run([auditor, "-vectors", file], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["false" if one.flags else "true" for one in vectors]
