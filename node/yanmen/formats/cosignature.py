"""C2SP tlog-cosignature v1 (Ed25519, type 0x04): a witness says when it saw a head as the log's largest."""

from yanmen.formats import decimals
from yanmen.formats.malformed import Malformed

HEADER = "cosignature/v1"

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


def message(text: str, at_s: int) -> bytes:
    """Return what is signed: a header, the Unix time and the note text."""
    return f"{HEADER}\ntime {decimals.encode(at_s)}\n{text}".encode()


def encode(at_s: int, signature: bytes) -> bytes:
    """Return the `timestamped_signature`, which stands after the key id in the signature line."""
    if not 0 <= at_s <= decimals.MAX or len(signature) != _SIGNATURE_BYTES:
        raise Malformed("cosignature: no such time, or not 64 bytes")
    return at_s.to_bytes(_TIME_BYTES, "big") + signature


def decode(data: bytes) -> tuple[int, bytes]:
    """Return time and signature."""
    if len(data) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise Malformed("cosignature: not 72 bytes")
    at_s = int.from_bytes(data[:_TIME_BYTES], "big")
    if at_s > decimals.MAX:
        raise Malformed("cosignature: no such time")
    return at_s, data[_TIME_BYTES:]
