"""Envelopes only one aggregator opens: HPKE (RFC 9180), base mode, ML-KEM-768 with X25519.

Suite MLKEM768-X25519 (X-Wing), HKDF-SHA256, ChaCha20-Poly1305: what is recorded today stays closed
to whoever has a quantum computer later, and to whoever breaks either half alone. `info` binds an
envelope to its question and its two ends, so that none opens in another's place.
"""

from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from yanmen.crypto import keys
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

SUITE = "MLKEM768-X25519, HKDF-SHA256, ChaCha20Poly1305"
PUBLIC_BYTES = 1184 + 32
SECRET_BYTES = 64 + 32
OVERHEAD = 1088 + 32 + 16
"""Bytes an envelope has beyond its content: encapsulated key and tag."""
_KEM_SEED = 64
_KEM_PUBLIC = 1184


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class Opener:
    """The private key of an aggregator's envelopes."""

    __slots__ = ("_private", "_public")

    def __init__(self, secret: bytes) -> None:
        """Hold the key that the 96 `secret` bytes are: an ML-KEM seed, then an X25519 key."""
        if len(secret) != SECRET_BYTES:
            raise ValueError("an envelope key has 96 bytes")
        lattice = MLKEM768PrivateKey.from_seed_bytes(secret[:_KEM_SEED])
        curve = X25519PrivateKey.from_private_bytes(secret[_KEM_SEED:])
        self._private = MLKEM768X25519PrivateKey(lattice, curve)
        self._public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    @property
    def public(self) -> bytes:
        """The raw public key: 1,184 bytes of ML-KEM-768, then 32 of X25519."""
        return self._public

    def open(self, envelope: bytes, info: bytes) -> bytes:
        """Return what is in `envelope`; `Malformed` when it was sealed for another key, or place, or altered."""
        try:
            return _suite().decrypt(envelope, self._private, info)
        except (InvalidTag, ValueError) as error:
            raise Malformed("an envelope that does not open") from error


def seal(public: bytes, content: bytes, info: bytes) -> bytes:
    """Return `content` in an envelope only the holder of `public` opens, and only with the same `info`."""
    return _suite().encrypt(content, parse_public(public), info)


def parse_public(public: bytes) -> MLKEM768X25519PublicKey:
    """Return the key that the raw bytes `public` are."""
    if len(public) != PUBLIC_BYTES:
        raise Malformed("not the public key of an envelope")
    try:
        lattice = MLKEM768PublicKey.from_public_bytes(public[:_KEM_PUBLIC])
        return MLKEM768X25519PublicKey(lattice, X25519PublicKey.from_public_bytes(public[_KEM_PUBLIC:]))
    except ValueError as error:
        raise Malformed("not the public key of an envelope") from error


def generate(path: Path, randomness: Randomness) -> Opener:
    """Make a key, write its secret bytes to the new file `path`, mode 0600, and return it."""
    secret = randomness.token(SECRET_BYTES)
    keys.write_private(path, secret)
    return Opener(secret)


def load(path: Path) -> Opener:
    """Return the key in the file `path`, which nobody but its owner may read."""
    secret = keys.read_private(path)
    try:
        return Opener(secret)
    except ValueError as error:
        raise Fault(FaultCode.KEYS, f"{path}: not an envelope key") from error
