"""Large contents sealed for one party: an envelope around a fresh key, then the content as a sealed stream.

packet = length of the envelope (4, big-endian) || envelope (envelopes.py) || sealed stream (sealing.py)
"""

import io

from yanmen.crypto import envelopes, sealing
from yanmen.crypto.envelopes import Opener
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness

MAGIC = b"yanmen-packet-1\n"
OVERHEAD = 4 + envelopes.OVERHEAD + sealing.KEY


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


def open_packet(packet: bytes, opener: Opener, info: bytes) -> bytes:
    """Return what is in `packet`; `Malformed` when it was sealed for another key, or place, or altered."""
    size = int.from_bytes(packet[:4], "big")
    if size != envelopes.OVERHEAD + sealing.KEY or len(packet) < 4 + size:
        raise Malformed("not a packet")
    key, target = opener.open(packet[4 : 4 + size], info), io.BytesIO()
    try:
        sealing.open_stream(key, io.BytesIO(packet[4 + size :]), target)
    except ValueError as error:
        raise Malformed("a packet that does not open") from error
    return target.getvalue()
