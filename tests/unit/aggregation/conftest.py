"""A space for the tests of federation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.aggregation.parties import Parties, gathered


@pytest.fixture
def parties(tmp_path: Path) -> Iterator[Parties]:
    """Three nodes, three aggregators, one consumer."""
    with gathered(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """Two nodes, five aggregators, one consumer; every test asks a question of its own."""
    with gathered(tmp_path_factory.mktemp("five"), nodes=2, aggregators=5) as made:
        yield made
