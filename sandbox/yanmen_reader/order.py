"""The node's order and the reader's reply: one JSON document each, with nothing in the reply that a row wrote.

But for the marks of a source that is read on: values of a column, which the node keeps in the sealed snapshot only.
"""

import json
from enum import Enum, unique
from typing import NamedTuple

ZONE_DEFAULT = "Asia/Shanghai"


@unique
class Trouble(Enum):
    """Why there are no rows; the node knows no others."""

    NO_DRIVER = "NO_DRIVER"
    UNREACHABLE = "UNREACHABLE"
    LOGIN = "LOGIN"
    DATABASE = "DATABASE"
    TLS = "TLS"
    CONNECTION = "CONNECTION"
    QUERY = "QUERY"
    TIMEOUT = "TIMEOUT"
    TIME_ZONE = "TIME_ZONE"
    COLUMN_MISSING = "COLUMN_MISSING"
    COLUMN_TWICE = "COLUMN_TWICE"
    COLUMN_TYPE = "COLUMN_TYPE"
    REFRESH_TYPE = "REFRESH_TYPE"
    REFRESH_NULL = "REFRESH_NULL"
    ROOM = "ROOM"
    FAILED = "FAILED"


class Ended(Exception):
    """The reader ends with a `trouble`, the place of the column it is about, or the server's SQLSTATE."""

    def __init__(self, trouble: Trouble, column: int = -1, word: str = "") -> None:
        """Hold what is told; `word` is a kind of type or an SQLSTATE."""
        self.trouble = trouble
        self.column = column
        self.word = word
        super().__init__(trouble.value)


class Mark(NamedTuple):
    """How far a source was read: the greatest value of the refresh column, the rows up to there, their digest."""

    value: str
    rows: int
    digest: str


class Refresh(NamedTuple):
    """The column that only grows, and the mark of the last time (None: everything is read)."""

    column: str
    before: Mark | None


class Bounds(NamedTuple):
    """What the reader has the kernel hold it to."""

    address: int
    cpu: int
    file: int


class Order(NamedTuple):
    """One order; `columns` are those to read (None: all there are), `hidden` those that must be there and stay."""

    connection: str
    relation: str
    zone: str
    timeout_ms: int
    columns: tuple[str, ...] | None
    hidden: tuple[str, ...]
    target: int
    refresh: Refresh | None
    bounds: Bounds


def parse(frame: bytes) -> Order:
    """Return the order in `frame`, which the node wrote."""
    found = json.loads(frame.decode("utf-8"))
    columns, refresh = found["columns"], found["refresh"]
    return Order(
        connection=str(found["connection"]),
        relation=str(found["relation"]),
        zone=str(found["zone"]),
        timeout_ms=int(found["timeout_ms"]),
        columns=None if columns is None else tuple(map(str, columns)),
        hidden=tuple(map(str, found["hidden"])),
        target=int(found["target"]),
        refresh=None if refresh is None else _refresh(refresh),
        bounds=Bounds(**{name: int(found["bounds"][name]) for name in Bounds._fields}),
    )


def _refresh(found: dict[str, object]) -> Refresh:
    match found["before"]:
        case [str(value), int(rows), str(digest)]:
            return Refresh(str(found["column"]), Mark(value, rows, digest))
        case _:
            return Refresh(str(found["column"]), None)


def done(rows: int, mark: Mark | None, *, whole: bool) -> bytes:
    """Return the reply after `rows` were written: the `whole` source, or what came since the last time."""
    return _frame({"ok": True, "rows": rows, "whole": whole, "mark": None if mark is None else list(mark)})


def ended(failure: Ended) -> bytes:
    """Return the reply that there are no rows."""
    return _frame({"trouble": failure.trouble.value, "column": failure.column, "word": failure.word})


def _frame(document: dict[str, object]) -> bytes:
    data = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    return len(data).to_bytes(4, "big") + data
