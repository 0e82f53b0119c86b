"""The worker's own side of the two pipes: strict requests, capped replies, errors without their text."""

import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import _duckdb
import pytest
from yanmen_sandbox import reply
from yanmen_sandbox.reply import Code, Ended, code_of, encode, encode_rows
from yanmen_sandbox.request import REQUEST_BYTES, parse, read_frame
from yanmen_sandbox.source import SourceFile

LIMITS = {"memory": 1, "address": 2, "cpu": 3, "wall_ms": 4, "file": 5, "reply": 6, "threads": 7}


def received(data: bytes) -> bytes:
    out, into = os.pipe()
    try:
        os.write(into, data)
        os.close(into)
        return read_frame(out)
    finally:
        os.close(out)


def test_a_frame_is_read_whole() -> None:
    assert received(b"\x00\x00\x00\x03abcd") == b"abc"


@pytest.mark.parametrize("data", [b"", b"\x00\x00", b"\x00\x00\x00\x05abc", (REQUEST_BYTES + 1).to_bytes(4, "big")])
def test_a_broken_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="request"):
        received(data)


def test_a_request_keeps_its_own_arguments() -> None:
    request = parse(json.dumps({"job": "vet", "limits": LIMITS, "sql": "x"}).encode())
    assert (request.job, request.limits.threads, request.body) == ("vet", 7, {"sql": "x"})


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"job": "vet"},
        {"job": 1, "limits": LIMITS},
        {"job": "vet", "limits": {}},
        {"job": "vet", "limits": LIMITS | {"more": 1}},
        {"job": "vet", "limits": LIMITS | {"cpu": "1"}},
        {"job": "vet", "limits": LIMITS | {"cpu": True}},
        {"job": "vet", "limits": LIMITS | {"cpu": None}},
    ],
)
def test_a_request_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises((TypeError, KeyError, ValueError)):
        parse(json.dumps(document).encode())


def test_rows_are_written_exactly() -> None:
    row = (1, 2**100, Decimal("1E+2"), Decimal("-0.50"), date(2026, 1, 2), True, None, "雁门\u0000", 1e-9)
    frame = encode_rows([[row]], 1000)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert json.loads(frame[4:])["rows"] == [[1, 2**100, "100", "-0.50", "2026-01-02", True, None, "雁门\u0000", 1e-9]]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", object(), {1}])
def test_other_types_have_no_form(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_rows([[(value,)]], 1000)


def test_a_timestamp_is_told_from_a_date() -> None:
    assert b"2026-01-02T03:04:05" in encode_rows([[(datetime(2026, 1, 2, 3, 4, 5),)]], 1000)  # noqa: DTZ001


@pytest.mark.parametrize(
    "character", ["x", '"', "\\", "\0", "\n", "\x1f", "\x7f", "\u2028", "雁", "\U0001f600", "\xa0"]
)
def test_a_long_text_is_written_as_a_short_one(character: str) -> None:
    """By a way of its own, which must escape what the other one does."""
    text = "a" * 400 + character + "b" * 10
    row = (text, 1, None, True, Decimal("0.10"), date(2026, 1, 2), character)
    plain = json.dumps(
        [text, 1, None, True, "0.10", "2026-01-02", character], ensure_ascii=False, separators=(",", ":")
    )
    assert encode_rows([[row, row], [row]], 4000)[4:].decode() == f'{{"ok":true,"rows":[{plain},{plain},{plain}]}}'


def test_the_cap_holds_while_rows_still_come() -> None:
    taken = 0

    def batches() -> Iterator[list[tuple[object, ...]]]:
        nonlocal taken
        while True:
            taken += 1
            yield [("x" * 100,)]

    with pytest.raises(Ended) as ended:
        encode_rows(batches(), 1000)
    assert ended.value.code is Code.OUTPUT
    assert taken < 12


def test_the_cap_counts_the_whole_reply() -> None:
    frame = encode({"ok": True}, 11)
    assert len(frame) == 15
    with pytest.raises(Ended):
        encode({"ok": True}, 10)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Ended(Code.BAD_SOURCE), Code.BAD_SOURCE),
        (MemoryError("canary"), Code.MEMORY),
        (_duckdb.OutOfMemoryException("canary"), Code.MEMORY),
        (_duckdb.InterruptException("canary"), Code.TIME),
        (_duckdb.ConversionException("canary"), Code.FAILED),
        (_duckdb.InternalException("canary"), Code.FAILED),
        (ValueError("canary"), Code.FAILED),
        (KeyError("canary"), Code.FAILED),
    ],
)
def test_an_error_becomes_its_code_and_nothing_else(error: Exception, code: Code) -> None:
    assert code_of(error) is code
    assert b"canary" not in reply.encode({"code": code_of(error).value}, 1000)


def test_the_source_is_one_file_read_only() -> None:
    out = os.open("/dev/null", os.O_RDONLY)
    try:
        files = SourceFile(out)
        assert files.glob("jail://source") == ["source"]
        assert files.glob("jail://other") == []
        for path, mode in (("jail://other", "rb"), ("jail://source", "wb"), ("jail://source/../x", "rb")):
            with pytest.raises(PermissionError):
                files.open(path, mode)
    finally:
        os.close(out)
