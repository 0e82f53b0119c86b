"""Replies as bytes: what goes in comes out, and nothing but `Malformed` comes of nonsense."""

from decimal import Decimal

from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.client import decode
from yanmen.formats import released
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import Table
from yanmen.model.catalogue import Cell, ColumnType, Version
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.stages import Answer
from yanmen.wire import convert
from yanmen.wire.v1 import catalogue_pb2, query_pb2

from tests.unit.client.bench import DATASET, TABLE

CELLS: dict[ColumnType, st.SearchStrategy[Cell]] = {
    ColumnType.INTEGER: st.integers(-(10**30), 10**30),
    ColumnType.DECIMAL: st.decimals(-(10**20), 10**20, places=4),
    ColumnType.TEXT: st.text(max_size=20),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates(),
}
WIDTHS = st.none() | st.floats(0, 1e12)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    types = tuple(draw(st.lists(st.sampled_from(ColumnType), min_size=1, max_size=4)))
    count = draw(st.integers(0, 4))
    return Table(
        labels=tuple(draw(st.text(max_size=8)) for _ in types),
        types=types,
        rows=tuple(tuple(draw(st.none() | CELLS[kind]) for kind in types) for _ in range(count)),
        widths=tuple(tuple(draw(WIDTHS) for _ in types) for _ in range(count)),
        suppressed=draw(st.integers(0, 2**40)),
        mechanism=draw(st.text(max_size=8)),
        notice=draw(st.text(max_size=8)),
    )


def message(table: Table) -> query_pb2.Answer:
    receipt = Receipt(0, "", Stage.OUTCOME, "", "")
    return convert.answer(
        Answer(
            "a" * 32,
            table.labels,
            table.types,
            table.rows,
            table.widths,
            table.suppressed,
            table.mechanism,
            table.notice,
            0,
            0,
            0,
            False,
            receipt,
        )
    )


@given(tables())
@settings(max_examples=60, deadline=None)
def test_a_table_survives_the_wire_to_the_last_byte_of_its_digest(table: Table) -> None:
    back = decode.table(query_pb2.Answer.FromString(message(table).SerializeToString()))
    assert back == table
    assert released.encode(back) == released.encode(table)


WHOLE = message(TABLE).SerializeToString()
LISTED = convert.dataset(Version(DATASET, "v", "", 0, 1)).SerializeToString()


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_altered_bytes_are_malformed_or_another_table_whose_digest_differs(place: int, patch: bytes) -> None:
    altered = WHOLE[:place] + patch + WHOLE[place + len(patch) :]
    try:
        table = decode.table(query_pb2.Answer.FromString(altered))
        digest = released.encode(table)
    except (Malformed, DecodeError):
        return
    assert (table == TABLE) == (digest == released.encode(TABLE))


@given(st.integers(0, len(LISTED) - 1), st.binary(min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_altered_listings_are_malformed_or_read(place: int, patch: bytes) -> None:
    altered = LISTED[:place] + patch + LISTED[place + len(patch) :]
    try:
        decode.entry(catalogue_pb2.Dataset.FromString(altered))
    except (Malformed, DecodeError):
        return


def test_a_listing_survives_the_wire() -> None:
    entry = decode.entry(catalogue_pb2.Dataset.FromString(LISTED))
    assert entry.dataset == DATASET
    assert entry.dataset.columns[2].lower == Decimal(10)
