"""A real server and real certificates: what members may do, and who is not let in."""

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status
from yanmen.model.stages import Binding, Submission
from yanmen.wire.authorisation import METHODS
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

SERVED = {
    method: roles
    for method, roles in METHODS.items()
    if "FederationService" not in method and "MatchService" not in method
}
"""What a node serves; an aggregator's methods are in tests/unit/aggregation."""


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
        log.Acknowledge(log_pb2.AcknowledgeRequest(index=7, kb_jwt="a.b.c"))
        log.Object(log_pb2.ObjectRequest(objection_jws="a.b.c"))
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
        "explain", "submit", "fetch", "cancel", "checkpoint", "receipt", "consistency", "acknowledge", "object_to",
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


@pytest.mark.parametrize(
    ("asked_ms", "timeout", "most"), [(60_000, 60.0, 5_000), (5_000, 4.0, 3_800), (300, 60.0, 300)]
)
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
        raw_call(channel, "/yanmen.wire.v1.CatalogueService/ListDatasets", b"", timeout=60)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert site.desk.calls == []
    assert site.lines() == []


def test_plain_text_is_not_answered(site: "Site") -> None:
    with grpc.insecure_channel(f"127.0.0.1:{site.port}") as channel, pytest.raises(grpc.RpcError):
        raw_call(channel, "/grpc.health.v1.Health/Check", b"", timeout=60)


def test_old_tls_is_not_answered(site: "Site") -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(site.folder / "developer.crt", site.folder / "developer.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.version() == "TLSv1.2"
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    ("who", "expected"),
    [("pending", "IDENTITY_PENDING"), ("revoked", "IDENTITY_REVOKED"), ("unregistered", "IDENTITY_UNKNOWN")],
)
@pytest.mark.parametrize("method", sorted(SERVED))
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
        for method, roles in SERVED.items():
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
