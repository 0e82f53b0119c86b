"""A node, its members and one contract, before admission."""

from pathlib import Path

import pytest

from tests.attacks.admission.scene import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
