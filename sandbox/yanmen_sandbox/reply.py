"""The job's answer: one length-prefixed JSON document, capped while it is built; no text of the engine's.

What vetting jobs serialise follows the document on a line of its own.
"""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum, unique

import _duckdb

LONG = 256
"""Texts longer than this are looked at before they are escaped."""
ESCAPED = bytes(range(0x20)) + b'"\\'
"""What must be escaped in JSON (RFC 8259 §7); no byte of a longer UTF-8 sequence is among them."""


@unique
class Code(Enum):
    """How a job ends when it does not end well; the node knows no others."""

    BAD_SQL = "BAD_SQL"
    BAD_SOURCE = "BAD_SOURCE"
    FAILED = "FAILED"
    MEMORY = "MEMORY"
    TIME = "TIME"
    OUTPUT = "OUTPUT"


class Ended(Exception):
    """The job ends with `code` and nothing else is told."""

    def __init__(self, code: Code) -> None:
        """Hold the closed `code`."""
        self.code = code
        super().__init__(code.value)


def code_of(error: Exception) -> Code:
    """Classify an exception; its text, which may quote a cell, is dropped here."""
    match error:
        case Ended():
            return error.code
        case MemoryError() | _duckdb.OutOfMemoryException():
            return Code.MEMORY
        case _duckdb.InterruptException():
            return Code.TIME
        case _:
            return Code.FAILED


def encode(document: dict[str, object], cap: int) -> bytes:
    """Return the frame of `document`; more than `cap` bytes end the job with OUTPUT."""
    return _frame(_ENCODER.encode(document).encode("utf-8"), cap)


def encode_text(value: str, cap: int) -> bytes:
    """Return the frame of an answer of one long text: as it stands, not escaped into JSON and read out of it again."""
    return _frame(b'{"ok":true}\n' + value.encode("utf-8"), cap)


def encode_rows(batches: Iterable[Sequence[tuple[object, ...]]], cap: int) -> bytes:
    """Return the frame of an answer of rows, stopping soon after it passes `cap` bytes."""
    pieces: list[bytes] = []
    size = 0
    for batch in batches:
        pieces.append(_rows(batch))
        size += len(pieces[-1]) + 1
        if size > cap:
            raise Ended(Code.OUTPUT)
    return _frame(b'{"ok":true,"rows":[' + b",".join(pieces) + b"]}", cap)


def _rows(batch: Sequence[tuple[object, ...]]) -> bytes:
    """Write rows without the brackets around them; long texts in a way that takes half the time."""
    if any(isinstance(value, str) and len(value) > LONG for row in batch for value in row):
        return b",".join([b"[" + b",".join(map(_cell, row)) + b"]" for row in batch])
    return _ENCODER.encode(batch)[1:-1].encode("utf-8")


def _cell(value: object) -> bytes:
    """Write a cell; a text that needs no escape is written as it is."""
    if isinstance(value, str):
        data = value.encode("utf-8")
        if len(data.translate(None, ESCAPED)) == len(data):
            return b'"' + data + b'"'
    return _ENCODER.encode(value).encode("utf-8")


def _frame(document: bytes, cap: int) -> bytes:
    if len(document) > cap:
        raise Ended(Code.OUTPUT)
    return len(document).to_bytes(4, "big") + document


def _scalar(value: object) -> str:
    """Write decimals in full and dates in ISO 8601; any other type has no business in a reply."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError("a type no job returns")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_scalar)


def send(fd: int, frame: bytes) -> None:
    """Write `frame` whole."""
    view = memoryview(frame)
    while view:
        view = view[os.write(fd, view) :]
