"""A space authority and those it certifies."""

from pathlib import Path

import pytest
from yanmen.crypto import x509
from yanmen.crypto.x509 import Authority

from tests.attacks.identity.scene import NOW_MS, SPACE, Counting


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    pem = x509.create_authority(tmp_path / "root.key", SPACE, NOW_MS, Counting())
    return x509.load_authority(tmp_path / "root.key", pem)
