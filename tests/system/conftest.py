"""Towns for the system tests."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.town import Town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A served town for the tests of one module."""
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    made.serve()
    yield made
    if made.process is not None:
        made.stop()


@pytest.fixture
def raw_town(tmp_path: Path) -> Iterator[Callable[[], Town]]:
    """Make towns that no other test sees, not served yet."""
    towns: list[Town] = []

    def make() -> Town:
        made = Town(tmp_path / f"town{len(towns)}")
        made.build()
        towns.append(made)
        return made

    yield make
    for made in towns:
        if made.process is not None:
            made.stop(signal.SIGKILL)
