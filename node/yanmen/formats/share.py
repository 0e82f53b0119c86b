"""One additive share of a table of cells, as an aggregator opens it from its envelope.

    share = magic (15) || 00 || cells (4, big-endian) || seed (32)                               a share to be expanded
          | magic (15) || 01 || cells (4, big-endian) || blinding (32, LE) || cells * (8, LE)    a share as it stands

A cell is a number modulo 2^64, a blinding one modulo the order of the commitment's group. All
shares of a table but the last are seeds, so that a table costs little more than eight bytes a cell.
"""

from dataclasses import dataclass

from yanmen.formats.malformed import Malformed

MAGIC = b"yanmen-share-1\n"
SEED_BYTES = 32
BLINDING_BYTES = 32
CELL_BYTES = 8
CELLS_MAX = 1_000_000
"""Most cells one table may have: a share of them takes 8 MB."""
BYTES_MAX = len(MAGIC) + 5 + BLINDING_BYTES + CELLS_MAX * CELL_BYTES
_SEED, _WHOLE = 0, 1
_HEAD = len(MAGIC) + 5


@dataclass(frozen=True, slots=True)
class SeedShare:
    """A share of `cells` cells that its 32-byte `seed` expands to."""

    cells: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class WholeShare:
    """A share written out: `vector` holds 8 little-endian bytes a cell, `blinding` 32 little-endian bytes."""

    blinding: bytes
    vector: bytes

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return len(self.vector) // CELL_BYTES


Share = SeedShare | WholeShare


def encode(share: Share) -> bytes:
    """Return the bytes of `share`; one that would be refused is refused here."""
    count = share.cells.to_bytes(4, "big")
    if isinstance(share, SeedShare):
        encoded = MAGIC + bytes([_SEED]) + count + share.seed
    else:
        encoded = MAGIC + bytes([_WHOLE]) + count + share.blinding + share.vector
    if decode(encoded) != share:
        raise Malformed("share: not one")
    return encoded


def decode(encoded: bytes) -> Share:
    """Return the share that `encoded` holds."""
    if not encoded.startswith(MAGIC) or not _HEAD < len(encoded) <= BYTES_MAX:
        raise Malformed("share: neither a seed nor a table")
    kind, cells, body = encoded[len(MAGIC)], int.from_bytes(encoded[_HEAD - 4 : _HEAD], "big"), encoded[_HEAD:]
    if not 0 < cells <= CELLS_MAX:
        raise Malformed(f"share: {cells} cells")
    if kind == _SEED and len(body) == SEED_BYTES:
        return SeedShare(cells, body)
    if kind == _WHOLE and len(body) == BLINDING_BYTES + cells * CELL_BYTES:
        return WholeShare(body[:BLINDING_BYTES], body[BLINDING_BYTES:])
    raise Malformed("share: its length is not that of its kind")
