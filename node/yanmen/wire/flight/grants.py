"""The session grant a stock driver sends with each call, and the submission it makes of a text.

    authorization: Bearer GRANT            what `yanmen session` printed
    yanmen-contract: ID                    optional; must be the grant's own

Here the grant is only taken out of the headers; admission verifies it, as it does every other one.
"""

import grpc

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import request
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Binding, Submission
from yanmen.wire.caller_address import caller_address

SCHEME = "Bearer "
CONTRACT = "yanmen-contract"


def submission(
    context: grpc.ServicerContext, party: Party, sql: str, use_id: str, received_ms: int, *, job: bool
) -> Submission:
    """Return `sql` as a use of the grant that came with the call; `use_id` is its job's too if it begins one."""
    return Submission(
        job_id=use_id if job else "",
        peer=party,
        binding=Binding.SESSION,
        authorisation=grant(context, party),
        sql=sql,
        received_ms=received_ms,
        session_request_id=use_id,
        address=caller_address(context),
    )


def grant(context: grpc.ServicerContext, party: Party) -> bytes:
    """Return the one grant in the call's headers."""
    token = _header(context, "authorization")
    if token[: len(SCHEME)].lower() != SCHEME.lower() or len(token) == len(SCHEME):  # RFC 9110 §11.1
        raise Refused(
            Reason.GRANT_MISSING,
            Detail(
                subject="authorization",
                hint_en="Send what yanmen session prints as the header 'authorization: Bearer ...'.",
                hint_zh="请将 yanmen session 输出的授权置于请求头 authorization: Bearer 中。",
            ),
        )
    found = token[len(SCHEME) :]
    if len(found) > request.BYTES_MAX or not found.isascii():
        raise Malformed("session grant: too long, or not ASCII")
    contract = _header(context, CONTRACT)
    if contract:
        _check_contract(found.encode(), party, contract)
    return found.encode()


def _check_contract(token: bytes, party: Party, contract: str) -> None:
    try:
        claims = documents.open_session(token, party.signing_key)
    except (Malformed, BadSignature):
        return  # admission says so, with a receipt
    if claims.contract_id != contract:
        raise Refused(
            Reason.SIGNATURE_INVALID,
            Detail(
                subject=CONTRACT,
                hint_en="The grant is for another contract than the one the connection names.",
                hint_zh="会话授权对应的合约与连接所指定的合约不一致。",
            ),
        )


def _header(context: grpc.ServicerContext, name: str) -> str:
    """Return the header `name`, "" when there is none; two of one name are refused."""
    found = [value for key, value in context.invocation_metadata() if key == name]
    if len(found) > 1:
        raise Malformed(f"header {name}: more than once")
    value = found[0] if found else ""
    if not isinstance(value, str):
        raise Malformed(f"header {name}: not text")
    return value
