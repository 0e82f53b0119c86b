"""Rows of a PostgreSQL server, read by a process of their own into a file that only an import job opens.

The node's process never meets the server: a reader (`yanmen_reader`) without keys connects, closes itself in and writes
rows as Parquet into a nameless file; the jailed job, which has no network, makes the snapshot of it.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from yanmen.crypto import keys
from yanmen.execution import reader_trouble
from yanmen.execution.clear_files import ClearFile, ClearFiles
from yanmen.execution.orders import Continued
from yanmen.execution.process import ENVIRONMENT, FreshProcess
from yanmen.execution.reader_trouble import Wanted
from yanmen.execution.worker import Bounds, Worker
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.catalogue import Column, Dataset, Role
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

READER = (sys.executable, "-I", "-B", "-m", "yanmen_reader")
READ_BOUNDS = {"address": 8 << 30, "cpu": 3600}
"""Address space, most of it reserved by Arrow and never used, and CPU seconds of a reader."""
SLACK_MS = 60_000
"""Longer than the statement timeout: to connect, to digest what is behind a mark, and to write."""
STATEMENTS = 4
REPLY_BYTES = 4096
CONNECTION_BYTES = 4096
OF_LIBPQ = re.compile(r"PG[A-Z]+", re.ASCII)
"""Variables of the environment that a PostgreSQL client reads."""
USUAL = {
    "PGSSLMODE": "verify-full",  # what the connection says otherwise, it says itself
    "PGCONNECT_TIMEOUT": "15",
    "PGAPPNAME": "yanmen",
    "PGGSSENCMODE": "disable",
}
_MARK = re.compile(r"[0-9A-Za-z:+. -]{1,64}", re.ASCII)
_DIGEST = re.compile(r"0|-?[1-9][0-9]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a source was read: the greatest value of its refresh column, the rows up to there, and their digest."""

    value: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Extract:
    """What the reader wrote: the `whole` source, or the rows after the last mark; None: nothing to go on from."""

    rows: int
    whole: bool
    mark: Mark | None

    def continued(self, source: str, previous: int | None) -> Continued:
        """Return what the snapshot keeps of it, for the source of that digest."""
        mark = self.mark
        if mark is None:
            return Continued(source, None, self.rows, previous)
        return Continued(source, (mark.value, mark.rows, mark.digest), mark.rows, previous)


def wanted(dataset: Dataset) -> Wanted:
    """Return which columns are read for `dataset`: hidden ones must be there, and never leave the server."""
    hidden = tuple(column.source_name or column.name for column in dataset.columns if column.role is Role.HIDDEN)
    return Wanted(tuple(_source_name(column) for column in dataset.visible()), hidden)


@contextmanager
def extracted(
    path: str, source: PostgresqlSource, want: Wanted | None, clear: ClearFiles, before: Mark | None = None
) -> Iterator[tuple[ClearFile, Extract]]:
    """Give the rows of `source` as a Parquet file that nobody can write any more; without `want`, of all columns."""
    with clear.empty(clear.largest_bytes) as target:
        os.fchmod(target.fd, 0o666)  # a reader of a root node writes under the account of jobs
        order = {
            "connection": _connection(Path(path), source),
            "relation": source.relation,
            "zone": source.zone,
            "timeout_ms": source.timeout_s * 1000,
            "columns": None if want is None else list(want.columns),
            "hidden": [] if want is None else list(want.hidden),
            "target": target.fd,
            "refresh": _refresh(source, before) if want is not None else None,
            "bounds": {**READ_BOUNDS, "file": clear.largest_bytes},
        }
        extract = _read(_run(order, target.fd, source), want)
        os.lseek(target.fd, 0, os.SEEK_END)
        target.close_to_writers()
        yield target, extract


def _source_name(column: Column) -> str:
    return column.source_name or column.name


def _refresh(source: PostgresqlSource, before: Mark | None) -> dict[str, object] | None:
    if not source.refresh:
        return None
    return {"column": source.refresh, "before": None if before is None else [before.value, before.rows, before.digest]}


def _connection(path: Path, source: PostgresqlSource) -> str:
    """Return the libpq connection string; it goes to the reader by a pipe, and into no log, argument or error."""
    if not source.connection:
        return f"service={source.service}" if source.service else ""
    file = path.parent / source.connection
    try:
        text = keys.read_private(file, CONNECTION_BYTES).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Fault(FaultCode.CONFIG, f"{file}: not UTF-8（不是 UTF-8 编码）") from None
    if not text or not text.isprintable():
        note = f"{file}: one line, a connection string of libpq（须为一行 libpq 连接串）"
        raise Fault(FaultCode.CONFIG, note)
    return text


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return what the reader inherits by name: what a client of PostgreSQL reads, and nothing of the node's."""
    named = {name: value for name, value in given.items() if OF_LIBPQ.fullmatch(name)}
    home = {"HOME": given["HOME"]} if "HOME" in given else {}
    return {**ENVIRONMENT, **USUAL, **named, **home}


def _run(order: dict[str, object], target: int, source: PostgresqlSource) -> bytes:
    bounds = Bounds(
        wall_ms=source.timeout_s * 1000 * STATEMENTS + SLACK_MS,
        cpu_seconds=READ_BOUNDS["cpu"],
        reply_bytes=REPLY_BYTES,
    )
    request = json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    process = FreshProcess(READER, (target,), _environment(os.environ))
    with Worker(process, bounds, Event()) as worker:
        try:
            reply, _ = worker.exchange(request)
        except JobFailed as failed:
            raise reader_trouble.ended(failed, worker.exit_status) from None
    return reply


def _read(data: bytes, want: Wanted | None) -> Extract:
    """Read the reply as hostile bytes: the reader parsed what a server sent."""
    try:
        document: object = json.loads(data.decode("utf-8"))
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError):
        raise JobFailed(JobCode.BAD_REPLY) from None
    if written != data:
        raise JobFailed(JobCode.BAD_REPLY)
    match document:
        case {"trouble": str(trouble), "column": int(column), "word": str(word), **rest} if not rest:
            raise reader_trouble.told(trouble, column, word, want)
        case {"ok": True, "rows": int(rows), "whole": bool(whole), "mark": mark, **rest} if not rest and rows >= 0:
            return Extract(rows, whole, None if mark is None else read_mark(mark))
        case _:
            raise JobFailed(JobCode.BAD_REPLY)


def read_mark(value: object) -> Mark:
    """Return the mark that `value` spells."""
    match value:
        case [str(newest), int(rows), str(digest)] if (
            rows >= 0 and _MARK.fullmatch(newest) and _DIGEST.fullmatch(digest)
        ):
            return Mark(newest, rows, digest)
        case _:
            raise JobFailed(JobCode.BAD_REPLY)
