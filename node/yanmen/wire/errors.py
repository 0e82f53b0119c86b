"""How a refusal or a fault becomes a gRPC error: two total tables and one way to write details.

Google's error model: a `google.rpc.Status` with ErrorInfo, LocalizedMessage, RequestInfo, and our
own Refusal. A fault shows its code and the request's id; what happened is in the node's own log.
"""

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]
    ErrorInfo,
    LocalizedMessage,
    RequestInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from yanmen.model.refusal import FaultCode, Reason, Refused
from yanmen.wire import convert, messages
from yanmen.wire.v1 import log_pb2, query_pb2

DOMAIN = "yanmen"
TEXT_BYTES_MAX = 512
"""One text of a detail; names fit, and a caller cannot have its own question sent back in a trailer."""
CLAUSES_BYTES_MAX = 512
INSTEAD_BYTES_MAX = 1_024
DETAILS_BYTES_MAX = 5 * 1024
"""All details: a client with gRPC's default limit on metadata (8 KiB, after base64) reads them."""
DETAILS_BYTES_INLINE = 24 * 1024
"""The same for a client that asks for the receipt inline; a larger receipt goes by its index (GetReceipt)."""
INLINE = ("yanmen-receipt", "inline")
"""The request metadata by which a client says that it reads long trailers."""
METADATA_BYTES = 64 * 1024
"""Metadata that server and client of ours accept."""

_S = grpc.StatusCode

REASON_STATUS: dict[Reason, grpc.StatusCode] = {
    Reason.IDENTITY_UNKNOWN: _S.UNAUTHENTICATED,
    Reason.IDENTITY_PENDING: _S.UNAUTHENTICATED,
    Reason.IDENTITY_REVOKED: _S.UNAUTHENTICATED,
    Reason.MEMBER_SUSPENDED: _S.PERMISSION_DENIED,
    Reason.ROLE_NOT_ALLOWED: _S.PERMISSION_DENIED,
    Reason.METHOD_NOT_LISTED: _S.PERMISSION_DENIED,
    Reason.COMMAND_NOT_OFFERED: _S.UNIMPLEMENTED,
    Reason.REQUEST_MALFORMED: _S.INVALID_ARGUMENT,
    Reason.GRANT_MISSING: _S.UNAUTHENTICATED,
    Reason.SIGNATURE_INVALID: _S.UNAUTHENTICATED,
    Reason.REQUEST_EXPIRED: _S.UNAUTHENTICATED,
    Reason.REQUEST_REPLAYED: _S.ALREADY_EXISTS,
    Reason.REQUEST_FOR_ANOTHER_NODE: _S.INVALID_ARGUMENT,
    Reason.SPEND_LIMIT: _S.RESOURCE_EXHAUSTED,
    Reason.RATE_LIMITED: _S.RESOURCE_EXHAUSTED,
    Reason.ACKNOWLEDGEMENT_DUE: _S.FAILED_PRECONDITION,
    Reason.NOT_WITNESSED: _S.UNAVAILABLE,
    Reason.CONTRACT_UNKNOWN: _S.NOT_FOUND,
    Reason.CONTRACT_MALFORMED: _S.INVALID_ARGUMENT,
    Reason.CLAUSE_NOT_ENFORCEABLE: _S.INVALID_ARGUMENT,
    Reason.OUTSIDE_TEMPLATE: _S.INVALID_ARGUMENT,
    Reason.NEGOTIATION_OUT_OF_TURN: _S.FAILED_PRECONDITION,
    Reason.AMENDMENT_FORBIDDEN: _S.INVALID_ARGUMENT,
    Reason.CONTRACT_OFFERED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_UNSIGNED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_AMENDED: _S.FAILED_PRECONDITION,
    Reason.DELETION_NOT_PROVED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_PENDING: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_DENIED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_NOT_YET_VALID: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_EXPIRED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_REVOKED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_SUSPENDED: _S.FAILED_PRECONDITION,
    Reason.CONTRACT_ALTERED: _S.FAILED_PRECONDITION,
    Reason.SCENARIO_MISMATCH: _S.PERMISSION_DENIED,
    Reason.DATASET_NOT_IN_CONTRACT: _S.PERMISSION_DENIED,
    Reason.COLUMN_NOT_IN_CONTRACT: _S.PERMISSION_DENIED,
    Reason.POLICY_FORBIDS: _S.PERMISSION_DENIED,
    Reason.QUOTA_SPENT: _S.RESOURCE_EXHAUSTED,
    Reason.BUDGET_SPENT: _S.RESOURCE_EXHAUSTED,
    Reason.FAILURE_CAP_REACHED: _S.RESOURCE_EXHAUSTED,
    Reason.PRICE_ABOVE_CEILING: _S.FAILED_PRECONDITION,
    Reason.DATASET_UNKNOWN: _S.NOT_FOUND,
    Reason.DATASET_RETRACTED: _S.FAILED_PRECONDITION,
    Reason.DATASET_SUSPENDED: _S.FAILED_PRECONDITION,
    Reason.SPEC_INVALID: _S.INVALID_ARGUMENT,
    Reason.SPEC_UNCONFIRMED: _S.FAILED_PRECONDITION,
    Reason.SOURCE_MISMATCH: _S.FAILED_PRECONDITION,
    Reason.GRADE_CORE: _S.PERMISSION_DENIED,
    Reason.NOT_REVIEWED: _S.FAILED_PRECONDITION,
    Reason.NEGATIVE_LIST: _S.PERMISSION_DENIED,
    Reason.OPERATION_NOT_GRANTED: _S.PERMISSION_DENIED,
    Reason.NOT_A_PRODUCT: _S.PERMISSION_DENIED,
    Reason.SUBJECT_SPACE_UNKNOWN: _S.FAILED_PRECONDITION,
    Reason.SQL_TOO_LONG: _S.INVALID_ARGUMENT,
    Reason.SQL_MALFORMED: _S.INVALID_ARGUMENT,
    Reason.NOT_ONE_SELECT: _S.INVALID_ARGUMENT,
    Reason.CLAUSE_NOT_ADMITTED: _S.INVALID_ARGUMENT,
    Reason.FUNCTION_NOT_ADMITTED: _S.INVALID_ARGUMENT,
    Reason.UNKNOWN_TABLE: _S.INVALID_ARGUMENT,
    Reason.UNKNOWN_COLUMN: _S.INVALID_ARGUMENT,
    Reason.AMBIGUOUS_COLUMN: _S.INVALID_ARGUMENT,
    Reason.TYPE_MISMATCH: _S.INVALID_ARGUMENT,
    Reason.ROWS_WOULD_LEAVE: _S.PERMISSION_DENIED,
    Reason.UNIT_NOT_ADMITTED_HERE: _S.PERMISSION_DENIED,
    Reason.KEY_WITHOUT_DOMAIN: _S.INVALID_ARGUMENT,
    Reason.MEASURE_WITHOUT_BOUNDS: _S.INVALID_ARGUMENT,
    Reason.DIMENSION_NOT_DECLARED: _S.INVALID_ARGUMENT,
    Reason.JOIN_NOT_ON_UNIT: _S.INVALID_ARGUMENT,
    Reason.CROSS_NODE_JOIN: _S.INVALID_ARGUMENT,
    Reason.TOO_MANY_CELLS: _S.INVALID_ARGUMENT,
    Reason.PLAN_CHANGED: _S.FAILED_PRECONDITION,
    Reason.OVERLAP_GUARD: _S.PERMISSION_DENIED,
    Reason.MANIFEST_INVALID: _S.INVALID_ARGUMENT,
    Reason.SHAPE_MISMATCH: _S.FAILED_PRECONDITION,
    Reason.NOISE_TOO_SMALL: _S.INVALID_ARGUMENT,
    Reason.DEPOSIT_MISSING: _S.FAILED_PRECONDITION,
    Reason.SET_FIXED: _S.FAILED_PRECONDITION,
    Reason.JOB_UNKNOWN: _S.NOT_FOUND,
    Reason.STATEMENT_UNKNOWN: _S.NOT_FOUND,
    Reason.CANCELLED: _S.CANCELLED,
    Reason.TERMINATED: _S.ABORTED,
    Reason.RUN_FAILED: _S.ABORTED,
    Reason.NODE_FAILED: _S.ABORTED,
    Reason.SHUTTING_DOWN: _S.UNAVAILABLE,
    Reason.DISCONNECTED: _S.UNAVAILABLE,
}

FAULT_STATUS: dict[FaultCode, grpc.StatusCode] = {
    FaultCode.STORAGE: _S.INTERNAL,
    FaultCode.STORAGE_FULL: _S.RESOURCE_EXHAUSTED,
    FaultCode.CLOCK_BEHIND: _S.UNAVAILABLE,
    FaultCode.LOG_BEHIND: _S.UNAVAILABLE,
    FaultCode.SANDBOX: _S.UNAVAILABLE,
    FaultCode.SNAPSHOT_ALTERED: _S.INTERNAL,
    FaultCode.KEYS: _S.INTERNAL,
    FaultCode.CONFIG: _S.INTERNAL,
    FaultCode.REGISTER: _S.UNAVAILABLE,
    FaultCode.INTERNAL: _S.INTERNAL,
    FaultCode.UNREACHABLE: _S.UNAVAILABLE,
    FaultCode.TIMEOUT: _S.UNAVAILABLE,
    FaultCode.REPLY_MALFORMED: _S.INTERNAL,
    FaultCode.RECEIPT_INVALID: _S.INTERNAL,
}


def refusal_status(refused: Refused, request_id: str, *, inline: bool) -> Status:
    """Return the status of `refused`; its receipt is whole where that fits, which `inline` makes likely."""
    status = _refusal_status(refused, request_id, whole=True)
    if status.ByteSize() > (DETAILS_BYTES_INLINE if inline else DETAILS_BYTES_MAX):
        return _refusal_status(refused, request_id, whole=False)
    return status


def spoken(refused: Refused) -> str:
    """Return all of a refusal in one line, for drivers that show nothing but the status's message."""
    english, chinese = messages.localised(refused.reason, refused.detail)
    detail = refused.detail
    place = f" at line {detail.line}, column {detail.column}" if detail.line else ""
    named = f" ({short(detail.subject)}{place})" if detail.subject else place
    receipt = "" if refused.receipt is None else f" receipt 使用回执 no. {refused.receipt.index}"
    return f"{refused.reason.value}{named}: {short(english)} {short(chinese)}{receipt}"


def fault_status(code: FaultCode, request_id: str) -> Status:
    """Return the status of a fault: its code and the request's id, nothing else."""
    info = ErrorInfo(reason=code.value, domain=DOMAIN)
    return _status(FAULT_STATUS[code], "The node failed. 节点故障。", [info, RequestInfo(request_id=request_id)])


def _refusal_status(refused: Refused, request_id: str, *, whole: bool) -> Status:
    detail = refused.detail
    english, chinese = (short(text) for text in messages.localised(refused.reason, detail))
    subject = short(detail.subject)
    clauses = _fitting(detail.clauses, CLAUSES_BYTES_MAX)
    metadata = {"subject": subject, "line": str(detail.line), "column": str(detail.column)}
    metadata["clauses"] = "\n".join(clauses)
    refusal = query_pb2.Refusal(
        reason=refused.reason.value,
        subject=subject,
        line=detail.line,
        column=detail.column,
        clauses=clauses,
        instead=_fitting(detail.instead, INSTEAD_BYTES_MAX),
        receipt=_receipt(refused, whole=whole),
    )
    return _status(
        REASON_STATUS[refused.reason],
        english,
        [
            ErrorInfo(reason=refused.reason.value, domain=DOMAIN, metadata=metadata),
            LocalizedMessage(locale="en-US", message=english),
            LocalizedMessage(locale="zh-CN", message=chinese),
            RequestInfo(request_id=request_id),
            refusal,
        ],
    )


def _receipt(refused: Refused, *, whole: bool) -> log_pb2.Receipt | None:
    if refused.receipt is None:
        return None
    message = convert.receipt(refused.receipt)
    if not whole:
        message.ClearField("sdjwt")
        message.ClearField("proof")
    return message


def _status(code: grpc.StatusCode, text: str, details: list[Message]) -> Status:
    packed = []
    for detail in details:
        wrapped = Any()
        wrapped.Pack(detail)
        packed.append(wrapped)
    return Status(code=code.value[0], message=text, details=packed)


def short(text: str) -> str:
    """Return `text`, cut where it is too long to be told."""
    return text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")


def _fitting(texts: tuple[str, ...], left: int) -> list[str]:
    """Return the leading texts that fit together; a question cut short would be another question."""
    fitting: list[str] = []
    for text in texts:
        left -= len(text.encode()) + 2
        if left < 0:
            break
        fitting.append(text)
    return fitting
