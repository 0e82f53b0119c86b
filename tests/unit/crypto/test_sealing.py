"""Sealed streams: what was sealed opens, and nothing else does."""

import io
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override
from yanmen.crypto.sealing import CHUNK, MAGIC, SALT, TAG, open_stream, seal_stream

KEY = bytes(range(32))
HEADER = len(MAGIC) + SALT


class Counting:
    """Random bytes that are not: each token differs from the last."""

    def __init__(self) -> None:
        self.calls = 0

    def token(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(size, "big")


def seal(plain: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    seal_stream(key, io.BytesIO(plain), target, Counting())
    return target.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    open_stream(key, io.BytesIO(data), target)
    return target.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_every_length_opens_again(size: int) -> None:
    plain = bytes(index % 251 for index in range(size))
    data = seal(plain)
    assert opened(data) == plain
    assert len(data) == HEADER + size + TAG * max(1, -(-size // CHUNK))


def test_a_source_that_reads_in_pieces_seals_the_same() -> None:
    class Dripping(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1000, size) if size is not None and size >= 0 else 1000)

    plain = b"x" * 10_000
    target = io.BytesIO()
    seal_stream(KEY, Dripping(plain), target, Counting())
    assert target.getvalue() == seal(plain)
    again = io.BytesIO()
    open_stream(KEY, Dripping(target.getvalue()), again)
    assert again.getvalue() == plain


def test_every_order_of_the_chunks_but_the_sealed_one_fails() -> None:
    plain = b"".join(bytes([number]) * CHUNK for number in range(3))
    data = seal(plain)
    size = CHUNK + TAG
    chunks = [data[HEADER + number * size : HEADER + (number + 1) * size] for number in range(3)]
    assert opened(data[:HEADER] + b"".join(chunks)) == plain
    for count in (1, 2, 3):
        for order in permutations(chunks, count):
            if order != tuple(chunks):
                with pytest.raises(ValueError, match="sealed"):
                    opened(data[:HEADER] + b"".join(order))
    with pytest.raises(ValueError, match="sealed"):
        opened(data + chunks[2])


def test_a_chunk_of_another_file_fails() -> None:
    random = Counting()
    first, second = io.BytesIO(), io.BytesIO()
    for target in (first, second):
        seal_stream(KEY, io.BytesIO(b"x" * (2 * CHUNK)), target, random)
    mixed = first.getvalue()[: HEADER + CHUNK + TAG] + second.getvalue()[HEADER + CHUNK + TAG :]
    with pytest.raises(ValueError, match="altered"):
        opened(mixed)


def test_another_key_fails() -> None:
    with pytest.raises(ValueError, match="altered"):
        opened(seal(b"x"), bytes(32))


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_key_has_32_bytes(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(b"x", key)


@given(st.data())
def test_any_change_fails(data: st.DataObject) -> None:
    sealed = seal(b"some plaintext")
    place = data.draw(st.integers(0, len(sealed) - 1))
    change = data.draw(st.integers(1, 255))
    altered = sealed[:place] + bytes([sealed[place] ^ change]) + sealed[place + 1 :]
    cut = sealed[:place]
    longer = sealed + data.draw(st.binary(min_size=1, max_size=40))
    for wrong in (altered, cut, longer):
        with pytest.raises(ValueError, match="sealed"):
            opened(wrong)
