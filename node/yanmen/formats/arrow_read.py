"""One row of parameters out of an Arrow IPC stream, read as hostile bytes without a line of native code.

Only what a literal can be is read: NULL, booleans, integers, finite floats, decimals, dates and UTF-8 text, one
record batch of one row, no dictionary, no compression. Every offset is checked before it is followed and
structure is followed to a fixed depth only, so no bytes make this loop or read outside of them. Many encodings of
one row are valid Arrow, so unlike our own formats this one has no bytes that are written back.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from yanmen.formats.arrow_fields import DIGITS_128
from yanmen.formats.malformed import Malformed

Parameter = None | bool | int | float | Decimal | str | date

FIELDS_MAX = 256
TEXT_BYTES_MAX = 16 * 1024
"""A question is no longer than this, so neither is a literal in it."""
_V4, _V5 = 3, 4
_SCHEMA, _BATCH = 1, 3
_NULL, _INTEGER, _FLOAT, _UTF8, _BOOLEAN, _DECIMAL, _DATE, _LARGE_UTF8 = 1, 2, 3, 5, 6, 7, 8, 20
_BUFFERS = {_NULL: 0, _INTEGER: 2, _FLOAT: 2, _UTF8: 3, _BOOLEAN: 2, _DECIMAL: 2, _DATE: 2, _LARGE_UTF8: 3}
_BITS = frozenset({8, 16, 32, 64})
_EPOCH = date(1970, 1, 1)
_DAYS_MIN, _DAYS_MAX = (date.min - _EPOCH).days, (date.max - _EPOCH).days
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Message:
    """One IPC message as Flight carries it: its flatbuffer and its body."""

    header: bytes
    body: bytes


def row(messages: Sequence[Message]) -> tuple[Parameter, ...]:
    """Return the one row of a stream: a schema, then one record batch."""
    if len(messages) != 2:
        raise Malformed("parameters: not one schema and one record batch")
    types = _schema(_opened(messages[0].header, _SCHEMA))
    return tuple(_Batch(_opened(messages[1].header, _BATCH), messages[1].body).cells(types))


@dataclass(frozen=True, slots=True)
class _Type:
    """A column's type; `bits` is a width, `detail` a unit, precision or scale."""

    number: int
    bits: int = 0
    signed: bool = True
    detail: int = 0


class _Flat:
    """A flatbuffer table whose every read is bounds-checked."""

    def __init__(self, data: bytes, at: int) -> None:
        """Look at the table at `at`."""
        self._data = data
        self._at = at
        self._fields = at - self.int32(at)
        size = self._uint16(self._fields)
        if size < 4 or size % 2 or self._fields + size > len(data):
            raise Malformed("arrow: a table outside of its message")
        self._slots = size // 2 - 2

    def place(self, slot: int) -> int:
        """Return where the value of `slot` lies, 0 when it is absent."""
        if slot >= self._slots:
            return 0
        offset = self._uint16(self._fields + 4 + 2 * slot)
        return self._at + offset if offset else 0

    def number(self, slot: int, code: str, default: int) -> int:
        """Return the integer in `slot`, or what stands for an absent one."""
        place = self.place(slot)
        return self._read(place, code) if place else default

    def table(self, slot: int) -> "_Flat":
        """Return the table in `slot`, which must be there."""
        place = self.place(slot)
        if not place:
            raise Malformed("arrow: a part is missing")
        return _Flat(self._data, place + self._read(place, "I"))

    def tables(self, slot: int, most: int) -> list["_Flat"]:
        """Return the vector of tables in `slot`."""
        start, count = self._vector(slot, most, 4)
        places = range(start, start + 4 * count, 4)
        return [_Flat(self._data, place + self._read(place, "I")) for place in places]

    def pairs(self, slot: int, most: int) -> list[tuple[int, int]]:
        """Return the vector of pairs of 64-bit integers in `slot`."""
        start, count = self._vector(slot, most, 16)
        places = range(start, start + 16 * count, 16)
        return [(self._read(place, "q"), self._read(place + 8, "q")) for place in places]

    def int32(self, at: int) -> int:
        """Return the signed 32-bit integer at `at`."""
        return self._read(at, "i")

    def _vector(self, slot: int, most: int, size: int) -> tuple[int, int]:
        place = self.place(slot)
        if not place:
            return 0, 0
        start = place + self._read(place, "I")
        count = self._read(start, "I")
        if count > most or start + 4 + count * size > len(self._data):
            raise Malformed("arrow: a vector too long")
        return start + 4, count

    def _uint16(self, at: int) -> int:
        return self._read(at, "H")

    def _read(self, at: int, code: str) -> int:
        if at < 0 or at + struct.calcsize(f"<{code}") > len(self._data):
            raise Malformed("arrow: an offset outside of its message")
        value: int = struct.unpack_from(f"<{code}", self._data, at)[0]
        return value


def _opened(header: bytes, kind: int) -> _Flat:
    """Return the header table of a message of `kind`."""
    if len(header) < 8:
        raise Malformed("arrow: not a message")
    message = _Flat(header, struct.unpack_from("<I", header)[0])
    if message.number(0, "h", 0) not in {_V4, _V5} or message.number(1, "B", 0) != kind:
        raise Malformed("arrow: another message than was due")
    return message.table(2)


def _schema(found: _Flat) -> list[_Type]:
    if found.number(0, "h", 0) != 0:
        raise Malformed("arrow: not little-endian")
    return [_type(field) for field in found.tables(1, FIELDS_MAX)]


def _type(field: _Flat) -> _Type:
    if field.place(4) or field.tables(5, FIELDS_MAX):
        raise Malformed("parameters: a type that no literal has")
    read = _TYPES.get(field.number(2, "B", 0))
    found = None if read is None else read(field.table(3))
    if found is None:
        raise Malformed("parameters: a type that no literal has")
    return found


def _integer_type(kind: _Flat) -> _Type | None:
    bits = kind.number(0, "i", 0)
    return _Type(_INTEGER, bits, signed=kind.number(1, "B", 0) == 1) if bits in _BITS else None


def _float_type(kind: _Flat) -> _Type | None:
    precision = kind.number(0, "h", 0)
    return _Type(_FLOAT, 32 * precision) if precision in {1, 2} else None


def _decimal_type(kind: _Flat) -> _Type | None:
    scale, bits = kind.number(1, "i", 0), kind.number(2, "i", 128)
    return _Type(_DECIMAL, bits, detail=scale) if bits == 128 and 0 <= scale <= DIGITS_128 else None


def _date_type(kind: _Flat) -> _Type | None:
    unit = kind.number(0, "h", 1)
    return _Type(_DATE, 32 * (1 + unit)) if unit in {0, 1} else None


_TYPES: dict[int, Callable[[_Flat], _Type | None]] = {
    _NULL: lambda _: _Type(_NULL),
    _INTEGER: _integer_type,
    _FLOAT: _float_type,
    _UTF8: lambda _: _Type(_UTF8),
    _BOOLEAN: lambda _: _Type(_BOOLEAN),
    _DECIMAL: _decimal_type,
    _DATE: _date_type,
    _LARGE_UTF8: lambda _: _Type(_LARGE_UTF8),
}


class _Batch:
    """A record batch of one row."""

    def __init__(self, found: _Flat, body: bytes) -> None:
        """Take its nodes and buffers, which must lie inside `body`."""
        if found.number(0, "q", 0) != 1:
            raise Malformed("parameters: not one row; execute once for each")
        if found.place(3) or found.place(4):
            raise Malformed("parameters: compressed, or with views")
        self._nodes = found.pairs(1, FIELDS_MAX)
        buffers = found.pairs(2, 3 * FIELDS_MAX)
        if any(start < 0 or size < 0 or start + size > len(body) for start, size in buffers):
            raise Malformed("arrow: a buffer outside of its body")
        self._buffers = [body[start : start + size] for start, size in buffers]

    def cells(self, types: Sequence[_Type]) -> Iterator[Parameter]:
        """Yield the row's values."""
        if len(self._nodes) != len(types) or len(self._buffers) != sum(_BUFFERS[kind.number] for kind in types):
            raise Malformed("arrow: a batch of another schema")
        place = 0
        for kind, (length, absent) in zip(types, self._nodes, strict=True):
            buffers = self._buffers[place : place + _BUFFERS[kind.number]]
            place += len(buffers)
            if length != 1 or absent not in {0, 1}:
                raise Malformed("arrow: a column of another length")
            yield None if _is_null(kind, absent, buffers) else _cell(kind, buffers)


def _is_null(kind: _Type, absent: int, buffers: Sequence[bytes]) -> bool:
    if kind.number == _NULL:
        return True
    validity = buffers[0]
    if not validity:
        if absent:
            raise Malformed("arrow: a NULL that no bit marks")
        return False
    if validity[0] & 1 == absent:
        raise Malformed("arrow: a bit that contradicts its count")
    return absent == 1


def _cell(kind: _Type, buffers: Sequence[bytes]) -> Parameter:
    data = buffers[1]
    match kind.number:
        case n if n == _BOOLEAN:
            return bool(_first(data, 1)[0] & 1)
        case n if n == _INTEGER:
            return int.from_bytes(_first(data, kind.bits // 8), "little", signed=kind.signed)
        case n if n == _FLOAT:
            return _float(_first(data, kind.bits // 8))
        case n if n == _DECIMAL:
            return _decimal(_first(data, 16), kind.detail)
        case n if n == _DATE:
            return _date(_first(data, kind.bits // 8))
        case _:
            return _text(kind, data, buffers[2])


def _first(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise Malformed("arrow: a buffer too short")
    return data[:size]


def _float(data: bytes) -> float:
    value: float = struct.unpack("<f" if len(data) == 4 else "<d", data)[0]
    if not math.isfinite(value):
        raise Malformed("parameters: not a finite number")
    return value


def _decimal(data: bytes, scale: int) -> Decimal:
    value = int.from_bytes(data, "little", signed=True)
    if abs(value) >= 10**DIGITS_128:
        raise Malformed("parameters: a decimal of more than 38 digits")
    return Decimal(f"{value}E-{scale}")


def _date(data: bytes) -> date:
    value = int.from_bytes(data, "little", signed=True)
    days, rest = (value, 0) if len(data) == 4 else divmod(value, _DAY_MS)
    if rest or not _DAYS_MIN <= days <= _DAYS_MAX:
        raise Malformed("parameters: not a day")
    return _EPOCH + timedelta(days=days)


def _text(kind: _Type, offsets: bytes, data: bytes) -> str:
    size = 8 if kind.number == _LARGE_UTF8 else 4
    start = int.from_bytes(_first(offsets, size), "little", signed=True)
    end = int.from_bytes(_first(offsets[size:], size), "little", signed=True)
    if not 0 <= start <= end <= len(data) or end - start > TEXT_BYTES_MAX:
        raise Malformed("parameters: a text outside of its buffer, or too long")
    try:
        return data[start:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("parameters: not UTF-8") from error
