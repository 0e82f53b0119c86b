"""CBOR (RFC 8949) in its core deterministic encoding, and only as much of it as COSE Receipts need.

Integers, byte strings, texts, arrays, maps with integer keys, null and tags. Every value has one encoding; whatever
else is refused, so that `encode(decode(data)) == data`.
"""

from dataclasses import dataclass
from enum import IntEnum

from yanmen.formats.malformed import Malformed

BYTES_MAX = 16 * 1024
DEPTH_MAX = 8
ITEMS_MAX = 128
NULL = b"\xf6"
_DIRECT_MAX = 23
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_INTEGER_MAX = 1 << 64


class _Major(IntEnum):
    UNSIGNED = 0
    NEGATIVE = 1
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    SIMPLE = 7


@dataclass(frozen=True, slots=True)
class Tag:
    """A tagged value."""

    number: int
    value: "Cbor"


Cbor = int | bytes | str | list["Cbor"] | dict[int, "Cbor"] | Tag | None
"""What can be encoded."""


def encode(value: Cbor) -> bytes:
    """Return the one encoding of `value`."""
    match value:
        case None:
            return NULL
        case int():
            return _head(_Major.UNSIGNED, value) if value >= 0 else _head(_Major.NEGATIVE, -1 - value)
        case bytes():
            return _head(_Major.BYTES, len(value)) + value
        case str():
            data = value.encode("utf-8")
            return _head(_Major.TEXT, len(data)) + data
        case list():
            return _head(_Major.ARRAY, len(value)) + b"".join(map(encode, value))
        case dict():
            pairs = sorted((encode(key), encode(item)) for key, item in value.items())
            return _head(_Major.MAP, len(value)) + b"".join(key + item for key, item in pairs)
        case Tag():
            return _head(_Major.TAG, value.number) + encode(value.value)


def decode(data: bytes) -> Cbor:
    """Return the value that `data` is; raises `Malformed` when it is not the one encoding of a value."""
    if len(data) > BYTES_MAX:
        raise Malformed("CBOR: too long")
    reader = _Reader(data)
    value = reader.item(DEPTH_MAX)
    if reader.rest:
        raise Malformed("CBOR: bytes after the end")
    if encode(value) != data:
        raise Malformed("CBOR: not the deterministic encoding")
    return value


def _head(major: _Major, argument: int) -> bytes:
    if not 0 <= argument < _INTEGER_MAX:
        raise Malformed("CBOR: an integer of more than 64 bits")
    if argument <= _DIRECT_MAX:
        return bytes([major << 5 | argument])
    info, width = next((info, width) for info, width in _WIDTHS.items() if argument < 1 << 8 * width)
    return bytes([major << 5 | info]) + argument.to_bytes(width, "big")


class _Reader:
    """What is left to read."""

    __slots__ = ("rest",)

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def item(self, depth: int) -> Cbor:
        """Return the next value, at most `depth` levels deep."""
        if depth == 0:
            raise Malformed("CBOR: nested too deep")
        first = self._take(1)[0]
        major, argument = _Major(first >> 5), self._argument(first & 31)
        match major:
            case _Major.UNSIGNED:
                return argument
            case _Major.NEGATIVE:
                return -1 - argument
            case _Major.BYTES:
                return self._take(argument)
            case _Major.TEXT:
                return self._text(argument)
            case _:
                return self._made_of(major, argument, depth - 1)

    def _made_of(self, major: _Major, argument: int, depth: int) -> Cbor:
        match major:
            case _Major.ARRAY:
                return [self.item(depth) for _ in range(self._count(argument))]
            case _Major.MAP:
                return self._map(argument, depth)
            case _Major.TAG:
                return Tag(argument, self.item(depth))
            case _:
                if major is not _Major.SIMPLE or argument != NULL[0] & 31:
                    raise Malformed("CBOR: a simple value or float")
                return None

    def _argument(self, info: int) -> int:
        if info <= _DIRECT_MAX:
            return info
        width = _WIDTHS.get(info)
        if width is None:
            raise Malformed("CBOR: an indefinite or reserved length")
        return int.from_bytes(self._take(width), "big")

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("CBOR: not UTF-8") from error

    def _map(self, count: int, depth: int) -> dict[int, Cbor]:
        found: dict[int, Cbor] = {}
        for _ in range(self._count(count)):
            key = self.item(1)
            if not isinstance(key, int) or key in found:
                raise Malformed("CBOR: a key that is no integer, or stands twice")
            found[key] = self.item(depth)
        return found

    def _count(self, count: int) -> int:
        if count > ITEMS_MAX:
            raise Malformed("CBOR: too many items")
        return count

    def _take(self, length: int) -> bytes:
        if length > len(self.rest):
            raise Malformed("CBOR: cut short")
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken
