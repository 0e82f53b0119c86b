"""An officer's act about a contract as the payload of a JWS, signed by the officer's own member key."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.office import Act, OfficeStep

TYP = "yanmen-office+jws"
BYTES_MAX = 32 * 1024
TEXT_MAX = 2000
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"act", "approve", "by", "contract", "iat", "node", "offer_sha256", "reasons"})
_REASONS = frozenset({"legality", "necessity", "security"})


def encode(step: OfficeStep) -> dict[str, Json]:
    """Return the payload of `step`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "act": step.act.value,
        "approve": step.approve,
        "by": step.by,
        "contract": step.contract,
        "iat": step.issued_s,
        "node": step.node,
        "offer_sha256": step.offer_sha256,
        "reasons": {"legality": step.legality, "necessity": step.necessity, "security": step.security},
    }
    decode(payload)
    return payload


def decode(payload: Json) -> OfficeStep:
    """Return the act in a payload; whoever approves gives the three reasons."""
    members = exact(payload, _MEMBERS)
    reasons = exact(members["reasons"], _REASONS)
    act = next((each for each in Act if each.value == members["act"]), None)
    if act is None:
        raise Malformed("office: unknown act")
    step = OfficeStep(
        act=act,
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        contract=text(members, "contract", 32),
        offer_sha256=text(members, "offer_sha256", 64),
        approve=flag(members, "approve"),
        necessity=text(reasons, "necessity", TEXT_MAX),
        legality=text(reasons, "legality", TEXT_MAX),
        security=text(reasons, "security", TEXT_MAX),
        issued_s=integer(members, "iat"),
    )
    if _ID.fullmatch(step.contract) is None or _SHA256.fullmatch(step.offer_sha256) is None:
        raise Malformed("office: an act names a contract and the hex SHA-256 of its offer")
    given = (step.necessity.strip(), step.legality.strip(), step.security.strip())
    if step.approve and act in (Act.REVIEW, Act.DECIDE) and not all(given):
        raise Malformed("office: an approval gives 必要性, 合法性 and 安全性")
    if step.approve is not (act is Act.RESUME) and act in (Act.STOP, Act.RESUME):
        raise Malformed("office: a stop approves nothing, its end does")
    if not step.approve and not any(given):
        raise Malformed("office: what is not approved has a reason")
    return step
