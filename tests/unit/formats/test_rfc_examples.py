"""Published figures: the tree of RFC 6962's reference leaves."""

import hashlib

import pytest
from yanmen.formats import base64std, merkle
from yanmen.formats.merkle import BadProof

LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
"""The leaves of Certificate Transparency's reference tree, which the vectors of transparency-dev/merkle are over."""
HASHES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
READ = merkle.full_subtrees(HASHES)
ROOTS = [merkle.root(size, READ) for size in range(9)]
PUBLISHED_ROOTS = {1: "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=", 8: "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="}
PUBLISHED_1_TO_8 = (
    "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
    "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
    "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
)
INCLUSION = [(0, 1), (0, 8), (5, 8), (2, 3), (1, 5)]
CONSISTENCY = [(1, 1), (1, 8), (6, 8), (2, 5), (6, 7)]
"""The trees of testdata/inclusion and testdata/consistency there."""
GARBAGE = b"\0" * 32
Hashes = tuple[bytes, ...]


def test_roots_and_a_proof_are_those_published() -> None:
    assert {size: base64std.encode(ROOTS[size]) for size in PUBLISHED_ROOTS} == PUBLISHED_ROOTS
    assert tuple(map(base64std.encode, merkle.consistency(1, 8, READ))) == PUBLISHED_1_TO_8


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_by_the_cases_of_the_vectors(index: int, size: int) -> None:
    """Every case that testdata/inclusion names: its `happy-path` holds, none of the others."""
    path, leaf, root = merkle.inclusion(index, size, READ), HASHES[index], ROOTS[size]
    merkle.verify_inclusion(leaf, index, size, path, root)
    wrong: list[tuple[bytes, int, int, Hashes, bytes]] = [
        *((leaf, other, size, path, root) for other in (index - 1, index + 1, index ^ 2)),
        *((leaf, index, other, path, root) for other in (size * 2, size // 2)),
        (GARBAGE, index, size, path, root),
        *((leaf, index, size, path, other) for other in (merkle.EMPTY_ROOT, b"", GARBAGE)),
        *((leaf, index, size, (*path, other), root) for other in (b"", root, GARBAGE)),
        *((leaf, index, size, (other, *path), root) for other in (b"", root, GARBAGE)),
        *((leaf, index, size, _flipped(path, at, 3), root) for at in range(len(path))),
    ]
    if path:
        wrong += [(leaf, index, size, path[:-1], root), (leaf, index, size, (path[0], GARBAGE, *path[1:]), root)]
    for case in wrong:
        with pytest.raises(BadProof):
            merkle.verify_inclusion(*case)


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_by_the_cases_of_the_vectors(old: int, new: int) -> None:
    """Every case that testdata/consistency names: its `happy-path` holds, none of the others."""
    path, first, second = merkle.consistency(old, new, READ), ROOTS[old], ROOTS[new]
    merkle.verify_consistency(old, new, path, first, second)
    wrong: list[tuple[int, int, Hashes, bytes, bytes]] = [
        *((other, new, path, first, second) for other in (old - 1, old + 1, old ^ 2)),
        *((old, other, path, first, second) for other in (new * 2, new // 2)),
        *((old, new, path, other, second) for other in (GARBAGE, b"")),
        *((old, new, path, first, other) for other in (GARBAGE, b"")),
        *((old, new, (*path, other), first, second) for other in (b"", first, second, GARBAGE)),
        *((old, new, (other, *path), first, second) for other in (b"", first, second, GARBAGE)),
        *((old, new, _flipped(path, at, 4), first, second) for at in range(len(path))),
    ]
    if path:
        wrong += [(old, new, (), first, second), (old, new, path[:-1], first, second)]
        wrong += [(old, new, (path[0], *path), first, second), (old, new, path, second, first)]
    for case in wrong:
        with pytest.raises(BadProof):
            merkle.verify_consistency(*case)


PROBES = [(0, 0), (0, 1), (1, 0), (2, 1)]
SOME = hashlib.sha256(b"some").digest()
ONE, TWO = b"don't care 1", b"don't care 2"


@pytest.mark.parametrize(("index", "size"), PROBES)
@pytest.mark.parametrize(("leaf", "root"), [(b"", merkle.EMPTY_ROOT), (SOME, b""), (SOME, merkle.EMPTY_ROOT)])
def test_inclusion_by_the_additional_cases(index: int, size: int, leaf: bytes, root: bytes) -> None:
    """Those of testdata/inclusion/additional: trees too small for what is asked, and roots of nothing."""
    with pytest.raises(BadProof):
        merkle.verify_inclusion(leaf, index, size, (), root)


@pytest.mark.parametrize(
    ("old", "new", "first", "second", "path"),
    [
        (0, 0, ONE, TWO, ()),
        (1, 1, ONE, TWO, ()),
        (1, 0, ONE, TWO, ()),
        (2, 1, ONE, TWO, ()),
        (0, 1, ONE, TWO, ()),
        (1, 2, ONE, ONE, ()),
        (0, 0, ONE, ONE, (merkle.EMPTY_ROOT,)),
        (1, 1, ONE, ONE, (merkle.EMPTY_ROOT,)),
        (0, 1, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, (merkle.EMPTY_ROOT,)),
    ],
)
def test_consistency_by_the_additional_cases(old: int, new: int, first: bytes, second: bytes, path: Hashes) -> None:
    """Those of testdata/consistency/additional that must fail."""
    with pytest.raises(BadProof):
        merkle.verify_consistency(old, new, path, first, second)


@pytest.mark.parametrize("size", [0, 1])
def test_a_tree_is_consistent_with_itself(size: int) -> None:
    """The two of testdata/consistency/additional that hold."""
    merkle.verify_consistency(size, size, (), ONE, ONE)


def _flipped(path: Hashes, at: int, bit: int) -> Hashes:
    return (*path[:at], bytes([path[at][0] ^ 1 << bit]) + path[at][1:], *path[at + 1 :])
