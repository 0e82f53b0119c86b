"""COSE Receipts (RFC 9942) of an RFC 9162 tree with SHA-256: a COSE_Sign1 over the root, which a proof leads to.

Signing and verifying are in `yanmen.crypto.cose_receipts`; this module only reads and writes the bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.formats import cbor, checkpoint, decimals, merkle
from yanmen.formats.cbor import Cbor, Tag
from yanmen.formats.malformed import Malformed

SIGN1 = 18
"""The tag of COSE_Sign1 (RFC 9052 §4.2)."""
ALG, KID, CLAIMS, VDS, PROOFS = 1, 4, 15, 395, 396
EDDSA, RFC9162_SHA256, ISSUER, SUBJECT = -8, 1, 1, 2
"""What stands under `ALG` and `VDS`, and the CWT claims that name the log and the size of its tree."""
INCLUSION, CONSISTENCY = -1, -2
KID_BYTES = 32
SIGNATURE_BYTES = 64
_SIZE_MAX = 1 << 53


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The leaf `index` is in the tree of `size` leaves."""

    size: int
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """The tree of `new` leaves begins with that of `old` leaves."""

    old: int
    new: int
    path: tuple[bytes, ...]


Proof = Inclusion | Growth


@dataclass(frozen=True, slots=True)
class CoseReceipt:
    """A receipt: the log and the key (its JWK thumbprint) named in the protected header, a proof, a signature."""

    origin: str
    kid: bytes
    proof: Proof
    signature: bytes

    @property
    def protected(self) -> bytes:
        """The protected header's bytes, which are signed."""
        return protected(self.origin, self.size, self.kid)

    @property
    def size(self) -> int:
        """How many leaves the tree has whose root is signed."""
        return covered(self.proof)


def covered(proof: Proof) -> int:
    """Return the size of the tree that `proof` leads to the root of."""
    return proof.size if isinstance(proof, Inclusion) else proof.new


def protected(origin: str, size: int, kid: bytes) -> bytes:
    """Return the protected header of a receipt of the first `size` leaves of the log `origin` by the key `kid`.

    RFC 9942 leaves size and index in the unprotected header, where some sizes lead to the same root: ours is signed.
    """
    claims: Cbor = {ISSUER: origin, SUBJECT: decimals.encode(size)}
    header: Cbor = {ALG: EDDSA, KID: kid, CLAIMS: claims, VDS: RFC9162_SHA256}
    return cbor.encode(header)


def signing_input(header: bytes, root: bytes) -> bytes:
    """Return what is signed: the Sig_structure of RFC 9052 §4.4 over the detached root."""
    return cbor.encode(["Signature1", header, b"", root])


def encode(receipt: CoseReceipt) -> bytes:
    """Return the bytes of `receipt`; the root is detached, whoever reads it makes it from the proof."""
    proof = receipt.proof
    sizes = (proof.size, proof.index) if isinstance(proof, Inclusion) else (proof.old, proof.new)
    kind = INCLUSION if isinstance(proof, Inclusion) else CONSISTENCY
    loose: Cbor = {PROOFS: {kind: [cbor.encode([*sizes, list(proof.path)])]}}
    return cbor.encode(Tag(SIGN1, [receipt.protected, loose, None, receipt.signature]))


def decode(data: bytes) -> CoseReceipt:
    """Return the receipt that `data` is, with one proof of one kind; raises `Malformed`."""
    match cbor.decode(data):
        case Tag(number=18, value=[bytes() as header, {396: {**proofs}}, None, bytes() as signature]):
            origin, kid = _header(header)
        case _:
            raise Malformed("COSE receipt: not a COSE_Sign1 with a proof and a detached root")
    if len(signature) != SIGNATURE_BYTES or len(proofs) != 1:
        raise Malformed("COSE receipt: not one proof of one kind and an Ed25519 signature")
    receipt = CoseReceipt(origin, kid, _proof(proofs), signature)
    if encode(receipt) != data:  # holds the size that is signed to the proof's, too
        raise Malformed("COSE receipt: not in the one form")
    return receipt


def _header(data: bytes) -> tuple[str, bytes]:
    match cbor.decode(data):
        case {1: -8, 4: bytes() as kid, 15: {1: str() as origin, 2: str()}, 395: 1} if len(kid) == KID_BYTES:
            checkpoint.origin_node(origin)
            return origin, kid
        case _:
            raise Malformed("COSE receipt: another protected header")


def _proof(proofs: Mapping[object, object]) -> Proof:
    match proofs:
        case {-1: [bytes() as data]}:
            return Inclusion(*_numbers(data))
        case {-2: [bytes() as data]}:
            return Growth(*_numbers(data))
        case _:
            raise Malformed("COSE receipt: a proof of another kind, or more than one")


def _numbers(data: bytes) -> tuple[int, int, tuple[bytes, ...]]:
    match cbor.decode(data):
        case [int() as first, int() as second, [*path]] if path and max(first, second) < _SIZE_MAX:
            hashes = tuple(item for item in path if isinstance(item, bytes) and len(item) == merkle.HASH_BYTES)
        case _:
            raise Malformed("COSE receipt: not two sizes and a path")
    if len(hashes) != len(path) or min(first, second) < 0:
        raise Malformed("COSE receipt: not two sizes and a path of hashes")
    return first, second, hashes
