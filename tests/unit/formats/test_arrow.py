"""Arrow as we write it is what pyarrow reads, and what we read of callers is what pyarrow wrote, or is refused."""

import struct
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.formats import arrow_read, arrow_write
from yanmen.formats.arrow_fields import Field, Kind, Value
from yanmen.formats.arrow_read import Message
from yanmen.formats.malformed import Malformed


def written(fields: Sequence[Field], columns: Sequence[Sequence[Value]], metadata: Any = ()) -> Any:
    """Return what pyarrow makes of our messages, every buffer validated."""
    header, body = arrow_write.batch(fields, columns)
    assert len(body) % 8 == 0
    stream = arrow_write.encapsulated(arrow_write.schema(fields, metadata))
    stream += arrow_write.encapsulated(header) + body
    table = pa.ipc.open_stream(stream).read_all()
    table.validate(full=True)
    return table


def sent(values: Sequence[Any], types: Sequence[Any] | None = None, rows: int = 1) -> list[Message]:
    """Return one row as pyarrow writes it, taken apart as Flight does."""
    arrays = [pa.array([value] * rows, None if types is None else types[place]) for place, value in enumerate(values)]
    batch = pa.record_batch(arrays, names=[str(place) for place in range(len(arrays))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    messages: list[Message] = []
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(sink.getvalue()))
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return messages
        messages.append(Message(message.metadata.to_pybytes(), message.body.to_pybytes() if message.body else b""))


ROWS: dict[Kind, tuple[Field, list[Value]]] = {
    Kind.NULL: (Field("a", Kind.NULL), [None, None]),
    Kind.BOOLEAN: (Field("a", Kind.BOOLEAN), [True, None, False, *[True] * 9]),
    Kind.UINT8: (Field("a", Kind.UINT8), [255, None]),
    Kind.INT32: (Field("a", Kind.INT32), [-(2**31), None, 2**31 - 1]),
    Kind.UINT32: (Field("a", Kind.UINT32), [2**32 - 1, 0]),
    Kind.INT64: (Field("a", Kind.INT64), [-(2**63), 2**63 - 1, None]),
    Kind.FLOAT64: (Field("a", Kind.FLOAT64), [0.1, None, -1e300]),
    Kind.DECIMAL: (Field("a", Kind.DECIMAL, digits=38, scale=4), [Decimal("-1.2345"), None, Decimal("9" * 34)]),
    Kind.DATE: (Field("a", Kind.DATE), [date(1, 1, 1), None, date(9999, 12, 31)]),
    Kind.UTF8: (Field("a", Kind.UTF8), ["", "雁门", None, "x" * 70]),
    Kind.BINARY: (Field("a", Kind.BINARY), [b"\0\xff", None, b""]),
    Kind.LIST: (Field("a", Kind.LIST, children=(Field("item", Kind.UTF8),)), [["a", None], [], None, ["b"]]),
    Kind.STRUCT: (
        Field("a", Kind.STRUCT, children=(Field("k", Kind.INT32), Field("v", Kind.UTF8))),
        [(1, "x"), (2, None)],
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_pyarrow_reads_what_we_write(kind: Kind) -> None:
    field, values = ROWS[kind]
    shown = written([field], [values])["a"].to_pylist()
    if kind is Kind.STRUCT:
        assert shown == [{"k": 1, "v": "x"}, {"k": 2, "v": None}]
    else:
        assert shown == values


def test_a_wide_decimal_takes_256_bits() -> None:
    field = Field("a", Kind.DECIMAL, digits=76)
    table = written([field], [[Decimal(10**60), -(10**75)]])
    assert table.schema.field("a").type == pa.decimal256(76, 0)
    assert table["a"].to_pylist() == [Decimal(10**60), Decimal(-(10**75))]


@pytest.mark.parametrize("value", [Decimal("0.00001"), Decimal(10**35), "1"])
def test_a_decimal_that_does_not_fit_its_column_is_not_rounded(value: Value) -> None:
    with pytest.raises(Malformed):
        arrow_write.batch([Field("a", Kind.DECIMAL, digits=38, scale=4)], [[value]])


def test_metadata_arrives() -> None:
    table = written([Field("a", Kind.INT64, metadata=(("k", "值"),))], [[1]], (("notice", "差分隐私"),))
    assert table.schema.metadata == {b"notice": "差分隐私".encode()}
    assert table.schema.field("a").metadata == {b"k": "值".encode()}


def test_columns_of_different_lengths_and_wrong_nulls_are_ours_to_notice() -> None:
    field = Field("a", Kind.INT64, nullable=False)
    spoiled: list[list[list[Value]]] = [[[1], [1, 2]], [[None], [1]]]
    for columns in spoiled:
        with pytest.raises(Malformed):
            arrow_write.batch([field, field], columns)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(), st.none() | st.booleans()))
)
def test_any_rows_arrive_as_they_were(rows: list[tuple[Any, Any, Any]]) -> None:
    fields = [Field("i", Kind.INT64), Field("t", Kind.UTF8), Field("b", Kind.BOOLEAN)]
    table = written(fields, [[row[place] for row in rows] for place in range(3)])
    assert [tuple(row.values()) for row in table.to_pylist()] == rows


PARAMETERS = [
    None, True, False, 0, -1, 2**63 - 1, 1.5, -0.0, Decimal("-12.340"), Decimal(10**37), date(2024, 2, 29), "", "o'x",
    "雁门",
]  # fmt: skip


@pytest.mark.parametrize("value", PARAMETERS)
def test_a_parameter_is_what_was_bound(value: Any) -> None:
    (found,) = arrow_read.row(sent([value]))
    assert (found, type(found)) == (value, type(value))


def test_a_row_of_many_types_with_nulls_is_read() -> None:
    types = [pa.int8(), pa.uint64(), pa.float32(), pa.large_string(), pa.date64(), pa.string(), pa.int64()]
    values = [-128, 2**64 - 1, 0.5, "x", date(1969, 12, 31), None, None]
    assert arrow_read.row(sent(values, types)) == tuple(values)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"x", pa.binary()),
        (datetime(2024, 1, 1), pa.timestamp("us")),  # noqa: DTZ001 - what a naive program binds
        ([1], pa.list_(pa.int64())),
        ({"a": 1}, pa.struct([("a", pa.int64())])),
        ("x", pa.dictionary(pa.int8(), pa.string())),
        (Decimal(1), pa.decimal256(40, 0)),
        (float("nan"), pa.float64()),
        (float("inf"), pa.float64()),
        ("x", pa.string_view()),
        ("x" * (arrow_read.TEXT_BYTES_MAX + 1), pa.string()),
    ],
)
def test_a_type_that_no_literal_has_is_refused(value: Any, kind: Any) -> None:
    with pytest.raises(Malformed):
        arrow_read.row(sent([value], [kind]))


def test_two_rows_no_batch_or_two_batches_are_refused() -> None:
    schema, batch = sent([1])
    for messages in ([], [schema], [schema, batch, batch], [batch, batch], [schema, schema], sent([1], rows=2)):
        with pytest.raises(Malformed):
            arrow_read.row(messages)


def test_compressed_bodies_are_refused() -> None:
    batch = pa.record_batch([pa.array(["x" * 100])], names=["a"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(sink.getvalue()))
    read = [reader.read_next_message() for _ in range(2)]
    with pytest.raises(Malformed):
        arrow_read.row([Message(one.metadata.to_pybytes(), one.body.to_pybytes() if one.body else b"") for one in read])


@pytest.mark.parametrize("place", range(2))
def test_no_changed_bytes_do_anything_but_change_values_or_be_refused(place: int) -> None:
    """Every byte of both headers set to the values that hurt: nothing but `Malformed` comes out, and quickly."""
    messages = sent([5, "text", Decimal("1.5"), None, date(2024, 1, 1)])
    header = messages[place].header
    refused = 0
    for at in range(len(header)):
        for value in (0x00, 0x01, 0x7F, 0x80, 0xFF):
            changed = list(messages)
            changed[place] = Message(header[:at] + bytes([value]) + header[at + 1 :], messages[place].body)
            try:
                arrow_read.row(changed)
            except Malformed:
                refused += 1
    assert refused > len(header)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=64))
def test_bytes_that_are_no_arrow_are_malformed(one: bytes, two: bytes, body: bytes) -> None:
    with pytest.raises(Malformed):
        arrow_read.row([Message(one, b""), Message(two, body)])


def test_a_buffer_that_points_outside_of_its_body_is_refused() -> None:
    schema, batch = sent(["abcdefgh"])
    with pytest.raises(Malformed):
        arrow_read.row([schema, Message(batch.header, batch.body[:8])])
    offsets = struct.pack("<ii", 0, 2**30)
    spoiled = batch.body.replace(struct.pack("<ii", 0, 8), offsets)
    assert spoiled != batch.body
    with pytest.raises(Malformed):
        arrow_read.row([schema, Message(batch.header, spoiled)])
