"""Base64url without padding (RFC 4648 §5 as RFC 7515 §2 uses it), one text for each byte string."""

import binascii
from collections.abc import Sequence
from itertools import chain

import pybase64

from yanmen.formats.malformed import Malformed

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST = tuple(frozenset(ends) for ends in (ALPHABET, b"", b"AQgw", b"AEIMQUYcgkosw048"))
"""By length modulo 4: the last characters whose spare bits are zero; no text has a length of 1 modulo 4."""
_ENDS = tuple(frozenset(bytes([end]) for end in ends) for ends in _LAST)
_ZEROS = (b"AAAA", b"", b"AA", b"A")
_PADDING = (b"", b"", b"==", b"=")


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


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64url: not {size} bytes")
    return data
