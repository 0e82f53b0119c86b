"""A mirror of tiles held against its log key and a bundle: every lie in it is found."""

from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.formats import merkle, note, tiles
from yanmen.verify import Code, verify_bundle

from tests.vectors import specimen
from tests.vectors.specimen import Log


def mirror(log: Log, path: Path, size: int | None = None) -> Path:
    """Write the tiles of the first `size` leaves of `log`."""
    count = len(log.leaves) if size is None else size
    read = merkle.full_subtrees([merkle.leaf_hash(leaf) for leaf in log.leaves[:count]])
    path.mkdir()
    for tile in tiles.of_size(count):
        files = {tile.path: tiles.encode_hashes(tile, read)}
        if tile.level == 0:
            begin = tile.index * tiles.WIDTH
            files[tile.entries_path] = tiles.encode_entries(log.leaves[begin : begin + tile.width])
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    (path / "checkpoint").write_bytes(note.encode(log.checkpoint(count)))
    return path


def long() -> Log:
    log = specimen.specimen()
    for _ in range(250):
        log.refuse("", "REQUEST_EXPIRED")
    return log


def codes(bundle: Path, tiles_path: Path) -> set[Code]:
    return {item.code for item in verify_bundle(bundle, specimen.SPACE_KEY.public, tiles_path).findings}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long().export(tmp_path_factory.mktemp("mirror") / "bundle")


@pytest.mark.parametrize("size", [1, 18, 256, 269])
def test_an_honest_mirror_passes(bundle: Path, tmp_path: Path, size: int) -> None:
    assert codes(bundle, mirror(long(), tmp_path / "mirror", size)) == set()


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("name", "alter", "code"),
    [
        ("checkpoint", _flip(80), Code.TILES_CHECKPOINT),
        ("checkpoint", lambda data: data.replace(b"\n269\n", b"\n268\n"), Code.TILES_CHECKPOINT),
        ("tile/0/000", _flip(100), Code.TILE_DIFFERS),
        ("tile/0/000", lambda data: data[:-32], Code.TILE_DIFFERS),
        ("tile/0/001.p/13", _flip(5), Code.TILE_DIFFERS),
        ("tile/1/000.p/1", _flip(5), Code.TILE_DIFFERS),
        ("tile/entries/000", _flip(3000), Code.TILE_DIFFERS),
        ("tile/entries/001.p/13", lambda data: data[:-2562], Code.TILE_DIFFERS),
        ("tile/entries/001.p/13", lambda data: data + data[:2562], Code.TILE_DIFFERS),
    ],
)
def test_an_altered_file_is_found(
    bundle: Path, tmp_path: Path, name: str, alter: Callable[[bytes], bytes], code: Code
) -> None:
    written = mirror(long(), tmp_path / "mirror")
    good = (written / name).read_bytes()
    assert alter(good) != good
    (written / name).write_bytes(alter(good))
    assert code in codes(bundle, written)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/13"])
def test_a_missing_file_is_found(bundle: Path, tmp_path: Path, name: str) -> None:
    written = mirror(long(), tmp_path / "mirror")
    (written / name).unlink()
    assert codes(bundle, written) == {Code.TILE_MISSING}


@pytest.mark.parametrize("size", [150, 269])
def test_a_node_that_shows_its_mirror_another_history_is_found(bundle: Path, tmp_path: Path, size: int) -> None:
    forked = long()
    other = specimen.specimen("another")
    forked.leaves[17] = other.leaves[17]
    assert codes(bundle, mirror(forked, tmp_path / "mirror", size)) == {Code.TILES_OTHER_HISTORY}


def test_tiles_that_do_not_give_the_signed_root_are_found(bundle: Path, tmp_path: Path) -> None:
    forked = long()
    forked.leaves[17] = specimen.specimen("another").leaves[17]
    written = mirror(forked, tmp_path / "mirror")
    (written / "checkpoint").write_bytes(note.encode(long().checkpoint()))
    assert codes(bundle, written) == {Code.TILES_ROOT_DIFFERS, Code.TILES_OTHER_HISTORY}


def test_a_leaf_the_node_did_not_sign_is_found_beyond_the_bundle(bundle: Path, tmp_path: Path) -> None:
    log = long()
    log.leaves.append(b"a leaf nobody signed")
    assert codes(bundle, mirror(log, tmp_path / "mirror")) == {Code.TILE_DIFFERS}
