"""A look at the ledger changes nothing, and reads only what is listed."""

import hashlib
import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from yanmen.ledger import read_only, showing
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.read_only import COLUMNS, NOT_SERVED, READABLE, ReadOnly
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault

from tests.unit.ledger.scene import Scene

SECRET_TABLES = ("answer", "question", "job", "session_spend", "request_seen", "run_failure", "rate", "given")

NOBODY = 65_534
REFUSED = r"not authorized|prohibited|no such column|readonly|cannot VACUUM"


@pytest.fixture
def used(scene: Scene, ledger: Ledger, contract: Contract) -> ReadOnly:
    """Return a look at a ledger with an answer, a session and a running question."""
    scene.ask(ledger, contract, session=scene.name())
    ledger.reserve(scene.plan(contract))
    return ReadOnly(scene.path)


@pytest.mark.parametrize("table", SECRET_TABLES)
def test_what_is_released_asked_or_signed_cannot_be_read(used: ReadOnly, table: str) -> None:
    with used.view() as db:
        for statement in (f"SELECT * FROM {table}", f"SELECT count(*) FROM {table}", f"SELECT rowid FROM {table}"):
            with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
                db.execute(statement)


def test_ids_of_jobs_and_what_only_an_auditor_is_given_read_as_nothing(used: ReadOnly) -> None:
    with used.view() as db:
        hidden = db.execute("SELECT owner, job_id, ref, question, meter FROM intent").fetchall()
        withheld = db.execute("SELECT withheld FROM disclosure").fetchall()
    assert len(hidden) == 2
    assert {value for row in hidden for value in row} == {None}
    assert {value for (value,) in withheld} == {None}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO rate VALUES ('c', 'k', 1, 1)",
        "UPDATE contract SET micro_rho_spent = 0",
        "DELETE FROM erased",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t (x)",
        "DROP TABLE rate",
        "PRAGMA query_only = OFF",
        "PRAGMA user_version = 0",
        "ATTACH ':memory:' AS other",
        "VACUUM INTO '/nowhere'",
        "SELECT * FROM sqlite_schema",
        "COMMIT",
    ],
)
def test_nothing_can_be_changed_or_opened_besides(used: ReadOnly, statement: str) -> None:
    with used.view() as db, pytest.raises(sqlite3.DatabaseError, match=REFUSED):
        db.execute(statement)


def test_what_is_listed_is_there_and_nothing_secret_is_listed(used: ReadOnly, scene: Scene) -> None:
    with sqlite3.connect(scene.path) as db:
        kinds = ("table", "view")
        tables = {name for name, kind in db.execute("SELECT name, type FROM sqlite_schema") if kind in kinds}
        tables -= {"sqlite_sequence"}
        assert READABLE | COLUMNS.keys() <= tables
        assert set(SECRET_TABLES) <= tables - READABLE - COLUMNS.keys(), "what is not listed cannot be read"
        for name, columns in COLUMNS.items():
            assert columns <= {row[1] for row in db.execute(f"PRAGMA table_info({name})")}
    db.close()


def test_looking_changes_no_byte_of_the_file(used: ReadOnly, scene: Scene) -> None:
    before = hashlib.sha256(scene.path.read_bytes()).digest()
    with used.view() as db:
        showing.contracts_standing(db)
        showing.spent_by_day(db)
    assert hashlib.sha256(scene.path.read_bytes()).digest() == before


def test_the_node_goes_on_writing_while_somebody_looks(
    used: ReadOnly, scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    with used.view() as db:
        assert len(showing.running(db, 10)) == 1
        scene.ask(ledger, contract)
        ledger.reserve(scene.plan(contract))
        assert len(showing.running(db, 10)) == 1, "one consistent view"
    with used.view() as db:
        assert len(showing.running(db, 10)) == 2


def test_a_file_that_is_none_of_ours_or_of_another_program_is_not_shown(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="no ledger here"), ReadOnly(tmp_path / "none").view():
        pass
    (tmp_path / "text").write_text("no database, but long enough to be read as one" * 40)
    with pytest.raises(Fault, match="NOTADB"), ReadOnly(tmp_path / "text").view():
        pass
    with sqlite3.connect(tmp_path / "foreign") as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(Fault, match="no ledger of ours"), ReadOnly(tmp_path / "foreign").view():
        pass
    with scene.open():
        pass
    for version in (1, 999):
        with sqlite3.connect(scene.path) as db:
            db.execute(f"PRAGMA user_version = {version}")
        db.close()
        with pytest.raises(Fault, match=f"schema {version}"), ReadOnly(scene.path).view():
            pass


def test_a_name_with_signs_of_addresses_is_a_name(tmp_path: Path) -> None:
    odd = Scene(tmp_path / "a?mode=rwc&x#y%41")
    with odd.open():
        pass
    with ReadOnly(odd.path).view() as db:
        assert showing.identity(db)[1]
        with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
            db.execute("DELETE FROM leaf")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_reads_what_its_group_may_while_the_node_serves() -> None:
    with TemporaryDirectory(prefix="yanmen-") as folder:  # no other user gets into pytest's own
        look_as_another(Path(folder))


def look_as_another(folder: Path) -> None:
    """Look at a ledger in `folder` as another user of its group, before and while its node serves."""
    scene = Scene(folder / "ledger.sqlite")
    with scene.open():
        pass
    for path, mode in ((scene.path, 0o640), (folder, 0o2750)):
        os.chown(path, -1, NOBODY)
        path.chmod(mode)
    key = folder / "signing.key"
    key.touch(0o600)
    assert as_nobody(ReadOnly(scene.path), key) == f"STORAGE: {NOT_SERVED}; PermissionError"
    with scene.open(create=False) as ledger:
        assert as_nobody(ReadOnly(scene.path), key) == f"{ledger.size() - 1}; PermissionError"
    assert {path.name for path in folder.iterdir()} == {key.name, scene.path.name, f"{scene.path.name}.lock"}


def as_nobody(ledger: ReadOnly, key: Path) -> str:
    """Return what a process of another user finds: the newest leaf, and that it may not read a key."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, f"{newest(ledger)}; {key_error(key)}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        found = said.read()
    os.waitpid(child, 0)
    return found


def newest(ledger: ReadOnly) -> str:
    """Return the index of the newest leaf, or why it cannot be read."""
    try:
        with ledger.view() as db:
            return str(showing.last(db).index)
    except Fault as fault:
        return str(fault)


def key_error(key: Path) -> str:
    """Return what stops whoever reads `key`."""
    try:
        return key.read_text()
    except OSError as error:
        return type(error).__name__


def test_a_look_waits_no_longer_than_a_reader_does() -> None:
    assert read_only.WAIT_SECONDS <= 5
