"""One log after another in a real PostgreSQL server: exchanged in one step, by who alone serves, or not at all."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.ledger import postgresql_schema, succession
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import LOOK, ServerConnection
from yanmen.model.refusal import Fault, FaultCode

from tests.postgresql_server import PostgresqlServer, served
from tests.unit.ledger.scene import Scene

# The very tests of the file, on a server.
from tests.unit.ledger.test_succession import (  # noqa: F401
    test_how_things_stand_goes_on,
    test_the_successor_after_a_gap_trusts_no_balance,
    test_what_was_spent_stays_spent_in_the_next_log,
    year_step,
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        yield server


@pytest.fixture
def database(server: PostgresqlServer) -> Database:
    return Database(server.connection(), f"t{SystemRandomness().token(8).hex()}")


@pytest.fixture
def scene(tmp_path: Path, database: Database) -> Scene:
    return Scene(tmp_path / "ledger.db", elsewhere=database)


def test_while_others_serve_none_follows(scene: Scene, ledger: Ledger) -> None:
    with scene.open() as other:
        other.recover()
        assert not ledger.served_alone()
        with pytest.raises(Fault, match="another process serves"):
            ledger.serve_alone()
        with pytest.raises(Fault, match="by who serves it"):
            ledger.follow(year_step(ledger))
    assert ledger.served_alone()


def test_one_that_breaks_leaves_the_old_log_and_can_be_done_again(
    scene: Scene, ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    step, size = year_step(ledger), ledger.size()
    usual = succession.write

    def broken(*words: object) -> None:
        usual(*words)  # type: ignore[arg-type]
        raise Fault(FaultCode.STORAGE_FULL, "cut")

    ledger.serve_alone()
    monkeypatch.setattr(succession, "write", broken)
    with pytest.raises(Fault, match="cut"):
        ledger.follow(step)
    monkeypatch.undo()
    assert ledger.size() == size
    assert postgresql_schema.closed(database) == ()
    assert postgresql_schema.version(database.beside("next")) is not None, "half of it lies there, under no name"
    scene.ask(ledger, contract)
    assert ledger.follow(year_step(ledger)) == "2026"
    assert postgresql_schema.closed(database) == ("2026",)
    assert postgresql_schema.version(database.beside("next")) is None
    with scene.open(create=False) as new:
        assert new.origin.endswith("/2027")


def test_who_had_the_closed_log_open_writes_to_none(scene: Scene, ledger: Ledger, database: Database) -> None:
    """A command that began before the exchange cannot put a leaf of the old log into the new one."""
    contract = scene.furnish(ledger)
    with scene.open() as late:
        ledger.serve_alone()
        ledger.follow(year_step(ledger))
        for stale in (late, ledger):
            with pytest.raises(Fault, match="closed meanwhile"):
                scene.ask(stale, contract)
    with scene.open(create=False) as new:
        new.check()
        scene.ask(new, contract)
        new.check()
    with Ledger.open(database.beside("2026"), scene.keeper(), scene.limits, create=False) as old:
        assert old.origin.endswith("/2026")
        old.check()


def test_who_looks_at_a_log_sees_one_log(
    scene: Scene, ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names are not exchanged under somebody's eyes: it waits, and gives up rather than wait for ever."""
    scene.furnish(ledger)
    with closing(ServerConnection(database)) as connection:
        connection.own(LOOK)
        monkeypatch.setattr("yanmen.ledger.postgresql.SESSION", {"lock_timeout": "50ms"})
        with scene.open() as impatient:
            impatient.served_alone()
            with pytest.raises(Fault, match="in the way for too long"):
                impatient.follow(year_step(impatient))
        connection.own("COMMIT")
    assert ledger.origin.endswith("/2026")
    ledger.check()


def test_nothing_takes_the_place_of_a_closed_log(scene: Scene, ledger: Ledger, database: Database) -> None:
    with closing(ServerConnection(database)) as connection:
        connection.own(f'CREATE SCHEMA "{database.schema}_2026"')
    ledger.serve_alone()
    with pytest.raises(Fault, match="is there already"):
        ledger.follow(year_step(ledger))
