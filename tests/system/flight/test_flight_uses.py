"""Through Flight SQL too a use is charged once, receipted, bound to its caller and its grant, and stopped when told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import grpc
import pytest
from google.protobuf.any_pb2 import Any as Wrapped
from yanmen.client import connect
from yanmen.formats.receipt import Slot
from yanmen.wire.flight import commands
from yanmen.wire.v1.arrow import flight_pb2 as f
from yanmen.wire.v1.arrow import flight_pb2_grpc
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

from tests.patience import LONG_S, wait_until
from tests.system.town import done

if TYPE_CHECKING:
    from tests.system.flight.conftest import Flown


class Raw:
    """Flight's own calls, as a program makes them that keeps to no rule."""

    def __init__(self, flown: "Flown", member: str = "alice", grant: str | None = None) -> None:
        folder, options = flown.town.root / member, flown.driver.options
        served = options["adbc.flight.sql.client_option.tls_root_certs"].encode()
        tls = grpc.ssl_channel_credentials(served, (folder / "tls.key").read_bytes(), (folder / "tls.crt").read_bytes())
        target = flown.driver.uri.removeprefix("grpc+tls://")
        self.channel = grpc.secure_channel(target, tls, [("grpc.max_metadata_size", 65536)])
        self.stub = flight_pb2_grpc.FlightServiceStub(self.channel)
        token = flown.driver.grant if grant is None else grant
        self.metadata: tuple[tuple[str, str | bytes], ...] = (("authorization", f"Bearer {token}"),) if token else ()

    def info(self, message: Any, timeout: float = LONG_S) -> f.FlightInfo:
        return self.stub.GetFlightInfo(descriptor(message), timeout=timeout, metadata=self.metadata)

    def ticket(self, message: Any) -> f.Ticket:
        return self.info(message).endpoint[0].ticket

    def get(self, ticket: f.Ticket) -> list[f.FlightData]:
        return list(self.stub.DoGet(ticket, timeout=LONG_S, metadata=self.metadata))

    def act(self, kind: str, body: bytes) -> list[f.Result]:
        return list(self.stub.DoAction(f.Action(type=kind, body=body), timeout=LONG_S, metadata=self.metadata))

    def prepare(self, sql: str) -> s.CommandPreparedStatementQuery:
        asked = s.ActionCreatePreparedStatementRequest(query=sql)
        (result,) = self.act("CreatePreparedStatement", commands.packed(asked))
        made = s.ActionCreatePreparedStatementResult.FromString(Wrapped.FromString(result.body).value)
        return s.CommandPreparedStatementQuery(prepared_statement_handle=made.prepared_statement_handle)


def descriptor(message: Any) -> f.FlightDescriptor:
    return f.FlightDescriptor(type=f.FlightDescriptor.CMD, cmd=commands.packed(message))


@pytest.fixture
def raw(flown: "Flown") -> Iterator[Callable[..., Raw]]:
    made: list[Raw] = []

    def make(*words: Any, **more: Any) -> Raw:
        made.append(Raw(flown, *words, **more))
        return made[-1]

    yield make
    for one in made:
        one.channel.close()


def status(error: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[str, str]:
    """Return the gRPC status and the reason in its message."""
    found: Any = error.value
    return found.code().name, found.details().split(" ")[0].rstrip(":")


# Charging ------------------------------------------------------------------------------------------


def test_an_answer_has_its_receipt_notice_and_price_beside_it(flown: "Flown") -> None:
    left, spent = flown.spent()
    table = flown.ask("SELECT ward, count(*) AS n FROM visits GROUP BY ward")
    said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert "差分隐私估计值" in said["yanmen.notice"]
    assert (said["yanmen.price_fen"], said["yanmen.micro_rho"], said["yanmen.repeated"]) == ("100", "10000", "false")
    assert float(table.schema.field("n").metadata[b"yanmen.half_width_95"]) > 1
    with connect("clinic", flown.town.root / "alice") as node:
        receipt = node.receipt(int(said["yanmen.receipt_index"]))
        assert receipt.jti == said["yanmen.receipt"]
        assert session_of(receipt.says[Slot.REQUEST.value]) == "session"
        assert node.fetch(said["yanmen.job"]).table.rows == tuple(tuple(row.values()) for row in table.to_pylist())
    assert flown.spent() == (left - 1, spent + 100)


def session_of(request: Any) -> str:
    return str(request["binding"])


def test_preparing_and_describing_charge_nothing_and_leave_no_leaf(flown: "Flown", raw: Callable[..., Raw]) -> None:
    before, caller = (flown.leaves(), flown.spent()), raw()
    prepared = caller.prepare("SELECT ward, count(*) AS n FROM visits WHERE cost > 1 GROUP BY ward")
    for message in (prepared, s.CommandStatementQuery(query="SELECT town FROM rates WHERE year > 7")):
        assert caller.stub.GetSchema(descriptor(message), metadata=caller.metadata).schema
    assert (flown.leaves(), flown.spent()) == before


def test_one_ticket_is_fetched_often_and_charged_once(flown: "Flown", raw: Callable[..., Raw]) -> None:
    caller, (left, _) = raw(), flown.spent()
    ticket = caller.ticket(s.CommandStatementQuery(query="SELECT year, town FROM rates WHERE year > 1"))
    assert flown.spent()[0] == left - 1
    before = flown.leaves()
    assert caller.get(ticket) == caller.get(ticket) == caller.get(ticket)
    assert (flown.spent()[0], flown.leaves()) == (left - 1, before)


def test_a_handle_asked_again_before_its_answer_was_fetched_is_the_same_use(
    flown: "Flown", raw: Callable[..., Raw]
) -> None:
    caller, (left, _) = raw(), flown.spent()
    prepared = caller.prepare("SELECT year, town FROM rates WHERE year > 2")
    tickets = [caller.ticket(prepared) for _ in range(3)]
    assert tickets[0] == tickets[1] == tickets[2]
    assert flown.spent()[0] == left - 1
    caller.get(tickets[0])
    assert caller.ticket(prepared) != tickets[0], "a new use, admitted and receipted again"


def test_two_threads_with_one_handle_begin_one_use(flown: "Flown", raw: Callable[..., Raw]) -> None:
    caller, (left, _) = raw(), flown.spent()
    prepared, found = caller.prepare("SELECT year, town FROM rates WHERE year > 3"), []
    threads = [threading.Thread(target=lambda: found.append(caller.ticket(prepared))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert flown.spent()[0] == left - 1


def test_a_caller_whose_deadline_passes_finds_its_answer_under_the_same_handle(
    flown: "Flown", raw: Callable[..., Raw]
) -> None:
    """A question about persons takes its fixed time; the caller gives up sooner, asks again, and is charged once."""
    caller, (left, _) = raw(), flown.spent()
    prepared = caller.prepare("SELECT count(*) AS n FROM visits WHERE cost < 77")
    with pytest.raises(grpc.RpcError) as error:
        caller.info(prepared, timeout=0.7)
    assert status(error)[0] == "DEADLINE_EXCEEDED"
    assert caller.get(caller.ticket(prepared))
    assert flown.spent()[0] == left - 1


# Who may -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("", ("UNAUTHENTICATED", "GRANT_MISSING")),
        ("x", ("INVALID_ARGUMENT", "REQUEST_MALFORMED")),
        ("a.b.c", ("INVALID_ARGUMENT", "REQUEST_MALFORMED")),
        ("x" * 5_000, ("INVALID_ARGUMENT", "REQUEST_MALFORMED")),
    ],
)
def test_without_a_grant_nothing_is_asked_and_lists_are_there(
    flown: "Flown", raw: Callable[..., Raw], grant: str, expected: tuple[str, str]
) -> None:
    caller, before = raw(grant=grant), flown.spent()
    for act in (
        lambda: caller.info(s.CommandStatementQuery(query="SELECT town FROM rates")),
        lambda: caller.prepare("SELECT town FROM rates"),
    ):
        with pytest.raises(grpc.RpcError) as error:
            act()
        assert status(error) == expected
    assert caller.get(caller.ticket(s.CommandGetCatalogs()))
    assert flown.spent() == before


def test_a_grant_whose_signature_was_altered_asks_nothing(flown: "Flown", raw: Callable[..., Raw]) -> None:
    grant = flown.driver.grant
    caller = raw(grant=grant[:-8] + ("AAAAAAAA" if not grant.endswith("AAAAAAAA") else "BBBBBBBB"))
    with pytest.raises(grpc.RpcError) as error:
        caller.info(s.CommandStatementQuery(query="SELECT town FROM rates"))
    assert status(error) == ("UNAUTHENTICATED", "SIGNATURE_INVALID")


@pytest.fixture(scope="module")
def bob(flown: "Flown") -> str:
    flown.town.member("bob")
    time.sleep(0.1)
    return "bob"


def test_another_member_can_use_neither_grant_nor_ticket_nor_handle(
    flown: "Flown", raw: Callable[..., Raw], bob: str
) -> None:
    """Everything the first member was given, in the hands of a second one of the same space."""
    alice, (left, _) = raw(), flown.spent()
    ticket = alice.ticket(s.CommandStatementQuery(query="SELECT town FROM rates WHERE year > 4"))
    prepared = alice.prepare("SELECT town FROM rates WHERE year > 5")
    thief = raw(bob)
    wait_until(lambda: bool(thief.get(thief.ticket(s.CommandGetCatalogs()))))
    attempts: list[tuple[Callable[[], object], tuple[str, str]]] = [
        (
            lambda: thief.info(s.CommandStatementQuery(query="SELECT town FROM rates")),
            ("UNAUTHENTICATED", "SIGNATURE_INVALID"),
        ),
        (lambda: thief.get(ticket), ("NOT_FOUND", "JOB_UNKNOWN")),
        (lambda: thief.info(prepared), ("NOT_FOUND", "STATEMENT_UNKNOWN")),
        (lambda: thief.act("CancelQuery", cancelling(ticket)), ("NOT_FOUND", "JOB_UNKNOWN")),
    ]
    for attempt, expected in attempts:
        with pytest.raises(grpc.RpcError) as error:
            attempt()
        assert status(error) == expected
    assert flown.spent()[0] == left - 1
    thief.act("ClosePreparedStatement", closing(prepared))
    assert alice.get(ticket)
    assert alice.info(prepared).endpoint, "another member closes nothing of hers"


def cancelling(ticket: f.Ticket) -> bytes:
    info = f.FlightInfo(endpoint=[f.FlightEndpoint(ticket=ticket)])
    return commands.packed(s.ActionCancelQueryRequest(info=info.SerializeToString()))


def closing(prepared: s.CommandPreparedStatementQuery) -> bytes:
    handle = prepared.prepared_statement_handle
    return commands.packed(s.ActionClosePreparedStatementRequest(prepared_statement_handle=handle))


def asked(flown: "Flown", sql: str, **options: str) -> Any:
    """Ask over a connection with other options than usual."""
    with flown.connect(**options) as db, db.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_the_contract_that_the_connection_names_must_be_the_grants(flown: "Flown") -> None:
    name = "adbc.flight.sql.rpc.call_header.yanmen-contract"
    assert flown.driver.options[name] == flown.contract
    with pytest.raises(adbc_driver_manager.Error, match="another contract"):
        asked(flown, "SELECT town FROM rates", **{name: "f" * 32})


def test_a_grant_ends_where_its_signer_said(flown: "Flown") -> None:
    small = {"adbc.flight.sql.authorization_header": f"Bearer {flown.grant(max_price_fen=150).grant}"}
    assert len(asked(flown, "SELECT town FROM rates WHERE year > 6", **small)) == 3
    with pytest.raises(adbc_driver_manager.Error, match="SPEND_LIMIT"):
        asked(flown, "SELECT town FROM rates WHERE year > 7", **small)
    long = {"adbc.flight.sql.authorization_header": f"Bearer {flown.grant(minutes=10_000).grant}"}
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="REQUEST_MALFORMED"):
        asked(flown, "SELECT town FROM rates WHERE year > 8", **long)


def test_a_consumers_client_alone_may_call(flown: "Flown", raw: Callable[..., Raw]) -> None:
    town = flown.town
    who = ("--name", "audit", "--alias", "audit", "--subject", "11140000MB0GTTTT03", "--region", "1401")
    done("member", "init", town.root / "audit", *who, "--role", "auditor")
    town.admit(town.root / "audit", "member")
    auditor = raw("audit", grant="")
    wait_until(lambda: refusal_of(auditor) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED"))


def refusal_of(caller: Raw) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        caller.info(s.CommandGetCatalogs())
    return status(error)


# Stopping ------------------------------------------------------------------------------------------


def slow(flown: "Flown") -> str:
    """Return a question about persons, which takes its fixed time, of a text not asked before."""
    return f"SELECT count(*) AS n FROM visits WHERE cost < 50 AND cost > {flown.leaves()} / 1000"


def test_a_caller_that_is_cut_off_is_charged_once_and_answered_when_it_asks_again(flown: "Flown") -> None:
    left, _ = flown.spent()
    sql = slow(flown)
    with flown.db.cursor() as cursor:
        timer = threading.Timer(0.3, cursor.adbc_cancel)
        timer.start()
        with pytest.raises(adbc_driver_manager.Error, match=r"(?i)cancel"):
            cursor.execute(sql)
        timer.join()
    with flown.db.cursor() as cursor:
        cursor.execute(sql)
        assert len(cursor.fetchall()) == 1
    assert flown.spent()[0] == left - 1


def test_cancel_flight_info_stops_a_polled_job(flown: "Flown", raw: Callable[..., Raw]) -> None:
    caller = raw()
    begun = caller.stub.PollFlightInfo(
        descriptor(s.CommandStatementQuery(query=slow(flown))), timeout=LONG_S, metadata=caller.metadata
    )
    assert begun.flight_descriptor.cmd
    assert begun.HasField("info")  # without it the stock driver gives up
    assert not begun.info.endpoint
    ticket = f.Ticket(ticket=begun.flight_descriptor.cmd)
    request = f.CancelFlightInfoRequest(info=f.FlightInfo(endpoint=[f.FlightEndpoint(ticket=ticket)]))
    (result,) = caller.act("CancelFlightInfo", request.SerializeToString())
    assert f.CancelFlightInfoResult.FromString(result.body).status == f.CANCEL_STATUS_CANCELLING
    with pytest.raises(grpc.RpcError) as error:
        caller.get(ticket)
    assert status(error) == ("CANCELLED", "CANCELLED")


def test_a_poll_comes_to_its_answer(flown: "Flown", raw: Callable[..., Raw]) -> None:
    caller, (left, _) = raw(), flown.spent()
    poll = f.PollInfo(flight_descriptor=descriptor(s.CommandStatementQuery(query=slow(flown))))
    for _ in range(60):
        poll = caller.stub.PollFlightInfo(poll.flight_descriptor, timeout=LONG_S, metadata=caller.metadata)
        if not poll.HasField("flight_descriptor"):
            break
    assert poll.progress == 1.0
    assert json.loads(poll.info.app_metadata)["yanmen.receipt_index"]
    assert caller.get(poll.info.endpoint[0].ticket)
    assert flown.spent()[0] == left - 1
