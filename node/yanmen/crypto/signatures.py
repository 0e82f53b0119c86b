"""Ed25519 verification; a signature counts only if libsodium accepts it (DESIGN §6).

Implementations differ on signatures with low-order points. Libsodium's accept set lies inside
OpenSSL's and Go's, so what is accepted here is accepted by an auditor's other tools.
"""

from functools import lru_cache

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import CryptoError

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64


class BadSignature(Exception):
    """This key did not sign this message, or is no key."""


@lru_cache(maxsize=4096)
def check_public(public: bytes) -> None:
    """Refuse a public key that is not canonical, has low order or lies outside the main subgroup."""
    if len(public) != PUBLIC_BYTES or not crypto_core_ed25519_is_valid_point(public):
        raise BadSignature("not an Ed25519 public key")


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return when `public` signed `message`; raise `BadSignature` otherwise."""
    check_public(public)
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature("signature is not 64 bytes")
    try:
        crypto_sign_open(signature + message, public)
    except CryptoError as error:
        raise BadSignature("signature does not verify") from error
