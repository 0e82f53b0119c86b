"""Logs of operation: chained over days and programs, kept 180 days at the least, and every gap or change is found."""

import json
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest
from yanmen.ledger import daybook
from yanmen.ledger.daybook import CALLS, COMMANDS, Daybook
from yanmen.model.refusal import Fault, FaultCode

DAY_MS = 24 * 3600 * 1000
START_MS = 1_700_000_000_000


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


def filled(node: Path, clock: Clock, days: int, program: str = CALLS) -> Daybook:
    """Write two lines on each of so many days."""
    made = Daybook(node, program, clock)
    for number in range(days):
        for line in range(2):
            made.write({"line": number * 2 + line})
        clock.ms += DAY_MS
    return made


def files(node: Path) -> list[Path]:
    return sorted((node / daybook.FOLDER).glob("*.jsonl"))


def wrong(node: Path, program: str = CALLS) -> str:
    with pytest.raises(Fault) as caught:
        daybook.check(node, program)
    assert caught.value.code is FaultCode.STORAGE
    return caught.value.note


def test_lines_are_private_files_of_a_day_and_chained(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock, 3)
    assert len(files(tmp_path)) == 3
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files(tmp_path))
    kept = daybook.check(tmp_path, CALLS)
    assert (kept.lines, kept.since) == (6, daybook.today(START_MS).isoformat())
    assert json.loads(files(tmp_path)[0].read_bytes().splitlines()[0])["prev"] == daybook.START


def test_each_line_changed_moved_or_missing_is_found(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock, 3)
    for path in files(tmp_path):
        whole = path.read_bytes()
        first, second = whole.splitlines(keepends=True)
        altered = [first.replace(b'"line": ', b'"line": 9'), second + first, second, first + first + second]
        altered += [b"", b"x\n" + second] if path != files(tmp_path)[-1] else []
        for other in altered:
            path.write_bytes(other if other != altered[0] else other + second)
            assert wrong(tmp_path)
        path.write_bytes(whole)
    assert daybook.check(tmp_path, CALLS).lines == 6


def test_a_file_removed_is_found_wherever_it_stood(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock, 3)
    for path in files(tmp_path)[:2]:
        whole = path.read_bytes()
        path.unlink()
        assert wrong(tmp_path)
        path.write_bytes(whole)


def test_nothing_goes_before_180_days_whatever_is_asked(tmp_path: Path, clock: Clock) -> None:
    book = Daybook(tmp_path, CALLS, clock, days=1)
    for _ in range(181):
        book.write({})
        clock.ms += DAY_MS
    assert len(files(tmp_path)) == 181
    book.write({})
    kept = daybook.check(tmp_path, CALLS)
    assert date.fromisoformat(kept.since) == daybook.today(clock.ms) - timedelta(days=180)
    assert "dropped" in files(tmp_path)[-1].read_text()


def test_what_was_dropped_too_early_is_found(tmp_path: Path, clock: Clock) -> None:
    book = filled(tmp_path, clock, 182)
    book.write({})
    assert daybook.check(tmp_path, CALLS).lines > 0
    files(tmp_path)[0].unlink()
    assert "gone" in wrong(tmp_path)


def test_two_processes_write_one_chain(tmp_path: Path, clock: Clock) -> None:
    first, second = (Daybook(tmp_path, COMMANDS, clock) for _ in range(2))
    for number in range(20):
        (first, second)[number % 2].write({"number": number})
    assert daybook.check(tmp_path, COMMANDS).lines == 20
    assert daybook.programs(tmp_path) == (COMMANDS,)


def test_a_line_cut_short_by_a_crash_is_followed_by_the_next(tmp_path: Path, clock: Clock) -> None:
    Daybook(tmp_path, CALLS, clock).write({"a": 1})
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes() + b'{"at_ms": 17')
    Daybook(tmp_path, CALLS, clock).write({"b": 2})
    assert daybook.check(tmp_path, CALLS).lines == 2
    path.write_bytes(path.read_bytes().replace(b'{"at_ms": 17\n', b'{"at_ms": 18\n'))
    assert wrong(tmp_path)


def test_a_clock_set_back_writes_on_at_the_end(tmp_path: Path, clock: Clock) -> None:
    book = filled(tmp_path, clock, 2)
    clock.ms = START_MS
    book.write({"late": True})
    assert daybook.check(tmp_path, CALLS).lines == 5
    assert b"late" in files(tmp_path)[-1].read_bytes()


def test_a_day_that_is_over_is_vouched_for_once(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock, 1, COMMANDS)
    book = filled(tmp_path, clock, 1)
    found = daybook.closed(tmp_path, clock.ms)
    assert found is not None
    assert set(found.heads) == {CALLS, COMMANDS}
    book.write({"logs_of": found.day, "leaf": 7, "heads": dict(found.heads)})
    assert daybook.closed(tmp_path, clock.ms) is None
    kept = {program: daybook.check(tmp_path, program) for program in daybook.programs(tmp_path)}
    (anchor,) = kept[CALLS].anchors
    assert anchor.leaf == 7
    assert anchor.digest == found.digest
    assert daybook.vouched(anchor, kept) == ""


def test_the_end_of_a_log_cut_off_is_found_by_the_leaf(tmp_path: Path, clock: Clock) -> None:
    """What no chain shows: the newest lines gone. The day's leaf does."""
    filled(tmp_path, clock, 1, COMMANDS)
    book = filled(tmp_path, clock, 1)
    found = daybook.closed(tmp_path, clock.ms)
    assert found is not None
    book.write({"logs_of": found.day, "leaf": 7, "heads": dict(found.heads)})
    path = next(path for path in files(tmp_path) if path.name.startswith(COMMANDS))
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    kept = {program: daybook.check(tmp_path, program) for program in daybook.programs(tmp_path)}
    assert daybook.vouched(kept[CALLS].anchors[0], kept) == COMMANDS


def test_a_log_that_cannot_be_kept_is_a_fault(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / daybook.FOLDER).write_text("a file stands here")
    with pytest.raises(Fault) as caught:
        Daybook(tmp_path, CALLS, clock).write({})
    assert caught.value.code is FaultCode.STORAGE
