"""One Shamir share of a table of cells, as an aggregator opens it from its envelope, and the sum of many.

    point = magic (16) || 00 || place || cells (4, big-endian) || seed (32)
          | magic (16) || 01 || place || cells (4, big-endian) || blinding (32, LE) || its mask || (cells + 2) * 8 LE
          | magic (16) || 02 || place || cells (4, big-endian) || blinding (32, LE) || cells * 8 LE

A cell is a number modulo 2^61 - 1, a blinding one modulo the order of the commitment's group; `place`
is where the dealer's polynomials were evaluated. After the cells come two masks for the degree test,
which no sum has.
"""

from dataclasses import dataclass

from yanmen.formats.malformed import Malformed
from yanmen.formats.share import BLINDING_BYTES, CELL_BYTES, CELLS_MAX, SEED_BYTES
from yanmen.model.federation import Mode

MAGIC = b"yanmen-shamir-1\n"
MASKS = 2
"""Rows of the degree test, each with a mask cell of its own."""
PLACES = range(1, Mode.ROBUST.aggregators + 1)
_SEED, _WHOLE, _SUM = 0, 1, 2
_HEAD = len(MAGIC) + 6
BYTES_MAX = _HEAD + 2 * BLINDING_BYTES + (CELLS_MAX + MASKS) * CELL_BYTES


@dataclass(frozen=True, slots=True)
class SeedPoint:
    """A share of `cells` cells that its 32-byte `seed` expands to."""

    place: int
    cells: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class WholePoint:
    """A share written out: 8 little-endian bytes a cell, masks at the end, and 32 each of blinding and its mask."""

    place: int
    blinding: bytes
    mask: bytes
    vector: bytes

    @property
    def cells(self) -> int:
        """How many cells it has, its masks not counted."""
        return len(self.vector) // CELL_BYTES - MASKS


@dataclass(frozen=True, slots=True)
class SumPoint:
    """The sum of many shares at one place."""

    place: int
    blinding: bytes
    vector: bytes

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return len(self.vector) // CELL_BYTES


Point = SeedPoint | WholePoint | SumPoint


def encode(point: Point) -> bytes:
    """Return the bytes of `point`; one that would be refused is refused here."""
    kind, body = _body(point)
    if point.place not in PLACES or not 0 < point.cells <= CELLS_MAX:
        raise Malformed("point: not one")
    encoded = MAGIC + bytes([kind, point.place]) + point.cells.to_bytes(4, "big") + body
    if decode(encoded) != point:
        raise Malformed("point: not one")
    return encoded


def decode(encoded: bytes) -> Point:
    """Return the point that `encoded` holds."""
    if not encoded.startswith(MAGIC) or not _HEAD < len(encoded) <= BYTES_MAX:
        raise Malformed("point: neither a seed nor a table")
    kind, place = encoded[len(MAGIC) : len(MAGIC) + 2]
    cells, body = int.from_bytes(encoded[_HEAD - 4 : _HEAD], "big"), encoded[_HEAD:]
    if place not in PLACES or not 0 < cells <= CELLS_MAX:
        raise Malformed(f"point: {cells} cells at {place}")
    if kind == _SEED and len(body) == SEED_BYTES:
        return SeedPoint(place, cells, body)
    if kind == _WHOLE and len(body) == 2 * BLINDING_BYTES + (cells + MASKS) * CELL_BYTES:
        scalars, vector = body[: 2 * BLINDING_BYTES], body[2 * BLINDING_BYTES :]
        return WholePoint(place, scalars[:BLINDING_BYTES], scalars[BLINDING_BYTES:], vector)
    if kind == _SUM and len(body) == BLINDING_BYTES + cells * CELL_BYTES:
        return SumPoint(place, body[:BLINDING_BYTES], body[BLINDING_BYTES:])
    raise Malformed("point: its length is not that of its kind")


def _body(point: Point) -> tuple[int, bytes]:
    match point:
        case SeedPoint():
            return _SEED, point.seed
        case WholePoint():
            return _WHOLE, point.blinding + point.mask + point.vector
        case SumPoint():
            return _SUM, point.blinding + point.vector
