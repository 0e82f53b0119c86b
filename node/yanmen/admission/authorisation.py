"""What the consumer signed: a request for this one question, or a session grant it is asked under."""

import hashlib
from dataclasses import replace

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import request
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Binding, Request, Submission

SECOND_MS = 1000


def authorised(submission: Submission, operation: Operation, node_id: str, limits: NodeLimits) -> Request:
    """Return the checked claims of `submission`, or refuse; the signing key is the mTLS peer's registered one."""
    match submission.binding:
        case Binding.PER_REQUEST:
            return _per_request(submission, operation, node_id, limits)
        case Binding.SESSION:
            return _session(submission, node_id, limits)


def query_sha256(sql: str) -> str:
    """Return the hex SHA-256 by which a request names its question."""
    try:
        return hashlib.sha256(sql.encode("utf-8")).hexdigest()
    except UnicodeEncodeError as error:
        raise Refused(Reason.SQL_MALFORMED, Detail(hint_en="Not Unicode text.", hint_zh="不是合法的文本。")) from error


def _per_request(submission: Submission, operation: Operation, node_id: str, limits: NodeLimits) -> Request:
    try:
        claims = documents.open_request(submission.authorisation, submission.peer.signing_key)
    except (Malformed, BadSignature) as error:
        raise _unreadable(error) from error
    _check(claims, submission, node_id, limits, limits.request_age_ms)
    if claims.query_sha256 != query_sha256(submission.sql):
        raise _mismatch("query_sha256", "The signature is over another question.", "签名对应的不是该查询。")
    if claims.operation is not operation:
        raise _mismatch("op", f"Signed for {claims.operation.value} only.", f"该签名只用于 {claims.operation.value}。")
    manifest = hashlib.sha256(submission.manifest).hexdigest() if submission.manifest else ""
    if claims.manifest_sha256 != manifest:
        raise _mismatch("manifest_sha256", "The signature is over another manifest.", "签名对应的不是该联邦查询清单。")
    request = _request(claims, jti=claims.jti, digest=claims.query_sha256, session_jti="")
    return replace(request, manifest_sha256=manifest)


def _session(submission: Submission, node_id: str, limits: NodeLimits) -> Request:
    if submission.manifest:
        raise _mismatch(
            "manifest", "A federated question is signed by itself.", "联邦查询须逐次签名，不能使用会话授权。"
        )
    try:
        claims = documents.open_session(submission.authorisation, submission.peer.signing_key)
        jti = request.check_jti(submission.session_request_id)
    except (Malformed, BadSignature) as error:
        raise _unreadable(error) from error
    _check(claims, submission, node_id, limits, limits.session_age_ms)
    return _request(claims, jti=jti, digest=query_sha256(submission.sql), session_jti=claims.jti)


def _check(
    claims: RequestClaims | SessionClaims, submission: Submission, node_id: str, limits: NodeLimits, age_ms: int
) -> None:
    """Hold the common claims to the peer, this node and the time; replays are the ledger's to find."""
    if claims.issuer != submission.peer.id:
        raise _mismatch("iss", "Signed in another member's name.", "签名人与连接证书不是同一成员。")
    if claims.audience != node_id:
        raise Refused(
            Reason.REQUEST_FOR_ANOTHER_NODE,
            Detail(
                "aud", hint_en="Sign one whose `aud` is this node.", hint_zh="请重新签署，使 `aud` 为本节点的标识。"
            ),
        )
    issued_ms, expires_ms = claims.issued_s * SECOND_MS, claims.expires_s * SECOND_MS
    now_ms = submission.received_ms
    if issued_ms > now_ms + limits.clock_skew_ms:
        raise _time("iat", "Issued in the future: set your clock.", "签发时间在未来，请校准时钟。")
    if expires_ms - issued_ms > age_ms:
        raise _time("exp", f"May live {age_ms // SECOND_MS} s at most.", f"有效期最长 {age_ms // SECOND_MS} 秒。")
    if expires_ms <= now_ms:
        detail = Detail("exp", hint_en="Sign it again.", hint_zh="请重新签署。")
        raise Refused(Reason.REQUEST_EXPIRED, detail)


def _request(claims: RequestClaims | SessionClaims, *, jti: str, digest: str, session_jti: str) -> Request:
    return Request(
        jti=jti,
        consumer=claims.issuer,
        contract_id=claims.contract_id,
        scenario_id=claims.scenario_id,
        query_sha256=digest,
        micro_rho=claims.micro_rho,
        max_micro_rho=claims.max_micro_rho,
        max_price_fen=claims.max_price_fen,
        issued_ms=claims.issued_s * SECOND_MS,
        expires_ms=claims.expires_s * SECOND_MS,
        session_jti=session_jti,
    )


def _unreadable(error: Exception) -> Refused:
    if isinstance(error, BadSignature):
        return _mismatch(
            "signature",
            "Not signed, as this kind of document, by the member key in the register.",
            "并非由登记的成员密钥以该类文书签署。",
        )
    detail = Detail(str(error), hint_en="See docs/FORMATS.md, request.", hint_zh="请参见 docs/FORMATS.md 的请求一节。")
    return Refused(Reason.REQUEST_MALFORMED, detail)


def _mismatch(subject: str, en: str, zh: str) -> Refused:
    return Refused(Reason.SIGNATURE_INVALID, Detail(subject, hint_en=en, hint_zh=zh))


def _time(subject: str, en: str, zh: str) -> Refused:
    return Refused(Reason.REQUEST_MALFORMED, Detail(subject, hint_en=en, hint_zh=zh))
