"""The inclusion proof of every leaf under one verified head: a proof that holds can be written in one way only."""

from yanmen.formats import base64std, merkle
from yanmen.formats.proof import HEADER


class Proofs:
    """Writes the proofs of a tree whose leaf hashes gave its head's root, so that files are compared, not climbed."""

    __slots__ = ("_checkpoint", "_edges", "_lines", "_size")

    def __init__(self, hashes: tuple[bytes, ...], checkpoint: bytes) -> None:
        """Take the leaf hashes and the signed note of the head over all of them."""
        self._size, self._checkpoint = len(hashes), checkpoint
        self._lines: list[list[bytes]] = []
        self._edges: list[bytes] = []
        read = merkle.full_subtrees(hashes)
        for level in range(max(1, (self._size - 1).bit_length())):
            full = self._size >> level
            self._lines.append([_line(read(level, index)) for index in range(full)])
            partial = self._size - (full << level)
            self._edges.append(_line(merkle.range_hash(full << level, self._size, read)) if partial else b"")

    def text(self, index: int) -> bytes:
        """Return the one proof of leaf `index` under this head."""
        path: list[bytes] = []
        for level in range(len(self._lines)):
            sibling = index >> level ^ 1
            line = self._lines[level]
            if sibling < len(line):
                path.append(line[sibling])
            elif sibling == len(line):
                path.append(self._edges[level])
        return b"%b\nindex %d\n%b\n%b" % (HEADER.encode("ascii"), index, b"".join(path), self._checkpoint)


def _line(digest: bytes) -> bytes:
    return base64std.encode(digest).encode("ascii") + b"\n"
