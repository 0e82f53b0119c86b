"""COSE Receipts (RFC 9942) of a usage log, checked by whoever holds a leaf, or an older head, and the register."""

from yanmen.crypto import cose_receipts, notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64std, checkpoint, cose_receipt, note
from yanmen.formats.cose_receipt import CoseReceipt, Growth, Inclusion
from yanmen.formats.former_keys import key_at
from yanmen.formats.json_canonical import Json
from yanmen.model.party import LOG_KEEPERS, KeyUse, Party, Register


def verify_included(data: bytes, leaf: bytes, members: Register) -> dict[str, Json]:
    """Return what the leaf says and where it is, once the log's node signed it and the receipt `data` proves its place.

    Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    claimed = cose_receipt.decode(data)
    if not isinstance(claimed.proof, Inclusion):
        raise BadSignature("a receipt of consistency, not of inclusion")
    party, proof = _keeper(claimed, members), claimed.proof
    log_key = key_at(party, KeyUse.LOG, claimed.origin, proof.size - 1)
    cose_receipts.verify_inclusion(data, leaf, log_key)
    head = receipts.verify_leaf(leaf, key_at(party, KeyUse.RECEIPT, claimed.origin, proof.index)).head
    if head.iss != party.id:
        raise BadSignature("the leaf of another node")
    said: dict[str, Json] = {"iss": head.iss, "jti": head.jti, "stage": head.stage.value, "iat": head.iat_s}
    return {**said, "origin": claimed.origin, "index": proof.index, "size": proof.size}


def verify_grown(data: bytes, older: bytes, members: Register) -> dict[str, Json]:
    """Return the later head, once the receipt `data` proves that it grew out of the checkpoint `older`.

    Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    claimed = cose_receipt.decode(data)
    if not isinstance(claimed.proof, Growth):
        raise BadSignature("a receipt of inclusion, not of consistency")
    party, proof = _keeper(claimed, members), claimed.proof
    signed = note.decode(older)
    known = notes.verify_checkpoint(signed, claimed.origin, key_at(party, KeyUse.LOG, claimed.origin, proof.old - 1))
    if known.size != proof.old:
        raise BadSignature("a checkpoint of another size than the receipt begins with")
    _, root = cose_receipts.verify_growth(data, known.root, key_at(party, KeyUse.LOG, claimed.origin, proof.new - 1))
    return {"origin": claimed.origin, "old": proof.old, "new": proof.new, "root": base64std.encode(root)}


def _keeper(claimed: CoseReceipt, members: Register) -> Party:
    party = members.find(checkpoint.origin_node(claimed.origin))
    if party is None or party.role not in LOG_KEEPERS:
        raise BadSignature("the register lists no such node")
    return party
