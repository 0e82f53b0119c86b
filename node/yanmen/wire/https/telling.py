"""How a refusal or a fault is told in JSON: the same reasons, words and receipts as over gRPC."""

from collections.abc import Mapping
from http import HTTPStatus

import grpc

from yanmen.formats.json_canonical import Json
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import FaultCode, Refused
from yanmen.wire import errors, messages
from yanmen.wire.messages import Text

_S = grpc.StatusCode
HTTP_STATUS: Mapping[grpc.StatusCode, HTTPStatus] = {
    _S.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    _S.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    _S.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    _S.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    _S.NOT_FOUND: HTTPStatus.NOT_FOUND,
    _S.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    _S.ABORTED: HTTPStatus.CONFLICT,
    _S.CANCELLED: HTTPStatus.CONFLICT,
    _S.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    _S.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    _S.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    _S.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every status that errors.py gives; the test of this table asserts that none is missing."""
FAULT = Text("The node failed.", "节点故障。")
NOT_HTTP: Mapping[HTTPStatus, Text] = {
    HTTPStatus.BAD_REQUEST: Text(
        "Not a request this node reads: see docs/FORMATS.md.", "请求格式有误，请参阅 docs/FORMATS.md。"
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Text("GET and POST are answered.", "仅接受 GET 与 POST。"),
    HTTPStatus.LENGTH_REQUIRED: Text("Say the body's length: Content-Length.", "请注明内容长度（Content-Length）。"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Text("The body is too long.", "请求内容过长。"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Text("Send application/json.", "请以 application/json 发送。"),
    HTTPStatus.EXPECTATION_FAILED: Text("Send the body without Expect.", "请勿使用 Expect 请求头。"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Text("The headers are too long.", "请求头过长。"),
    HTTPStatus.NOT_IMPLEMENTED: Text(
        "Send the body whole, in plain JSON: no transfer or content coding.",
        "请以普通 JSON 完整发送，不使用传输或内容编码。",
    ),
}
"""What is said of bytes that are no request of ours, whoever sent them."""


def refusal(refused: Refused, request_id: str) -> dict[str, Json]:
    """Return what is told of `refused`."""
    english, chinese = messages.localised(refused.reason, refused.detail)
    told: dict[str, Json] = {
        "reason": refused.reason.value,
        "message": {"en": errors.short(english), "zh": errors.short(chinese)},
        "requestId": request_id,
    }
    if refused.detail.subject:
        told["subject"] = errors.short(refused.detail.subject)
    if refused.detail.clauses:
        told["clauses"] = [errors.short(clause) for clause in refused.detail.clauses]
    if refused.receipt is not None:
        told["receipt"] = receipt(refused.receipt)
    return told


def fault(code: FaultCode, request_id: str) -> dict[str, Json]:
    """Return what is told of a fault: its code and the request's id, nothing else."""
    return {"reason": code.value, "message": {"en": FAULT.en, "zh": FAULT.zh}, "requestId": request_id}


def no_request(status: HTTPStatus) -> dict[str, Json]:
    """Return what is told of bytes that are no request."""
    text = NOT_HTTP.get(status, NOT_HTTP[HTTPStatus.BAD_REQUEST])
    return {"reason": "NOT_A_REQUEST", "message": {"en": text.en, "zh": text.zh}}


def receipt(issued: Receipt) -> dict[str, Json]:
    """Return a receipt whole: what anyone checks offline."""
    return {
        "index": issued.index,
        "jti": issued.jti,
        "stage": issued.stage.value,
        "sdjwt": issued.sdjwt,
        "proof": issued.proof,
    }
