"""Protobuf as callers send it: what we do not know might limit what they agree to, so it is refused."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from yanmen.formats.malformed import Malformed

M = TypeVar("M", bound=Message)


def parsed(parse: Callable[[bytes], M], raw: bytes) -> M:
    """Return the message in `raw`, which must have no unknown field; `parse` raises DecodeError for other bytes."""
    message = parse(raw)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        raise Malformed("unknown field")
    return message
