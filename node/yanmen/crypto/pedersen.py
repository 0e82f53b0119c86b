"""Vector Pedersen commitments on edwards25519: 32 bytes that bind to a whole table and hide it.

    C = t*H + x_0*G_0 + … + x_(n-1)*G_(n-1)          x_j integers of at most 64 bits, t modulo the group order

Hiding is unconditional, binding rests on discrete logarithms (Pedersen 1991). The generators are
hashed to the group by libsodium's `crypto_core_ed25519_from_uniform`, so nobody knows a relation
between them. Commitments add as their vectors do, so the sum of many can be checked against a
published total without any of them being opened.

The sums are computed with GMP by Pippenger's method, whose time depends on the values: only a
party that knows them computes one, on its own machine.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from threading import Lock

from gmpy2 import invert, mpz, powmod
from nacl.bindings import crypto_core_ed25519_from_uniform, crypto_core_ed25519_is_valid_point

from yanmen.formats.malformed import Malformed

POINT_BYTES = 32
ORDER = 2**252 + 27742317777372353535851937790883648493
"""The order l of the prime-order subgroup of edwards25519 (RFC 8032 §5.1)."""
VALUE_BITS = 64
_FIELD = 2**255 - 19
_P = mpz(_FIELD)
_D = mpz(-121665 * pow(121666, -1, _FIELD) % _FIELD)
_D2 = 2 * _D % _P
_SQRT_M1 = powmod(mpz(2), (_P - 1) // 4, _P)
_DOMAIN = b"yanmen-pedersen-1"


_Extended = tuple[int, int, int, int]
"""X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z (Hisil, Wong, Carter, Dawson 2008)."""
_Mixed = tuple[int, int, int]
"""y + x, y - x, 2*d*x*y of an affine point: what a mixed addition needs."""
_ZERO: _Extended = (mpz(0), mpz(1), mpz(1), mpz(0))

_cells: list[_Mixed] = []
_growing = Lock()


def commit(values: Sequence[int], blinding: int) -> bytes:
    """Return the commitment to `values` (each |x| < 2^64) under `blinding`, which must be secret and uniform."""
    if any(abs(value) >> VALUE_BITS for value in values):
        raise ValueError("a value is wider than 64 bits")
    if not 0 <= blinding < ORDER:
        raise ValueError("the blinding is not reduced modulo the group order")
    cells = _multiply(_generators(len(values)), values, VALUE_BITS)
    return _encode(_add(cells, _multiply([_blinding_generator()], [blinding], ORDER.bit_length())))


def add(commitments: Iterable[bytes]) -> bytes:
    """Return the commitment to the sum of what `commitments` are to; `Malformed` when one is no point of the group."""
    total = _ZERO
    for commitment in commitments:
        total = _add_mixed(total, _mixed(*_decode(check(commitment))))
    return _encode(total)


def check(commitment: bytes) -> bytes:
    """Return `commitment` when it is a canonical point of the prime-order group, not the neutral one."""
    if len(commitment) != POINT_BYTES or not crypto_core_ed25519_is_valid_point(commitment):
        raise Malformed("not a commitment")
    return commitment


def _generators(count: int) -> list[_Mixed]:
    with _growing:
        _cells.extend(_hashed(b"cell" + at.to_bytes(8, "big")) for at in range(len(_cells), count))
        return _cells[:count]


@lru_cache(maxsize=1)
def _blinding_generator() -> _Mixed:
    return _hashed(b"blinding")


def _hashed(name: bytes) -> _Mixed:
    uniform = hashlib.sha512(_DOMAIN + name).digest()[:POINT_BYTES]
    return _mixed(*_decode(crypto_core_ed25519_from_uniform(uniform)))


def _multiply(points: Sequence[_Mixed], values: Sequence[int], bits: int) -> _Extended:
    """Return the sum of `values[j] * points[j]` by Pippenger's buckets, high windows first."""
    window = _window(len(points))
    widest = max((abs(value).bit_length() for value in values), default=0)
    total = _ZERO
    for shift in range((min(widest, bits) + window - 1) // window * window - window, -1, -window):
        for _ in range(window):
            total = _double(total)
        total = _add(total, _sum_buckets(_fill(points, values, shift, window)))
    return total


def _fill(points: Sequence[_Mixed], values: Sequence[int], shift: int, window: int) -> list[_Extended | None]:
    """Return, for each digit, the sum of the points whose value has that digit at `shift`."""
    mask = (1 << window) - 1
    buckets: list[_Extended | None] = [None] * (mask + 1)
    for point, value in zip(points, values, strict=True):
        digit = (abs(value) >> shift) & mask
        if digit:
            so_far = buckets[digit]
            signed = point if value > 0 else _negative(point)
            buckets[digit] = _add_mixed(_ZERO if so_far is None else so_far, signed)
    return buckets


def _sum_buckets(buckets: Sequence[_Extended | None]) -> _Extended:
    """Return the sum of digit * bucket by running sums from the top."""
    running = total = _ZERO
    for bucket in reversed(buckets[1:]):
        if bucket is not None:
            running = _add(running, bucket)
        total = _add(total, running)
    return total


def _window(count: int) -> int:
    """Return the window that costs least: each adds `count` points and 2^window buckets."""
    return max(1, min(12, count.bit_length() - 3))


def _mixed(x: int, y: int) -> _Mixed:
    return (y + x) % _P, (y - x) % _P, _D2 * x * y % _P


def _negative(point: _Mixed) -> _Mixed:
    plus, minus, product = point
    return minus, plus, -product


def _add_mixed(left: _Extended, right: _Mixed) -> _Extended:
    x1, y1, z1, t1 = left
    plus, minus, product = right
    a, b, c, d = (y1 - x1) * minus % _P, (y1 + x1) * plus % _P, t1 * product % _P, z1 + z1
    return _complete(b - a, d - c, d + c, b + a)


def _add(left: _Extended, right: _Extended) -> _Extended:
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = t1 * t2 % _P * _D2 % _P, 2 * z1 * z2 % _P
    return _complete(b - a, d - c, d + c, b + a)


def _double(point: _Extended) -> _Extended:
    x, y, z, _ = point
    a, b, c = x * x % _P, y * y % _P, 2 * z * z % _P
    e = ((x + y) * (x + y) - a - b) % _P
    g = b - a
    return _complete(e, g - c, g, -a - b)


def _complete(e: int, f: int, g: int, h: int) -> _Extended:
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _encode(point: _Extended) -> bytes:
    x, y, z, _ = point
    inverse = invert(z, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return int(y | (x & 1) << 255).to_bytes(POINT_BYTES, "little")


def _decode(encoded: bytes) -> tuple[int, int]:
    """Return x and y of a point libsodium has accepted (RFC 8032 §5.1.3)."""
    packed = int.from_bytes(encoded, "little")
    y, odd = mpz(packed & (1 << 255) - 1), packed >> 255
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * powmod(v, 3, _P) * powmod(u * powmod(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _SQRT_M1 % _P
    if v * x * x % _P != u:
        raise Malformed("not a point of the curve")
    return (_P - x if x & 1 != odd else x), y
