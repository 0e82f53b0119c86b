"""Static tiles: paths, widths and hashes as C2SP tlog-tiles says."""

import pytest
from yanmen.formats import merkle, tiles
from yanmen.formats.malformed import Malformed
from yanmen.formats.tiles import Tile


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(index).encode()) for index in range(count)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 256), "tile/0/999"),
        (Tile(1, 1000, 256), "tile/1/x001/000"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_entries_stand_under_a_name_of_their_own() -> None:
    assert Tile(0, 1234067, 8).entries_path == "tile/entries/x001/x234/067.p/8"


def test_a_tree_of_70000_has_the_tiles_the_specification_counts() -> None:
    found = list(tiles.of_size(70_000))
    full = [tile for tile in found if tile.width == 256]
    assert [(tile.level, tile.index, tile.width) for tile in found if tile.width < 256] == [
        (0, 273, 112),
        (1, 1, 17),
        (2, 0, 1),
    ]
    assert (len([t for t in full if t.level == 0]), len([t for t in full if t.level == 1])) == (273, 1)


def test_a_full_tile_makes_one_hash_above_it() -> None:
    assert list(tiles.of_size(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]


@pytest.mark.parametrize(("since", "size"), [(0, 1), (1, 2), (255, 256), (256, 257), (300, 700), (511, 70_000)])
def test_what_is_full_already_is_left_out_and_nothing_else(since: int, size: int) -> None:
    before = {tile for tile in tiles.of_size(since) if tile.width == 256}
    assert [tile for tile in tiles.of_size(size) if tile not in before] == list(tiles.of_size(size, since))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600, 1025])
def test_tiles_give_every_subtree_the_tree_has(size: int) -> None:
    whole = merkle.full_subtrees(leaves(size))
    stored = {tile: tiles.decode_hashes(tile, tiles.encode_hashes(tile, whole)) for tile in tiles.of_size(size)}
    read = tiles.reader(size, stored.__getitem__)
    assert merkle.root(size, read) == merkle.root(size, whole)
    for index in (0, size // 2, size - 1):
        assert merkle.inclusion(index, size, read) == merkle.inclusion(index, size, whole)
        assert merkle.consistency(index, size, read) == merkle.consistency(index, size, whole)


def test_entries_come_back_as_they_went_in() -> None:
    entries = (b"", b"a", b"b" * 65_535)
    data = tiles.encode_entries(entries)
    assert tiles.decode_entries(data, 3) == entries
    assert data[:5] == b"\x00\x00\x00\x01a"


@pytest.mark.parametrize(
    ("data", "width"),
    [(b"", 1), (b"\x00", 1), (b"\x00\x02a", 1), (b"\x00\x01a", 2), (b"\x00\x01a\x00\x01b", 1), (b"\x00\x01a\x00", 1)],
)
def test_entries_that_do_not_fit_are_refused(data: bytes, width: int) -> None:
    with pytest.raises(Malformed):
        tiles.decode_entries(data, width)


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65_536]])
def test_entries_that_no_bundle_holds_are_not_written(entries: list[bytes]) -> None:
    with pytest.raises(Malformed):
        tiles.encode_entries(entries)


def test_a_tile_of_another_length_is_refused() -> None:
    with pytest.raises(Malformed):
        tiles.decode_hashes(Tile(0, 0, 2), bytes(63))
