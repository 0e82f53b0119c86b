"""Sign and verify C2SP notes: formats/note.py with a key."""

from functools import lru_cache

from yanmen.crypto import signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.note import Note, NoteSignature, VerifierKey
from yanmen.model.ports import Signer

HEADS = 16
"""Signed heads whose verification is remembered: one answer brings the same two to be looked at six times."""


def sign_note(text: str, name: str, signer: Signer) -> Note:
    """Return `text` signed by `signer` under the key name `name`."""
    key = VerifierKey(name=name, public=signer.public)
    return Note(text, (NoteSignature(name, key.key_id, signer.sign(text.encode())),))


def verify_note(signed: Note, key: VerifierKey) -> str:
    """Return the text of `signed` when `key` signed it; signatures of other keys are ignored."""
    ours = [item for item in signed.signatures if item.name == key.name and item.key_id == key.key_id]
    if not ours:
        raise BadSignature("no signature of this key")
    for item in ours:
        signatures.verify(key.public, signed.text.encode(), item.signature)
    return signed.text


def sign_checkpoint(head: Checkpoint, signer: Signer) -> Note:
    """Return `head` as a note signed by the log's own key, which bears the origin's name."""
    return sign_note(checkpoint.encode(head), head.origin, signer)


def signed_checkpoint(head: Checkpoint, signer: Signer) -> str:
    """Return the encoded note that `sign_checkpoint` returns."""
    text = checkpoint.encode(head)
    key_id = note.key_id(head.origin, signer.public)
    return note.encode_one(text, head.origin, key_id, signer.sign(text.encode()))


@lru_cache(maxsize=HEADS)
def verify_checkpoint(signed: Note, origin: str, public: bytes) -> Checkpoint:
    """Return the checkpoint in `signed` when the key `public` of the log `origin` signed it."""
    head = checkpoint.decode(verify_note(signed, VerifierKey(origin, public)))
    if head.origin != origin:
        raise BadSignature("checkpoint of another log")
    return head
