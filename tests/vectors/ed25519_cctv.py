"""The 914 Ed25519 vectors of C2SP/CCTV (ed25519/ed25519vectors.json), made again from how they were made.

Key and R are each a point of low order, in every spelling, or such a point added to one secret multiple of B; k is the
first of 0 to 7, modulo 8, that leaves a low-order residue or none; the message is the first of a row that gives that k.
Order, numbers, texts and flags are those of the file, `SHA256` is that of its bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.vectors import ed25519_edges as curve

KEY = int.from_bytes(b"\x40" + b"\x42" * 31, "little") % curve.ORDER
NONCE = 0x2FEA45B611409D2C3DDEC4CA80A3B2F3F5636126FA3AF3704D87462799ABA05
"""The two secrets, of which the file's signatures with a point of low order on the other side tell."""
SHA256 = "60fc4d75083016ab0258b8bbda7496793d2f498e443b980e85481adaa07f5b9a"
"""Of the file's 351,077 bytes."""
torsion = cache(curve.torsion)


@dataclass(frozen=True)
class Side:
    """A key or an R: its low-order part, its secret, how it stands in the vector and how it is written canonically."""

    low: int
    secret: int
    text: bytes
    canonical: bytes


@dataclass(frozen=True)
class Vector:
    """One vector as the file has it."""

    number: int
    key: bytes
    signature: bytes
    message: str
    flags: tuple[str, ...]


def vectors() -> list[Vector]:
    """Return all of them, in order."""
    found: list[Vector] = []
    lows = sorted(range(8), key=lambda low: curve.encoded(torsion()[low]))
    keys = {low: _sides(low, KEY) for low in lows}
    nonces = {low: _sides(low, NONCE) for low in lows}
    for key in lows:
        for nonce in lows:
            for a, r, reencoded in _pairs(keys[key], nonces[nonce]):
                for residue in (True, False):
                    found.extend(_vector(len(found), a, r, residue=residue, reencoded=reencoded))
    return found


def text(all_vectors: list[Vector]) -> str:
    """Return the file."""
    shown = [
        {
            "number": one.number,
            "key": one.key.hex(),
            "sig": one.signature.hex(),
            "msg": one.message,
            "flags": list(one.flags) or None,
        }
        for one in all_vectors
    ]
    return json.dumps(shown, indent="\t") + "\n"


def _sides(low: int, secret: int) -> tuple[Side, Side, list[Side]]:
    """Return a point of low order, the same added to a secret one, and the point's other spellings."""
    point = torsion()[low]
    canonical = curve.encoded(point)
    mixed = curve.encoded(curve.add(curve.times(secret, curve.B), point))
    others = [Side(low, 0, text, canonical) for text in curve.spellings(point) if text != canonical]
    return Side(low, 0, canonical, canonical), Side(low, secret, mixed, mixed), others


def _pairs(
    keys: tuple[Side, Side, list[Side]], nonces: tuple[Side, Side, list[Side]]
) -> Iterator[tuple[Side, Side, bool]]:
    """Yield key, R and whether k is made of their canonical spellings."""
    key, mixed_key, other_keys = keys
    nonce, mixed_nonce, other_nonces = nonces
    yield from ((a, r, False) for a in (key, mixed_key) for r in (nonce, mixed_nonce))
    for a in other_keys:
        yield from ((a, nonce, False), (a, mixed_nonce, False), (a, mixed_nonce, True))
    for r in other_nonces:
        yield from ((key, r, False), (mixed_key, r, False), (mixed_key, r, True))
        yield from ((a, r, False) for a in other_keys)


def _vector(number: int, a: Side, r: Side, *, residue: bool, reencoded: bool) -> Iterator[Vector]:
    wanted = [k for k in range(8) if ((r.low + k * a.low) % 8 != 0) is residue]
    if not wanted:
        return
    spelled = (r.canonical, a.canonical) if reencoded else (r.text, a.text)
    message, k = _searched(spelled, wanted[0])
    shown = curve.challenge(r.text, a.text, message.encode())
    scalar = (r.secret + k * a.secret) % curve.ORDER
    flags = {
        "low_order_R": not r.secret,
        "low_order_A": not a.secret,
        "low_order_component_R": r.low != 0,
        "low_order_component_A": a.low != 0,
        "low_order_residue": (r.low + shown * a.low) % 8 != 0,
        "non_canonical_A": a.text != a.canonical,
        "non_canonical_R": r.text != r.canonical,
        "reencoded_k": reencoded,
    }
    named = tuple(name for name, holds in flags.items() if holds)
    yield Vector(number, a.text, r.text + scalar.to_bytes(32, "little"), message, named)


def _searched(spelled: tuple[bytes, bytes], wanted: int) -> tuple[str, int]:
    message, tried = "ed25519vectors", 0
    while (k := curve.challenge(*spelled, message.encode())) % 8 != wanted:
        tried += 1
        message = f"ed25519vectors {tried}"
    return message, k
