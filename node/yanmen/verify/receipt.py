"""One receipt, or two checkpoints, checked by whoever holds them and the node's keys."""

from collections.abc import Sequence

from yanmen.crypto import notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, merkle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import key_at
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import Note
from yanmen.model.party import KeyUse, Party


def verify_receipt(sdjwt: str, proof_text: str, receipt_key: bytes, log_key: bytes) -> dict[str, Json]:
    """Return what a receipt says, once all of this holds.

    1. `sdjwt` is a receipt: strict in every byte, its disclosures all referenced by its leaf, none twice.
    2. `receipt_key` signed the leaf.
    3. `proof_text` is a tlog-proof whose checkpoint `log_key` signed, for a log of the receipt's own node.
    4. The proof leads from the leaf to the checkpoint's root.

    The result holds the clear members and each disclosed slot under its name, and `index`, `origin`
    and `size` of its place in the log. Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    disclosed = receipts.verify_disclosed(sdjwt, receipt_key)
    head = disclosed.leaf.head
    inclusion = proof.decode(proof_text)
    log = checkpoint.decode(inclusion.checkpoint.text)
    if checkpoint.origin_node(log.origin) != head.iss:
        raise BadSignature("checkpoint of another node's log")
    notes.verify_checkpoint(inclusion.checkpoint, log.origin, log_key)
    leaf = merkle.leaf_hash(disclosed.leaf.jws)
    merkle.verify_inclusion(leaf, inclusion.index, log.size, inclusion.path, log.root)
    return {
        **{slot.value: value for slot, value in disclosed.slots.items()},
        "iat": head.iat_s,
        "index": inclusion.index,
        "intent": head.intent,
        "iss": head.iss,
        "jti": head.jti,
        "origin": log.origin,
        "size": log.size,
        "stage": head.stage.value,
    }


def verify_receipt_of(party: Party, sdjwt: str, proof_text: str) -> dict[str, Json]:
    """Return what a receipt of the node `party` says, as `verify_receipt` does, under the keys that count at its leaf.

    Where a key was exchanged, that is the one before up to the exchange and the one after from there on.
    """
    inclusion = proof.decode(proof_text)
    log = checkpoint.decode(inclusion.checkpoint.text)
    receipt_key = key_at(party, KeyUse.RECEIPT, log.origin, inclusion.index)
    log_key = key_at(party, KeyUse.LOG, log.origin, log.size - 1)
    return verify_receipt(sdjwt, proof_text, receipt_key, log_key)


def verify_consistency(
    old_checkpoint: bytes, new_checkpoint: bytes, hashes: Sequence[bytes], log_keys: Party | bytes
) -> Checkpoint:
    """Return the new checkpoint once the log signed both and `hashes` show that the new log begins with the old.

    `log_keys` is the log's key, or the node with the keys it had. Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    old_note, new_note = note.decode(old_checkpoint), note.decode(new_checkpoint)
    origin = checkpoint.decode(old_note.text).origin
    old, new = (_head(signed, origin, log_keys) for signed in (old_note, new_note))
    merkle.verify_consistency(old.size, new.size, hashes, old.root, new.root)
    return new


def _head(signed: Note, origin: str, log_keys: Party | bytes) -> Checkpoint:
    size = checkpoint.decode(signed.text).size
    key = log_keys if isinstance(log_keys, bytes) else key_at(log_keys, KeyUse.LOG, origin, size - 1)
    return notes.verify_checkpoint(signed, origin, key)
