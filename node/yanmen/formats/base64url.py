"""Base64url without padding (RFC 4648 §5 as RFC 7515 §2 uses it), one text for each byte string."""

import binascii
import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import pybase64

from yanmen.formats.malformed import Malformed

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST = tuple(frozenset(ends) for ends in (ALPHABET, b"", b"AQgw", b"AEIMQUYcgkosw048"))
"""By length modulo 4: the last characters whose spare bits are zero; no text has a length of 1 modulo 4."""
_ENDS = tuple(frozenset(bytes([end]) for end in ends) for ends in _LAST)
_ZEROS = (b"AAAA", b"", b"AA", b"A")
_PADDING = (b"", b"", b"==", b"=")
_FILLING = (b"", b"", b"AA", b"A")


def encode(data: bytes) -> str:
    """Return `data` as unpadded base64url."""
    return pybase64.b64encode_as_string(data, altchars=b"-_").rstrip("=")


def encode_bytes(data: bytes) -> bytes:
    """Return `data` as unpadded base64url, in ASCII bytes."""
    return pybase64.b64encode(data, altchars=b"-_").rstrip(b"=")


def decode(text: str) -> bytes:
    """Return the bytes of `text`, refusing padding, other characters and non-zero spare bits."""
    try:
        return decode_bytes(text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise Malformed("base64url: not ASCII") from error


def decode_bytes(text: bytes) -> bytes:
    """Return the bytes of the ASCII `text`, as `decode` does."""
    rest = len(text) & 3
    if b"+" in text or b"/" in text or (text and text[-1] not in _LAST[rest]):
        raise Malformed("base64url: padding, another character, an impossible length or spare bits that are not zero")
    try:
        return pybase64.b64decode(text + _PADDING[rest], altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise Malformed("base64url: padding or another character") from error


def decode_each(texts: Sequence[bytes]) -> list[bytes]:
    """Return what `decode_bytes` makes of each of `texts`, which are decoded together."""
    if not all(text[-1:] in _ENDS[len(text) & 3] for text in texts):
        return [decode_bytes(text) for text in texts]  # which says what is wrong
    # Zero bits fill each up to whole bytes, then at least one zero byte: where no text has another, they end it.
    filling = [_ZEROS[len(text) & 3] for text in texts]
    whole = decode_bytes(b"".join(chain.from_iterable(zip(texts, filling, strict=True))))
    found = [each for each in whole.split(b"\x00") if each]
    # Decoding gives as many zero bytes as a filling has characters; four of them give three.
    expected = sum(map(len, filling)) - filling.count(_ZEROS[0])
    if whole.count(b"\x00") != expected:
        return [decode_bytes(text) for text in texts]
    return found


def decode_alike(texts: Sequence[bytes], length: int) -> list[bytes]:
    """Return what `decode_bytes` makes of each of `texts`, which all have `length` and are decoded together."""
    rest = length & 3
    if length < 1 or rest == 1 or any(len(text) != length for text in texts):
        raise Malformed("base64url: another length")
    # Zero bits fill each up to whole bytes, which are zero unless the text has spare bits that are not.
    filling = _FILLING[rest]
    found = list(_apart(length * 3 // 4, len(filling)).iter_unpack(decode_bytes(filling.join([*texts, b""]))))
    if b"".join([ends for _, ends in found]).strip(b"\x00"):
        raise Malformed("base64url: spare bits that are not zero")
    return [data for data, _ in found]


@lru_cache(maxsize=64)
def _apart(size: int, filling: int) -> struct.Struct:
    return struct.Struct(f"{size}s{filling}s")


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64url: not {size} bytes")
    return data
