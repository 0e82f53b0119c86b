"""Large contents sealed for one party: an envelope around a fresh key, then the content as a sealed stream.

packet = length of the envelope (4, big-endian) || envelope (envelopes.py) || sealed stream (sealing.py)
"""

import io
from collections.abc import Sequence

from yanmen.crypto import envelopes, sealing
from yanmen.crypto.envelopes import Opener
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness

MAGIC = b"yanmen-packet-1\n"
OVERHEAD = 4 + envelopes.OVERHEAD + sealing.KEY
HEAD = OVERHEAD + sealing.HEAD
"""What comes before the first chunk."""


def place(manifest_sha256: str, name: str, sender: str, to: str) -> bytes:
    """Return what binds a packet to its question, its kind and its two ends."""
    return MAGIC + "\n".join((manifest_sha256, name, sender, to)).encode("ascii")


def seal(public: bytes, content: bytes, info: bytes, randomness: Randomness) -> bytes:
    """Return `content` as only the holder of `public` opens it, and only with the same `info`."""
    key, target = randomness.token(sealing.KEY), io.BytesIO()
    envelope = envelopes.seal(public, key, info)
    target.write(len(envelope).to_bytes(4, "big") + envelope)
    sealing.seal_stream(key, io.BytesIO(content), target, randomness)
    return target.getvalue()


def size(content: int) -> int:
    """Return how long a packet of so many bytes is."""
    return OVERHEAD + sealing.sealed_size(content)


def chunk(number: int, content: int) -> tuple[int, int]:
    """Return from where to where the chunk with this number is, in the packet of so many bytes."""
    begins = HEAD + number * (sealing.CHUNK + sealing.TAG)
    return begins, min(begins + sealing.CHUNK + sealing.TAG, size(content))


def open_chunk(packet: bytes, number: int, openers: Sequence[Opener], info: bytes, *, last: bool) -> bytes:
    """Return what is in one chunk of a packet: `packet` is all before the first chunk, then that chunk.

    It is sealed for one of `openers`. Who opens chunk by chunk knows the packet's size from elsewhere.
    """
    if int.from_bytes(packet[:4], "big") != envelopes.OVERHEAD + sealing.KEY:
        raise Malformed("not a packet")
    for opener in openers:
        try:
            key = opener.open(packet[4:OVERHEAD], info)
        except Malformed:
            continue  # sealed for another of them, if for any
        try:
            return sealing.open_chunk(key, packet[OVERHEAD:HEAD], number, packet[HEAD:], last=last)
        except ValueError:
            break
    raise Malformed("a packet that does not open")


def open_packet(packet: bytes, opener: Opener, info: bytes) -> bytes:
    """Return what is in `packet`; `Malformed` when it was sealed for another key, or place, or altered."""
    told = int.from_bytes(packet[:4], "big")
    if told != envelopes.OVERHEAD + sealing.KEY or len(packet) < OVERHEAD:
        raise Malformed("not a packet")
    key, target = opener.open(packet[4:OVERHEAD], info), io.BytesIO()
    try:
        sealing.open_stream(key, io.BytesIO(packet[OVERHEAD:]), target)
    except ValueError as error:
        raise Malformed("a packet that does not open") from error
    return target.getvalue()
