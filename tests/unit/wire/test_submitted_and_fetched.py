"""One call for a question that is answered soon: Submit goes on as Fetch does, where it is asked to."""

from typing import TYPE_CHECKING

import grpc
import pytest
from yanmen.model.refusal import Reason, Refused
from yanmen.wire.v1 import query_pb2, query_pb2_grpc

from tests.unit.wire.test_wire_server import JOB, SIGNED, reason

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site


def submitted(site: "Site", wait_ms: int, timeout: float = 60.0) -> query_pb2.SubmitResponse:
    request = query_pb2.SubmitRequest(job_id=JOB, authorisation=SIGNED, sql="SELECT 1", wait_ms=wait_ms, known_size=1)
    with site.channel("developer") as channel:
        return query_pb2_grpc.QueryServiceStub(channel).Submit(request, timeout=timeout)


def test_who_does_not_wait_is_told_that_it_was_started(site: "Site") -> None:
    reply = submitted(site, 0)
    assert (reply.job_id, reply.HasField("answer")) == (JOB, False)
    assert [call[0] for call in site.desk.calls] == ["submit"]


def test_who_waits_is_answered_as_by_fetch(site: "Site") -> None:
    reply = submitted(site, 1_000)
    with site.channel("developer") as channel:
        fetched = query_pb2_grpc.QueryServiceStub(channel).Fetch(query_pb2.FetchRequest(job_id=JOB, known_size=1))
    assert (reply.job_id, reply.answer) == (JOB, fetched.answer)
    assert reply.consistency == fetched.consistency


def test_what_has_no_outcome_in_time_was_started_all_the_same(site: "Site") -> None:
    site.desk.answer = None
    reply = submitted(site, 1_000)
    assert (reply.job_id, reply.HasField("answer")) == (JOB, False)


@pytest.mark.parametrize(("asked_ms", "timeout", "most"), [(60_000, 60.0, 5_000), (5_000, 4.0, 3_800)])
def test_it_waits_no_longer_than_fetch_would(site: "Site", asked_ms: int, timeout: float, most: int) -> None:
    submitted(site, asked_ms, timeout)
    (wait_ms,) = (call[3] for call in site.desk.calls if call[0] == "fetch")
    assert isinstance(wait_ms, int)
    assert 0 < wait_ms <= most


def test_a_refusal_is_told_at_once(site: "Site", monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise Refused(Reason.BUDGET_SPENT)

    monkeypatch.setattr(site.desk, "fetch", refuses)
    with pytest.raises(grpc.RpcError) as error:
        submitted(site, 1_000)
    assert reason(error) == "BUDGET_SPENT"
