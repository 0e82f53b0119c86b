"""What goes into an image: libraries without what debuggers read, and every package as often as the lock pins it."""

import ctypes
import sys
from pathlib import Path
from types import ModuleType

import _duckdb
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts of an image import each other, as programs in one folder do."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "image_files"))


def script(name: str) -> ModuleType:
    module = __import__(name)
    sys.modules.pop(name)
    return module


def test_a_library_without_symbols_is_smaller_and_is_loaded_as_before(tmp_path: Path) -> None:
    slim = script("slim")
    whole = Path(_duckdb.__file__).read_bytes()
    kept = slim.loaded(whole)
    assert len(kept) < len(whole)
    assert slim.loaded(kept) == kept
    (tmp_path / "library.so").write_bytes(kept)
    assert hasattr(ctypes.CDLL(str(tmp_path / "library.so")), "PyInit__duckdb")


@pytest.mark.parametrize("data", [b"", b"#!python", b"\x7fELF\x01\x01 of 32 bits"])
def test_what_is_no_library_stays_as_it_is(data: bytes) -> None:
    assert script("slim").loaded(data) == data


def test_tests_headers_and_what_only_compilers_read_are_left_out() -> None:
    wanted = script("slim").wanted
    for name in ("tests", "include", "config-3.11-x86_64-linux-gnu", "libpython3.11.a", "x.pyi", "_tkinter.so"):
        assert not wanted(Path(name))
    for name in ("opendp", "_duckdb.so", "testing.py", "readable.py", "libstdc++.so.6", "included.py"):
        assert wanted(Path(name))


def test_a_package_pinned_for_two_pythons_is_asked_for_twice() -> None:
    """Taken once, it was the one for the other Python, and the image went without numpy."""
    found = script("context").locked({"numpy"})
    assert found.count("numpy==") == 2
    with pytest.raises(SystemExit, match="no-such-package"):
        script("context").locked({"numpy", "no-such-package"})
