"""The specimen log of tests/vectors, which scripts/vectors uses too."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def specimens() -> ModuleType:
    """Return the module that makes logs with pinned keys."""
    spec = importlib.util.spec_from_file_location("specimen", ROOT / "tests" / "vectors" / "specimen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["specimen"] = module
    spec.loader.exec_module(module)
    return module
