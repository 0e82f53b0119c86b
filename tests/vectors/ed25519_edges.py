"""Ed25519 signatures at the edges of the curve, made from their definition, not copied: what implementations disagree on.

Every public key A and every R is one of 22 encodings: the eight points of low order in their fourteen spellings, and a
point of prime order with each of the eight added. The signature is the one that satisfies 8SB = 8R + 8kA. `residue` says
whether it holds only with that cofactor; `reencoded` that k was made from the canonical spelling.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)
TRIES = 64
"""Messages tried until the low-order parts cancel out, or do not: one in eight does either, where both can be."""


@dataclass(frozen=True)
class Spelled:
    """A point as it is written: `secret` times B and `low` times the point of order eight, and how it is written canonically."""

    low: int
    secret: int
    text: bytes
    canonical: bytes


@dataclass(frozen=True)
class Edge:
    """One signature of `message` and what is odd about it."""

    key: bytes
    message: bytes
    signature: bytes
    prime_order_key: bool
    prime_order_r: bool
    residue: bool
    reencoded: bool


def add(one: Point, other: Point) -> Point:
    """Return the sum on the twisted Edwards curve."""
    (a, b), (c, d) = one, other
    k = D * a * b * c * d % P
    return (a * d + b * c) * pow(1 + k, -1, P) % P, (b * d + a * c) * pow(1 - k, -1, P) % P


def times(scalar: int, point: Point) -> Point:
    """Return `point` added `scalar` times."""
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def x_of(y: int) -> int | None:
    """Return the even x of a point with this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return x if x % 2 == 0 else P - x
    return None


def encoded(point: Point) -> bytes:
    """Return the canonical encoding."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def base_point() -> Point:
    """Return the generator B: y is 4/5, x even."""
    y = 4 * pow(5, -1, P) % P
    x = x_of(y)
    assert x is not None
    return x, y


B = base_point()


def torsion() -> list[Point]:
    """Return the eight points of low order: multiples of one of order eight."""
    y = 2
    while True:
        x = x_of(y)
        found = IDENTITY if x is None else times(ORDER, (x, y))
        if times(4, found) != IDENTITY:
            return [times(number, found) for number in range(8)]
        y += 1


def spellings(point: Point) -> list[bytes]:
    """Return every encoding of a point of low order that some decoder reads: y unreduced, and the sign of x = 0."""
    x, y = point
    signs = (0, 1) if x == 0 else (x & 1,)
    return [(value | sign << 255).to_bytes(32, "little") for value in (y, y + P) if value < 2**255 for sign in signs]


def points() -> list[Spelled]:
    """Return the 22 encodings."""
    low = torsion()
    found = [Spelled(at, 0, text, encoded(each)) for at, each in enumerate(low) for text in spellings(each)]
    secret = int.from_bytes(hashlib.sha512(b"edge").digest(), "little") % ORDER
    for at, each in enumerate(low):
        text = encoded(add(times(secret, B), each))
        found.append(Spelled(at, secret, text, text))
    return found


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """Return k (RFC 8032, section 5.1.7)."""
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ORDER


def edges() -> Iterator[Edge]:
    """Yield every combination, with and without the cofactor needed, where both can be."""
    all_points = points()
    for key in all_points:
        for r in all_points:
            twice = key.text != key.canonical or r.text != r.canonical
            for reencoded in (False, True) if twice else (False,):
                yield from _combined(key, r, reencoded=reencoded)


def _combined(key: Spelled, r: Spelled, *, reencoded: bool) -> Iterator[Edge]:
    seen: set[bool] = set()
    for number in range(TRIES):
        message = b"edge %d" % number
        spelled = (r.canonical, key.canonical) if reencoded else (r.text, key.text)
        k = challenge(*spelled, message)
        residue = (r.low + k * key.low) % 8 != 0
        if residue in seen:
            continue
        seen.add(residue)
        s = (r.secret + k * key.secret) % ORDER
        signature = r.text + s.to_bytes(32, "little")
        prime_key, prime_r = (each.secret != 0 and each.low == 0 for each in (key, r))
        yield Edge(key.text, message, signature, prime_key, prime_r, residue, reencoded)
        if len(seen) == 2 or key.low == 0:
            return
