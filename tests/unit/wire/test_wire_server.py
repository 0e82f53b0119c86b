"""A real server, real certificates, and callers who mean no good."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Binding, Submission
from yanmen.wire import gate, pacing
from yanmen.wire.authorisation import METHODS
from yanmen.wire.server import Server, Surroundings
from yanmen.wire.v1 import (
    catalogue_pb2,
    catalogue_pb2_grpc,
    contract_pb2,
    contract_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
)

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site

JOB = "a" * 32
SIGNED = query_pb2.Authorisation(request_jws="h.p.s")


def reason(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(info(error.value).reason)


def info(error: grpc.RpcError) -> Any:
    status = rpc_status.from_call(error)
    assert status is not None, error
    found = ErrorInfo()
    status.details[0].Unpack(found)
    return found


def raw_call(channel: grpc.Channel, method: str, body: bytes, timeout: float = 5) -> bytes:
    call: Callable[..., bytes] = channel.unary_unary(method, lambda message: message, lambda data: data)
    return call(body, timeout=timeout)


# What a member may do.


def test_every_call_reaches_the_node_as_the_member_it_is_and_comes_back_whole(site: "Site") -> None:
    with site.channel("developer") as channel:
        listed = catalogue_pb2_grpc.CatalogueServiceStub(channel).ListDatasets(catalogue_pb2.ListDatasetsRequest())
        one = catalogue_pb2_grpc.CatalogueServiceStub(channel).GetDataset(catalogue_pb2.GetDatasetRequest(name="x"))
        contracts = contract_pb2_grpc.ContractServiceStub(channel)
        asked = contracts.RequestContract(contract_pb2.RequestContractRequest(offer_jws="a.b.c"))
        contracts.GetContract(contract_pb2.GetContractRequest(contract_id="c1"))
        contracts.ListContracts(contract_pb2.ListContractsRequest())
        left = contracts.GetBalance(contract_pb2.GetBalanceRequest(contract_id="c1"))
        query = query_pb2_grpc.QueryServiceStub(channel)
        quote = query.Explain(query_pb2.ExplainRequest(authorisation=SIGNED, sql="SELECT 1")).quote
        job = query.Submit(query_pb2.SubmitRequest(job_id=JOB, authorisation=SIGNED, sql="SELECT 2")).job_id
        fetched = query.Fetch(query_pb2.FetchRequest(job_id=JOB, wait_ms=10))
        query.Cancel(query_pb2.CancelRequest(job_id=JOB))
        log = log_pb2_grpc.LogServiceStub(channel)
        log.GetCheckpoint(log_pb2.GetCheckpointRequest())
        log.GetReceipt(log_pb2.GetReceiptRequest(index=7))
        proof = log.GetConsistency(log_pb2.GetConsistencyRequest(old_size=1, new_size=2))
    assert listed.datasets[0] == one.dataset
    assert asked.contract.offer_jws == "offer.jws.x"
    assert left.balance == contract_pb2.Balance(
        micro_rho_left=1, delta_e12_left=2, queries_left=3, queries_today_left=4, spent_fen=5
    )
    assert quote.columns[1].width == 3.25
    assert not quote.columns[0].HasField("width")
    assert job == JOB
    assert fetched.answer.rows[0].cells[2].big_integer == str(2**70)
    assert not fetched.answer.rows[0].widths[0].HasField("half")
    assert [len(item) for item in proof.hashes] == [32, 32]
    names = [call[0] for call in site.desk.calls]
    assert names == [
        "datasets", "dataset", "request_contract", "contract", "contracts", "balance",
        "explain", "submit", "fetch", "cancel", "checkpoint", "receipt", "consistency",
    ]  # fmt: skip
    assert {call[1] for call in site.desk.calls if isinstance(call[1], str)} == {"developer"}
    submission = site.desk.calls[7][1]
    assert isinstance(submission, Submission)
    assert (submission.job_id, submission.peer.alias, submission.sql) == (JOB, "developer", "SELECT 2")
    assert (submission.binding, submission.authorisation) == (Binding.PER_REQUEST, b"h.p.s")
    assert submission.received_ms > 1_700_000_000_000
    explained = site.desk.calls[6][1]
    assert isinstance(explained, Submission)
    assert explained.job_id == ""


def test_the_catalogue_shows_no_hidden_column_no_path_and_no_size(site: "Site") -> None:
    with site.channel("developer") as channel:
        stub = catalogue_pb2_grpc.CatalogueServiceStub(channel)
        shown = stub.ListDatasets(catalogue_pb2.ListDatasetsRequest()).datasets[0]
    assert [column.name for column in shown.columns] == ["person", "sex", "bmi"]
    text = str(MessageToDict(shown))
    for hidden in ("secret_name", "raw_name", "sealed", "123456"):
        assert hidden not in text


def test_a_session_grant_reaches_the_node_as_one(site: "Site") -> None:
    grant = query_pb2.Authorisation(session=query_pb2.SessionUse(grant_jws="g.g.g", request_id="b" * 32))
    with site.channel("developer") as channel:
        query_pb2_grpc.QueryServiceStub(channel).Submit(
            query_pb2.SubmitRequest(job_id=JOB, authorisation=grant, sql="SELECT 1")
        )
    submission = site.desk.calls[0][1]
    assert isinstance(submission, Submission)
    assert (submission.binding, submission.authorisation) == (Binding.SESSION, b"g.g.g")
    assert submission.session_request_id == "b" * 32


def test_a_job_without_outcome_is_pending(site: "Site") -> None:
    site.desk.answer = None
    with site.channel("developer") as channel:
        fetched = query_pb2_grpc.QueryServiceStub(channel).Fetch(query_pb2.FetchRequest(job_id=JOB))
    assert fetched.WhichOneof("outcome") == "pending"


@pytest.mark.parametrize(("asked_ms", "timeout", "most"), [(60_000, 30.0, 5_000), (4_000, 1.0, 800), (300, 30.0, 300)])
def test_fetch_waits_no_longer_than_asked_capped_and_within_the_deadline(
    site: "Site", asked_ms: int, timeout: float, most: int
) -> None:
    with site.channel("developer") as channel:
        stub = query_pb2_grpc.QueryServiceStub(channel)
        stub.Fetch(query_pb2.FetchRequest(job_id=JOB, wait_ms=asked_ms), timeout=timeout)
    wait_ms = site.desk.calls[0][3]
    assert isinstance(wait_ms, int)
    assert 0 < wait_ms <= most


# Who is not let in.


@pytest.mark.parametrize("who", ["stranger", None])
def test_another_authority_or_no_certificate_ends_in_the_handshake(site: "Site", who: str | None) -> None:
    if who is None:
        target = f"127.0.0.1:{site.port}"
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(site.ca))
    else:
        channel = site.channel(who)
    with channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.CatalogueService/ListDatasets", b"", timeout=3)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert site.desk.calls == []
    assert site.lines() == []


def test_plain_text_is_not_answered(site: "Site") -> None:
    with grpc.insecure_channel(f"127.0.0.1:{site.port}") as channel, pytest.raises(grpc.RpcError):
        raw_call(channel, "/grpc.health.v1.Health/Check", b"", timeout=2)


def test_old_tls_is_not_answered(site: "Site") -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(site.folder / "developer.crt", site.folder / "developer.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=3) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.version() == "TLSv1.2"
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", site.port), timeout=3) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    ("who", "expected"),
    [("pending", "IDENTITY_PENDING"), ("revoked", "IDENTITY_REVOKED"), ("unregistered", "IDENTITY_UNKNOWN")],
)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_members_that_are_not_active_get_nothing_from_any_method(
    site: "Site", who: str, expected: str, method: str
) -> None:
    with site.channel(who) as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, method, b"")
    assert reason(error) == expected
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert site.desk.calls == []


def test_a_role_may_call_only_what_the_table_says(site: "Site") -> None:
    denied = set()
    with site.channel("auditor") as channel:
        for method, roles in METHODS.items():
            if all(role.value != "auditor" for role in roles):
                with pytest.raises(grpc.RpcError) as error:
                    raw_call(channel, method, b"")
                assert reason(error) == "ROLE_NOT_ALLOWED"
                denied.add(method.rpartition("/")[2])
        raw_call(channel, "/yanmen.wire.v1.LogService/GetCheckpoint", b"")
    assert {"Submit", "Explain", "Fetch", "Cancel", "RequestContract"} <= denied
    assert site.desk.calls == [("checkpoint", "auditor")]


@pytest.mark.parametrize(
    "method", ["/yanmen.wire.v1.QueryService/Dump", "/x.Y/Z", "/", "/yanmen.wire.v1.QueryService/"]
)
def test_a_method_that_is_not_listed_is_denied(site: "Site", method: str) -> None:
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, method, b"")
    assert reason(error) == "METHOD_NOT_LISTED"
    assert site.lines()[-1]["method"] == "unlisted"


def test_a_registered_method_missing_from_the_table_is_denied(site: "Site", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(METHODS, "/yanmen.wire.v1.CatalogueService/ListDatasets")
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.CatalogueService/ListDatasets", b"")
    assert reason(error) == "METHOD_NOT_LISTED"
    assert site.desk.calls == []


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
    done = threading.Event()

    def identify_slowly(pem: bytes) -> Any:
        time.sleep(0.3)
        done.set()
        return identify(pem)

    with site.channel("developer") as channel:
        raw_call(channel, "/grpc.health.v1.Health/Check", b"")
        site.server._gate._identify = identify_slowly
        with pytest.raises(grpc.RpcError) as error:
            raw_call(channel, listed, b"", timeout=0.1)
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert done.wait(5)
        time.sleep(0.1)
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
        raw_call(other, "/grpc.health.v1.Health/Check", b"")
        hold.set()
        assert sum(call.exception() is None for call in waiting) == pacing.OPEN_CALLS
        stub.Fetch(query_pb2.FetchRequest(job_id=JOB))


def _wait(event: threading.Event) -> None:
    assert event.wait(10)


def _finished(calls: list[Any]) -> list[Any]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        done = [call for call in calls if call.done()]
        if len(done) >= 4:
            return done
        time.sleep(0.01)
    raise AssertionError("nothing was refused")


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms


def test_calls_are_limited_by_the_minute_for_each_member() -> None:
    clock = Hand()
    pace = pacing.Pacing(clock)
    for _ in range(pacing.CALLS_PER_MINUTE):
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
        deadline = time.monotonic() + 5
        while True:
            try:
                assert next(stub.Watch(health_pb2.HealthCheckRequest())).status
                break
            except grpc.RpcError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_a_stopping_node_begins_nothing_drains_and_hands_out_outcomes(site: "Site") -> None:
    drained, go_on = threading.Event(), threading.Event()

    def drain() -> None:
        if ("drain", 1234) in site.desk.calls and not drained.is_set():
            drained.set()
            go_on.wait(10)

    site.desk.meanwhile = drain
    with site.channel("developer") as channel:
        query = query_pb2_grpc.QueryServiceStub(channel)
        check = health_pb2_grpc.HealthStub(channel)
        assert check.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = threading.Thread(target=site.server.stop, args=(1234,))
        stopping.start()
        assert drained.wait(5)
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
        stopping.join(10)
        assert not stopping.is_alive()
        with pytest.raises(grpc.RpcError):
            query.Fetch(query_pb2.FetchRequest(job_id=JOB), timeout=2)
    assert ("drain", 1234) in site.desk.calls
    assert all(call[0] not in {"submit", "explain"} for call in site.desk.calls)


def test_a_port_in_use_is_a_fault_and_is_not_shared(site: "Site") -> None:
    taken = site.server._at
    at = Surroundings(
        f"127.0.0.1:{site.port}", taken.credentials, taken.limits, taken.clock, taken.randomness, site.log
    )
    with pytest.raises(Fault) as fault:
        Server(site.desk, at).start()
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
    assert {f"/{name}/" for name in services} == {method.rpartition("/")[0] + "/" for method in METHODS}
