"""Replies a subverted worker could send, from real processes over real pipes, and what became of each."""

import faulthandler
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from threading import Event
from typing import cast

from yanmen.disclosure import disclose
from yanmen.execution import orders, reply
from yanmen.execution.launcher import Launcher
from yanmen.execution.process import Ended, Pipes, kill, reply_pipe
from yanmen.execution.run import reply_types
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.ports import Limits
from yanmen.model.refusal import JobCode, JobFailed
from yanmen.model.stages import Admitted, Aggregate, AggregateKind, Key, Output, Plan, Raw

REPLY_BYTES = 1 << 16
PLAN = Plan(
    admitted=cast("Admitted", None),
    release=DatasetClass.PERSONAL,
    subject_space="residents",
    scans=(),
    sql="",
    keys=(
        Key("k0", ColumnType.TEXT, ("f", "m")),
        Key("k1", ColumnType.INTEGER, (0, 1, 2)),
        Key("k2", ColumnType.BOOLEAN, (False, True)),
    ),
    aggregates=(
        Aggregate("a0", AggregateKind.ROWS, 0, 0, 50, 1, 1),
        Aggregate("a1", AggregateKind.SUM, 0, -500, 500, 10, 100),
    ),
    averages=(),
    outputs=(Output("n", ColumnType.INTEGER, "a0"), Output("t", ColumnType.INTEGER, "a1")),
    post_sql="",
    canonical="",
    rows_max=12,
    deadline_ms=1,
    micro_rho=100_000,
    delta_e12=1,
    price_fen=0,
    min_group=10,
)
GRID = list(product(*(key.domain for key in PLAN.keys)))
FAR = 20
"""Half-widths (of 95 %) beyond which no noise reaches: 39 standard deviations."""

Row = list[object]


@dataclass(frozen=True)
class Forged:
    """What is sent, in pieces, how long between them, and how the process ends: an exit status or minus a signal."""

    kind: str
    pieces: tuple[bytes, ...]
    pause_s: float = 0.0
    end: int = 0
    waits: bool = True


@dataclass(frozen=True)
class Verdict:
    """What the node made of it: a closed code, "released", or what should never be."""

    forged: Forged
    outcome: str
    wrong: str = ""


class ForgedProcess:
    """A child of ours that ignores its request and says what it was told to."""

    def __init__(self, forged: Forged) -> None:
        reading, writing = reply_pipe()
        request_reading, request_writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _speak(forged, request_reading, writing, (reading, request_writing))
        os.close(writing)
        os.close(request_reading)
        self.pipes = Pipes(request_writing, reading, os.pidfd_open(self.pid))

    def kill(self) -> None:
        kill(self.pipes.process)

    def reap(self) -> Ended:
        _, status, used = os.wait4(self.pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), round((used.ru_utime + used.ru_stime) * 1000))


def _speak(forged: Forged, request: int, replies: int, others: tuple[int, ...]) -> None:
    """Be the subverted worker; never returns."""
    faulthandler.disable()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for fd in others:
        os.close(fd)
    for piece in forged.pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(replies, view) :]
        if forged.pause_s:
            time.sleep(forged.pause_s)
    if forged.waits:
        while os.read(request, 1 << 16):  # until it is dismissed
            pass
    if forged.end < 0:
        os.kill(os.getpid(), -forged.end)
    os._exit(forged.end)


@dataclass
class Forger:
    """A spawner whose next worker says `forged`."""

    forged: Forged
    profile: str = "forged"
    layers: tuple[str, ...] = ()

    def spawn(self, fds: tuple[int, ...]) -> ForgedProcess:
        return ForgedProcess(self.forged)

    def trouble(self) -> str:
        return ""


def judge(forged: Forged, wall_ms: int = 2_000) -> Verdict:
    """Take `forged` through what takes a worker's reply: launcher, strict reading, disclosure."""
    if forged.kind == "slow drip":
        wall_ms = 150
    limits = Limits(memory_bytes=1 << 28, cpu_seconds=5, wall_ms=wall_ms, reply_bytes=REPLY_BYTES, rows=PLAN.rows_max)
    try:
        data, usage = Launcher(Forger(forged)).run(orders.query({}, "", PLAN.rows_max), limits, Event())
        rows = reply.cells(data, reply_types(PLAN), PLAN.rows_max)
        released = disclose(Raw(PLAN, rows, usage), lambda *_: ())
    except JobFailed as failed:
        lawful = forged.kind == "lawful" and failed.code is not JobCode.TIME  # a busy machine may be late
        return Verdict(forged, failed.code.value, "a lawful reply refused" if lawful else "")
    if not is_lawful(data):
        return Verdict(forged, "released", "an unlawful reply released")
    for row, widths in zip(released.rows, released.widths, strict=True):
        for value, width, (lower, upper) in zip(row, widths, ((0, 50), (-500, 500)), strict=True):
            if not isinstance(value, int) or width is None or not lower - FAR * width <= value <= upper + FAR * width:
                return Verdict(forged, "released", f"a value no noise explains: {value}")
    return Verdict(forged, "released")


def is_lawful(data: bytes) -> bool:
    """Say by other means than the node's what PLAN allows to be released."""
    document = json.loads(data)
    if list(document) != ["ok", "rows"] or document["ok"] is not True:
        return False
    seen: list[tuple[object, ...]] = []
    for *keys, count, total in document["rows"]:
        known = [cell for cell in GRID if [(type(key), key) for key in cell] == [(type(key), key) for key in keys]]
        if len(known) != 1 or known[0] in seen or type(count) is not int or type(total) is not int:
            return False
        if not (0 <= count <= 50 and -500 <= total <= 500):
            return False
        seen.append(known[0])
    return True


def frame(data: bytes) -> bytes:
    """Return `data` as a frame of the protocol."""
    return len(data).to_bytes(4, "big") + data


def lawful(source: random.Random) -> list[Row]:
    """Return rows PLAN allows."""
    some = source.sample(GRID, source.randint(0, len(GRID)))
    return [[*keys, source.randint(0, 50), source.randint(-500, 500)] for keys in some]


def written(rows: object) -> bytes:
    """Return the document a job would send."""
    return json.dumps({"ok": True, "rows": rows}, ensure_ascii=False, separators=(",", ":")).encode()


def _spoil(source: random.Random, change: Callable[[random.Random, list[Row]], None]) -> bytes:
    rows = lawful(source) or [[*GRID[0], 1, 1]]
    change(source, rows)
    return written(rows)


def _out_of_range(source: random.Random, rows: list[Row]) -> None:
    column, bounds = source.choice([(3, (-1, 51)), (4, (-501, 501))])
    beyond = source.choice([0, 1, 10**6, 2**63, 2**127 - 1, 2**127, 10**400, source.randint(1, 10**18)])
    low, high = bounds
    source.choice(rows)[column] = source.choice([low - beyond, high + beyond])


def _wrong_type(source: random.Random, rows: list[Row]) -> None:
    wrong: tuple[object, ...] = (
        None,
        True,
        1.0,
        1.5,
        -0.0,
        "1",
        "",
        [],
        [1],
        {},
        {"a": 1},
        "f\0",
        "ｆ",
        2,
        -1,
        "x" * 2000,
    )
    row = source.choice(rows)
    column = source.randrange(len(row))
    value = source.choice(wrong)
    lawful_value = column == 1 and value in (1, 2) and type(value) is int
    row[column] = {} if lawful_value or (column > 2 and type(value) is int) else value


def _wrong_shape(source: random.Random, rows: list[Row]) -> None:
    row = source.choice(rows)
    match source.randrange(5):
        case 0:
            row.pop(source.randrange(len(row)))
        case 1:
            row.insert(source.randrange(len(row) + 1), source.choice([0, "f", None]))
        case 2:
            rows.append(list(row))
        case 3:
            rows.extend([*GRID[0], 1, 1] for _ in range(PLAN.rows_max + 1))
        case _:
            rows[source.randrange(len(rows))] = cast("Row", source.choice([None, 1, "row", {}]))


def _text(source: random.Random) -> bytes:
    """Return a document that means the same, or nearly, but is not written as ours are."""
    good = written([[*GRID[0], 1, 1]])
    return source.choice(
        [
            good.replace(b"1]", b"NaN]"),
            good.replace(b"1]", b"Infinity]"),
            good.replace(b"1]", b"-0]"),
            good.replace(b"1]", b"01]"),
            good.replace(b"1]", b"1e0]"),
            good.replace(b"1]", b"1.0]"),
            good.replace(b"1]", b"9" * 5000 + b"]"),
            good.replace(b",", b", "),
            good.replace(b'"f"', b'"\\u0066"'),
            good.replace(b'"f"', b'"\\ud800"'),
            good.replace(b'"f"', b'"\xff\xfe"'),
            good.replace(b'{"ok":true', b'{"ok":true,"ok":true'),
            good.replace(b'{"ok":true', b'{"rows":[],"ok":true'),
            good.replace(b'"ok":true', b'"ok":1'),
            good.replace(b'"ok":true', b'"ok":false'),
            good[:-1] + b',"more":1}',
            b"\xef\xbb\xbf" + good,
            good + b"\n",
            good + b"\0",
            b"[" * 20_000 + b"]" * 20_000,
            b'{"ok":true,"rows":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
            b"",
            b"null",
            b"{}",
        ]
    )


def _code(source: random.Random) -> bytes:
    codes = [code.value for code in JobCode] + ["", "OK", "canary", "MEMORY ", "x" * 5000]
    document: dict[str, object] = {"code": source.choice([*codes, 1, None, ["MEMORY"]])}
    if source.random() < 0.3:
        document["note"] = "a cell"
    return json.dumps(document, separators=(",", ":")).encode()


def _flipped(source: random.Random) -> bytes:
    data = bytearray(written(lawful(source)))
    for _ in range(source.randint(1, 4)):
        match source.randrange(3):
            case 0:
                data[source.randrange(len(data))] = source.randrange(256)
            case 1:
                del data[source.randrange(len(data))]
            case _:
                data.insert(source.randrange(len(data) + 1), source.randrange(256))
    return bytes(data)


def _header(source: random.Random) -> Forged:
    data = written(lawful(source))
    size = source.choice([0, 1, len(data) - 1, len(data) + 1, REPLY_BYTES, REPLY_BYTES + 1, 2**31, 2**32 - 1])
    return Forged("oversize or false length", (size.to_bytes(4, "big") + data,), waits=source.random() < 0.5)


def _early(source: random.Random) -> Forged:
    data = frame(written(lawful(source)))
    end = source.choice([0, 1, 71, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGSYS, -signal.SIGXCPU])
    return Forged("early end", (data[: source.randrange(len(data))],), end=end, waits=False)


def _after(source: random.Random) -> Forged:
    data = frame(written(lawful(source)))
    if source.random() < 0.5:
        return Forged("speaks on", (data, source.choice([b"\0", data, os.urandom(100)])))
    return Forged("ends badly", (data,), end=source.choice([1, 2, -signal.SIGSYS, -signal.SIGSEGV]))


def _drip(source: random.Random) -> Forged:
    data = frame(written(lawful(source)) + b" " * 1000)
    return Forged("slow drip", tuple(data[at : at + 1] for at in range(len(data))), pause_s=0.002)


def forge(source: random.Random) -> Forged:
    """Return one reply; nine in ten are wrong."""
    ways: tuple[Callable[[], Forged], ...] = (
        lambda: Forged("lawful", (frame(written(lawful(source))),)),
        lambda: Forged("out of range", (frame(_spoil(source, _out_of_range)),)),
        lambda: Forged("wrong type", (frame(_spoil(source, _wrong_type)),)),
        lambda: Forged("forged shape", (frame(_spoil(source, _wrong_shape)),)),
        lambda: Forged("NaN and other spellings", (frame(_text(source)),)),
        lambda: Forged("code", (frame(_code(source)),)),
        lambda: Forged("flipped bytes", (frame(_flipped(source)),)),
        lambda: Forged("garbage", (source.randbytes(source.randint(0, 300)),), waits=False),
        lambda: _header(source),
        lambda: _early(source),
        lambda: _after(source),
    )
    return _drip(source) if source.random() < 0.01 else source.choice(ways)()
