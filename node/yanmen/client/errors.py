"""What can go wrong for a caller: the node refuses, the node fails, or what it says does not hold.

Only `Refused` is an answer. Everything else is a `Fault`, and then nothing was shown.
"""

from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]
    ErrorInfo,
    LocalizedMessage,
    RequestInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from typing_extensions import override

from yanmen.model import refusal
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason
from yanmen.wire import messages
from yanmen.wire.v1 import log_pb2, query_pb2

DOMAIN = "yanmen"
_DETAILS = "grpc-status-details-bin"
T = TypeVar("T", bound=Message)


class Refused(refusal.Refused):
    """The node will not do this: `reason` says why, in words `message` and `message_zh`.

    `receipt` is the verified receipt of the refusal, None when the node did not log it (a call that
    is not a use: too many calls, an unknown job, a stopping node).
    """

    def __init__(self, reason: Reason, detail: Detail, texts: tuple[str, str], request_id: str) -> None:
        """Hold what the node said; the receipt is added once it is verified."""
        super().__init__(reason, detail)
        self.message, self.message_zh = texts
        self.request_id = request_id

    @property
    def clauses(self) -> tuple[str, ...]:
        """Every clause of contract or policy that forbids it."""
        return self.detail.clauses

    @property
    def instead(self) -> tuple[str, ...]:
        """Questions that would be accepted."""
        return self.detail.instead

    @override
    def __str__(self) -> str:
        """Return code, place, the clauses that forbid it and both texts."""
        where = f" (line {self.detail.line}, column {self.detail.column})" if self.detail.line else ""
        subject = f" {self.detail.subject}" if self.detail.subject else ""
        clauses = f" [{', '.join(self.clauses)}]" if self.clauses else ""
        return f"{self.reason.value}{subject}{where}{clauses}: {self.message} {self.message_zh}"


class NodeFailed(Fault):
    """The node could not do its work; its operator finds `request_id` in the node's log."""

    def __init__(self, code: FaultCode, request_id: str) -> None:
        """Hold what the node told."""
        super().__init__(code, f"the node failed, request {request_id}")
        self.request_id = request_id


class Unreachable(Fault):
    """No answer from the node: network, certificate, or a server that is not one of ours."""

    advice = "Is it serving (yanmen node serve)? 请确认节点已启动并可连通。"

    def __init__(self, status: str, text: str) -> None:
        """Hold gRPC's status and its text, which comes from this side."""
        super().__init__(FaultCode.UNREACHABLE, f"{status}: {text}")
        self.status = status


class StillRunning(Fault):
    """The job has no outcome yet; `fetch(job_id)` asks again, at no cost."""

    def __init__(self, job_id: str) -> None:
        """Hold the job's id."""
        super().__init__(FaultCode.TIMEOUT, f"job {job_id} has no outcome yet")
        self.job_id = job_id


class ReplyMalformed(Fault):
    """The node's reply breaks a rule of the protocol; nothing of it is shown."""

    def __init__(self, rule: str) -> None:
        """Hold the rule."""
        super().__init__(FaultCode.REPLY_MALFORMED, rule)


class ReceiptInvalid(Fault):
    """A receipt does not prove what the node answered; the answer is not shown."""

    def __init__(self, why: str, receipt: Receipt | None) -> None:
        """Hold the reason, and the receipt as evidence."""
        super().__init__(FaultCode.RECEIPT_INVALID, why)
        self.receipt = receipt


class LogWentBack(Fault):
    """The node's usage log lost or changed leaves that it had shown; nothing is shown.

    `before` and `after` are the two checkpoints, both signed by the node: hand them to the regulator.
    """

    def __init__(self, why: str, before: bytes, after: bytes) -> None:
        """Hold the evidence."""
        super().__init__(FaultCode.LOG_BEHIND, why)
        self.before = before
        self.after = after


def translate(error: grpc.RpcError) -> tuple[Fault | Refused, log_pb2.Receipt | None]:
    """Return the exception to raise for `error`, and a refusal's receipt, which nobody verified yet."""
    status = _status(error)
    refusals = _unpack(status, query_pb2.Refusal)
    infos = [info for info in _unpack(status, ErrorInfo) if info.domain == DOMAIN]
    requests = _unpack(status, RequestInfo)
    request_id = requests[0].request_id if requests else ""
    if len(refusals) == 1:
        found = refusals[0]
        return _refused(found, status, request_id), found.receipt if found.HasField("receipt") else None
    if len(infos) == 1:
        return NodeFailed(_fault_code(infos[0].reason), request_id), None
    return Unreachable(error.code().name, error.details() or ""), None


def _refused(message: query_pb2.Refusal, status: Status, request_id: str) -> Fault | Refused:
    try:
        reason = Reason(message.reason)
    except ValueError:
        return ReplyMalformed("a reason that this version does not know")
    texts = {text.locale: text.message for text in _unpack(status, LocalizedMessage)}
    english, chinese = texts.get("en-US", ""), texts.get("zh-CN", "")
    known = messages.TEXTS[reason]
    detail = Detail(
        subject=message.subject,
        line=message.line,
        column=message.column,
        hint_en=english.removeprefix(known.en).strip(),
        hint_zh=chinese.removeprefix(known.zh).strip(),
        clauses=tuple(message.clauses),
        instead=tuple(message.instead),
    )
    return Refused(reason, detail, (english, chinese), request_id)


def _fault_code(text: str) -> FaultCode:
    try:
        return FaultCode(text)
    except ValueError:
        return FaultCode.INTERNAL


def _status(error: grpc.RpcError) -> Status:
    """Return the details of `error`; a server that sends none, or nonsense, sends an empty status."""
    for item in error.trailing_metadata() or ():
        if item.key == _DETAILS and isinstance(item.value, bytes):
            try:
                return Status.FromString(item.value)
            except DecodeError:
                break
    return Status()


def _unpack(status: Status, kind: type[T]) -> list[T]:
    """Return the details of `status` that are a `kind`."""
    found = []
    for wrapped in status.details:
        message = kind()
        if wrapped.Is(message.DESCRIPTOR):
            try:
                wrapped.Unpack(message)
            except DecodeError:
                continue
            found.append(message)
    return found
