"""The running department that the modules of this folder share, one for each worker process."""

from collections.abc import Iterator

import pytest

from tests.conformance.department import Department


@pytest.fixture(scope="session")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """Give a served department; a test leaves it as it found it, but for leaves, versions and contracts of its own."""
    made = Department(tmp_path_factory.mktemp("department"))
    made.build()
    made.furnish()
    made.serve()
    try:
        yield made
    finally:
        if made.process is not None:
            made.stop()
