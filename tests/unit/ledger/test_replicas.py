"""The ledger in a real PostgreSQL server: the same books, shared by replicas, as durable as a file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.ledger import opening, postgresql_schema, schema
from yanmen.ledger.connection import Parameters
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection
from yanmen.ledger.postgresql_store import PostgresqlStore
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Reserved
from yanmen.verify import verify_bundle

from tests.postgresql_server import PASSWORD, PostgresqlServer, served
from tests.unit.ledger.scene import PROFILE, SPACE_KEY, Scene, papers, released, reserved

# The very tests of the file, on a server.
from tests.unit.ledger.test_asked_at_once import (  # noqa: F401
    test_it_is_not_charged_while_it_runs_and_free_once_it_was_answered,
    test_many_at_once_by_two_replicas_are_one_charge_and_one_answer,
)
from tests.unit.ledger.test_ledger_budget import (  # noqa: F401
    test_a_charge_is_taken_and_stays,
    test_a_dead_node_counts_as_a_failure,
    test_the_quota_of_a_day_in_china,
)
from tests.unit.ledger.test_ledger_jobs import (  # noqa: F401
    test_settling_twice_gives_the_first_answer,
    test_the_same_question_gets_the_same_answer_for_nothing,
)
from tests.unit.ledger.test_quotas import test_a_frequency_slides  # noqa: F401


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


def store_of(ledger: Ledger) -> PostgresqlStore:
    assert isinstance(ledger._store, PostgresqlStore)
    return ledger._store


def write(database: Database, *statements: str) -> None:
    """Do as one who can write the database."""
    with closing(ServerConnection(database)) as connection:
        for statement in statements:
            connection.own(statement)


def test_two_replicas_keep_one_log_that_an_auditor_verifies(scene: Scene, tmp_path: Path) -> None:
    with scene.open() as one, scene.open() as other:
        contract = scene.furnish(one)
        one.recover()
        other.recover()
        for number in range(6):
            scene.ask((one, other)[number % 2], contract)
        assert one.checkpoint() == other.checkpoint()
        for ledger in (one, other):
            ledger.check()
            assert ledger.balance(contract.terms.id) == one.balance(contract.terms.id)
        other.export(tmp_path / "bundle", papers())
    assert verify_bundle(tmp_path / "bundle", SPACE_KEY.public).ok


def test_what_a_living_replica_runs_is_not_ended_and_what_a_dead_one_left_is(scene: Scene) -> None:
    with scene.open() as one:
        contract = scene.furnish(one)
        one.recover()
        held = reserved(one.reserve(scene.plan(contract)))
        with scene.open() as other:
            assert other.recover() == 0
            answer = one.settle(held, released(held.plan), PROFILE)
            assert isinstance(answer, Answer)
            left = reserved(one.reserve(scene.plan(contract)))
            one.close()
            assert other.recover() == 1
            with pytest.raises(Refused) as refused:
                other.settle(left, released(left.plan), PROFILE)
            assert refused.value.reason is Reason.RUN_FAILED
            other.check()


def test_who_serves_alone_serves_alone(scene: Scene) -> None:
    with scene.open() as one, scene.open() as other:
        one.recover()
        with pytest.raises(Fault, match="another process serves"):
            other.serve_alone()
        other.recover()
    with scene.open() as one, scene.open() as other:
        one.serve_alone()
        with pytest.raises(Fault, match="another process serves"):
            other.recover()


def end_connections(server: PostgresqlServer) -> None:
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yanmen'")


def test_a_connection_that_is_lost_loses_one_call_and_nothing_else(scene: Scene, server: PostgresqlServer) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        ledger.recover()
        size = ledger.size()
        end_connections(server)
        with pytest.raises(Fault) as fault:
            ledger.size()
        assert fault.value.code is FaultCode.STORAGE
        assert ledger.size() == size
        with pytest.raises(Fault, match="PostgreSQL"):
            scene.ask(ledger, contract)
        assert ledger.size() == size
        left = reserved(ledger.reserve(scene.plan(contract)))
        with scene.open() as other:
            assert other.recover() == 0, "its locks were taken again with the new connection"
        ledger.settle(left, released(left.plan), PROFILE)
        ledger.check()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_whose_answer_is_lost_is_asked_after(scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """What the server committed was recorded, and what it did not was not: no debit hangs between."""
    usual = ServerConnection.own
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        cut: list[str] = []

        def own(self: ServerConnection, sql: str, parameters: Parameters = ()) -> object:
            if sql != "COMMIT" or cut or self._link.info.parameter_status("in_hot_standby") is None:
                return usual(self, sql, parameters)
            if self is not store_of(ledger)._writer._connection:
                return usual(self, sql, parameters)
            cut.append(when)
            if when == "after":
                usual(self, sql, parameters)
            self._link.close()
            raise Fault(FaultCode.STORAGE, "cut")

        size = ledger.size()
        monkeypatch.setattr(ServerConnection, "own", own)
        if when == "after":
            assert isinstance(reserved(ledger.reserve(scene.plan(contract))), Reserved)
        else:
            with pytest.raises(Fault, match="cut"):
                reserved(ledger.reserve(scene.plan(contract)))
        assert cut
        assert ledger.size() == size + (when == "after")
        monkeypatch.undo()
        scene.ask(ledger, contract)


def columns(database: Database) -> dict[str, list[str]]:
    asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    asked += " ORDER BY ordinal_position"
    with closing(ServerConnection(database)) as connection:
        found: dict[str, list[str]] = {}
        for table, column in connection.own(asked, (database.schema,)).fetchall():
            found.setdefault(str(table), []).append(str(column))
    return found


def test_both_kinds_of_ledger_have_the_same_tables(scene: Scene, database: Database, tmp_path: Path) -> None:
    with scene.open(), Scene(tmp_path / "file.db").open():
        pass
    kept = columns(database)
    assert (kept.pop("schema_version"), kept.pop("intent_replica")) == (["version"], ["position", "replica"])
    with closing(sqlite3.connect(tmp_path / "file.db")) as file:
        listed = file.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
        )
        names = [name for (name,) in listed.fetchall()]
        assert kept == {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in names}
        triggers = {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    with closing(ServerConnection(database)) as connection:
        asked = "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
        rows = connection.own(f"{asked} AND relnamespace = to_regnamespace(%s)", (f'"{database.schema}"',)).fetchall()
    assert {name for (name,) in rows} == triggers | {"intent_has_replica"}


def test_migrations_go_down_and_up_again(scene: Scene, database: Database) -> None:
    newest = len(schema.migrations())
    with scene.open():
        whole = columns(database)
    before = columns(database)
    for version in range(newest - 1, 0, -1):
        assert opening.lowered(database, version) == version
        after = columns(database)
        assert sum(map(len, after.values())) <= sum(map(len, before.values()))
        before = after
    assert set(before) < set(whole)
    with scene.open() as ledger:
        assert columns(database) == whole
        scene.furnish(ledger)
        ledger.check()


def test_a_migration_that_holds_a_record_is_not_undone(scene: Scene, database: Database) -> None:
    with scene.open() as ledger:
        scene.ask(ledger, scene.furnish(ledger))
        ledger.recover()
        with pytest.raises(Fault, match="another process serves"):
            opening.lowered(database, 13)
    with pytest.raises(Fault, match="would destroy what was recorded"):
        opening.lowered(database, 1)
    assert opening.lowered(database, None) == len(schema.migrations())
    with pytest.raises(Fault, match="--to takes 1 to"):
        opening.lowered(database, 0)


def test_a_newer_schema_another_programs_and_none_are_refused(scene: Scene, database: Database) -> None:
    with pytest.raises(Fault, match="no ledger here"):
        scene.open(create=False)
    assert not Ledger.is_there(database)
    with scene.open():
        pass
    assert Ledger.is_there(database)
    write(database, "UPDATE schema_version SET version = 99")
    with pytest.raises(Fault, match="newer program"):
        scene.open()
    write(database, "DROP TABLE schema_version")
    with pytest.raises(Fault, match="no ledger of ours"):
        scene.open()


RULES = {
    "UPDATE leaf SET jws = ''": "a leaf never changes",
    "DELETE FROM leaf": "a leaf is never deleted",
    "INSERT INTO leaf VALUES (1000, 'x', 'x', 'x', 1, 'x')": "a leaf follows the last one",
    "UPDATE checkpoint SET note = ''": "a checkpoint never changes",
    "UPDATE contract SET micro_rho_spent = micro_rho_cap + 1": "violates check constraint",
    "UPDATE intent SET ended = position + 1": "an intent ends once",
}


def test_the_tables_hold_their_own_rules(scene: Scene, server: PostgresqlServer, database: Database) -> None:
    with scene.open() as ledger:
        scene.ask(ledger, scene.furnish(ledger))
    for statement, said in RULES.items():
        with (
            psycopg.connect(server.connection(), options=f"-c search_path={database.schema}") as link,
            pytest.raises(psycopg.Error, match=said),
        ):
            link.execute(statement)


def test_altered_books_are_found(scene: Scene, database: Database) -> None:
    with scene.open() as ledger:
        scene.ask(ledger, scene.furnish(ledger))
        write(database, "UPDATE contract SET micro_rho_spent = 0")
        with pytest.raises(Fault, match="not what the log makes them"):
            ledger.check()
        write(database, "DROP TRIGGER leaf_stays ON leaf", "UPDATE leaf SET jws = 'x' || jws WHERE position = 2")
        with pytest.raises(Fault, match=r"not that of the leaves|not over these leaves"):
            ledger.check()


def test_a_server_that_may_lose_what_it_committed_is_refused(scene: Scene) -> None:
    with served() as careless:
        scene.elsewhere = Database(careless.connection(), "yanmen")
        with pytest.raises(Fault, match="fsync off") as fault:
            scene.open()
    assert fault.value.code is FaultCode.CONFIG


def test_no_secret_is_in_what_is_said(database: Database, scene: Scene) -> None:
    assert PASSWORD not in repr(database)
    assert PASSWORD in database.connection
    scene.elsewhere = Database(f"{database.connection} port=1", database.schema)
    with pytest.raises(Fault) as fault:
        scene.open()
    assert PASSWORD not in str(fault.value)


def test_an_abort_and_what_is_destroyed(scene: Scene, database: Database) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        held = reserved(ledger.reserve(scene.plan(contract)))
        ledger.abort(held, Reason.RUN_FAILED, None, Usage())
        store_of(ledger).empty_journal()
        ledger.check()
        assert ledger.balance(contract.terms.id).micro_rho_left < contract.terms.micro_rho
    assert postgresql_schema.version(database) == len(schema.migrations())


def test_a_value_that_text_cannot_hold_is_a_fault_and_undoes_nothing_else(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    with pytest.raises(Fault, match="ledger: "), ledger._writing() as db:
        db.execute("UPDATE contract SET decided_by = ?", ("a\0b",))
    scene.ask(ledger, contract)
    ledger.check()
    assert NodeLimits().jobs
