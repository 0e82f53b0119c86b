"""What a witness answers, as C2SP tlog-witness numbers it.

Where the tagged specification and its later text differ (a head of the same size with another root:
409 or 422) the later one is followed, as other witnesses do: 409 then always carries a size.
"""

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from yanmen.crypto import cosigning, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import add_checkpoint, checkpoint, merkle, note
from yanmen.formats.add_checkpoint import AddCheckpoint
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.note import Note, NoteSignature
from yanmen.ledger.witness_book import Turn, Watched, WitnessBook
from yanmen.model.ports import Clock

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = TEXT


def add(book: WitnessBook, clock: Clock, body: bytes) -> Reply:
    """Cosign the head in `body`, durably remembered first, or say why not."""
    try:
        request = add_checkpoint.decode(body)
        head = checkpoint.decode(request.signed.text)
    except Malformed as error:
        return _no(HTTPStatus.BAD_REQUEST, str(error))
    with book.turn(head.origin) as turn:
        if turn is None:
            return _no(HTTPStatus.NOT_FOUND, "this log is not watched")
        refused = _refusal(turn.watched, request, head)
        if refused is not None:
            return refused
        ours = cosigning.cosign(request.signed.text, book.name, book.signer, clock.now_ms() // 1000)
        _remember(turn, head, request.signed, ours)
    return Reply(HTTPStatus.OK, note.encode_signatures([ours]).encode())


def latest(book: WitnessBook, digest: str) -> Reply:
    """Return the newest head cosigned of the log whose origin has the hex SHA-256 `digest`."""
    for watched in book.watched():
        if sha256(watched.key.name.encode()).hexdigest() == digest and watched.size:
            return Reply(HTTPStatus.OK, watched.note.encode())
    return _no(HTTPStatus.NOT_FOUND, "nothing was cosigned of this log")


def _refusal(watched: Watched, request: AddCheckpoint, head: Checkpoint) -> Reply | None:
    try:
        notes.verify_checkpoint(request.signed, watched.key.name, watched.key.public)
    except BadSignature as error:
        return _no(HTTPStatus.FORBIDDEN, str(error))
    if request.old > head.size:
        return _no(HTTPStatus.BAD_REQUEST, "the old size is above the new one")
    if request.old != watched.size:
        return Reply(HTTPStatus.CONFLICT, add_checkpoint.encode_size(watched.size), add_checkpoint.SIZE_TYPE)
    before = merkle.EMPTY_ROOT
    if watched.size:
        before = checkpoint.decode(note.decode(watched.note.encode()).text).root
    try:
        merkle.verify_consistency(request.old, head.size, request.path, before, head.root)
    except BadProof as error:
        return _no(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return None


def _remember(turn: Turn, head: Checkpoint, signed: Note, ours: NoteSignature) -> None:
    """Keep the head with the log's own signature and ours, for whoever asks what was seen."""
    key = turn.watched.key
    own = tuple(item for item in signed.signatures if (item.name, item.key_id) == (key.name, key.key_id))
    turn.advance(head.size, note.encode(Note(signed.text, (*own[:1], ours))).decode())


def _no(status: HTTPStatus, why: str) -> Reply:
    return Reply(status, f"{why}\n".encode())
