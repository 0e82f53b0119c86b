"""Flight calls that keep to no rule: refused as Flight SQL prescribes, in time, and nothing reaches the node."""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Wrapped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yanmen.formats import arrow_write
from yanmen.formats.arrow_fields import Field, Kind
from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.parameters import Placeholder
from yanmen.wire.flight import commands, service
from yanmen.wire.flight.answers import KEPT_BYTES, KEPT_MS, Waiting, answered
from yanmen.wire.flight.patterns import like
from yanmen.wire.flight.statements import PER_MEMBER, Statement, Statements
from yanmen.wire.flight.streams import BATCH_BYTES_MAX, stream
from yanmen.wire.v1 import query_pb2
from yanmen.wire.v1.arrow import flight_pb2 as f
from yanmen.wire.v1.arrow import flight_pb2_grpc
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

from tests.patience import LONG_S
from tests.unit.wire.conftest import ANSWER

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site

GRANT = (("authorization", "Bearer a.b.c"),)
SELECT = s.CommandStatementQuery(query="SELECT 1")


@pytest.fixture
def stub(site: "Site") -> Iterator[flight_pb2_grpc.FlightServiceStub]:
    with site.channel("developer") as channel:
        yield flight_pb2_grpc.FlightServiceStub(channel)


def descriptor(data: bytes) -> f.FlightDescriptor:
    return f.FlightDescriptor(type=f.FlightDescriptor.CMD, cmd=data)


def got(stub: flight_pb2_grpc.FlightServiceStub, ticket: bytes) -> list[f.FlightData]:
    return list(stub.DoGet(f.Ticket(ticket=ticket), metadata=GRANT))


def put(stub: flight_pb2_grpc.FlightServiceStub, messages: list[f.FlightData]) -> list[f.PutResult]:
    return list(stub.DoPut(iter(messages), metadata=GRANT))


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    """Return status and reason of a refused call."""
    with pytest.raises(grpc.RpcError) as error:
        act()
    found: Any = error.value
    return found.code().name, found.details().split(" ")[0].rstrip(":")


UNIMPLEMENTED, MALFORMED = ("UNIMPLEMENTED", "COMMAND_NOT_OFFERED"), ("INVALID_ARGUMENT", "REQUEST_MALFORMED")


@pytest.mark.parametrize(
    "message",
    [
        s.CommandStatementUpdate(query="DELETE FROM t"),
        s.CommandPreparedStatementUpdate(),
        s.CommandStatementIngest(table="t"),
        s.CommandStatementSubstraitPlan(),
        s.DoPutUpdateResult(),
        query_pb2.SubmitRequest(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_type_the_node_does_not_know_is_unimplemented(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, message: Any
) -> None:
    data = commands.packed(message)
    for act in (
        lambda: stub.GetFlightInfo(descriptor(data), metadata=GRANT),
        lambda: stub.GetSchema(descriptor(data), metadata=GRANT),
        lambda: stub.PollFlightInfo(descriptor(data), metadata=GRANT),
        lambda: list(stub.DoGet(f.Ticket(ticket=data), metadata=GRANT)),
        lambda: list(stub.DoPut(iter([f.FlightData(flight_descriptor=descriptor(data))]), metadata=GRANT)),
    ):
        assert refusal(act) == UNIMPLEMENTED
    assert site.desk.calls == []


def spoiled() -> list[bytes]:
    """Return bytes that are no command: of no type, of a foreign host, with unknown fields, cut short."""
    good = commands.packed(SELECT)
    elsewhere = Wrapped(type_url="evil.example/" + SELECT.DESCRIPTOR.full_name, value=SELECT.SerializeToString())
    more = Wrapped(
        type_url=commands.PREFIX + SELECT.DESCRIPTOR.full_name, value=SELECT.SerializeToString() + b"\xa2\x06\x01x"
    )
    return [b"\xff\xff", good[:-3], good + b"\xa2\x06\x01x", elsewhere.SerializeToString(), more.SerializeToString()]


@pytest.mark.parametrize("number", range(5))
def test_bytes_that_are_no_command_are_malformed(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, number: int
) -> None:
    data = spoiled()[number]
    expected = UNIMPLEMENTED if number == 3 else MALFORMED
    for act in (
        lambda: stub.GetFlightInfo(descriptor(data), metadata=GRANT),
        lambda: list(stub.DoGet(f.Ticket(ticket=data), metadata=GRANT)),
        lambda: list(stub.DoAction(f.Action(type="CreatePreparedStatement", body=data), metadata=GRANT)),
    ):
        assert refusal(act) == expected
    assert site.desk.calls == []


def test_a_descriptor_of_a_path_and_a_command_that_is_no_ticket_are_malformed(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub
) -> None:
    path = f.FlightDescriptor(type=f.FlightDescriptor.PATH, path=["rates"])
    both = f.FlightDescriptor(type=f.FlightDescriptor.CMD, cmd=commands.packed(SELECT), path=["rates"])
    ticket = descriptor(commands.packed(s.TicketStatementQuery(statement_handle=b"0" * 32)))
    for one in (path, both, f.FlightDescriptor(), ticket):
        assert refusal(partial(stub.GetFlightInfo, one, metadata=GRANT))[0] in {
            "INVALID_ARGUMENT",
            "UNIMPLEMENTED",
        }
    for handle in (b"", b"0" * 31, b"G" * 32, b"\xff" * 32, b"0" * 10_000):
        data = commands.packed(s.TicketStatementQuery(statement_handle=handle))
        assert refusal(partial(got, stub, data)) == MALFORMED
    assert refusal(lambda: list(stub.DoGet(f.Ticket(ticket=commands.packed(SELECT)), metadata=GRANT))) == MALFORMED
    assert site.desk.calls == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_get_an_answer_of_the_closed_set(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, data: bytes
) -> None:
    allowed = {MALFORMED, UNIMPLEMENTED}
    assert refusal(lambda: stub.GetFlightInfo(descriptor(data), metadata=GRANT)) in allowed
    assert refusal(lambda: list(stub.DoGet(f.Ticket(ticket=data), metadata=GRANT))) in allowed
    assert refusal(lambda: list(stub.DoAction(f.Action(type="CancelQuery", body=data), metadata=GRANT))) in allowed


def test_calls_and_actions_that_are_not_offered_say_so(stub: flight_pb2_grpc.FlightServiceStub) -> None:
    acts: list[Callable[[], object]] = [
        lambda: list(stub.Handshake(iter([f.HandshakeRequest()]))),
        lambda: list(stub.ListFlights(f.Criteria())),
        lambda: list(stub.DoExchange(iter([f.FlightData()]))),
    ]
    acts += [
        lambda name=name: list(stub.DoAction(f.Action(type=name)))  # type: ignore[misc]
        for name in ("BeginTransaction", "EndTransaction", "SetSessionOptions", "RenewFlightEndpoint", "", "x" * 9_000)
    ]
    for act in acts:
        assert refusal(act) == UNIMPLEMENTED
    offered = {action.type for action in stub.ListActions(f.Empty())}
    assert offered >= {"CreatePreparedStatement", "ClosePreparedStatement", "CancelFlightInfo"}


def test_a_transaction_is_refused_wherever_it_is_asked_for(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub
) -> None:
    asked = s.CommandStatementQuery(query="SELECT 1", transaction_id=b"t")
    made = s.ActionCreatePreparedStatementRequest(query="SELECT 1", transaction_id=b"t")
    action = f.Action(type="CreatePreparedStatement", body=commands.packed(made))
    assert refusal(lambda: stub.GetFlightInfo(descriptor(commands.packed(asked)), metadata=GRANT)) == UNIMPLEMENTED
    assert refusal(lambda: list(stub.DoAction(action, metadata=GRANT))) == UNIMPLEMENTED
    assert site.desk.calls == []


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ((), ("UNAUTHENTICATED", "GRANT_MISSING")),
        ((("authorization", "Basic YTpi"),), ("UNAUTHENTICATED", "GRANT_MISSING")),
        ((("authorization", "Bearer "),), ("UNAUTHENTICATED", "GRANT_MISSING")),
        ((*GRANT, *GRANT), MALFORMED),
        ((("authorization", "Bearer " + "x" * 5_000),), MALFORMED),
        ((*GRANT, ("yanmen-contract", "a"), ("yanmen-contract", "b")), MALFORMED),
    ],
)
def test_headers_that_are_no_grant(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, metadata: Any, expected: tuple[str, str]
) -> None:
    assert refusal(lambda: stub.GetFlightInfo(descriptor(commands.packed(SELECT)), metadata=metadata)) == expected
    assert site.desk.calls == []


# Putting parameters --------------------------------------------------------------------------------


@pytest.fixture
def prepared(site: "Site", stub: flight_pb2_grpc.FlightServiceStub, monkeypatch: pytest.MonkeyPatch) -> f.FlightData:
    """Prepare `SELECT ?` and return the first message that binds it."""
    monkeypatch.setattr(site.desk, "placeholders", lambda _: (Placeholder(7, 8, 0),))
    asked = commands.packed(s.ActionCreatePreparedStatementRequest(query="SELECT ?"))
    (made,) = stub.DoAction(f.Action(type="CreatePreparedStatement", body=asked), metadata=GRANT)
    handle = s.ActionCreatePreparedStatementResult.FromString(Wrapped.FromString(made.body).value)
    command = s.CommandPreparedStatementQuery(prepared_statement_handle=handle.prepared_statement_handle)
    schema = arrow_write.schema([Field("1", Kind.INT64)])
    return f.FlightData(flight_descriptor=descriptor(commands.packed(command)), data_header=schema)


def row(*values: int) -> f.FlightData:
    header, body = arrow_write.batch([Field("1", Kind.INT64)], [values])
    return f.FlightData(data_header=header, data_body=body)


def test_one_row_is_bound_and_asked_with_its_literal(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, prepared: f.FlightData
) -> None:
    assert len(list(stub.DoPut(iter([prepared, row(7)]), metadata=GRANT))) == 1
    stub.GetFlightInfo(prepared.flight_descriptor, metadata=GRANT)
    (submitted,) = [call[1] for call in site.desk.calls if call[0] == "submit"]
    assert getattr(submitted, "sql", "") == "SELECT  7 "


def test_what_is_no_row_of_parameters_is_refused(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, prepared: f.FlightData
) -> None:
    nameless = f.FlightData(data_header=prepared.data_header)
    garbage = f.FlightData(data_header=b"\xff" * 64, data_body=b"\xff" * 64)
    large = f.FlightData(data_header=prepared.data_header, data_body=b"x" * 60_000)
    for messages in (
        [],
        [prepared],
        [nameless, row(7)],
        [prepared, row(7, 8)],
        [prepared, row(7), row(8)],
        [prepared, garbage],
        [prepared, *[large] * 8],
        [prepared, *[f.FlightData(app_metadata=b"x" * 60_000)] * 8],
    ):
        assert refusal(partial(put, stub, messages)) == MALFORMED
    assert refusal(lambda: stub.GetFlightInfo(prepared.flight_descriptor, metadata=GRANT)) == MALFORMED, "not bound"
    assert not any(call[0] == "submit" for call in site.desk.calls)


def test_a_stream_that_sends_nothing_is_ended(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STREAM_S", 0.3)
    ends = threading.Event()

    def silent() -> Iterator[f.FlightData]:
        ends.wait(LONG_S)
        yield f.FlightData()

    began = time.monotonic()
    with pytest.raises(grpc.RpcError):
        list(stub.DoPut(silent(), metadata=GRANT))
    assert time.monotonic() - began < LONG_S
    ends.set()


def test_short_streams_are_calls_and_do_not_block_each_other(
    site: "Site", stub: flight_pb2_grpc.FlightServiceStub
) -> None:
    """More streams at once than a member may have of those that last."""
    ends = threading.Event()

    def held() -> Iterator[f.FlightData]:
        ends.wait(LONG_S)
        yield from ()

    open_ = [stub.DoPut(held(), metadata=GRANT) for _ in range(6)]
    assert list(stub.ListActions(f.Empty()))
    ends.set()
    for call in open_:
        assert refusal(partial(list, call))[0] == "INVALID_ARGUMENT"


# What is kept and how it is cut ---------------------------------------------------------------------


def test_a_large_answer_is_cut_into_messages_a_driver_takes() -> None:
    texts = ["x" * 60_000 for _ in range(300)] + ["y"] * 1_000
    made = stream([Field("t", Kind.UTF8)], [texts])
    assert made.rows == len(texts)
    assert 2 < len(made.messages) < 20
    assert max(len(message) for message in made.messages) < BATCH_BYTES_MAX + 100_000
    assert sum(b"xxx" in message for message in made.messages) >= 2


def test_an_answer_of_any_width_has_a_type() -> None:
    wide = replace(
        ANSWER,
        labels=("a", "a", "b"),
        types=(ColumnType.DECIMAL, ColumnType.INTEGER, ColumnType.DECIMAL),
        rows=((Decimal("1." + "3" * 50), 10**80, Decimal(10) ** 100), (None, None, None)),
        widths=((None, 1.5, None), (None, 1.5, None)),
    )
    import pyarrow as pa

    made = answered(wide)
    sent = [f.FlightData.FromString(message) for message in made.messages]
    stream_ = b"".join(arrow_write.encapsulated(message.data_header) + message.data_body for message in sent)
    table = pa.ipc.open_stream(stream_).read_all()
    assert table.schema.names == ["a", "a_1", "b"]
    assert [str(kind) for kind in table.schema.types] == ["decimal256(76, 50)", "string", "string"]
    assert table.to_pylist()[0] == {"a": Decimal("1." + "3" * 50), "a_1": str(10**80), "b": "1" + "0" * 100}
    assert table.schema.field("a_1").metadata == {b"yanmen.half_width_95": b"1.5"}


def test_waiting_answers_are_few_short_lived_and_their_owners_own() -> None:
    waiting, large = Waiting(), stream([Field("t", Kind.UTF8)], [["x" * (KEPT_BYTES // 3)]])
    waiting.keep("a", "1", large, 0)
    assert waiting.find("a", "1", 0) is large
    assert waiting.find("b", "1", 0) is None
    for number in range(2, 5):
        waiting.keep("a", str(number), large, 0)
    assert waiting.find("a", "1", 0) is None
    assert waiting.find("a", "4", KEPT_MS) is large
    assert waiting.find("a", "4", KEPT_MS + 1) is None


def test_a_member_has_so_many_statements_and_no_other_finds_them() -> None:
    held = Statements()
    for number in range(PER_MEMBER + 1):
        held.add("a", str(number), Statement("SELECT 1", ()))
    for owner, handle in (("a", b"0"), ("b", b"1"), ("a", b"\xff")):
        with pytest.raises(Refused) as refused:
            held.find(owner, handle)
        assert refused.value.reason is Reason.STATEMENT_UNKNOWN
    assert held.find("a", b"1").bound == "SELECT 1"


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("%", "", True),
        ("", "", True),
        ("", "a", False),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("%b%", "abc", True),
        ("%b", "abcb", True),
        ("%bc%d", "abcbcxd", True),
        ("A%", "abc", False),
        ("a.c", "abc", False),
        ("%%_", "a", True),
    ],
)
def test_like(pattern: str, name: str, matches: bool) -> None:
    assert like(pattern, name) is matches


def test_a_pattern_that_would_blow_up_a_regular_expression_does_not() -> None:
    began = time.monotonic()
    assert not like("%a" * 2_000 + "b", "a" * 4_000)
    assert time.monotonic() - began < LONG_S


def test_arrow_messages_are_as_flight_lays_them_out() -> None:
    schema = arrow_write.encapsulated(arrow_write.schema([Field("a", Kind.INT64)]))
    assert schema[:4] == b"\xff" * 4
    assert struct.unpack("<i", schema[4:8])[0] == len(schema) - 8
