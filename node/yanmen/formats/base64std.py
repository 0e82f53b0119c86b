"""Standard padded base64 (RFC 4648 §4) as C2SP notes use it, one text for each byte string."""

import struct
from collections.abc import Sequence
from functools import lru_cache

import pybase64

from yanmen.formats.malformed import Malformed

_ONE = struct.Struct("43sx")
"""One of 32 bytes that were encoded with a zero byte after them."""


def encode(data: bytes) -> str:
    """Return `data` as padded base64."""
    return pybase64.b64encode_as_string(data)


def encode_lines(hashes: Sequence[bytes]) -> str:
    """Return each of `hashes`, of 32 bytes, and a line end: with a zero byte after each, all are encoded at once."""
    text = pybase64.b64encode(b"\x00".join([*hashes, b""]))
    return b"=\n".join([*_apart(len(hashes)).unpack(text), b""]).decode("ascii")


def encode_each(hashes: Sequence[bytes]) -> list[bytes]:
    """Return each of `hashes`, of 32 bytes, as its line is written, in ASCII bytes."""
    text = pybase64.b64encode(b"\x00".join([*hashes, b""]))
    return [each + b"=\n" for (each,) in _ONE.iter_unpack(text)]


@lru_cache(maxsize=64)
def _apart(hashes: int) -> struct.Struct:
    """Return what takes so many encoded hashes apart: of the last of their 44 characters the zero byte is a part."""
    return struct.Struct("43sx" * hashes)


def decode(text: str) -> bytes:
    """Return the bytes of `text`, refusing missing padding, other characters and non-zero spare bits."""
    try:
        data = pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("base64: impossible length, another character, or not ASCII") from error
    if encode(data) != text:
        raise Malformed("base64: spare bits that are not zero")
    return data


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64: not {size} bytes")
    return data
