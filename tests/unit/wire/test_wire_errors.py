"""Refusals and faults as google.rpc statuses."""

from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo, LocalizedMessage, RequestInfo  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, FaultCode, Reason, Refused
from yanmen.wire import errors
from yanmen.wire.v1 import query_pb2


def unpack(status: Any, kind: type[Any]) -> list[Any]:
    found = []
    for wrapped in status.details:
        if wrapped.Is(kind.DESCRIPTOR):
            message = kind()
            wrapped.Unpack(message)
            found.append(message)
    return found


DETAIL = Detail(
    subject="bmi",
    line=3,
    column=7,
    hint_en="Ask for it.",
    hint_zh="请申请。",
    clauses=("columns", "hours"),
    instead=("SELECT COUNT(*) FROM t",),
)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_carries_code_place_both_languages_and_receipt(reason: Reason) -> None:
    receipt = Receipt(41, "1" * 32, Stage.REFUSED, "jws~", "proof")
    status = errors.refusal_status(Refused(reason, DETAIL, receipt), "rid", inline=True)
    (info,) = unpack(status, ErrorInfo)
    assert (info.reason, info.domain) == (reason.value, "yanmen")
    assert dict(info.metadata) == {"subject": "bmi", "line": "3", "column": "7", "clauses": "columns\nhours"}
    english, chinese = unpack(status, LocalizedMessage)
    assert english.locale == "en-US"
    assert english.message.endswith("Ask for it.")
    assert chinese.locale == "zh-CN"
    assert chinese.message.endswith("请申请。")
    assert status.message == english.message
    assert [found.request_id for found in unpack(status, RequestInfo)] == ["rid"]
    (refusal,) = unpack(status, query_pb2.Refusal)
    assert refusal.reason == reason.value
    assert list(refusal.instead) == ["SELECT COUNT(*) FROM t"]
    assert (refusal.receipt.index, refusal.receipt.sdjwt, refusal.receipt.proof) == (41, "jws~", "proof")
    assert status.code == errors.REASON_STATUS[reason].value[0]


def test_a_refusal_that_was_not_logged_has_no_receipt() -> None:
    (refusal,) = unpack(errors.refusal_status(Refused(Reason.RATE_LIMITED), "rid", inline=True), query_pb2.Refusal)
    assert not refusal.HasField("receipt")


def test_a_receipt_too_large_for_a_trailer_goes_by_its_index() -> None:
    receipt = Receipt(41, "1" * 32, Stage.REFUSED, "x" * errors.DETAILS_BYTES_INLINE, "proof")
    status = errors.refusal_status(Refused(Reason.BUDGET_SPENT, DETAIL, receipt), "rid", inline=True)
    (refusal,) = unpack(status, query_pb2.Refusal)
    assert (refusal.receipt.index, refusal.receipt.sdjwt, refusal.receipt.proof) == (41, "", "")


def test_a_client_that_did_not_ask_for_it_gets_a_long_receipt_by_its_index() -> None:
    receipt = Receipt(41, "1" * 32, Stage.REFUSED, "x" * errors.DETAILS_BYTES_MAX, "proof")
    refused = Refused(Reason.BUDGET_SPENT, DETAIL, receipt)
    for inline, length in ((True, errors.DETAILS_BYTES_MAX), (False, 0)):
        (refusal,) = unpack(errors.refusal_status(refused, "rid", inline=inline), query_pb2.Refusal)
        assert (refusal.receipt.index, len(refusal.receipt.sdjwt)) == (41, length)


@given(st.text(), st.lists(st.text(max_size=5000), max_size=8))
def test_details_stay_within_a_trailer_and_no_question_is_cut(subject: str, texts: list[str]) -> None:
    long = subject * 50
    detail = Detail(subject=long, clauses=tuple(texts), instead=tuple(texts), hint_en=long, hint_zh=long)
    status = errors.refusal_status(Refused(Reason.POLICY_FORBIDS, detail), "rid", inline=False)
    assert status.ByteSize() < errors.DETAILS_BYTES_MAX
    (refusal,) = unpack(status, query_pb2.Refusal)
    kept = list(refusal.instead)
    assert kept == texts[: len(kept)]


@pytest.mark.parametrize("code", list(FaultCode))
def test_a_fault_shows_its_code_and_request_and_nothing_else(code: FaultCode) -> None:
    status = errors.fault_status(code, "rid")
    (info,) = unpack(status, ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (code.value, "yanmen", {})
    assert [found.request_id for found in unpack(status, RequestInfo)] == ["rid"]
    assert len(status.details) == 2
