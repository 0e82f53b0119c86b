"""Deterministic CBOR: the examples of RFC 8949, and nothing that has a second spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import cbor
from yanmen.formats.cbor import Cbor, Tag
from yanmen.formats.malformed import Malformed

APPENDIX_A: tuple[tuple[Cbor, str], ...] = (
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-1, "20"),
    (-1000, "3903e7"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ("水", "63e6b0b4"),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    (None, "f6"),
    (Tag(1, 1363896240), "c11a514b67b0"),
)
REFUSED = (
    "",
    "1800",  # 0 in two bytes
    "190017",
    "1b0000000000000001",
    "5800",
    "9f01ff",  # indefinite
    "5f4101ff",
    "bf0102ff",
    "a203040102",  # keys out of order
    "a201020103",  # a key twice
    "a1616101",  # a key that is text
    "f5",
    "f7",
    "fb3ff199999999999a",
    "f97e00",
    "f8ff",
    "1c",
    "61ff",  # not UTF-8
    "0000",
    "4401",
    "9bffffffffffffffff",
    "bbffffffffffffffff",
    "81" * 9 + "00",
    "d8120a" + "00",
)
VALUES: st.SearchStrategy[Cbor] = st.recursive(
    st.none() | st.integers(-(1 << 64), (1 << 64) - 1) | st.binary(max_size=40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-500, 500), inner, max_size=4),
    max_leaves=4,
)


@pytest.mark.parametrize(("value", "encoded"), APPENDIX_A, ids=[encoded for _, encoded in APPENDIX_A])
def test_examples_of_the_rfc(value: Cbor, encoded: str) -> None:
    assert cbor.encode(value) == bytes.fromhex(encoded)
    assert cbor.decode(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize("encoded", REFUSED)
def test_another_spelling_or_kind_is_refused(encoded: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("value", [1 << 64, -(1 << 64) - 1])
def test_what_does_not_fit_is_not_written(value: int) -> None:
    with pytest.raises(Malformed):
        cbor.encode(value)


def test_long_input_is_not_read() -> None:
    with pytest.raises(Malformed, match="too long"):
        cbor.decode(cbor.encode(bytes(cbor.BYTES_MAX)))


@given(VALUES)
def test_what_is_written_reads_back(value: Cbor) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.binary(max_size=60))
def test_whatever_reads_has_one_spelling(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except Malformed:
        return
    assert cbor.encode(value) == data
