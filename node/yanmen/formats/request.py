"""What a consumer signs to ask: one question (request), or a short while of questions (session grant).

Both are payloads of a compact JWS by the member's Ed25519 key (`yanmen.crypto.documents`). `aud` is
the node's connector id, so a question for one node is none for another; `iat` and `exp` are seconds.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import Annotated

import msgspec

from yanmen.formats import connector_id, json_canonical, json_members
from yanmen.formats.json_canonical import INTEGER_MAX, Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed

REQUEST_TYP = "yanmen-request+jwt"
SESSION_TYP = "yanmen-session+jwt"
BYTES_MAX = 4096
"""Longest token of either kind; both have about 700 bytes."""
SECONDS_MAX = 2**40
_JTI = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CONTRACT = _JTI
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SCENARIO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_COMMON = frozenset(
    {"aud", "iss", "jti", "iat", "exp", "contract", "scenario", "micro_rho", "max_micro_rho", "max_price_fen"}
)
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=SECONDS_MAX)]
_Integer = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]
_MANIFEST = frozenset({"manifest_sha256"})
_REQUEST = _COMMON | {"query_sha256", "op"}


@unique
class Operation(Enum):
    """What may be done with a request: answer it, or only say what answering would do and cost."""

    SUBMIT = "submit"
    EXPLAIN = "explain"


_OPERATIONS = {operation.value: operation for operation in Operation}


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """A grant: until `expires_s`, any question under the contract, spending at most the two maxima in all."""

    audience: str
    issuer: str
    jti: str
    issued_s: int
    expires_s: int
    contract_id: str
    scenario_id: str
    micro_rho: int
    max_micro_rho: int
    max_price_fen: int


@dataclass(frozen=True, slots=True)
class RequestClaims:
    """One question, bound by the hex SHA-256 of its UTF-8 text; `micro_rho` 0 = the contract's default.

    `manifest_sha256` binds it to the signed manifest of a federated question, "" when it is none.
    """

    audience: str
    issuer: str
    jti: str
    issued_s: int
    expires_s: int
    contract_id: str
    scenario_id: str
    query_sha256: str
    operation: Operation
    micro_rho: int
    max_micro_rho: int
    max_price_fen: int
    manifest_sha256: str = ""


def encode_request(claims: RequestClaims) -> dict[str, Json]:
    """Return the payload of `claims`; claims that would be refused are refused here."""
    payload = {**_encode(claims), "query_sha256": claims.query_sha256, "op": claims.operation.value}
    if claims.manifest_sha256:
        payload["manifest_sha256"] = claims.manifest_sha256
    decode_request(payload)
    return payload


def decode_request(payload: Json) -> RequestClaims:
    """Return the claims of a signed question."""
    members = json_members.exact(payload, _REQUEST, _MANIFEST)
    issued, expires = _times(members)
    return RequestClaims(
        audience=connector_id.check(json_members.text(members, "aud")),
        issuer=connector_id.check(json_members.text(members, "iss")),
        jti=_text(members, "jti", _JTI),
        issued_s=issued,
        expires_s=expires,
        contract_id=_text(members, "contract", _CONTRACT),
        scenario_id=_text(members, "scenario", _SCENARIO),
        query_sha256=_text(members, "query_sha256", _SHA256),
        operation=_operation(members),
        micro_rho=json_members.integer(members, "micro_rho"),
        max_micro_rho=json_members.integer(members, "max_micro_rho"),
        max_price_fen=json_members.integer(members, "max_price_fen"),
        manifest_sha256=_text(members, "manifest_sha256", _SHA256) if "manifest_sha256" in members else "",
    )


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of a question as it mostly is, its members in order; what is not like this is read in detail."""

    aud: str
    contract: str
    exp: _Seconds
    iat: _Seconds
    iss: str
    jti: str
    max_micro_rho: _Integer
    max_price_fen: _Integer
    micro_rho: _Integer
    op: str
    query_sha256: str
    scenario: str


_QUESTION = msgspec.json.Decoder(_Question)
_ENCODER = msgspec.json.Encoder()


def decode_payload(payload: bytes) -> RequestClaims:
    """Return the claims in the canonical JSON `payload` of a signed question."""
    try:
        said = _QUESTION.decode(payload)
    except (ValueError, RecursionError):
        return decode_request(json_canonical.decode_object(payload, BYTES_MAX))
    operation = _OPERATIONS.get(said.op)
    if operation is None or said.exp <= said.iat or not _is_plain(said) or _ENCODER.encode(said) != payload:
        return decode_request(json_canonical.decode_object(payload, BYTES_MAX))
    return RequestClaims(
        connector_id.check(said.aud),
        connector_id.check(said.iss),
        said.jti,
        said.iat,
        said.exp,
        said.contract,
        said.scenario,
        said.query_sha256,
        operation,
        said.micro_rho,
        said.max_micro_rho,
        said.max_price_fen,
    )


def _is_plain(said: _Question) -> bool:
    """Say whether every text of `said` has the form that it must have."""
    return bool(
        _JTI.fullmatch(said.jti)
        and _CONTRACT.fullmatch(said.contract)
        and _SHA256.fullmatch(said.query_sha256)
        and _SCENARIO.fullmatch(said.scenario)
    )


def encode_session(claims: SessionClaims) -> dict[str, Json]:
    """Return the payload of the grant `claims`; claims that would be refused are refused here."""
    payload = _encode(claims)
    decode_session(payload)
    return payload


def decode_session(payload: Json) -> SessionClaims:
    """Return the claims of a session grant."""
    members = json_members.exact(payload, _COMMON)
    issued, expires = _times(members)
    return SessionClaims(
        audience=connector_id.check(json_members.text(members, "aud")),
        issuer=connector_id.check(json_members.text(members, "iss")),
        jti=_text(members, "jti", _JTI),
        issued_s=issued,
        expires_s=expires,
        contract_id=_text(members, "contract", _CONTRACT),
        scenario_id=_text(members, "scenario", _SCENARIO),
        micro_rho=json_members.integer(members, "micro_rho"),
        max_micro_rho=json_members.integer(members, "max_micro_rho"),
        max_price_fen=json_members.integer(members, "max_price_fen"),
    )


def check_jti(text: str) -> str:
    """Return `text` when it is a request id: 32 lower-case hex digits."""
    if _JTI.fullmatch(text) is None:
        raise Malformed("request id is not 32 lower-case hex digits")
    return text


def _encode(claims: RequestClaims | SessionClaims) -> dict[str, Json]:
    return {
        "aud": claims.audience,
        "iss": claims.issuer,
        "jti": claims.jti,
        "iat": claims.issued_s,
        "exp": claims.expires_s,
        "contract": claims.contract_id,
        "scenario": claims.scenario_id,
        "micro_rho": claims.micro_rho,
        "max_micro_rho": claims.max_micro_rho,
        "max_price_fen": claims.max_price_fen,
    }


def _times(members: Object) -> tuple[int, int]:
    """Return when the token was signed and until when it is good."""
    issued = json_members.integer(members, "iat", 0, SECONDS_MAX)
    expires = json_members.integer(members, "exp", 0, SECONDS_MAX)
    if expires <= issued:
        raise Malformed("member 'exp' is not after 'iat'")
    return issued, expires


def _text(members: Object, name: str, pattern: re.Pattern[str]) -> str:
    value = json_members.text(members, name)
    if pattern.fullmatch(value) is None:
        raise Malformed(f"member {name!r} does not match {pattern.pattern}")
    return value


def _operation(members: Object) -> Operation:
    try:
        return Operation(json_members.text(members, "op"))
    except ValueError as error:
        raise Malformed("member 'op' is neither submit nor explain") from error
