"""A side's act about a contract as the payload of a JWS: a further side signs, the consumer verifies or ends."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.negotiation import ActKind, ContractAct

TYP = "yanmen-contract-act+jws"
BYTES_MAX = 16 * 1024
TEXT_MAX = 2000
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"act", "by", "contract", "digest", "iat", "node", "text"})


def encode(value: ContractAct) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "act": value.act.value,
        "by": value.by,
        "contract": value.contract,
        "digest": value.digest,
        "iat": value.issued_s,
        "node": value.node,
        "text": value.text,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> ContractAct:
    """Return the act in a payload; who ends a contract says why."""
    members = exact(payload, _MEMBERS)
    act = next((each for each in ActKind if each.value == members["act"]), None)
    if act is None:
        raise Malformed("contract act: unknown act")
    value = ContractAct(
        act=act,
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        contract=text(members, "contract", 32),
        digest=text(members, "digest", 64),
        text=text(members, "text", TEXT_MAX),
        issued_s=integer(members, "iat"),
    )
    if _ID.fullmatch(value.contract) is None or _SHA256.fullmatch(value.digest) is None:
        raise Malformed("contract act: it names a contract and the hex SHA-256 of what it is about")
    if act is ActKind.END and not value.text.strip():
        raise Malformed("contract act: who ends a contract says why")
    return value
