"""Columns as what Flight sends: a schema, then batches, none larger than a stock driver takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yanmen.formats import arrow_write
from yanmen.formats.arrow_fields import Field, Value
from yanmen.wire.v1.arrow import flight_pb2 as f

BATCH_BYTES = 2 * 1024 * 1024
"""Aim of one batch: drivers take 16 MiB a message unless told otherwise."""
BATCH_BYTES_MAX = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """One result ready to be sent: its schema as FlightInfo has it, its rows, what goes beside, and its messages."""

    schema: bytes
    rows: int
    beside: bytes
    messages: tuple[bytes, ...]
    """`FlightData`, serialised once however often they are sent."""

    @property
    def size(self) -> int:
        """How many bytes its messages have."""
        return sum(map(len, self.messages))


def stream(
    fields: Sequence[Field],
    columns: Sequence[Sequence[Value]],
    metadata: Sequence[tuple[str, str]] = (),
    beside: bytes = b"",
) -> Stream:
    """Return the result of `columns`; `metadata` is in its schema, `beside` in the first message's app_metadata."""
    head = arrow_write.schema(fields, metadata)
    rows = len(columns[0]) if columns else 0
    first = f.FlightData(data_header=head, app_metadata=beside).SerializeToString()
    batches = (f.FlightData(data_header=one, data_body=body) for one, body in _batches(fields, columns, rows))
    messages = (first, *(batch.SerializeToString() for batch in batches))
    return Stream(arrow_write.encapsulated(head), rows, beside, messages)


def _batches(fields: Sequence[Field], columns: Sequence[Sequence[Value]], rows: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the batches, cut finer wherever long texts stand close together."""
    header, body = arrow_write.batch(fields, columns)
    if len(body) <= BATCH_BYTES or rows == 1:
        yield header, body
        return
    step = max(1, rows * BATCH_BYTES // len(body))
    for start in range(0, rows, step):
        part = [column[start : start + step] for column in columns]
        header, body = arrow_write.batch(fields, part)
        if len(body) > BATCH_BYTES_MAX:
            yield from _batches(fields, part, len(part[0]))
        else:
            yield header, body
