"""Over random uses of several nodes, the auditor's bill is the node's statement and a tally of our own.

`scripts/bench bill` does the same over 10,000 uses.
"""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.random_uses import lived


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yanmen-bills-") as name:
        yield Path(name)


@pytest.mark.timeout(300)
@settings(max_examples=3, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**64 - 1))
def test_bills_of_random_uses(seed: int) -> None:
    with folder() as place:
        found = lived(place, random.Random(seed), 90)
    assert found.charges > 150
    assert found.statements == 12
