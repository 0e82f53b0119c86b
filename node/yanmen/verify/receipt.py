"""One receipt, or two checkpoints, checked by whoever holds them and the node's keys."""

from collections.abc import Sequence

from yanmen.crypto import notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, merkle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json


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


def verify_consistency(
    old_checkpoint: bytes, new_checkpoint: bytes, hashes: Sequence[bytes], log_key: bytes
) -> Checkpoint:
    """Return the new checkpoint once `log_key` signed both and `hashes` show that the new log begins with the old.

    Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    old_note, new_note = note.decode(old_checkpoint), note.decode(new_checkpoint)
    origin = checkpoint.decode(old_note.text).origin
    old = notes.verify_checkpoint(old_note, origin, log_key)
    new = notes.verify_checkpoint(new_note, origin, log_key)
    merkle.verify_consistency(old.size, new.size, hashes, old.root, new.root)
    return new
