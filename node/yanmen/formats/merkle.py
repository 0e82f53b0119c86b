"""The Merkle tree of RFC 6962 §2.1 with SHA-256: hashes, proofs and their verification.

A *full subtree* `(level, index)` covers the leaves from `index * 2^level` up to, not including,
`(index + 1) * 2^level`. Whoever keeps the hashes of all full subtrees can make every proof; the
functions below read them through a callback.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""
PATH_MAX = 63
"""Longest proof read: more hashes than any tree of 2^63 leaves needs."""

HashReader = Callable[[int, int], bytes]
"""Returns the hash of the full subtree `(level, index)`."""


class BadProof(ValueError):
    """These hashes do not lead to this root."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf holding `entry`."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above `left` and `right`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(size: int, leaf: bytes, read: HashReader) -> tuple[tuple[int, int, bytes], ...]:
    """Return the `(level, index, hash)` of every subtree that the leaf hash `leaf` at index `size` makes full."""
    level, index, current = 0, size, leaf
    made = [(level, index, current)]
    while index % 2 == 1:
        current = node_hash(read(level, index - 1), current)
        level, index = level + 1, index // 2
        made.append((level, index, current))
    return tuple(made)


def frontier(size: int) -> tuple[tuple[int, int], ...]:
    """Return the `(level, index)` of the full subtrees a tree of `size` leaves consists of, left to right."""
    begin = 0
    found: list[tuple[int, int]] = []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append((level, begin >> level))
            begin += 1 << level
    return tuple(found)


def root(size: int, read: HashReader) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _tail(0, size, read) if size else EMPTY_ROOT


def _tail(begin: int, end: int, read: HashReader) -> bytes:
    """Return the hash over the leaves from `begin` to `end`: full subtrees, the last ones first."""
    rest = end & (end - 1)
    level = (end - rest).bit_length() - 1
    found = read(level, rest >> level)
    while rest > begin:
        end = rest
        rest = end & (end - 1)
        level = (end - rest).bit_length() - 1
        found = node_hash(read(level, rest >> level), found)
    return found


def inclusion(index: int, size: int, read: HashReader) -> tuple[bytes, ...]:
    """Return the audit path (RFC 6962 §2.1.1) of leaf `index` in the tree of `size` leaves, leaf's sibling first."""
    if not 0 <= index < size:
        raise BadProof("no such leaf in this tree")
    node, last, level = index, size - 1, 0
    path: list[bytes] = []
    while node < last:
        if node & 1:
            path.append(read(level, node - 1))
        elif (node + 2) << level <= size:
            path.append(read(level, node + 1))
        else:
            path.append(_tail((node + 1) << level, size, read))
        node, last, level = node >> 1, last >> 1, level + 1
    while node:  # on the right edge: what stands to the left is full
        skipped = (node & -node).bit_length() - 1
        node, level = node >> skipped, level + skipped
        path.append(read(level, node - 1))
        node, level = node >> 1, level + 1
    return tuple(path)


def consistency(old: int, new: int, read: HashReader) -> tuple[bytes, ...]:
    """Return the proof (RFC 6962 §2.1.2) that the tree of `new` leaves begins with that of `old` leaves."""
    if not 0 <= old <= new:
        raise BadProof("the old tree is the larger one")
    if old in (0, new):
        return ()
    begin, end = 0, new
    path: list[bytes] = []
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(begin, middle, read))
            begin = middle
    if begin:
        path.append(range_hash(begin, end, read))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> None:
    """Return when `path` leads from the leaf hash `leaf` at `index` to the root `expected` of `size` leaves."""
    if inclusion_root(leaf, index, size, path) != expected:
        raise BadProof("path leads to another root")


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of `size` leaves that `path` leads to from the leaf hash `leaf` at `index`."""
    _check_path(path)
    if not 0 <= index < size:
        raise BadProof("index is not below the tree size")
    node, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BadProof("path is too long")
        if node % 2 == 1 or node == last:
            current = node_hash(sibling, current)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise BadProof("path is too short")
    return current


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Return when `path` shows that the tree `new`, `new_root` begins with the tree `old`, `old_root`."""
    _check_path(path)
    if not 0 <= old <= new:
        raise BadProof("the old tree is the larger one")
    if old in (0, new):
        if path:
            raise BadProof("path is too long")
        if old_root != (new_root if old == new else EMPTY_ROOT):
            raise BadProof("path leads to another root")
        return
    if consistency_root(old, new, path, old_root) != new_root:
        raise BadProof("path leads to another root")


def consistency_root(old: int, new: int, path: Sequence[bytes], old_root: bytes) -> bytes:
    """Return the root of `new` leaves that `path` leads to from `old_root`, of fewer leaves but not none."""
    _check_path(path)
    if not 0 < old < new:
        raise BadProof("the old tree is empty or not the smaller one")
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    found, root = _climb(old, new, hashes)
    if found != old_root:
        raise BadProof("path leads from another root")
    return root


def _climb(old: int, new: int, hashes: list[bytes]) -> tuple[bytes, bytes]:
    """Return both roots that `hashes` lead to (RFC 9162 §2.1.4.2, steps 3 to 6)."""
    node, last = old - 1, new - 1
    while node % 2 == 1:
        node, last = node >> 1, last >> 1
    if not hashes:
        raise BadProof("path is too short")
    old_hash = new_hash = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise BadProof("path is too long")
        if node % 2 == 1 or node == last:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise BadProof("path is too short")
    return old_hash, new_hash


def full_subtrees(leaves: Iterable[bytes]) -> HashReader:
    """Return a reader over all full subtrees of the tree with the leaf hashes `leaves`, held in memory."""
    levels: list[list[bytes]] = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(list(map(node_hash, below[::2], below[1::2])))

    def read(level: int, index: int) -> bytes:
        return levels[level][index]

    return read


def full_root(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over neighbouring full subtrees of one level, a power of two of them."""
    level = hashes
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def range_hash(begin: int, end: int, read: HashReader) -> bytes:
    """Return the hash over the leaves from `begin` to `end`; `begin` is a multiple of the range's power of two."""
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return read(level, begin >> level)
    middle = begin + _split(count)
    return node_hash(range_hash(begin, middle, read), range_hash(middle, end, read))


def _check_path(path: Sequence[bytes]) -> None:
    if len(path) > PATH_MAX:
        raise BadProof("path is too long")
    if any(len(item) != HASH_BYTES for item in path):
        raise BadProof("path holds something that is no hash")


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1
