"""C2SP tlog-tiles: a log as static files that anybody can mirror, hashes and entries in groups of 256.

checkpoint   tile/<L>/<N>[.p/<W>]   tile/entries/<N>[.p/<W>]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from yanmen.formats import merkle
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import HashReader

CHECKPOINT = "checkpoint"
HEIGHT = 8
"""Levels of the tree one tile spans."""
WIDTH = 1 << HEIGHT
"""Hashes in a full tile, entries in a full bundle."""
ENTRY_BYTES_MAX = 65_535
"""What the two length bytes of an entry can say."""
ENTRIES_BYTES_MAX = WIDTH * (2 + ENTRY_BYTES_MAX)

_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes from `index * 256` on of the tree's `8 * level`-th level; fewer than 256 make it partial."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """The file the tile stands in."""
        return f"tile/{self.level}/{self._number()}"

    @property
    def entries_path(self) -> str:
        """The file of the log entries under this tile of level 0."""
        return f"tile/entries/{self._number()}"

    def _number(self) -> str:
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return name if self.width == WIDTH else f"{name}.p/{self.width}"


def of_size(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree of `size` leaves, lowest level first; those full in a tree of `since` are left out."""
    level = 0
    while size >> (HEIGHT * level):
        count, before = size >> (HEIGHT * level), since >> (HEIGHT * level)
        for index in range(before // WIDTH, -(-count // WIDTH)):
            yield Tile(level, index, min(WIDTH, count - index * WIDTH))
        level += 1


def encode_hashes(tile: Tile, read: HashReader) -> bytes:
    """Return the bytes of `tile` of the tree behind `read`."""
    begin = tile.index * WIDTH
    return b"".join(read(tile.level * HEIGHT, begin + offset) for offset in range(tile.width))


def decode_hashes(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """Return the hashes in the bytes of `tile`."""
    if len(data) != tile.width * merkle.HASH_BYTES:
        raise Malformed("tile: another length than its width asks for")
    return tuple(data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES))


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of `entries`, each after its length."""
    if not 1 <= len(entries) <= WIDTH or any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise Malformed("entries: not 1 to 256, or one is too long")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_entries(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the `width` entries of a bundle."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        begin = at + _LENGTH_BYTES
        end = begin + int.from_bytes(data[at:begin], "big")
        if begin > len(data) or end > len(data) or len(entries) == width:
            raise Malformed("entries: an entry is cut off, or there are too many")
        entries.append(data[begin:end])
        at = end
    if len(entries) != width:
        raise Malformed("entries: too few")
    return tuple(entries)


def reader(size: int, fetch: Callable[[Tile], Sequence[bytes]]) -> HashReader:
    """Return a reader over the full subtrees of a tree of `size` leaves whose tiles `fetch` gives."""

    def read(level: int, index: int) -> bytes:
        height = level % HEIGHT
        tile_level, begin = level // HEIGHT, index << height
        number = begin // WIDTH
        width = min(WIDTH, (size >> (HEIGHT * tile_level)) - number * WIDTH)
        hashes = fetch(Tile(tile_level, number, width))
        first = begin % WIDTH
        return _subtree(hashes[first : first + (1 << height)])

    return read


def _subtree(hashes: Sequence[bytes]) -> bytes:
    return merkle.root(len(hashes), merkle.full_subtrees(hashes))
