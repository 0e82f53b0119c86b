"""Hashing to curve25519 as RFC 9380 has it, suite curve25519_XMD:SHA-512_ELL2_NU_; u-coordinates throughout.

Elligator 2 reaches points of the curve only, never of its twist: a hash used as a u-coordinate as it stands
would show one bit of what was hashed, whatever it is multiplied by. The suite's last step, the multiplication by
the cofactor 8, is left to X25519, whose scalars are multiples of it: 8m times the point that was mapped to is m
times the one that was hashed to. Many are hashed at once, so that one inversion serves all of them (Montgomery).
GMP's time depends on the values: only who knows them hashes them.
"""

import hashlib
from collections.abc import Callable, Sequence

from gmpy2 import invert, legendre, mpz

from yanmen.formats.malformed import Malformed

POINT_BYTES = 32
FIELD = 2**255 - 19
_P = mpz(FIELD)
_J = mpz(486662)
_JJ = _J * _J
_SQUARE = legendre(_J, _P)
_BLOCK = 128
_WIDE = 48
"""Bytes reduced modulo the field's prime (RFC 9380, section 5.3: L)."""
_DST_MAX = 255


def mapped(messages: Sequence[bytes], dst: bytes) -> list[bytes]:
    """Return the u-coordinate of the point each message is mapped to: 8 times that is encode_to_curve of it."""
    expanded, read = _expanding(dst), mpz.from_bytes
    elements = [read(expanded(message), "big") for message in messages]
    denominators = [1 + 2 * (element * element % _P) for element in elements]
    return [
        _on_curve(z, inverse).to_bytes(POINT_BYTES, "little")
        for z, inverse in zip(denominators, _inverses(denominators), strict=True)
    ]


def checked(points: bytes) -> list[bytes]:
    """Return `points` one by one, each the canonical u-coordinate of a point of the curve.

    `Malformed` for what is cut, for a point of the curve's twist, and for 0; other points of low order are left to
    X25519, which refuses them.
    """
    if len(points) % POINT_BYTES:
        raise Malformed("points: cut within one")
    each = [points[at : at + POINT_BYTES] for at in range(0, len(points), POINT_BYTES)]
    read = mpz.from_bytes
    for point in each:
        u = read(point, "little")
        if u >= _P:
            raise Malformed("point: not a canonical coordinate")
        if legendre(u * (u * (u + _J) + 1) % _P, _P) != 1:
            raise Malformed("point: not on the curve, or of low order")
    return each


def _expanding(dst: bytes) -> Callable[[bytes], bytes]:
    """Return what makes uniform bytes of a message (expand_message_xmd with SHA-512, RFC 9380 §5.3.1).

    What all messages have in common is hashed once; the bytes are fewer than a digest has, so that the second is all.
    """
    if not 0 < len(dst) <= _DST_MAX:
        raise ValueError("not a domain that RFC 9380 admits")
    prime = dst + bytes((len(dst),))
    padded = hashlib.sha512(bytes(_BLOCK)).copy
    after, last = _WIDE.to_bytes(2, "big") + b"\0" + prime, b"\1" + prime

    def expanded(message: bytes) -> bytes:
        first = padded()
        first.update(message + after)
        return hashlib.sha512(first.digest() + last).digest()[:_WIDE]

    return expanded


def _on_curve(z: mpz, inverse: mpz) -> mpz:
    """Return the u-coordinate that `z`, 1 + 2 times a square, is mapped to (Elligator 2, RFC 9380 §6.7.1, with Z = 2).

    x1 = -J / z is on the curve if x1^3 + J x1^2 + x1 is a square; that times z^4 is -J z (z^2 - J^2 z + J^2), -1 being
    a square. If not, x2 = -x1 - J is. No z is 0, for 2 is no square and -1/2 is none.
    """
    negated = inverse * _J % _P
    on_curve = legendre(z * (z * (z - _JJ) + _JJ) % _P, _P) == _SQUARE
    return _P - negated if on_curve else (negated - _J) % _P


def _inverses(values: Sequence[mpz]) -> list[mpz]:
    """Return 1 / z for each z, none of which is 0, by one inversion."""
    products, running = [], mpz(1)
    for value in values:
        products.append(running)
        running = running * value % _P
    running = invert(running, _P)
    found: list[mpz] = []
    for value, before in zip(reversed(values), reversed(products), strict=True):
        found.append(running * before % _P)
        running = running * value % _P
    found.reverse()
    return found
