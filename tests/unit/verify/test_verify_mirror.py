"""A mirror of tiles held against its log key and a bundle: every lie in it is found."""

from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.formats import note
from yanmen.verify import Beside, Code, verify_bundle

from tests.vectors import specimen
from tests.vectors.specimen import long_specimen


def codes(bundle: Path, tiles_path: Path) -> set[Code]:
    return {item.code for item in verify_bundle(bundle, specimen.SPACE_KEY.public, Beside(tiles_path)).findings}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_specimen().export(tmp_path_factory.mktemp("mirror") / "bundle")


@pytest.mark.parametrize("size", [1, 18, 256, 269])
def test_an_honest_mirror_passes(bundle: Path, tmp_path: Path, size: int) -> None:
    assert codes(bundle, long_specimen().mirror(tmp_path / "mirror", size)) == set()


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
    written = long_specimen().mirror(tmp_path / "mirror")
    good = (written / name).read_bytes()
    assert alter(good) != good
    (written / name).write_bytes(alter(good))
    assert code in codes(bundle, written)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/13"])
def test_a_missing_file_is_found(bundle: Path, tmp_path: Path, name: str) -> None:
    written = long_specimen().mirror(tmp_path / "mirror")
    (written / name).unlink()
    assert codes(bundle, written) == {Code.TILE_MISSING}


@pytest.mark.parametrize("size", [150, 269])
def test_a_node_that_shows_its_mirror_another_history_is_found(bundle: Path, tmp_path: Path, size: int) -> None:
    forked = long_specimen()
    other = specimen.specimen("another")
    forked.leaves[17] = other.leaves[17]
    assert codes(bundle, forked.mirror(tmp_path / "mirror", size)) == {Code.TILES_OTHER_HISTORY}


def test_tiles_that_do_not_give_the_signed_root_are_found(bundle: Path, tmp_path: Path) -> None:
    forked = long_specimen()
    forked.leaves[17] = specimen.specimen("another").leaves[17]
    written = forked.mirror(tmp_path / "mirror")
    (written / "checkpoint").write_bytes(note.encode(long_specimen().checkpoint()))
    assert codes(bundle, written) == {Code.TILES_ROOT_DIFFERS, Code.TILES_OTHER_HISTORY}


def test_a_leaf_the_node_did_not_sign_is_found_beyond_the_bundle(bundle: Path, tmp_path: Path) -> None:
    log = long_specimen()
    log.leaves.append(b"a leaf nobody signed")
    assert codes(bundle, log.mirror(tmp_path / "mirror")) == {Code.TILE_DIFFERS}
