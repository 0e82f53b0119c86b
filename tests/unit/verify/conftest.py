"""The specimen log of tests/vectors, which scripts/vectors uses too."""

from types import ModuleType

import pytest

from tests.vectors import specimen


@pytest.fixture(scope="session")
def specimens() -> ModuleType:
    """Return the module that makes logs with pinned keys."""
    return specimen
