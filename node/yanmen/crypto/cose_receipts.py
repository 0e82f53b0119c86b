"""Sign and verify COSE Receipts: formats/cose_receipt.py with the log's key.

The log key signs notes and these; neither can be taken for the other, for they begin with other bytes.
"""

from yanmen.crypto import keys, signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, cose_receipt, merkle
from yanmen.formats.cose_receipt import CoseReceipt, Growth, Inclusion, Proof
from yanmen.model.ports import Signer


def sign(origin: str, proof: Proof, root: bytes, log: Signer) -> bytes:
    """Return the receipt of the log `origin` that `proof` leads to `root`."""
    kid = _kid(log.public)
    header = cose_receipt.protected(origin, cose_receipt.covered(proof), kid)
    signed = log.sign(cose_receipt.signing_input(header, root))
    return cose_receipt.encode(CoseReceipt(origin, kid, proof, signed))


def verify_inclusion(data: bytes, leaf: bytes, public: bytes) -> CoseReceipt:
    """Return the receipt once `leaf` is where it says, under a root that `public` signed.

    Raises `Malformed`, `BadProof` or `BadSignature`.
    """
    receipt = cose_receipt.decode(data)
    if not isinstance(receipt.proof, Inclusion):
        raise BadSignature("a receipt of consistency, not of inclusion")
    proof = receipt.proof
    _check(receipt, merkle.inclusion_root(merkle.leaf_hash(leaf), proof.index, proof.size, proof.path), public)
    return receipt


def verify_growth(data: bytes, old_root: bytes, public: bytes) -> tuple[CoseReceipt, bytes]:
    """Return the receipt, and the root that `public` signed, of a tree that begins with the one of `old_root`.

    Raises `Malformed`, `BadProof` or `BadSignature`.
    """
    receipt = cose_receipt.decode(data)
    if not isinstance(receipt.proof, Growth):
        raise BadSignature("a receipt of inclusion, not of consistency")
    proof = receipt.proof
    root = merkle.consistency_root(proof.old, proof.new, proof.path, old_root)
    _check(receipt, root, public)
    return receipt, root


def _check(receipt: CoseReceipt, root: bytes, public: bytes) -> None:
    if receipt.kid != _kid(public):
        raise BadSignature("signed by another key")
    signatures.verify(public, cose_receipt.signing_input(receipt.protected, root), receipt.signature)


def _kid(public: bytes) -> bytes:
    return base64url.decode(keys.thumbprint(public))
