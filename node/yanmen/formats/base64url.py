"""Base64url without padding (RFC 4648 §5 as RFC 7515 §2 uses it), one text for each byte string."""

import base64
import binascii
import re

from yanmen.formats.malformed import Malformed

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def encode(data: bytes) -> str:
    """Return `data` as unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of `text`, refusing padding, other characters and non-zero spare bits."""
    if _ALPHABET.fullmatch(text) is None:
        raise Malformed("base64url: character outside the alphabet")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise Malformed("base64url: impossible length") from error
    if encode(data) != text:
        raise Malformed("base64url: spare bits are not zero")
    return data


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64url: not {size} bytes")
    return data
