"""A unit's consent (授权) or its withdrawal as the payload of a JWS, by the node that took it in."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME
from yanmen.model.consent import Consent

TYP = "yanmen-consent+jws"
BYTES_MAX = 16 * 1024
TEXT_MAX = 1000
_UNIT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SCOPE = re.compile(r"(?:[0-9a-f]{32})?", re.ASCII)
_MEMBERS = frozenset({"by", "evidence", "given", "iat", "recorded_by", "scope", "space", "unit"})


def encode(value: Consent) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": value.by,
        "evidence": value.evidence,
        "given": value.given,
        "iat": value.issued_s,
        "recorded_by": value.recorded_by,
        "scope": value.scope,
        "space": value.space,
        "unit": value.unit,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Consent:
    """Return the consent in a payload."""
    members = exact(payload, _MEMBERS)
    value = Consent(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        space=text(members, "space", 63),
        unit=text(members, "unit", 64),
        scope=text(members, "scope", 32),
        given=flag(members, "given"),
        evidence=text(members, "evidence", TEXT_MAX),
        recorded_by=text(members, "recorded_by", 200),
        issued_s=integer(members, "iat"),
    )
    if _UNIT.fullmatch(value.unit) is None or _SCOPE.fullmatch(value.scope) is None:
        raise Malformed("consent: a keyed hash of a unit, and a contract or every one")
    if NAME.fullmatch(value.space) is None or not value.evidence.strip() or not value.recorded_by.strip():
        raise Malformed("consent: a subject space, by what evidence, and who recorded it")
    return value
