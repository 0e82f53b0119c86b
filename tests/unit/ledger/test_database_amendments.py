"""Amendments and officers' acts in a real PostgreSQL server, where the same questions are asked of other tables."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.ledger.place import Database
from yanmen.model.contract import ContractStatus
from yanmen.model.office import Act
from yanmen.model.refusal import Reason, Refused

from tests.postgresql_server import PostgresqlServer, served
from tests.unit.ledger.scene import Scene, accepted, offered, terms_of


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


def test_versions_are_told_from_the_present_one_back_and_what_is_over_is_not_amended(
    server: PostgresqlServer, tmp_path: Path
) -> None:
    database = Database(server.connection(), f"t{SystemRandomness().token(8).hex()}")
    scene = Scene(tmp_path / "ledger.db", elsewhere=database)
    with scene.open() as ledger:
        terms = terms_of("e" * 32, deletion_days=5)
        for queries in (900, 800, 700):
            digest = "" if (known := ledger.contract(terms.id)) is None else known.digest
            terms = replace(terms, amends=digest, queries=queries)
            ledger.check_place(terms)
            ledger.add_offer(offered(terms))
            ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms), "Li Si")
        assert [version.queries for version, _ in ledger.signed_versions(terms.id)] == [700, 800, 900]
        now = ledger.contract(terms.id)
        assert now is not None
        assert ledger.office_over(terms.id, Act.REVIEW, now.digest) is None
        scene.clock.ms = terms.not_after_ms
        with pytest.raises(Refused) as caught:
            ledger.check_place(replace(terms, amends=now.digest, queries=600))
        assert caught.value.reason is Reason.CONTRACT_EXPIRED
