"""The file: migrations, foreign and damaged files, full disks, rights."""

import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from yanmen.ledger import schema, store
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.store import Store
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused

from tests.unit.ledger.scene import Scene, store_of

ONE = "CREATE TABLE a (x INTEGER) STRICT;"
TWO = "ALTER TABLE a ADD COLUMN y TEXT; INSERT INTO a VALUES (1, 'kept');"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "ledger.db")


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def version(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def test_every_migration_from_nothing() -> None:
    steps = schema.migrations()
    assert steps
    for upto in range(len(steps) + 1):
        connection = connect(Path(":memory:"))
        schema.migrate(connection, steps[:upto])
        assert version(connection) == upto
        schema.migrate(connection, steps)
        assert version(connection) == len(steps)
        schema.migrate(connection, steps)
        connection.close()


def test_migrations_keep_what_is_there() -> None:
    connection = connect(Path(":memory:"))
    schema.migrate(connection, [ONE])
    connection.execute("INSERT INTO a VALUES (7)")
    schema.migrate(connection, [ONE, TWO])
    assert connection.execute("SELECT x, y FROM a ORDER BY x").fetchall() == [(1, "kept"), (7, None)]
    connection.close()


def test_a_migration_that_fails_leaves_nothing_of_itself() -> None:
    connection = connect(Path(":memory:"))
    schema.migrate(connection, [ONE])
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, [ONE, TWO + "INSERT INTO nowhere VALUES (1);"])
    assert version(connection) == 1
    assert connection.execute("SELECT * FROM a").fetchall() == []
    assert not connection.in_transaction
    schema.migrate(connection, [ONE, TWO])
    connection.close()


def test_a_newer_schema_is_refused(scene: Scene) -> None:
    scene.open().close()
    connection = connect(scene.path)
    connection.execute(f"PRAGMA user_version = {len(schema.migrations()) + 1}")
    connection.close()
    with pytest.raises(Fault, match="newer program") as fault:
        scene.open()
    assert fault.value.code is FaultCode.STORAGE


@pytest.mark.parametrize("mark", ["PRAGMA application_id = 1", "PRAGMA user_version = 1", "SELECT 1"])
def test_a_file_of_another_program_is_left_alone(scene: Scene, mark: str) -> None:
    connection = connect(scene.path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.execute(mark)
    connection.close()
    with pytest.raises(Fault, match="no ledger of ours") as fault:
        scene.open()
    assert fault.value.code is FaultCode.STORAGE
    connection = connect(scene.path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]
    connection.close()


def test_a_file_that_is_no_database(scene: Scene) -> None:
    scene.path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(Fault) as fault:
        scene.open()
    assert fault.value.code is FaultCode.STORAGE
    assert scene.path.read_bytes() == b"not a database at all" * 500


def test_damaged_pages_are_a_fault_and_never_an_answer(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        for _ in range(10):
            scene.ask(ledger, contract)
    whole = scene.path.read_bytes()
    faults, size = 0, store.PAGE_BYTES
    for page in range(len(whole) // size):
        scene.path.write_bytes(whole[: page * size] + b"\xa5" * size + whole[(page + 1) * size :])
        try:
            with scene.open(create=False) as ledger:
                ledger.check()
        except Fault as fault:
            faults += fault.code is FaultCode.STORAGE
    assert faults >= len(whole) // size - 2, "all but free pages"
    scene.path.write_bytes(whole)
    with scene.open(create=False) as ledger:
        ledger.check()


def test_a_vanished_ledger_is_no_fresh_budget(scene: Scene) -> None:
    with pytest.raises(Fault, match="no ledger") as fault:
        scene.open(create=False)
    assert fault.value.code is FaultCode.STORAGE
    assert not scene.path.exists()
    scene.path.touch()
    with pytest.raises(Fault, match="not begun"):
        scene.open(create=False)


def test_the_connections_are_durable_and_private(scene: Scene) -> None:
    with scene.open() as ledger:
        for connection in (store_of(ledger)._writer, store_of(ledger)._reader):
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
            assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
        for file in scene.path.parent.glob("ledger.db*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        strict = store_of(ledger)._reader.execute(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict"
        )
        assert [name for (name,) in strict if not name.startswith("sqlite_")] == []


ASK = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from scene import PROFILE, Scene, released
scene = Scene(Path(sys.argv[1]))
with scene.open() as ledger:
    contract = scene.furnish(ledger)
    plan = scene.plan(contract)
    held = ledger.reserve(plan)
    os.write(1, b"RESERVED")
    ledger.settle(held, released(plan), PROFILE)
    os.write(1, b"RELEASED")
"""


@pytest.mark.parametrize("moment", ["RESERVED", "RELEASED"])
def test_a_commit_is_synced_before_it_returns(tmp_path: Path, moment: str) -> None:
    """The system calls themselves: whatever was written to the journal is synced before the caller hears of it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    here = str(Path(__file__).parent)
    strace = ["strace", "-f", "-y", "-e", "trace=pwrite64,fdatasync,fsync,write", "-o", str(trace)]
    command = [*strace, sys.executable, "-c", ASK, str(tmp_path / "ledger.db"), here]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("this machine lets nobody trace")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text(errors="replace").splitlines()
    told = next(number for number, call in enumerate(calls) if f'"{moment}"' in call)
    written = max(number for number, call in enumerate(calls[:told]) if "pwrite64" in call and "-wal>" in call)
    assert any("sync(" in call and "-wal>" in call for call in calls[written + 1 : told])


def fill(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    for _ in range(40):
        scene.ask(ledger, contract)


def test_a_full_disk_records_nothing(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        scene.ask(ledger, contract)
        writer = store_of(ledger)._writer
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(Fault) as fault:
            fill(scene, ledger, contract)
        assert fault.value.code is FaultCode.STORAGE_FULL
        size, left = ledger.size(), ledger.balance(contract.terms.id)
        ledger.check()
        writer.execute("PRAGMA max_page_count = 100000")
        ledger.recover()
        scene.ask(ledger, contract)
        ledger.check()
        assert ledger.size() > size
        assert ledger.balance(contract.terms.id).micro_rho_left == left.micro_rho_left - 100


def test_a_file_size_limit_records_nothing(tmp_path: Path) -> None:
    """The kernel refuses the write itself (EFBIG, as a quota would): the node stops, the ledger stays whole."""
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with scene.open() as ledger:
                resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
                try:
                    for _ in range(1_000):
                        scene.ask(ledger, contract)
                except Fault as fault:
                    code = 0 if fault.code in (FaultCode.STORAGE, FaultCode.STORAGE_FULL) else 2
                os._exit(code)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 0
    with scene.open(create=False) as ledger:
        assert ledger.recover() <= 1
        ledger.check()
        scene.ask(ledger, contract)


def test_a_read_only_ledger_is_a_fault() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = Scene(folder / "ledger.db")
        scene.open().close()
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                if os.geteuid() == 0:
                    os.setresuid(65534, 65534, 65534)
                scene.open()
            except Fault as fault:
                code = 0 if fault.code is FaultCode.STORAGE else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        folder.chmod(0o755)
    assert os.WEXITSTATUS(status) == 0


def test_a_fault_quotes_no_value(scene: Scene) -> None:
    store = Store(scene.path, create=True)
    with pytest.raises(Fault) as fault, store.write() as db:
        db.execute("INSERT INTO rate (consumer, kind, minute, uses) VALUES ('canary-4711', 'x', 1, 0)")
    assert "canary" not in str(fault.value)
    assert fault.value.code is FaultCode.STORAGE
    store.close()


@pytest.mark.parametrize("value", [2**63, "\ud800"])
def test_values_sqlite_cannot_hold_are_faults(scene: Scene, value: int | str) -> None:
    store = Store(scene.path, create=True)
    with pytest.raises(Fault), store.write() as db:
        db.execute("INSERT INTO rate (consumer, kind, minute, uses) VALUES ('x', 'x', ?, 1)", (value,))
    with store.read() as db:
        assert db.execute("SELECT * FROM rate").fetchall() == []
    store.close()


def test_a_refusal_inside_rolls_back(scene: Scene) -> None:
    store = Store(scene.path, create=True)

    def refused() -> None:
        with store.write() as db:
            db.execute("INSERT INTO rate (consumer, kind, minute, uses) VALUES ('x', 'x', 1, 1)")
            raise Refused(Reason.BUDGET_SPENT)

    with pytest.raises(Refused):
        refused()
    with store.read() as db:
        assert db.execute("SELECT * FROM rate").fetchall() == []
    store.close()


def test_two_openings_at_once_make_one_ledger(scene: Scene) -> None:
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                Ledger.open(scene.path, scene.keeper(), scene.limits).close()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    with scene.open() as ledger:
        assert ledger.size() == 3
        ledger.check()
