"""The inclusion proof of every leaf under one verified head: a proof that holds can be written in one way only."""

from yanmen.formats import base64std, merkle
from yanmen.formats.merkle import HashReader
from yanmen.formats.proof import HEADER


class Proofs:
    """Writes the proofs of a tree whose leaf hashes gave its head's root, so that files are compared, not climbed."""

    __slots__ = ("_above", "_end", "_lines")

    def __init__(self, size: int, read: HashReader, checkpoint: bytes) -> None:
        """Take a tree's size and full subtrees, and the signed note of the head over all of it."""
        self._end = b"\n" + checkpoint
        self._lines: list[list[bytes]] = []
        for level in range(max(1, (size - 1).bit_length())):
            full = size >> level
            hashes = [read(level, index) for index in range(full)]
            if size > full << level:
                hashes.append(merkle.range_hash(full << level, size, read))
            self._lines.append(base64std.encode_each(hashes))
        self._above: list[tuple[int, bytes]] = [(-1, b"") for _ in self._lines]

    def text(self, index: int) -> bytes:
        """Return the one proof of leaf `index` under this head."""
        return b"%bindex %d\n%b%b" % (_FIRST, index, self._path(0, index), self._end)

    def _path(self, level: int, node: int) -> bytes:
        """Return the path from `node` of `level` on; neighbours share all that is above their parent."""
        if level == len(self._lines):
            return b""
        parent = node >> 1
        known, above = self._above[level]
        if known != parent:
            above = self._path(level + 1, parent)
            self._above[level] = parent, above
        line, sibling = self._lines[level], node ^ 1
        return line[sibling] + above if sibling < len(line) else above


_FIRST = HEADER.encode("ascii") + b"\n"
