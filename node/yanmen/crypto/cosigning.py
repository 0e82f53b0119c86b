"""Make and verify a witness's cosignatures: formats/cosignature.py with a key."""

from yanmen.crypto import signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import cosignature, note
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note, NoteSignature, VerifierKey
from yanmen.model.ports import Signer


def cosign(text: str, name: str, signer: Signer, at_s: int) -> NoteSignature:
    """Return the witness `name`'s statement that at `at_s` the head `text` was the largest it saw."""
    key = VerifierKey(name, signer.public, note.COSIGNATURE)
    signed = signer.sign(cosignature.message(text, at_s))
    return NoteSignature(name, key.key_id, cosignature.encode(at_s, signed))


def verify(signed: Note, key: VerifierKey) -> int:
    """Return when the witness `key` cosigned `signed`; signatures of other keys are ignored."""
    ours = [item for item in signed.signatures if item.name == key.name and item.key_id == key.key_id]
    if not ours:
        raise BadSignature("no cosignature of this witness")
    times: list[int] = []
    for item in ours:
        try:
            at_s, signature = cosignature.decode(item.signature)
        except Malformed as error:
            raise BadSignature(str(error)) from error
        signatures.verify(key.public, cosignature.message(signed.text, at_s), signature)
        times.append(at_s)
    return max(times)
