"""Eight processes spend one ledger in PostgreSQL at once: what is spent is exactly what may be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.ledger.place import Database
from yanmen.model.config import NodeLimits

from tests.attacks.killed_race import raced

# The very races of the file, on a server.
from tests.attacks.test_budget_race import (  # noqa: F401
    test_a_contract_is_spent_exactly,
    test_a_day_has_its_quota,
    test_a_session_is_spent_exactly,
    test_a_subject_space_is_spent_exactly_over_all_contracts,
)
from tests.postgresql_server import PostgresqlServer, served
from tests.unit.ledger.scene import Scene


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


@pytest.fixture
def database(server: PostgresqlServer) -> Database:
    return Database(server.connection(), f"t{SystemRandomness().token(8).hex()}")


@pytest.fixture
def scene(tmp_path: Path, database: Database) -> Scene:
    return Scene(tmp_path / "ledger.db", NodeLimits(failures=1_000), elsewhere=database)


def test_replicas_killed_while_they_race_overspend_nothing(tmp_path: Path, database: Database) -> None:
    kills, confirmed, overspent = raced(tmp_path, 1, 6, database)
    assert kills == 6
    assert confirmed > 0
    assert overspent == 0
