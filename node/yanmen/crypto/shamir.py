"""Shamir sharing of a table over 2^61 - 1 among five, of whom any three open it and any two learn nothing.

Each cell is the value at 0 of a polynomial of degree 2, the aggregator at place m holds its value at
m (Shamir 1979); the commitment's blinding is shared alike modulo the order of its group. The values at
1 and 2 are AES-256-CTR streams of fresh keys and with the cells fix the rest: that is as uniform as
choosing coefficients. docs/FORMATS.md has the degree test and what each party sees.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from yanmen.crypto import mersenne
from yanmen.crypto.mersenne import P, Residues
from yanmen.crypto.pedersen import ORDER
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import MASKS, PLACES, Point, SeedPoint, SumPoint, WholePoint
from yanmen.formats.share import BLINDING_BYTES, CELL_BYTES, SEED_BYTES
from yanmen.model.federation import OPENING
from yanmen.model.ports import Randomness

COEFFICIENTS = OPENING
SEEDED = PLACES[: OPENING - 1]
"""Places whose shares are seeds."""
_WIDE = 64
_SPARE = 8
"""Words drawn beyond those needed: one of 2^61 is skipped."""
_DOMAIN = b"yanmen-degree-1\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """What one point stands for: cells with their masks after them (none in a sum), blinding and its mask."""

    cells: Residues
    blinding: int
    mask: int


@dataclass(frozen=True, slots=True)
class Degree:
    """The polynomials of the degree test: `rows` over p, `blinding` modulo the group's order; coefficients from x^0."""

    rows: tuple[tuple[int, ...], ...]
    blinding: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A total that some sums agree on: `supporters` are the places whose sums lie on its polynomial."""

    supporters: frozenset[int]
    values: tuple[int, ...]
    blinding: int


def split(values: Sequence[int], blinding: int, randomness: Randomness) -> tuple[Point, ...]:
    """Return five points of `values` (each within 60 bits and a sign) and `blinding`, with uniform masks."""
    if not 0 <= blinding < ORDER:
        raise ValueError("the blinding is not reduced modulo the group order")
    masks = _stream(randomness.token(SEED_BYTES), MASKS, 1)
    secret = Opened(
        np.concatenate([mersenne.encode(np.array(values, dtype=np.int64)), masks[0]]), blinding, masks[1][0]
    )
    seeds = [SeedPoint(place, len(values), randomness.token(SEED_BYTES)) for place in SEEDED]
    known = {0: secret} | {seed.place: expand(seed) for seed in seeds}
    return (*seeds, *(_whole(place, _at(known, place)) for place in PLACES[len(SEEDED) :]))


def expand(point: Point) -> Opened:
    """Return what `point` stands for; `Malformed` when a number is not reduced."""
    match point:
        case SeedPoint():
            cells, (blinding, mask) = _stream(point.seed, point.cells + MASKS, 2)
            return Opened(cells, blinding, mask)
        case WholePoint():
            return Opened(_cells(point.vector), _scalar(point.blinding), _scalar(point.mask))
        case SumPoint():
            return Opened(_cells(point.vector), _scalar(point.blinding), 0)


def total(points: Iterable[Point], place: int, cells: int) -> SumPoint:
    """Return the sum of dealers' points at one place, without their masks."""
    summed, blinding = np.zeros(cells, dtype=np.uint64), 0
    for point in points:
        if (point.place, point.cells) != (place, cells) or isinstance(point, SumPoint):
            raise Malformed("point: of another table or place")
        opened = expand(point)
        summed = mersenne.add(summed, opened.cells[:cells])
        blinding = (blinding + opened.blinding) % ORDER
    return SumPoint(place, _bytes(blinding), summed.astype("<u8").tobytes())


def challenge(manifest_sha256: str, dealer: str, commitment: bytes, digests: Sequence[bytes]) -> bytes:
    """Return the public coin of one dealing: fixed by everything the dealer has fixed before."""
    said = _DOMAIN + bytes.fromhex(manifest_sha256) + dealer.encode("ascii") + b"\n" + commitment + b"".join(digests)
    return hashlib.sha256(said).digest()


def degree(points: Sequence[Point], coin: bytes) -> Degree:
    """Return what a dealer publishes of its polynomials, blinded by their masks."""
    shown = [_combined(point, coin) for point in points[:COEFFICIENTS]]
    rows = tuple(_coefficients([one.rows[row][0] for one in shown], P) for row in range(MASKS))
    return Degree(rows, _coefficients([one.blinding[0] for one in shown], ORDER))


def on_degree(point: Point, coin: bytes, published: Degree) -> bool:
    """Whether `point` lies where the published polynomials say."""
    here = _combined(point, coin)
    wanted = tuple((_evaluate(row, point.place, P),) for row in published.rows)
    return here == Degree(wanted, (_evaluate(published.blinding, point.place, ORDER),))


def candidates(sums: Sequence[SumPoint]) -> list[Candidate]:
    """Return every total that three or more `sums` agree on, the most supported first.

    Each three give one; those that more agree on are found once.
    """
    opened = {point.place: expand(point) for point in sums}
    found: list[Candidate] = []
    for three in combinations(sorted(opened), OPENING):
        if any(candidate.supporters.issuperset(three) for candidate in found):
            continue
        known = {place: opened[place] for place in three}
        others = (place for place in opened if place not in three and _same(_at(known, place), opened[place]))
        secret = _at(known, 0)
        found.append(Candidate(frozenset((*three, *others)), mersenne.decode(secret.cells), secret.blinding))
    return sorted(found, key=lambda candidate: -len(candidate.supporters))


def _combined(point: Point, coin: bytes) -> Degree:
    """Return the point's side of the degree test: its own values, weighted as the coin says."""
    opened = expand(point)
    weights, (weight,) = _stream(coin, MASKS * point.cells, 1)
    cells, masks = opened.cells[: point.cells], opened.cells[point.cells :]
    rows = tuple(
        ((int(mask) + mersenne.total(mersenne.multiply(row, cells))) % P,)
        for mask, row in zip(masks, weights.reshape(MASKS, point.cells), strict=True)
    )
    return Degree(rows, ((opened.mask + weight * opened.blinding) % ORDER,))


def _at(known: Mapping[int, Opened], place: int) -> Opened:
    """Return the polynomials through the three `known` points at `place`."""
    cells, blinding, mask = np.zeros_like(next(iter(known.values())).cells), 0, 0
    for x, opened in known.items():
        upper, lower = 1, 1
        for other in known:
            if other != x:
                upper, lower = upper * (place - other), lower * (x - other)
        cells = mersenne.add(cells, mersenne.scale(opened.cells, upper * pow(lower, -1, P)))
        factor = upper * pow(lower, -1, ORDER)
        blinding, mask = (blinding + factor * opened.blinding) % ORDER, (mask + factor * opened.mask) % ORDER
    return Opened(cells, blinding, mask)


def _same(one: Opened, other: Opened) -> bool:
    return one.blinding == other.blinding and np.array_equal(one.cells, other.cells)


def _coefficients(values: Sequence[int], modulus: int) -> tuple[int, ...]:
    """Return the polynomial of degree 2 with these values at 1, 2 and 3."""
    first, second, third = values
    square = (third - 2 * second + first) * pow(2, -1, modulus) % modulus
    linear = (second - first - 3 * square) % modulus
    return (first - linear - square) % modulus, linear, square


def _evaluate(coefficients: Sequence[int], place: int, modulus: int) -> int:
    constant, linear, square = coefficients
    return (constant + linear * place + square * place * place) % modulus


def _stream(seed: bytes, cells: int, scalars: int) -> tuple[Residues, tuple[int, ...]]:
    """Return the uniform cells and scalars that `seed` expands to."""
    stream = Cipher(AES256(seed), CTR(bytes(16))).encryptor()
    data = stream.update(bytes((cells + _SPARE) * CELL_BYTES + scalars * _WIDE))
    words = np.frombuffer(data[: (cells + _SPARE) * CELL_BYTES], dtype="<u8").astype(np.uint64) & np.uint64(P)
    uniform = words[words != np.uint64(P)][:cells]
    if len(uniform) != cells:
        raise Malformed("point: a stream of ones")
    wide = (data[at : at + _WIDE] for at in range(len(data) - scalars * _WIDE, len(data), _WIDE))
    return uniform, tuple(int.from_bytes(part, "little") % ORDER for part in wide)


def _whole(place: int, opened: Opened) -> WholePoint:
    vector = opened.cells.astype("<u8").tobytes()
    return WholePoint(place, _bytes(opened.blinding), _bytes(opened.mask), vector)


def _cells(vector: bytes) -> Residues:
    cells = np.frombuffer(vector, dtype="<u8").astype(np.uint64)
    if cells.size and int(cells.max()) >= P:
        raise Malformed("point: a cell is not reduced")
    return cells


def _scalar(encoded: bytes) -> int:
    scalar = int.from_bytes(encoded, "little")
    if scalar >= ORDER:
        raise Malformed("point: its blinding is not reduced")
    return scalar


def _bytes(scalar: int) -> bytes:
    return scalar.to_bytes(BLINDING_BYTES, "little")
