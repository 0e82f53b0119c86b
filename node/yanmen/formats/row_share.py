"""One share of what goes with the rows of a blinded list, as an aggregator opens it.

    share = magic (14) || 00 || items (4, big-endian) || columns (2, big-endian) || seed (32)
          | magic (14) || 01 || items (4, big-endian) || columns (2, big-endian)
                || items * (4, little-endian) || items * columns * (8, little-endian)

For each row the share of its place in the grid, modulo 2^32, then row by row those of its values, modulo 2^64.
"""

from dataclasses import dataclass

from yanmen.formats.malformed import Malformed
from yanmen.model.joining import ITEMS_MAX

MAGIC = b"yanmen-rows-1\n"
SEED_BYTES = 32
PLACE_BYTES = 4
VALUE_BYTES = 8
COLUMNS_MAX = 1_000
_SEED, _WHOLE = 0, 1
_HEAD = len(MAGIC) + 7


@dataclass(frozen=True, slots=True)
class RowShare:
    """A share of `items` rows with `columns` values: a `seed` that expands to it, or the share written out."""

    items: int
    columns: int
    seed: bytes = b""
    written: bytes = b""

    @property
    def size(self) -> int:
        """Bytes it has written out."""
        return self.items * (PLACE_BYTES + self.columns * VALUE_BYTES)


def encode(share: RowShare) -> bytes:
    """Return the bytes of `share`; one that would be refused is refused here."""
    kind = _SEED if share.seed else _WHOLE
    head = bytes([kind]) + share.items.to_bytes(4, "big") + share.columns.to_bytes(2, "big")
    encoded = MAGIC + head + (share.seed or share.written)
    if decode(encoded) != share:
        raise Malformed("row share: not one")
    return encoded


def decode(encoded: bytes) -> RowShare:
    """Return the share that `encoded` holds."""
    if not encoded.startswith(MAGIC) or len(encoded) <= _HEAD:
        raise Malformed("row share: neither a seed nor rows")
    kind = encoded[len(MAGIC)]
    items = int.from_bytes(encoded[_HEAD - 6 : _HEAD - 2], "big")
    columns = int.from_bytes(encoded[_HEAD - 2 : _HEAD], "big")
    if not 0 < items <= ITEMS_MAX or columns > COLUMNS_MAX:
        raise Malformed("row share: of too many rows or columns")
    body = encoded[_HEAD:]
    if kind == _SEED and len(body) == SEED_BYTES:
        return RowShare(items, columns, seed=body)
    share = RowShare(items, columns, written=body)
    if kind == _WHOLE and len(body) == share.size:
        return share
    raise Malformed("row share: its length is not that of its kind")
