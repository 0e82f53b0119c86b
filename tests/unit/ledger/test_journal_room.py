"""A journal that is lengthened ahead of its commits: nothing is lost by it, and commits no longer lengthen it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from yanmen.ledger import store
from yanmen.ledger.store import Store

ROW = bytes(range(256)) * 256
WRITER = """
import sys
from pathlib import Path
from yanmen.ledger.store import Store
kept = Store(Path(sys.argv[1]), create=False)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    with kept.write() as db:
        db.execute("INSERT INTO kept VALUES (?, ?)", (number, bytes(range(256)) * 256))
kept.close()
"""


def opened(path: Path) -> Store:
    kept = Store(path, create=True)
    with kept.write() as db:
        db.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, data BLOB)")
    return kept


def add(kept: Store, numbers: range) -> list[int]:
    """Commit a row for each number; return how long the journal was after each."""
    journal = kept._path.with_name(kept._path.name + "-wal")
    lengths = []
    for number in numbers:
        with kept.write() as db:
            db.execute("INSERT INTO kept VALUES (?, ?)", (number, ROW))
        lengths.append(journal.stat().st_size)
    return lengths


def rows(path: Path) -> int:
    """Return how many rows are in the file, each of them whole."""
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count, whole) = found.execute("SELECT count(*), coalesce(sum(data = ?), 0) FROM kept", (ROW,)).fetchone()
    assert count == whole
    return int(count)


def test_most_commits_do_not_lengthen_a_long_journal(tmp_path: Path) -> None:
    kept = opened(tmp_path / "kept.db")
    lengths = add(kept, range(200))
    grown = sum(before < after for before, after in pairwise(lengths) if before > store.ROOM_FROM)
    longer = sum(length > store.ROOM_FROM for length in lengths)
    assert longer > 100
    assert 1 <= grown <= 2 * (lengths[-1] // store.ROOM_BYTES + 1)
    kept.close()


def test_a_short_journal_is_left_alone(tmp_path: Path) -> None:
    kept = opened(tmp_path / "kept.db")
    assert max(add(kept, range(10))) < store.ROOM_FROM
    kept.close()


def test_commits_leave_the_times_of_the_journal_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees them makes the next sync write the inode as well: as long a wait again."""
    kept = opened(tmp_path / "kept.db")
    seen: list[str] = []
    stat = os.stat

    def watched(path: str | Path, **how: bool) -> os.stat_result:
        seen.append(str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", watched)
    for number in range(3):
        with kept.write() as db:
            db.execute("INSERT INTO kept VALUES (?, ?)", (number, ROW))
    kept.close()
    assert [path for path in seen if path.endswith("-wal")][1:] == []


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    kept = opened(tmp_path / "kept.db")
    add(kept, range(3))
    kept.close()
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_all_that_was_committed_is_there_after_a_kill(tmp_path: Path) -> None:
    kept = opened(tmp_path / "kept.db")
    for step in range(0, 120, 7):
        add(kept, range(step, step + 7))
        there = tmp_path / f"killed-{step}"
        there.mkdir()
        for end in ("", "-wal"):
            shutil.copy(tmp_path / f"kept.db{end}", there)
        assert rows(there / "kept.db") == step + 7
        shutil.rmtree(there)
    kept.close()


def test_a_journal_that_was_emptied_grows_again(tmp_path: Path) -> None:
    kept = opened(tmp_path / "kept.db")
    add(kept, range(60))
    kept.empty_journal()
    assert (tmp_path / "kept.db-wal").stat().st_size == 0
    add(kept, range(60, 120))
    kept.close()
    assert rows(tmp_path / "kept.db") == 120


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    kept = opened(path)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(begin), str(begin + 100)])
        for begin in (1000, 2000)
    ]
    add(kept, range(100))
    assert [writer.wait(60) for writer in writers] == [0, 0]
    kept.close()
    assert rows(path) == 300
