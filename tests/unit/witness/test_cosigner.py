"""The witness answers as C2SP tlog-witness says, and can be made to cosign one history only."""

import http.client
import sqlite3
import stat
import threading
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

import pytest
from yanmen.crypto import cosigning, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import add_checkpoint, checkpoint, cosignature, merkle, note
from yanmen.formats.add_checkpoint import AddCheckpoint
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note, VerifierKey
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode

from tests.unit.witness.conftest import NAME, Office
from tests.vectors import specimen
from tests.vectors.specimen import Log

WHERE = f"/{sha256(specimen.ORIGIN.encode()).hexdigest()}/checkpoint"


def call(office: Office, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", office.server.port, timeout=60)
    try:
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def add(office: Office, log: Log, old: int, size: int, path: tuple[bytes, ...] | None = None) -> tuple[int, str, bytes]:
    proof = merkle.consistency(old, size, log.reader()) if path is None and old <= size else path or ()
    body = add_checkpoint.encode(AddCheckpoint(old, proof, log.checkpoint(size)))
    return call(office, "POST", "/add-checkpoint", body)


def fork() -> Log:
    log = specimen.specimen()
    log.leaves[4] = specimen.specimen("another").leaves[4]
    return log


def latest(office: Office) -> int:
    status, _, body = call(office, "GET", WHERE)
    return checkpoint.decode(note.decode(body).text).size if status == HTTPStatus.OK else 0


def test_a_log_that_grows_is_cosigned(office: Office) -> None:
    log = specimen.specimen()
    old = 0
    for size in (3, 3, 8, 19):
        status, _, body = add(office, log, old, size)
        assert status == HTTPStatus.OK
        signed = Note(log.checkpoint(size).text, note.decode_signatures(body.decode()))
        assert cosigning.verify(signed, office.book.key) == office.clock.ms // 1000
        old = size
    status, kind, body = call(office, "GET", WHERE)
    assert (status, kind) == (HTTPStatus.OK, "text/plain; charset=utf-8")
    kept = note.decode(body)
    assert notes.verify_checkpoint(kept, specimen.ORIGIN, specimen.LOG_KEY.public).size == 19
    cosigning.verify(kept, office.book.key)


def test_a_stale_old_size_is_told_the_size(office: Office) -> None:
    log = specimen.specimen()
    add(office, log, 0, 8)
    for old in (0, 5, 9):
        assert add(office, log, old, 12) == (HTTPStatus.CONFLICT, "text/x.tlog.size", b"8\n")
    assert latest(office) == 8


def test_a_rollback_is_refused(office: Office) -> None:
    log = specimen.specimen()
    add(office, log, 0, 12)
    assert add(office, log, 0, 8)[0] == HTTPStatus.CONFLICT
    assert add(office, log, 12, 8)[0] == HTTPStatus.BAD_REQUEST
    assert latest(office) == 12


@pytest.mark.parametrize("size", [12, 19])
def test_a_fork_is_refused(office: Office, size: int) -> None:
    add(office, specimen.specimen(), 0, 12)
    status, kind, _ = add(office, fork(), 12, size)
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert kind != add_checkpoint.SIZE_TYPE
    assert latest(office) == 12


def test_a_proof_that_proves_nothing_is_refused(office: Office) -> None:
    log = specimen.specimen()
    assert add(office, log, 0, 8, (bytes(32),))[0] == HTTPStatus.UNPROCESSABLE_ENTITY
    add(office, log, 0, 8)
    for path in ((), (bytes(32),), merkle.consistency(7, 19, log.reader())):
        assert add(office, log, 8, 19, path)[0] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert latest(office) == 8


def _signed_by(name: str) -> bytes:
    log = specimen.specimen()
    head = Checkpoint(log.origin, 8, merkle.root(8, log.reader()))
    return note.encode(notes.sign_checkpoint(head, specimen.signer(name)))


def _broken(signed: bytes) -> bytes:
    good = note.decode(signed)
    line = good.signatures[0]
    other = note.NoteSignature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    return note.encode(Note(good.text, (other,)))


@pytest.mark.parametrize("forge", [lambda: _signed_by("a stranger"), lambda: _broken(_signed_by("log"))])
def test_a_head_the_log_did_not_sign_is_forbidden(office: Office, forge: Callable[[], bytes]) -> None:
    body = b"old 0\n\n" + forge()
    assert call(office, "POST", "/add-checkpoint", body)[0] == HTTPStatus.FORBIDDEN
    assert latest(office) == 0


def test_a_log_nobody_watches_is_not_found(office: Office) -> None:
    log = Log(specimen.Pinned("x"), origin=specimen.ORIGIN.replace("2026", "2025"))
    log.append(Stage.GENESIS, {})
    assert add(office, log, 0, 1)[0] == HTTPStatus.NOT_FOUND


GOOD = b"old 0\n\n" + note.encode(specimen.specimen().checkpoint(8))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        GOOD.replace(b"old 0", b"old 00"),
        GOOD.replace(b"old 0", b"old -1"),
        GOOD.replace(b"old 0", b"old"),
        GOOD.replace(b"old 0\n", b""),
        GOOD.replace(b"old 0\n", b"old 0\nAAAA\n"),
        GOOD.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" + b"A" * 43 + b"B\n"),
        GOOD.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        GOOD.replace(b"\n8\n", b"\n08\n"),
        GOOD.replace(b"\n8\n", b"\n8\n\xff"),
        GOOD.replace(b"\n8\n", b"\n0\n"),
        GOOD[:-1],
        GOOD + b"x",
        GOOD.replace(b"\n\n", b"\r\n\r\n"),
        b"x" * (add_checkpoint.BYTES_MAX + 1),
    ],
)
def test_what_is_no_request_is_bad(office: Office, body: bytes) -> None:
    assert call(office, "POST", "/add-checkpoint", body)[0] == HTTPStatus.BAD_REQUEST
    assert latest(office) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/add-checkpoint"), ("GET", "/0/checkpoint"), ("POST", "/"), ("GET", WHERE + "/x")],
)
def test_other_paths_are_not_found(office: Office, method: str, path: str) -> None:
    assert call(office, method, path)[0] == HTTPStatus.NOT_FOUND


def test_of_two_histories_sent_at_once_one_is_cosigned(office: Office) -> None:
    """Split view: many callers race with two branches of one log."""
    branches = (specimen.specimen(), fork())
    add(office, branches[0], 0, 3)
    won: list[int] = []
    gate = threading.Barrier(8)

    def race(number: int) -> None:
        gate.wait()
        status, _, _ = add(office, branches[number % 2], 3, 10 + number % 2)
        if status == HTTPStatus.OK:
            won.append(number % 2)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(won)) == 1
    assert latest(office) == 10 + won[0]


def test_what_was_cosigned_is_remembered_by_a_restart(office: Office, tmp_path: Path) -> None:
    add(office, specimen.specimen(), 0, 12)
    with WitnessBook.open(tmp_path / "witness.sqlite") as again:
        assert again.key == office.book.key
        assert [one.size for one in again.watched()] == [12]


def test_the_file_itself_never_goes_back(office: Office, tmp_path: Path) -> None:
    add(office, specimen.specimen(), 0, 12)
    with sqlite3.connect(tmp_path / "witness.sqlite", isolation_level=None) as db:
        for order in ("UPDATE log SET size = 3", "DELETE FROM log", "UPDATE witness SET seed = zeroblob(32)"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(order)
    db.close()
    assert stat.S_IMODE((tmp_path / "witness.sqlite").stat().st_mode) == 0o600


def test_a_witness_is_made_once_and_watches_a_log_with_one_key(office: Office, tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        WitnessBook.create(tmp_path / "witness.sqlite", NAME, SystemRandomness())
    assert caught.value.code is FaultCode.STORAGE
    for key in (specimen.signer("other").public, office.book.signer.public):
        with pytest.raises(Fault):
            office.book.watch(VerifierKey(specimen.ORIGIN, key))


def test_a_ledger_is_no_witness_and_a_witness_no_ledger(office: Office, tmp_path: Path) -> None:
    from tests.unit.ledger.scene import Scene

    with Scene(tmp_path / "ledger.sqlite").open():
        pass
    with pytest.raises(Fault):
        WitnessBook.open(tmp_path / "ledger.sqlite")
    with pytest.raises(Fault):
        Scene(tmp_path / "witness.sqlite").open()


def test_a_cosignature_is_the_one_of_the_specification() -> None:
    key = specimen.signer("witness")
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosignature.message(text, 1679315147) == f"cosignature/v1\ntime 1679315147\n{text}".encode()
    line = cosigning.cosign(text, "w", key, 1679315147)
    vkey = VerifierKey("w", key.public, note.COSIGNATURE)
    assert line.key_id == sha256(b"w\n\x04" + key.public).digest()[:4]
    assert line.signature[:8] == (1679315147).to_bytes(8, "big")
    assert note.decode_key(note.encode_key(vkey), note.COSIGNATURE) == vkey
    with pytest.raises(Malformed):
        note.decode_key(note.encode_key(vkey))
    assert cosigning.verify(Note(text, (line,)), vkey) == 1679315147
    later = note.NoteSignature("w", line.key_id, cosignature.encode(1679315148, line.signature[8:]))
    short = note.NoteSignature("w", line.key_id, line.signature[:-1])
    for forged in (Note(text.replace("3\n", "4\n", 1), (line,)), Note(text, (later,)), Note(text, (short,))):
        with pytest.raises(BadSignature):
            cosigning.verify(forged, vkey)
    with pytest.raises(BadSignature):
        cosigning.verify(Note(text, (line,)), VerifierKey("v", key.public, note.COSIGNATURE))
    with pytest.raises(Malformed):
        cosignature.decode(b"\xff" * 72)
