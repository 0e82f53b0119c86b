"""A department, its owner and who makes offers to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.offers.scene import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.ledger.close()
