"""Garbage, too much, too late, too often, a stopping node, and what an error shows."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from yanmen.model.config import NodeLimits
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.wire import gate, pacing
from yanmen.wire.authorisation import METHODS
from yanmen.wire.server import Server, Surroundings, node_services
from yanmen.wire.v1 import (
    query_pb2,
    query_pb2_grpc,
)

from tests.patience import LONG_S, wait_until

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site

JOB = "a" * 32
SIGNED = query_pb2.Authorisation(request_jws="h.p.s")
SHORT_S = 0.1


def reason(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(info(error.value).reason)


def info(error: grpc.RpcError) -> Any:
    status = rpc_status.from_call(error)
    assert status is not None, error
    found = ErrorInfo()
    status.details[0].Unpack(found)
    return found


def raw_call(channel: grpc.Channel, method: str, body: bytes, timeout: float = 60) -> bytes:
    call: Callable[..., bytes] = channel.unary_unary(method, lambda message: message, lambda data: data)
    return call(body, timeout=timeout)


# Bytes.


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff\xff\xff",
        b"\x0a\x05ab",
        b"\x1a\x02\xff\xfe",  # sql that is not UTF-8
        query_pb2.SubmitRequest(job_id=JOB, authorisation=SIGNED, sql="x").SerializeToString() + b"\x98\x06\x01",
        query_pb2.SubmitRequest(job_id=JOB, sql="x").SerializeToString(),
        query_pb2.SubmitRequest(job_id=JOB.upper(), authorisation=SIGNED).SerializeToString(),
        query_pb2.SubmitRequest(job_id=JOB + "\n", authorisation=SIGNED).SerializeToString(),
        query_pb2.SubmitRequest(job_id="", authorisation=SIGNED).SerializeToString(),
        query_pb2.SubmitRequest(
            job_id=JOB, authorisation=query_pb2.Authorisation(request_jws="签名"), sql="x"
        ).SerializeToString(),
        query_pb2.SubmitRequest(
            job_id=JOB,
            authorisation=query_pb2.Authorisation(session=query_pb2.SessionUse(grant_jws="g", request_id="short")),
        ).SerializeToString(),
    ],
)
def test_bytes_that_break_a_rule_are_refused_before_the_node_sees_them(site: "Site", body: bytes) -> None:
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, gate.SUBMIT, body)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error) == "REQUEST_MALFORMED"
    assert site.desk.calls == []


def test_an_unknown_field_deep_inside_is_refused(site: "Site") -> None:
    inner = SIGNED.SerializeToString() + b"\x98\x06\x01"
    body = b"\x0a\x20" + JOB.encode() + b"\x12" + bytes([len(inner)]) + inner
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, gate.SUBMIT, body)
    assert reason(error) == "REQUEST_MALFORMED"


def test_garbage_is_not_parsed_for_a_member_that_may_not_call(site: "Site") -> None:
    with site.channel("auditor") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, gate.SUBMIT, b"\xff\xff\xff\xff")
    assert reason(error) == "ROLE_NOT_ALLOWED"


def test_an_oversized_message_is_refused(site: "Site") -> None:
    large = query_pb2.ExplainRequest(authorisation=SIGNED, sql=" " * 100_000)
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        query_pb2_grpc.QueryServiceStub(channel).Explain(large)
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert site.desk.calls == []


def test_a_compressed_message_is_refused_before_it_is_unpacked(site: "Site") -> None:
    small = query_pb2.ExplainRequest(authorisation=SIGNED, sql=" " * 1_000)
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        query_pb2_grpc.QueryServiceStub(channel).Explain(small, compression=grpc.Compression.Gzip)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert site.desk.calls == []


# Deadlines, pace, stopping.


def test_a_call_whose_deadline_has_passed_does_not_begin(site: "Site") -> None:
    listed = "/yanmen.wire.v1.CatalogueService/ListDatasets"
    identify = site.desk.identify
    arrived, expired = threading.Event(), threading.Event()

    def identify_too_late(certificate_pem: bytes) -> Any:
        arrived.set()
        assert expired.wait(LONG_S)
        threading.Event().wait(2 * SHORT_S)  # the server counts a deadline from the arrival of the call
        return identify(certificate_pem)

    def dropped() -> list[object]:
        return [line["status"] for line in site.lines() if line["method"] == listed]

    with site.channel("developer") as channel:
        raw_call(channel, "/grpc.health.v1.Health/Check", b"")
        site.server._gate._identify = identify_too_late
        while not arrived.is_set():  # a call may expire on its way, which is not what is asked here
            with pytest.raises(grpc.RpcError) as error:
                raw_call(channel, listed, b"", timeout=SHORT_S)
            assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        expired.set()
        wait_until(dropped)
        assert set(dropped()) == {"DEADLINE_EXCEEDED"}
        assert site.desk.calls == []
        site.server._gate._identify = identify
        raw_call(channel, listed, b"")
    assert [call[0] for call in site.desk.calls] == ["datasets"]


def test_one_member_cannot_hold_more_than_its_share(site: "Site") -> None:
    hold = threading.Event()
    site.desk.meanwhile = lambda: _wait(hold)
    with site.channel("developer") as channel, site.channel("auditor") as other:
        stub = query_pb2_grpc.QueryServiceStub(channel)
        waiting = [stub.Fetch.future(query_pb2.FetchRequest(job_id=JOB)) for _ in range(pacing.OPEN_CALLS + 4)]
        refused = []
        for _ in range(4):
            refused.append(next(call for call in _finished(waiting) if call not in refused))
        assert {info(call.exception()).reason for call in refused} == {"RATE_LIMITED"}
        assert f"{pacing.OPEN_CALLS} calls of this member are open" in str(refused[0].exception())
        raw_call(other, "/grpc.health.v1.Health/Check", b"")
        hold.set()
        assert sum(call.exception() is None for call in waiting) == pacing.OPEN_CALLS
        stub.Fetch(query_pb2.FetchRequest(job_id=JOB))


def _wait(event: threading.Event) -> None:
    assert event.wait(LONG_S)


def _finished(calls: list[Any]) -> list[Any]:
    wait_until(lambda: sum(call.done() for call in calls) >= 4)
    return [call for call in calls if call.done()]


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms


def test_calls_are_limited_by_the_minute_for_each_member() -> None:
    clock = Hand()
    pace = pacing.Pacing(clock, NodeLimits().calls_per_minute)
    for _ in range(NodeLimits().calls_per_minute):
        with pace.call("a", streams=False):
            pass
    with pytest.raises(Refused), pace.call("a", streams=False):
        pass
    with pace.call("b", streams=False):
        pass
    clock.ms = -60_000  # a clock set back gives nothing
    with pytest.raises(Refused), pace.call("a", streams=False):
        pass
    clock.ms = 60_000
    with pace.call("a", streams=False):
        pass


def test_streams_are_few_and_end_with_their_caller(site: "Site") -> None:
    with site.channel("developer") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(pacing.OPEN_STREAMS)]
        assert [next(watch).status for watch in watches] == [health_pb2.HealthCheckResponse.SERVING] * 2
        with pytest.raises(grpc.RpcError) as error:
            next(stub.Watch(health_pb2.HealthCheckRequest()))
        assert reason(error) == "RATE_LIMITED"
        for watch in watches:
            watch.cancel()
        wait_until(lambda: _watched(stub))


def _watched(stub: health_pb2_grpc.HealthStub) -> bool:
    try:
        return bool(next(stub.Watch(health_pb2.HealthCheckRequest())).status)
    except grpc.RpcError as error:
        if info(error).reason != "RATE_LIMITED":
            raise
        return False


def test_a_stopping_node_begins_nothing_drains_and_hands_out_outcomes(site: "Site") -> None:
    drained, go_on = threading.Event(), threading.Event()

    def drain() -> None:
        if ("drain", 1234) in site.desk.calls and not drained.is_set():
            drained.set()
            go_on.wait(LONG_S)

    site.desk.meanwhile = drain
    with site.channel("developer") as channel:
        query = query_pb2_grpc.QueryServiceStub(channel)
        check = health_pb2_grpc.HealthStub(channel)
        assert check.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = threading.Thread(target=site.server.stop, args=(1234,))
        stopping.start()
        assert drained.wait(LONG_S)
        for start in (
            lambda: query.Submit(query_pb2.SubmitRequest(job_id=JOB, authorisation=SIGNED, sql="x")),
            lambda: query.Explain(query_pb2.ExplainRequest(authorisation=SIGNED, sql="x")),
        ):
            with pytest.raises(grpc.RpcError) as error:
                start()
            assert reason(error) == "SHUTTING_DOWN"
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert check.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert query.Fetch(query_pb2.FetchRequest(job_id=JOB)).answer.job_id == JOB
        go_on.set()
        stopping.join(LONG_S)
        assert not stopping.is_alive()
        with pytest.raises(grpc.RpcError):
            query.Fetch(query_pb2.FetchRequest(job_id=JOB), timeout=LONG_S)
    assert ("drain", 1234) in site.desk.calls
    assert all(call[0] not in {"submit", "explain"} for call in site.desk.calls)


def test_a_port_in_use_is_a_fault_and_is_not_shared(site: "Site") -> None:
    taken = site.server._at
    at = Surroundings(
        f"127.0.0.1:{site.port}", taken.credentials, taken.limits, taken.clock, taken.randomness, site.log
    )
    with pytest.raises(Fault) as fault:
        Server(site.desk, at, node_services(site.desk, taken.clock, taken.randomness)).start()
    assert fault.value.code is FaultCode.CONFIG


# What an error shows.


def test_a_refusal_travels_whole(site: "Site") -> None:
    detail = Detail(subject="bmi", line=2, column=3, clauses=("c1",), instead=("SELECT 1",), hint_zh="请。")
    receipt = Receipt(7, "0" * 32, Stage.REFUSED, "x" * 9_000, "proof")
    site.desk.error = Refused(Reason.COLUMN_NOT_IN_CONTRACT, detail, receipt)
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.CatalogueService/ListDatasets", b"")
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert dict(info(error.value).metadata)["subject"] == "bmi"
    trailer = {item.key: item.value for item in error.value.trailing_metadata()}
    assert len(trailer["grpc-status-details-bin"]) * 4 / 3 < 8 * 1024
    assert site.lines()[-1]["reason"] == "COLUMN_NOT_IN_CONTRACT"


CANARY = "ID14010519900101"


def canary_error(kind: str) -> Exception:
    if kind == "fault":
        return Fault(FaultCode.STORAGE, "the operator's note")
    if kind == "key":
        return KeyError(CANARY)
    return ValueError(f"could not convert {CANARY}")


@pytest.mark.parametrize("kind", ["fault", "key", "value"])
def test_what_broke_is_told_to_the_operator_and_not_to_the_caller(
    site: "Site", kind: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    site.desk.error = canary_error(kind)
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.CatalogueService/ListDatasets", b"")
    assert error.value.code() is grpc.StatusCode.INTERNAL
    assert reason(error) == ("STORAGE" if kind == "fault" else "INTERNAL")
    status = rpc_status.from_call(error.value)
    assert status is not None
    shown = str(status) + str(error.value) + str(error.value.trailing_metadata())
    assert "operator's note" not in shown
    line = site.lines()[-1]
    assert line["fault"] == ("STORAGE" if kind == "fault" else "INTERNAL")
    assert str(line["request"]) in shown
    said = capfd.readouterr()
    for place in (shown, site.log.getvalue(), said.out, said.err, caplog.text):
        assert CANARY not in place
    if kind != "fault":
        assert "_note:" in str(line["note"])


def test_a_log_line_says_who_what_how_long_and_nothing_of_the_question(site: "Site") -> None:
    with site.channel("developer") as channel:
        stub = query_pb2_grpc.QueryServiceStub(channel)
        stub.Submit(query_pb2.SubmitRequest(job_id=JOB, authorisation=SIGNED, sql=f"SELECT '{CANARY}'"))
        stub.Fetch(query_pb2.FetchRequest(job_id=JOB))
    submitted, fetched = site.lines()
    assert submitted["method"] == gate.SUBMIT
    assert submitted["status"] == fetched["status"] == "OK"
    assert str(submitted["peer"]).startswith("591140100")
    assert isinstance(submitted["ms"], int)
    assert submitted["request"] != fetched["request"]
    assert CANARY not in site.log.getvalue()


def test_reflection_shows_the_services_to_members(site: "Site") -> None:
    with site.channel("developer") as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {f"/{name}/" for name in services} == {
        method.rpartition("/")[0] + "/"
        for method in METHODS
        if "FederationService" not in method and "MatchService" not in method
    }
