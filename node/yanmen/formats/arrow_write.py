"""Columns as Arrow IPC messages (metadata version 5): a schema, then record batches, each a header and a body.

Only what a node itself made is written; what callers send is read by `arrow_read`.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from itertools import accumulate
from typing import Any

import flatbuffers

from yanmen.formats.arrow_fields import DIGITS_128, Field, Kind, Value
from yanmen.formats.malformed import Malformed

Metadata = Sequence[tuple[str, str]]

_V5 = 4
_SCHEMA, _BATCH = 1, 3
_TYPES = {
    Kind.NULL: 1, Kind.UINT8: 2, Kind.INT32: 2, Kind.UINT32: 2, Kind.INT64: 2, Kind.FLOAT64: 3, Kind.BINARY: 4,
    Kind.UTF8: 5, Kind.BOOLEAN: 6, Kind.DECIMAL: 7, Kind.DATE: 8, Kind.LIST: 12, Kind.STRUCT: 13, Kind.UNION: 14,
    Kind.MAP: 17,
}  # fmt: skip
"""Numbers of the union `Type` in Schema.fbs."""
_INTEGERS = {Kind.UINT8: (8, False), Kind.INT32: (32, True), Kind.UINT32: (32, False), Kind.INT64: (64, True)}
_FORMATS = {Kind.UINT8: "B", Kind.INT32: "i", Kind.UINT32: "I", Kind.INT64: "q", Kind.FLOAT64: "d"}
_DOUBLE, _DENSE = 2, 1
_CONTINUATION = b"\xff\xff\xff\xff"
_ALIGNMENT = 8
_EPOCH = date(1970, 1, 1).toordinal()
_EXACT = Context(prec=200)


def schema(fields: Sequence[Field], metadata: Metadata = ()) -> bytes:
    """Return the schema message of `fields`."""
    builder = flatbuffers.Builder(1024)
    listed = _vector(builder, [_field(builder, item) for item in fields])
    beside = _metadata(builder, metadata)
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(1, listed, 0)
    builder.PrependUOffsetTRelativeSlot(2, beside, 0)
    return _message(builder, _SCHEMA, builder.EndObject(), 0)


def batch(fields: Sequence[Field], columns: Sequence[Sequence[Value]]) -> tuple[bytes, bytes]:
    """Return the record batch of `columns`, all of one length, as header and body."""
    rows = len(columns[0]) if columns else 0
    body = _Body()
    for item, values in zip(fields, columns, strict=True):
        if len(values) != rows:
            raise Malformed("arrow: columns of different lengths")
        _column(body, item, values)
    builder = flatbuffers.Builder(1024)
    buffers = _pairs(builder, body.buffers)
    nodes = _pairs(builder, body.nodes)
    builder.StartObject(5)
    builder.PrependInt64Slot(0, rows, 0)
    builder.PrependUOffsetTRelativeSlot(1, nodes, 0)
    builder.PrependUOffsetTRelativeSlot(2, buffers, 0)
    data = b"".join(body.parts)
    return _message(builder, _BATCH, builder.EndObject(), len(data)), data


def encapsulated(message: bytes) -> bytes:
    """Return `message` with its length before it, as FlightInfo and SchemaResult carry a schema."""
    padded = message + bytes(-len(message) % _ALIGNMENT)
    return _CONTINUATION + struct.pack("<i", len(padded)) + padded


def _message(builder: Any, kind: int, header: int, body: int) -> bytes:  # noqa: ANN401 - the library has no types
    builder.StartObject(5)
    builder.PrependInt64Slot(3, body, 0)
    builder.PrependUOffsetTRelativeSlot(2, header, 0)
    builder.PrependInt16Slot(0, _V5, 0)
    builder.PrependUint8Slot(1, kind, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


# The schema ---------------------------------------------------------------------------------------


def _field(builder: Any, item: Field) -> int:  # noqa: ANN401 - as above
    children = _vector(builder, [_field(builder, child) for child in item.children])
    beside = _metadata(builder, item.metadata)
    kind = _type(builder, item)
    name = builder.CreateString(item.name)
    builder.StartObject(7)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(3, kind, 0)
    builder.PrependUOffsetTRelativeSlot(5, children, 0)
    builder.PrependUOffsetTRelativeSlot(6, beside, 0)
    builder.PrependBoolSlot(1, item.nullable, 0)
    builder.PrependUint8Slot(2, _TYPES[item.kind], 0)
    return int(builder.EndObject())


def _type(builder: Any, item: Field) -> int:  # noqa: ANN401 - as above
    ids = _numbers(builder, range(len(item.children))) if item.kind is Kind.UNION else 0
    builder.StartObject(3)
    match item.kind:
        case Kind.UINT8 | Kind.INT32 | Kind.UINT32 | Kind.INT64:
            bits, signed = _INTEGERS[item.kind]
            builder.PrependInt32Slot(0, bits, 0)
            builder.PrependBoolSlot(1, signed, 0)
        case Kind.FLOAT64:
            builder.PrependInt16Slot(0, _DOUBLE, 0)
        case Kind.DECIMAL:
            builder.PrependInt32Slot(0, item.digits, 0)
            builder.PrependInt32Slot(1, item.scale, 0)
            builder.PrependInt32Slot(2, _width(item) * 8, 128)
        case Kind.DATE:
            builder.PrependInt16Slot(0, 0, 1)
        case Kind.UNION:
            builder.PrependInt16Slot(0, _DENSE, 0)
            builder.PrependUOffsetTRelativeSlot(1, ids, 0)
        case Kind.NULL | Kind.BOOLEAN | Kind.UTF8 | Kind.BINARY | Kind.LIST | Kind.STRUCT | Kind.MAP:
            pass
    return int(builder.EndObject())


def _metadata(builder: Any, metadata: Metadata) -> int:  # noqa: ANN401 - as above
    pairs = []
    for key, value in metadata:
        name, said = builder.CreateString(key), builder.CreateString(value)
        builder.StartObject(2)
        builder.PrependUOffsetTRelativeSlot(0, name, 0)
        builder.PrependUOffsetTRelativeSlot(1, said, 0)
        pairs.append(int(builder.EndObject()))
    return _vector(builder, pairs) if pairs else 0


def _vector(builder: Any, offsets: Sequence[int]) -> int:  # noqa: ANN401 - as above
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, numbers: Sequence[int]) -> int:  # noqa: ANN401 - as above
    builder.StartVector(4, len(numbers), 4)
    for number in reversed(numbers):
        builder.PrependInt32(number)
    return int(builder.EndVector())


def _pairs(builder: Any, pairs: Sequence[tuple[int, int]]) -> int:  # noqa: ANN401 - as above
    """Return a vector of structs of two 64-bit integers: FieldNode and Buffer both are that."""
    builder.StartVector(16, len(pairs), 8)
    for one, two in reversed(pairs):
        builder.Prep(8, 16)
        builder.PrependInt64(two)
        builder.PrependInt64(one)
    return int(builder.EndVector())


# The columns --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Body:
    """The buffers of a batch, one behind the other, each padded."""

    nodes: list[tuple[int, int]] = field(default_factory=list)
    buffers: list[tuple[int, int]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, data: bytes) -> None:
        """Append one buffer."""
        self.buffers.append((self.size, len(data)))
        padding = bytes(-len(data) % _ALIGNMENT)
        self.parts += [data, padding]
        self.size += len(data) + len(padding)


def _column(body: _Body, item: Field, values: Sequence[Value]) -> None:
    if item.kind is Kind.UNION:
        _union(body, item, values)
        return
    absent = sum(value is None for value in values)
    if absent and not item.nullable:
        raise Malformed("arrow: a NULL where none may be")
    body.nodes.append((len(values), absent))
    if item.kind is Kind.NULL:
        return
    body.add(_bits([value is not None for value in values]) if absent else b"")
    _COLUMNS[item.kind](body, item, values)


def _fixed(body: _Body, item: Field, values: Sequence[Value]) -> None:
    body.add(struct.pack(f"<{len(values)}{_FORMATS[item.kind]}", *[0 if value is None else value for value in values]))


def _booleans(body: _Body, _: Field, values: Sequence[Value]) -> None:
    body.add(_bits([value is True for value in values]))


def _dates(body: _Body, _: Field, values: Sequence[Value]) -> None:
    days = [value.toordinal() - _EPOCH if isinstance(value, date) else 0 for value in values]
    body.add(struct.pack(f"<{len(days)}i", *days))


def _decimals(body: _Body, item: Field, values: Sequence[Value]) -> None:
    width = _width(item)
    body.add(b"".join(_scaled(value, item).to_bytes(width, "little", signed=True) for value in values))


def _texts(body: _Body, _: Field, values: Sequence[Value]) -> None:
    encoded = [_bytes(value) for value in values]
    body.add(_offsets([len(data) for data in encoded]))
    body.add(b"".join(encoded))


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b""


def _lists(body: _Body, item: Field, values: Sequence[Value]) -> None:
    lists = [value if isinstance(value, list) else [] for value in values]
    body.add(_offsets([len(one) for one in lists]))
    _column(body, item.children[0], [value for one in lists for value in one])


def _structs(body: _Body, item: Field, values: Sequence[Value]) -> None:
    pairs = [value if isinstance(value, tuple) else (None, None) for value in values]
    for place, child in enumerate(item.children):
        _column(body, child, [pair[place] for pair in pairs])


def _union(body: _Body, item: Field, values: Sequence[Value]) -> None:
    """Write a dense union: the type of each value, its place among those of that type, then each type's values."""
    chosen: list[list[Value]] = [[] for _ in item.children]
    types, places = bytearray(), []
    for value in values:
        if not isinstance(value, tuple) or not isinstance(value[0], int):
            raise Malformed("arrow: a value of a union without its type")
        types.append(value[0])
        places.append(len(chosen[value[0]]))
        chosen[value[0]].append(value[1])
    body.nodes.append((len(values), 0))
    body.add(bytes(types))
    body.add(struct.pack(f"<{len(places)}i", *places))
    for child, of_child in zip(item.children, chosen, strict=True):
        _column(body, child, of_child)


_COLUMNS: dict[Kind, Callable[[_Body, Field, Sequence[Value]], None]] = {
    Kind.BOOLEAN: _booleans,
    Kind.UINT8: _fixed,
    Kind.INT32: _fixed,
    Kind.UINT32: _fixed,
    Kind.INT64: _fixed,
    Kind.FLOAT64: _fixed,
    Kind.DECIMAL: _decimals,
    Kind.DATE: _dates,
    Kind.UTF8: _texts,
    Kind.BINARY: _texts,
    Kind.LIST: _lists,
    Kind.MAP: _lists,
    Kind.STRUCT: _structs,
}


def _bits(flags: Sequence[bool]) -> bytes:
    """Return one bit for each flag, the first in the lowest place."""
    if not flags:
        return b""
    return int("".join("1" if flag else "0" for flag in reversed(flags)), 2).to_bytes((len(flags) + 7) // 8, "little")


def _offsets(lengths: Sequence[int]) -> bytes:
    ends = list(accumulate(lengths, initial=0))
    if ends[-1] >= 2**31:
        raise Malformed("arrow: a column of 2 GiB")
    return struct.pack(f"<{len(ends)}i", *ends)


def _width(item: Field) -> int:
    return 16 if item.digits <= DIGITS_128 else 32


def _scaled(value: Value, item: Field) -> int:
    """Return `value` in units of the column's last place, which it must fit."""
    if value is None:
        return 0
    if not isinstance(value, Decimal | int):
        raise Malformed("arrow: not a decimal")
    scaled = _EXACT.scaleb(Decimal(value), item.scale)
    if scaled != _EXACT.to_integral_value(scaled) or scaled.copy_abs() >= 10**item.digits:
        raise Malformed("arrow: a decimal wider than its column")
    return int(scaled)
