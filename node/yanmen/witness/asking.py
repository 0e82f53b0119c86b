"""The node's side: hand a head to a witness, and ask what it saw, over HTTP."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from yanmen.crypto import cosigning, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import add_checkpoint, checkpoint, note
from yanmen.formats.add_checkpoint import AddCheckpoint
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import NoteSignature, VerifierKey
from yanmen.model.config import Witness
from yanmen.model.refusal import Fault, FaultCode

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """The witness cosigned another size last than the one the node named."""

    size: int


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes


def key(witness: Witness) -> VerifierKey:
    """Return the key of `witness`."""
    return VerifierKey(witness.name, witness.public, note.COSIGNATURE)


def submit(witness: Witness, request: AddCheckpoint) -> tuple[NoteSignature, ...] | OutOfStep:
    """Return the witness's signatures over the head in `request`; a head it takes for a fork is a fault."""
    answer = _call(witness, "POST", "/add-checkpoint", add_checkpoint.encode(request))
    try:
        if answer.status == HTTPStatus.OK:
            own = key(witness)
            lines = note.decode_signatures(answer.body.decode("utf-8"))
            return tuple(item for item in lines if (item.name, item.key_id) == (own.name, own.key_id))
        if answer.status == HTTPStatus.CONFLICT and answer.content_type == add_checkpoint.SIZE_TYPE:
            return OutOfStep(add_checkpoint.decode_size(answer.body))
    except ValueError as error:
        raise Fault(FaultCode.REPLY_MALFORMED, f"{witness.name}: {error}") from error
    if answer.status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT}:
        raise Fault(FaultCode.LOG_BEHIND, f"{witness.name} saw another history of this log: it was forked")
    raise Fault(FaultCode.UNREACHABLE, f"{witness.name} answered {answer.status}")


def seen(witness: Witness, origin: str, key_at: Callable[[int], bytes]) -> Checkpoint | None:
    """Return the newest head of the log `origin` that `witness` shows with its cosignature, None when it knows none.

    `key_at` tells which key of the log signed a head of so many leaves.
    """
    digest = sha256(origin.encode()).hexdigest()
    answer = _call(witness, "GET", f"/{digest}/checkpoint", b"")
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status != HTTPStatus.OK:
        raise Fault(FaultCode.UNREACHABLE, f"{witness.name} answered {answer.status}")
    try:
        signed = note.decode(answer.body)
        cosigning.verify(signed, key(witness))
        return notes.verify_checkpoint(signed, origin, key_at(checkpoint.decode(signed.text).size))
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.REPLY_MALFORMED, f"{witness.name}: {error}") from error


def head(signed: str) -> tuple[note.Note, Checkpoint]:
    """Return a node's own signed head, read."""
    opened = note.decode(signed.encode())
    return opened, checkpoint.decode(opened.text)


def _call(witness: Witness, method: str, path: str, body: bytes) -> _Answer:
    where = urlsplit(witness.url)
    connection: HTTPConnection
    if where.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(where.hostname or "", where.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, where.path + path, body=body or None)
        response = connection.getresponse()
        data = response.read(note.BYTES_MAX + 1)
        return _Answer(response.status, response.headers.get("Content-Type", ""), data)
    except (OSError, HTTPException, ValueError) as error:
        raise Fault(FaultCode.UNREACHABLE, f"{witness.name} cannot be asked: {type(error).__name__}") from error
    finally:
        connection.close()
