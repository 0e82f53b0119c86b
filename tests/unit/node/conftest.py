"""A furnished ledger for tests of what a node does with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract

from tests.unit.ledger.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a scene whose ledger does not exist yet."""
    return Scene(tmp_path / "ledger.db")


@pytest.fixture
def ledger(scene: Scene) -> Iterator[Ledger]:
    """Give an open ledger and hold it to itself afterwards."""
    with scene.open() as opened:
        yield opened
        opened.check()


@pytest.fixture
def contract(scene: Scene, ledger: Ledger) -> Contract:
    """Return an active contract over a published dataset."""
    return scene.furnish(ledger)
