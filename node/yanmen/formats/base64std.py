"""Standard padded base64 (RFC 4648 §4) as C2SP notes use it, one text for each byte string."""

import base64
import binascii
import re

from yanmen.formats.malformed import Malformed

_ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)


def encode(data: bytes) -> str:
    """Return `data` as padded base64."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of `text`, refusing missing padding, other characters and non-zero spare bits."""
    if _ALPHABET.fullmatch(text) is None:
        raise Malformed("base64: character outside the alphabet")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Malformed("base64: wrong padding") from error
    if encode(data) != text:
        raise Malformed("base64: spare bits are not zero")
    return data


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64: not {size} bytes")
    return data
