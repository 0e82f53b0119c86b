"""Hashing to curve25519 as RFC 9380 has it, suite curve25519_XMD:SHA-512_ELL2_NU_; u-coordinates throughout.

Elligator 2 reaches points of the curve only, never of its twist: a hash used as a u-coordinate as it stands
would show one bit of what was hashed, whatever it is multiplied by. Many are hashed at once, so that one
inversion serves all of them (Montgomery). GMP's time depends on the values: only who knows them hashes them.
"""

import hashlib
from collections.abc import Iterable, Sequence

from gmpy2 import invert, legendre, mpz

from yanmen.formats.malformed import Malformed

POINT_BYTES = 32
FIELD = 2**255 - 19
_P = mpz(FIELD)
_J = mpz(486662)
_BLOCK = 128
_WIDE = 48
"""Bytes reduced modulo the field's prime (RFC 9380, section 5.3: L)."""
_DST_MAX = 255
_INFINITY = mpz(0)


def expand(message: bytes, dst: bytes, size: int) -> bytes:
    """Return `size` uniform bytes of `message` (expand_message_xmd with SHA-512, RFC 9380 §5.3.1)."""
    if not 0 < len(dst) <= _DST_MAX or not 0 < size <= _DST_MAX * 64:
        raise ValueError("not a domain or length that RFC 9380 admits")
    prime = dst + bytes((len(dst),))
    first = hashlib.sha512(bytes(_BLOCK) + message + size.to_bytes(2, "big") + b"\0" + prime).digest()
    block, blocks = hashlib.sha512(first + b"\1" + prime).digest(), []
    blocks.append(block)
    for number in range(2, -(-size // 64) + 1):
        mixed = (int.from_bytes(first, "big") ^ int.from_bytes(block, "big")).to_bytes(64, "big")
        block = hashlib.sha512(mixed + bytes((number,)) + prime).digest()
        blocks.append(block)
    return b"".join(blocks)[:size]


def encode(messages: Iterable[bytes], dst: bytes) -> list[bytes]:
    """Return the u-coordinate of each message's point, in the group of prime order (encode_to_curve)."""
    projective = [_cleared(*_map(int.from_bytes(expand(message, dst, _WIDE), "big"))) for message in messages]
    inverses = _inverses([z for _, z in projective])
    return [
        int(x * inverse % _P).to_bytes(POINT_BYTES, "little")
        for (x, _), inverse in zip(projective, inverses, strict=True)
    ]


def check(point: bytes) -> bytes:
    """Return `point`, the canonical u-coordinate of a point of the curve; `Malformed` for one of its twist."""
    u = int.from_bytes(point, "little")
    if len(point) != POINT_BYTES or u >= FIELD:
        raise Malformed("point: not a canonical coordinate")
    if legendre(u * (u * u + 486662 * u + 1), _P) != 1:
        raise Malformed("point: not on the curve, or of low order")
    return point


def _map(element: int) -> tuple[int, int]:
    """Return X and Z of the point `element` is mapped to (Elligator 2, RFC 9380 §6.7.1, with Z = 2)."""
    square = mpz(element) * element % _P
    z = (1 + 2 * square) % _P
    if z == 0:
        z = mpz(1)
    x = _P - _J
    # x1 = x / z is on the curve if x1^3 + J x1^2 + x1 is a square, which multiplied by z^4 it stays.
    value = (x * x * x + _J * x * x * z + x * z * z) * z % _P
    return (x, z) if legendre(value, _P) >= 0 else ((-x - _J * z) % _P, z)


def _cleared(x: int, z: int) -> tuple[int, int]:
    """Return X and Z of 8 times the point: three doublings (Montgomery 1987)."""
    for _ in range(3):
        xx, zz, xz = x * x, z * z, x * z
        difference = xx - zz
        x, z = difference * difference % _P, 4 * xz * (xx + _J * xz + zz) % _P
    return x, z


def _inverses(values: Sequence[int]) -> list[int]:
    """Return 1 / z for each z by one inversion, 0 for 0: the point at infinity has the coordinate 0."""
    products, running = [], mpz(1)
    for value in values:
        products.append(running)
        running = running * (value or 1) % _P
    inverse = invert(running, _P)
    found: list[int] = []
    for value, before in zip(reversed(values), reversed(products), strict=True):
        found.append(inverse * before % _P if value else _INFINITY)
        inverse = inverse * (value or 1) % _P
    found.reverse()
    return found
