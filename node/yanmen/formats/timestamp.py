"""A time stamp request (RFC 3161 §2.4.1) over a head: SHA-256, a nonce, the authority's certificate asked for.

Answers are read in `yanmen.crypto.timestamps`; here is only what we write, which is DER of one fixed shape.
"""

from hashlib import sha256

from yanmen.formats.malformed import Malformed

NONCE_BYTES = 8
REQUEST_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
TOKEN_BYTES_MAX = 64 * 1024
"""A reply with a chain of certificates has some kilobytes."""
_SEQUENCE, _INTEGER, _OCTETS, _BOOLEAN = 0x30, 0x02, 0x04, 0x01
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""AlgorithmIdentifier of SHA-256 with a NULL for its parameters."""
_SHORT_MAX = 127


def request(head: bytes, nonce: bytes) -> bytes:
    """Return the request for a time stamp over the signed checkpoint `head`."""
    imprint = _der(_SEQUENCE, _SHA256 + _der(_OCTETS, sha256(head).digest()))
    return _der(_SEQUENCE, _der(_INTEGER, b"\x01") + imprint + _nonce(nonce) + _der(_BOOLEAN, b"\xff"))


def number(nonce: bytes) -> int:
    """Return the nonce as the number that the answer must repeat."""
    return int.from_bytes(nonce, "big")


def _nonce(nonce: bytes) -> bytes:
    value = number(nonce)
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    if len(content) > _SHORT_MAX:
        raise Malformed("DER: longer than anything here")
    return bytes([tag, len(content)]) + content
