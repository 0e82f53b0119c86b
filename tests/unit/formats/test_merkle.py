"""The tree against RFC 6962's definition, the Certificate Transparency vectors and every small tree."""

import base64
import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import merkle
from yanmen.formats.merkle import BadProof

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The 8-leaf tree of the Certificate Transparency test data, by size."""


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(count)]


def grown(leaves: Sequence[bytes]) -> merkle.HashReader:
    """Return the reader a log has that appended one leaf after the other."""
    stored: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        return stored[level, index]

    for size, leaf in enumerate(leaves):
        for level, index, value in merkle.append(size, leaf, read):
            assert (level, index) not in stored, "a full subtree never changes"
            stored[level, index] = value
    return read


def test_certificate_transparency_roots() -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    for size, expected in enumerate(ROOTS):
        assert merkle.root(size, grown(leaves)).hex() == expected
        assert merkle.root(size, merkle.full_subtrees(leaves)).hex() == expected
    assert ROOTS[0] == merkle.EMPTY_ROOT.hex()


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (2, 3, ["+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="]),
        (
            1,
            5,
            [
                "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
                "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
                "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
            ],
        ),
    ],
)
def test_certificate_transparency_inclusion(index: int, size: int, path: list[str]) -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    expected = tuple(base64.b64decode(item) for item in path)
    assert merkle.inclusion(index, size, merkle.full_subtrees(leaves)) == expected
    merkle.verify_inclusion(leaves[index], index, size, expected, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (2, 5, ["Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=", "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms="]),
        (
            6,
            7,
            [
                "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
                "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
                "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
            ],
        ),
    ],
)
def test_certificate_transparency_consistency(old: int, new: int, path: list[str]) -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    expected = tuple(base64.b64decode(item) for item in path)
    assert merkle.consistency(old, new, merkle.full_subtrees(leaves)) == expected
    merkle.verify_consistency(old, new, expected, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 64, 65])
def test_every_inclusion_proof_of_a_small_tree(size: int) -> None:
    leaves = hashes(size)
    read = grown(leaves)
    root = naive_root(leaves)
    assert merkle.root(size, read) == root
    for index in range(size):
        path = merkle.inclusion(index, size, read)
        assert list(path) == naive_path(index, leaves)
        merkle.verify_inclusion(leaves[index], index, size, path, root)


@pytest.mark.parametrize("new", [*range(20), 31, 32, 33])
def test_every_consistency_proof_of_a_small_tree(new: int) -> None:
    leaves = hashes(new)
    read = grown(leaves)
    for old in range(new + 1):
        path = merkle.consistency(old, new, read)
        assert list(path) == ([] if old == 0 else naive_proof(old, leaves))
        merkle.verify_consistency(old, new, path, naive_root(leaves[:old]), naive_root(leaves))


@given(st.integers(1, 200), st.data())
def test_proofs_hold_for_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    read = merkle.full_subtrees(leaves)
    root = merkle.root(size, read)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(index, size, read)
    other = data.draw(st.integers(0, size + 3).filter(lambda value: value != index))
    wrong: list[tuple[bytes, int, int, tuple[bytes, ...], bytes]] = [
        (leaves[index], other, size, path, root),
        (merkle.leaf_hash(b"other"), index, size, path, root),
        (leaves[index], index, size, (*path, root), root),
        (leaves[index], index, size, (root, *path), root),
        (leaves[index], index, size, path, merkle.leaf_hash(b"root")),
        (leaves[index], -1, size, path, root),
        (leaves[index], index, index, path, root),
        (leaves[index], index, 0, path, root),
    ]
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = bytearray(path[place])
        flipped[bit // 8] ^= 1 << bit % 8
        wrong += [
            (leaves[index], index, size, path[:place] + path[place + 1 :], root),
            (leaves[index], index, size, (*path[:place], bytes(flipped), *path[place + 1 :]), root),
            (leaves[index], index, size, (*path[:place], path[place][:31], *path[place + 1 :]), root),
            (leaves[index], index, size * 2, path, root),
        ]
    for leaf, at, count, proof, expected in wrong:
        with pytest.raises(BadProof):
            merkle.verify_inclusion(leaf, at, count, proof, expected)


@given(st.integers(1, 200), st.data())
def test_consistency_holds_for_nothing_else(new: int, data: st.DataObject) -> None:
    leaves = hashes(new)
    read = merkle.full_subtrees(leaves)
    old = data.draw(st.integers(1, new))
    path = merkle.consistency(old, new, read)
    old_root, new_root = merkle.root(old, read), merkle.root(new, read)
    other = merkle.leaf_hash(b"another root")
    wrong: list[tuple[int, int, tuple[bytes, ...], bytes, bytes]] = [
        (old, new, path, other, new_root),
        (old, new, path, old_root, other),
        (old, new, (*path, other), old_root, new_root),
        (old, new, (other, *path), old_root, new_root),
        (new + 1, new, path, old_root, new_root),
        (-1, new, path, old_root, new_root),
        (0, new, path, old_root, new_root),
        (old, new, path[:-1] if path else (other,), old_root, new_root),
    ]
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        wrong.append((old, new, (*path[:place], other, *path[place + 1 :]), old_root, new_root))
        wrong.append((old, new, path, new_root, old_root))
    for first, second, proof, start, end in wrong:
        with pytest.raises(BadProof):
            merkle.verify_consistency(first, second, proof, start, end)


def test_a_rewritten_past_has_no_proof() -> None:
    """A log that changes leaf 3 cannot be consistent with its old head, whatever proof it makes."""
    honest, rewritten = hashes(9), hashes(9)
    rewritten[3] = merkle.leaf_hash(b"rewritten")
    old_root = merkle.root(7, merkle.full_subtrees(honest))
    read = merkle.full_subtrees(rewritten)
    with pytest.raises(BadProof):
        merkle.verify_consistency(7, 9, merkle.consistency(7, 9, read), old_root, merkle.root(9, read))


def test_an_empty_log_begins_every_log() -> None:
    leaves = hashes(3)
    root = naive_root(leaves)
    merkle.verify_consistency(0, 3, (), merkle.EMPTY_ROOT, root)
    merkle.verify_consistency(0, 0, (), merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)
    with pytest.raises(BadProof):
        merkle.verify_consistency(0, 3, (), root, root)
    with pytest.raises(BadProof):
        merkle.verify_consistency(0, 0, (), root, merkle.EMPTY_ROOT)


def test_paths_are_capped() -> None:
    with pytest.raises(BadProof, match="too long"):
        merkle.verify_inclusion(b"", 0, 2**70, (merkle.EMPTY_ROOT,) * 64, b"")
    with pytest.raises(BadProof, match="too long"):
        merkle.verify_consistency(1, 2**70, (merkle.EMPTY_ROOT,) * 64, b"", b"")
    with pytest.raises(BadProof, match="no such leaf"):
        merkle.inclusion(3, 3, merkle.full_subtrees(hashes(3)))
    with pytest.raises(BadProof, match="larger"):
        merkle.consistency(4, 3, merkle.full_subtrees(hashes(3)))


def test_a_path_is_as_long_as_the_size_says() -> None:
    """A head may say any size: a path that fits another size must not lead to its root."""
    leaves = hashes(2)
    root = naive_root(leaves)
    with pytest.raises(BadProof, match="too short"):
        merkle.verify_inclusion(leaves[0], 0, 4, (leaves[1],), root)
    with pytest.raises(BadProof, match="too long"):
        merkle.verify_inclusion(leaves[0], 0, 1, (leaves[1],), root)
    read = merkle.full_subtrees(hashes(5))
    path = merkle.consistency(2, 3, read)
    roots = (merkle.root(2, read), merkle.root(3, read))
    merkle.verify_consistency(2, 3, path, *roots)
    with pytest.raises(BadProof, match="too short"):
        merkle.verify_consistency(2, 5, path, *roots)
    with pytest.raises(BadProof, match="too short"):
        merkle.verify_consistency(3, 5, (), *roots)
    with pytest.raises(BadProof, match="too long"):
        merkle.verify_consistency(2, 3, merkle.consistency(2, 5, read), roots[0], merkle.root(5, read))


def test_only_hashes_stand_in_a_path() -> None:
    leaves = hashes(2)
    for sibling in (b"", leaves[1][:31], leaves[1] + b"\x00"):
        with pytest.raises(BadProof, match="no hash"):
            merkle.verify_inclusion(leaves[0], 0, 2, (sibling,), merkle.node_hash(leaves[0], sibling))
        with pytest.raises(BadProof, match="no hash"):
            merkle.verify_consistency(1, 2, (sibling,), leaves[0], merkle.node_hash(leaves[0], sibling))


def test_a_node_is_no_leaf() -> None:
    """Second preimages: the hash of an inner node is that of no leaf, since their prefixes differ."""
    left, right = hashes(2)
    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)


def test_frontier_names_the_full_subtrees() -> None:
    assert merkle.frontier(0) == ()
    assert merkle.frontier(7) == ((2, 0), (1, 2), (0, 6))
    assert merkle.frontier(8) == ((3, 0),)
    for size in range(1, 40):
        read = merkle.full_subtrees(hashes(size))
        parts = [read(level, index) for level, index in merkle.frontier(size)]
        root = parts[-1]
        for part in reversed(parts[:-1]):
            root = merkle.node_hash(part, root)
        assert root == merkle.root(size, read)
