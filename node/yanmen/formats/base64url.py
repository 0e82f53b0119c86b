"""Base64url without padding (RFC 4648 §5 as RFC 7515 §2 uses it), one text for each byte string."""

import binascii
import re

from yanmen.formats.malformed import Malformed

_CANONICAL = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?", re.ASCII)
"""The alphabet, a possible length, and a last character whose spare bits are zero."""
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def encode(data: bytes) -> str:
    """Return `data` as unpadded base64url."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of `text`, refusing padding, other characters and non-zero spare bits."""
    if _CANONICAL.fullmatch(text) is None:
        raise Malformed("base64url: padding, another character, an impossible length or spare bits that are not zero")
    return binascii.a2b_base64((text + "=" * (-len(text) % 4)).encode("ascii").translate(_FROM_URL))


def decode_sized(text: str, size: int) -> bytes:
    """Return the bytes of `text`, which must be `size` of them."""
    data = decode(text)
    if len(data) != size:
        raise Malformed(f"base64url: not {size} bytes")
    return data
