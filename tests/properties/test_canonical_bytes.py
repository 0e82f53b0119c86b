"""What is read as canonical JSON and base64url is what the standard library, held to the rules, takes: no byte more."""

import base64
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st
from yanmen.formats import base64std, base64url, json_canonical
from yanmen.formats.json_canonical import DEPTH_MAX, INTEGER_MAX, Json
from yanmen.formats.malformed import Malformed

NAMES = st.text('abAB_"\\\n\x7f 0', max_size=4) | st.text(max_size=3)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX - 3, INTEGER_MAX + 3)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["1.5e3", "[[[[[[[[[[[[[[", "1234567890123456789", '"', "\\", "\u2028", "\x00\x1f\x7f"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


def deep(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


def inside(value: object, depth: int = DEPTH_MAX) -> bool:
    """Say whether a value is of the subset, as docs/FORMATS.md says it."""
    if isinstance(value, bool | str | None):
        return True
    if isinstance(value, int):
        return abs(value) <= INTEGER_MAX
    if not isinstance(value, list | dict) or depth == 0:
        return False
    names = list(value) if isinstance(value, dict) else []
    inner = value.values() if isinstance(value, dict) else value
    return all(name.isascii() for name in names) and all(inside(each, depth - 1) for each in inner)


def reference(data: bytes) -> object:
    """Return what the standard library reads, once it writes the same bytes again; else None in a tuple."""
    try:
        value = json.loads(data.decode("utf-8"))
        again = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return (None,)
    return value if again == data and inside(value) else (None,)


def ours(data: bytes) -> object:
    try:
        return json_canonical.decode(data)
    except Malformed:
        return (None,)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 2**16), st.binary(max_size=2))
@example(deep(DEPTH_MAX), 0, b"")
@example(deep(DEPTH_MAX + 1), 0, b"")
@example({"a": -0.0}, 0, b"")
@example({"a": "[" * 20}, 0, b"")
@example(1e16, 0, b"")
@example(INTEGER_MAX, 0, b"")
@example(INTEGER_MAX + 1, 0, b"")
@example(-INTEGER_MAX - 1, 0, b"")
def test_canonical_json(value: Json, at: int, put: bytes) -> None:
    """Of values written by the library, and of those texts with some bytes put in, taken out or said twice."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")
    place = at % (len(text) + 1)
    for data in (text, text[:place] + put + text[place:], text[:place] + text[place + 1 :], text + b" ", b" " + text):
        expected = reference(data)
        assert ours(data) == expected
        if expected != (None,):
            assert json_canonical.encode(json_canonical.decode(data)) == data
    try:
        written: object = json_canonical.encode(value)
    except Malformed:
        written = None
    assert written == (text if inside(value) else None)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=70), st.integers(0, 100), st.sampled_from([*b"=+/-_ \n~A.\x00\xff"]))
def test_base64_is_one_text_for_each_byte_string(data: bytes, at: int, put: int) -> None:
    text = base64url.encode_bytes(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=")
    assert base64url.decode_bytes(text) == data
    assert base64url.encode(data) == text.decode()
    assert base64std.decode(base64std.encode(data)) == data
    place = at % (len(text) + 1)
    for other in (
        text[:place] + bytes([put]) + text[place:],
        text[:place] + bytes([put]) + text[place + 1 :],
        text[:-1],
    ):
        try:
            read: bytes | None = base64url.decode_bytes(other)
        except Malformed:
            read = None
        assert read is None or base64.urlsafe_b64encode(read).rstrip(b"=") == other
        try:
            standard: bytes | None = base64std.decode(other.decode("latin-1"))
        except Malformed:
            standard = None
        assert standard is None or base64.b64encode(standard) == other


def test_what_is_no_json_value_is_not_written() -> None:
    for value in (b"bytes", {1: "a"}, {"a": {1, 2}}, 1.0, object(), {"é": 1}, "\ud800", [float("nan")]):
        try:
            json_canonical.encode(value)  # type: ignore[arg-type]
        except Malformed:
            continue
        raise AssertionError(value)
