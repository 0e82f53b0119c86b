"""A space for the tests of federation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.federation.parties import Parties, gathered


@pytest.fixture
def parties(tmp_path: Path) -> Iterator[Parties]:
    """Three nodes, three aggregators, one consumer."""
    with gathered(tmp_path) as made:
        yield made
