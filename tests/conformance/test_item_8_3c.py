"""8.3c 日志存证: a log that cannot be altered (防篡改): one byte changed is found by whoever has the files."""

import shutil
import sqlite3
from pathlib import Path

from tests.conformance.department import BEDS, Department
from tests.system.town import run


def test_any_change_is_found(department: Department, tmp_path: Path) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    assert run("query", *who, "--contract", department.opened(), BEDS)[0] == 0
    assert department.verify("whole")["ok"]
    altered = tmp_path / "altered"
    shutil.copytree(department.root / "whole", altered)
    path = sorted((altered / "receipts").glob("*.sdjwt"))[-1]
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(bytes(data))
    code, report = run("verify", altered, "--space-key", department.space / "space.vkey")
    assert code == 1
    assert not report["ok"]


def test_a_leaf_is_neither_changed_nor_removed_in_the_ledger(department: Department) -> None:
    db = sqlite3.connect(department.node / "ledger.sqlite", timeout=30)
    try:
        for statement in ("UPDATE leaf SET party = 'x'", "DELETE FROM leaf WHERE position = 0"):
            try:
                with db:
                    db.execute(statement)
            except sqlite3.IntegrityError:
                continue
            raise AssertionError(statement)
    finally:
        db.close()


def test_a_ledger_altered_behind_its_triggers_does_not_open(department: Department, tmp_path: Path) -> None:
    node = tmp_path / "clinic"
    shutil.copytree(department.node, node)
    db = sqlite3.connect(node / "ledger.sqlite")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    with db:
        db.execute("UPDATE leaf SET jws = replace(jws, substr(jws, 200, 4), 'AAAA') WHERE position = 2")
    db.close()
    code, found = run("check", "node", node)
    assert (code, found["code"]) == (3, "STORAGE")
