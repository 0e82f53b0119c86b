"""Blinds lists of identifiers under a secret of one question: H(x)^a, and again H(x)^(ab) (Meadows 1986).

X25519 by OpenSSL (RFC 7748): its clamped scalars are multiples of the cofactor, so that what an alien point
has outside the group of prime order falls away, and it refuses what gives zero. Under decisional Diffie-Hellman
a list blinded under an unknown secret looks like as many random points, in an order that is random itself.
"""

from collections.abc import Iterable, Iterator, Sequence

from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yanmen.crypto import curve25519
from yanmen.crypto.curve25519 import POINT_BYTES
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness

DST = b"yanmen-join-1-with-curve25519_XMD:SHA-512_ELL2_NU_"
SECRET_BYTES = 32
TAG_BYTES = 16
AT_ONCE = 4096
"""Points hashed with one inversion."""


def secret(randomness: Randomness) -> bytes:
    """Return a fresh secret; every question has its own."""
    return randomness.token(SECRET_BYTES)


def blind(key: bytes, messages: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the points of `messages` under `key`, some at a time."""
    waiting: list[bytes] = []
    for message in messages:
        waiting.append(message)
        if len(waiting) == AT_ONCE:
            yield _multiplied(key, curve25519.mapped(waiting, DST))
            waiting = []
    if waiting:
        yield _multiplied(key, curve25519.mapped(waiting, DST))


def blind_again(key: bytes, points: bytes) -> bytes:
    """Return `points` of another party under `key` as well, in their order; `Malformed` for what is none."""
    return _multiplied(key, curve25519.checked(points))


def tags(points: bytes) -> bytes:
    """Return what is compared of points that every party has blinded: half of each."""
    return b"".join(points[at : at + TAG_BYTES] for at in range(0, len(points), POINT_BYTES))


def _multiplied(key: bytes, points: Sequence[bytes]) -> bytes:
    # X25519PublicKey.from_public_bytes is this after an import and a question about OpenSSL, which cost as much again.
    multiplied, read = X25519PrivateKey.from_private_bytes(key).exchange, openssl.x25519.from_public_bytes
    try:
        return b"".join([multiplied(read(point)) for point in points])
    except ValueError as error:
        raise Malformed("point: of low order") from error
