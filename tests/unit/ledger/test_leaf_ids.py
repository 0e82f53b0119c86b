"""A file whose leaves had an index of their ids: lifted, it has the same log, held by the same rules."""

import re
import sqlite3
from contextlib import closing

import pytest
from yanmen.ledger import dialect, schema
from yanmen.model.refusal import Fault

from tests.unit.ledger.scene import Scene

STEPS = schema.migrations()
LIFTED = next(number for number, step in enumerate(STEPS) if "DROP TABLE leaf" in step)


def before(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a ledger as it was before, with an answer in it; return its head."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda _=schema.LEDGER: (*STEPS[:LIFTED], *STEPS[LIFTED + 1 :]))
        with scene.open() as ledger:
            scene.ask(ledger, scene.furnish(ledger))
            head = ledger.checkpoint()
    with closing(sqlite3.connect(scene.path)) as db:
        for table in re.findall(r"CREATE TABLE (\w+)", "".join(STEPS[LIFTED + 1 :])):
            db.execute(f"DROP TABLE {table}")
        db.execute(f"PRAGMA user_version = {LIFTED}")
    return head


def test_it_is_the_same_log(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    head = before(scene, monkeypatch)
    with closing(sqlite3.connect(scene.path)) as db:
        leaves = db.execute("SELECT * FROM leaf ORDER BY position").fetchall()
        assert "sqlite_autoindex_leaf_1" in {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    with scene.open(create=False) as ledger:
        assert ledger.checkpoint() == head
        ledger.check()
        scene.ask(ledger, scene.furnish(ledger))
        ledger.check()
    with closing(sqlite3.connect(scene.path)) as db:
        assert db.execute("SELECT * FROM leaf ORDER BY position").fetchall()[: len(leaves)] == leaves
        assert "sqlite_autoindex_leaf_1" not in {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaf SET party = 'x' WHERE position = 0",
        "DELETE FROM leaf WHERE position = 0",
        "INSERT INTO leaf VALUES (999, 'j', 's', 'p', 1, 'w')",
        "INSERT INTO disclosure VALUES (999, '', '')",
    ],
)
def test_what_held_the_leaves_holds_them_still(scene: Scene, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    before(scene, monkeypatch)
    scene.open(create=False).close()
    with closing(sqlite3.connect(scene.path)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)


def test_a_row_that_refers_to_no_leaf_is_found(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before(scene, monkeypatch)
    with closing(sqlite3.connect(scene.path)) as db:
        db.execute("INSERT INTO disclosure VALUES (999, '', '')")
        db.commit()
    with pytest.raises(Fault, match="refers to none"):
        scene.open(create=False)
    with closing(sqlite3.connect(scene.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (LIFTED,)


def test_references_are_held_again_after_a_migration() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    schema.migrate(connection, STEPS)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.close()


def test_a_database_keeps_its_own_tables() -> None:
    step = STEPS[LIFTED]
    assert (dialect.made(step), dialect.undone(step), dialect.kept(step)) == ((), (), ())
