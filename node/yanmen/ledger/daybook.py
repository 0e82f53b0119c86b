"""Logs of operation (运维日志): a file a day for each program, every line chained to the one before, kept 180 days.

A line is a JSON object with `at_ms`, what happened, and `prev`: the hex SHA-256 of the line before it, over days and
files; the first has zeros. A file goes only once it is older than is kept, and the next line says so (`dropped`), so a
chain with a hole was altered.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from threading import Lock

from yanmen.formats import json_canonical
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode

FOLDER = "logs"
CALLS, COMMANDS, CONSOLE = "calls", "commands", "console"
"""Programs that keep a daybook: what serves, what the holder types, what persons look at."""
DAYS_LEAST = 180
START = "0" * 64
LINE_MAX = 64 * 1024
CIVIL = timezone(timedelta(hours=8))
"""Days are those of Chinese civil time."""
_NAME = re.compile(r"([a-z]+)-(\d{4}-\d{2}-\d{2})\.jsonl", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TAIL = LINE_MAX + 1

Entry = Mapping[str, object]


class Daybook:
    """Appends to one program's log; several processes may."""

    def __init__(self, node: Path, program: str, clock: Clock, days: int = DAYS_LEAST) -> None:
        """Write below the node's folder and keep each file so many days, 180 at the least."""
        self._folder = node / FOLDER
        self._program = program
        self._clock = clock
        self._days = max(days, DAYS_LEAST)
        self._lock = Lock()
        self._written: tuple[Path, int, str] | None = None
        """The file last written to, its length then and the hash of its last line: no other process came between."""

    def write(self, entry: Entry) -> None:
        """Append a line; a `Fault` when it could not be written."""
        try:
            with self._lock, self._held():
                self._append(entry)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            code = FaultCode.STORAGE_FULL if full else FaultCode.STORAGE
            raise Fault(code, f"the log of operation: {os.strerror(error.errno or 0)}") from error

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(self._folder / f"{self._program}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _append(self, entry: Entry) -> None:
        now_ms = self._clock.now_ms()
        target, last = self._end(now_ms)
        last = _write(target, {"at_ms": now_ms, **entry}, last)
        self._written = (target, target.stat().st_size, last)

    def _end(self, now_ms: int) -> tuple[Path, str]:
        """Return the file to write to and the hash of the line before; what need be kept no more is dropped."""
        today = self._folder / f"{self._program}-{_day(now_ms)}.jsonl"
        if self._written is not None and self._written[0] == today and _size(today) == self._written[1]:
            return today, self._written[2]
        paths = _files(self._folder, self._program)
        # A clock set back writes on in the newest file: a chain has one direction.
        target = max(paths[-1], today) if paths else today
        last = _last(paths[-1]) if paths else START
        if target not in paths:
            for old in self._over(paths[:-1], now_ms):
                gone = {"at_ms": now_ms, "dropped": old.name, "last": _last(old)}
                last = _write(target, gone, last)
                old.unlink()
        return target, last

    def _over(self, paths: list[Path], now_ms: int) -> list[Path]:
        """Return the files that need be kept no more, oldest first."""
        first = datetime.fromtimestamp(now_ms // 1000, CIVIL).date() - timedelta(days=self._days)
        return [path for path in paths if _day_of(path) < first]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line that says which leaf of the usage log has the digest of `heads`: each program's last line up to `day`."""

    day: str
    leaf: int
    heads: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What the leaf says."""
        return digest(self.heads)


@dataclass(slots=True)
class Kept:
    """What is kept of one program's log: since which day, how many lines, and which leaves vouch for it."""

    since: str
    lines: int = 0
    last: str = START
    heads: dict[str, str] = field(default_factory=dict)
    """By day, the hash of its last line."""
    anchors: list["Anchor"] = field(default_factory=list)


def programs(node: Path) -> tuple[str, ...]:
    """Return which programs have a log."""
    found = {path.name.partition("-")[0] for path in (node / FOLDER).glob("*.jsonl") if _NAME.fullmatch(path.name)}
    return tuple(sorted(found))


def check(node: Path, program: str) -> Kept:
    """Return what is kept of a program's log once every line follows the one before; otherwise a `Fault`."""
    paths = _files(node / FOLDER, program)
    kept = Kept(_day_of(paths[0]).isoformat() if paths else "")
    before, dropped = "", START
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            said = _read(line)
            if said is not None:  # else a crash cut it short, and only the line after it can vouch for it
                if before and said["prev"] != before:
                    note = f"{path.name}, line {number}: it does not follow the line before it"
                    raise Fault(FaultCode.STORAGE, note)
                dropped = _take(said, kept, dropped if before else str(said["prev"]))
            before = hashlib.sha256(line).hexdigest()
        kept.heads[_day_of(path).isoformat()] = before
    if dropped != START:
        raise Fault(FaultCode.STORAGE, f"{program}: files before {kept.since} are gone, and no line says why")
    kept.last = before or START
    return kept


def _take(said: dict[str, object], kept: Kept, dropped: str) -> str:
    """Take in a line; return the hash that must yet be said to be a dropped file's last, or zeros."""
    kept.lines += 1
    match said:
        case {"dropped": str(), "last": str(last)} if last == dropped:
            return START
        case {"logs_of": str(day), "leaf": int(leaf), "heads": dict(heads)}:
            kept.anchors.append(Anchor(day, leaf, {str(name): str(last) for name, last in heads.items()}))
        case _:
            pass
    return dropped


def closed(node: Path, now_ms: int) -> Anchor | None:
    """Return the newest day before today that has logs, and their heads; None once today's calls name it."""
    found: dict[str, tuple[date, str]] = {}
    for program in programs(node):
        for path in _files(node / FOLDER, program):
            if _day_of(path) < today(now_ms):
                found[program] = (_day_of(path), _last(path))
    if not found or _named(node / FOLDER / f"{CALLS}-{_day(now_ms)}.jsonl"):
        return None
    heads = {program: last for program, (_, last) in found.items()}
    return Anchor(max(day for day, _ in found.values()).isoformat(), 0, heads)


def _named(path: Path) -> bool:
    return path.exists() and any('"logs_of"' in line.decode("utf-8", "replace") for line in _lines(path))


def vouched(anchor: Anchor, kept: Mapping[str, Kept]) -> str:
    """Return the program whose log is not what `anchor` says of it, "" when all that is kept is."""
    for program, last in anchor.heads.items():
        days = kept[program].heads if program in kept else {}
        upto = [head for day, head in sorted(days.items()) if day <= anchor.day]
        if upto and upto[-1] != last:
            return program
    return ""


def digest(heads: Mapping[str, str]) -> str:
    """Return the digest of some programs' last lines."""
    return hashlib.sha256(json_canonical.encode(dict(heads))).hexdigest()


def today(now_ms: int) -> date:
    """Return the day of Chinese civil time."""
    return datetime.fromtimestamp(now_ms // 1000, CIVIL).date()


def _day(now_ms: int) -> str:
    return today(now_ms).isoformat()


def _files(folder: Path, program: str) -> list[Path]:
    found = []
    for path in folder.glob(f"{program}-*.jsonl"):
        name = _NAME.fullmatch(path.name)
        if name is not None and name[1] == program:
            found.append(path)
    return sorted(found)


def _day_of(path: Path) -> date:
    name = _NAME.fullmatch(path.name)
    try:
        return date.fromisoformat(name[2] if name else "")
    except ValueError as error:
        raise Fault(FaultCode.STORAGE, f"{path.name} is no log of a day") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _write(path: Path, entry: Mapping[str, object], last: str) -> str:
    """Append a line after the one whose hash is `last` and return its own."""
    line = json.dumps({**entry, "prev": last}, ensure_ascii=False).encode()
    if len(line) > LINE_MAX:
        raise Fault(FaultCode.INTERNAL, "a log line longer than any")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(fd, line + b"\n")
    finally:
        os.close(fd)
    return hashlib.sha256(line).hexdigest()


def _last(path: Path) -> str:
    """Return the hash of a file's last line; a line that a crash cut short is ended, and counts as it is."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
            tail += b"\n"
    lines = tail.splitlines()
    return hashlib.sha256(lines[-1]).hexdigest() if lines else START


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(LINE_MAX + 2):
            yield line.removesuffix(b"\n")


def _read(line: bytes) -> dict[str, object] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    known = isinstance(said, dict) and isinstance(said.get("prev"), str) and _HASH.fullmatch(said["prev"])
    return said if known else None
