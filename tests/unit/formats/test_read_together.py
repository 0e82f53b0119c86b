"""Many texts written or read in one go give just what each gives by itself, and are refused where one is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64std, base64url, json_canonical, receipt
from yanmen.formats.json_canonical import DEPTH_MAX, INTEGER_MAX
from yanmen.formats.malformed import Malformed

SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=9)
INNER = st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=3) | SCALARS
VALUES = st.lists(INNER, max_size=3) | st.dictionaries(st.text(max_size=3), INNER, max_size=3) | SCALARS


def separately(texts: list[bytes]) -> list[Any] | None:
    """Return what each text says by itself, None where one is refused."""
    try:
        return [json_canonical.decode(text) for text in texts]
    except Malformed:
        return None


def together(texts: list[bytes]) -> list[Any] | None:
    try:
        return list(json_canonical.decode_each(texts))
    except Malformed:
        return None


NESTED = b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [b'["a",1]'],
        [b'["a",1]', b'["b",{"c":2}]'],
        [b'["a"', b'"b"]'],
        [b'["a"],["b"]'],
        [b'["a"],["b"]', b""],
        [b'["a"', b'1],["b"]'],
        [b'["a\n"]', b'["b"]'],
        [b'["a"]\n["b"]'],
        [b'["a"]\n', b'["b"]'],
        [b'["a"] ', b'["b"]'],
        [b'["\\u0061"]'],
        [b'[{"b":1,"a":2}]'],
        [b'[{"a":1,"a":1}]'],
        [b"[1.5]"],
        [b"[%d]" % INTEGER_MAX],
        [b"[1]", b"[%d]" % (INTEGER_MAX + 1)],
        ['[{"é":1}]'.encode()],
        [NESTED[1:-1], b"[1]"],
        [b"[1]", NESTED],
        [b"[1]", b"[1"],
        [b"[1]", b'["\xff"]'],
    ],
)
def test_texts_read_together_are_what_each_is(texts: list[bytes]) -> None:
    assert together(texts) == separately(texts)


@given(st.lists(VALUES.map(lambda value: [value]), max_size=6))
def test_values_written_and_read_together(values: list[Any]) -> None:
    try:
        texts = [json_canonical.encode(value) for value in values]
    except Malformed:
        with pytest.raises(Malformed):
            json_canonical.encode_each(values)
        return
    assert json_canonical.encode_each(values) == texts
    assert together(texts) == values


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=30))
def test_hashes_spelled_together(hashes: list[bytes]) -> None:
    assert base64std.encode_lines(hashes) == "".join(f"{base64std.encode(each)}\n" for each in hashes)
    assert list(receipt.spelled(hashes)) == [base64url.encode_bytes(each) for each in hashes]
