"""Issue and verify receipts: formats/receipt.py with a key and randomness."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yanmen.crypto import keys, signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import jws, receipt, receipt_draft
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Disclosed, Head, Leaf, Slot
from yanmen.model.ports import Randomness, Signer


class Issued(NamedTuple):
    """A signed leaf, and its disclosures in the order of their slots."""

    leaf: bytes
    disclosures: tuple[str, ...]

    @property
    def sdjwt(self) -> str:
        """The SD-JWT with every disclosure."""
        return receipt.join(self.leaf, self.disclosures)


def issue(head: Head, slots: Mapping[Slot, Json], signer: Signer, randomness: Randomness) -> Issued:
    """Return the signed leaf for the log and its disclosures."""
    salts = [randomness.token(receipt.SALT_BYTES) for _ in slots]
    decoys = [randomness.token(receipt.DIGEST_BYTES) for _ in range(receipt.DIGESTS - len(slots))]
    return issue_salted(head, slots, signer, salts, decoys)


def issue_salted(
    head: Head, slots: Mapping[Slot, Json], signer: Signer, salts: Sequence[bytes], decoys: Sequence[bytes]
) -> Issued:
    """Return the leaf and disclosures of `slots` under `salts`, with `decoys` for the rest: fresh random bytes all."""
    draft = receipt_draft.draft(head, slots, salts, decoys)
    signed = jws.signing_input_of(keys.thumbprint(signer.public), receipt.TYP, draft.encoded)
    return Issued(jws.join(signed, signer.sign(signed)), draft.disclosures)


def verify_leaf(data: bytes, public: bytes) -> Leaf:
    """Return the leaf `data` when the receipt key `public` signed it."""
    leaf = receipt.decode_leaf(data)
    check_signature(leaf, public)
    return leaf


def verify_disclosed(sdjwt: str, public: bytes) -> Disclosed:
    """Return the receipt `sdjwt` when the receipt key `public` signed its leaf."""
    disclosed = receipt.decode(sdjwt)
    check_signature(disclosed.leaf, public)
    return disclosed


def check_signature(leaf: Leaf, public: bytes) -> None:
    """Return when the receipt key `public` signed `leaf`."""
    if leaf.kid != keys.thumbprint(public):
        raise BadSignature("signed by another key")
    signatures.verify(public, leaf.signing_input, leaf.signature)
