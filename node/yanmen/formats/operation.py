"""A grant of operation (授权运营) and an operator's endorsement of a contract as payloads of JWS."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, items, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME as DATASET
from yanmen.formats.spec_columns import NAME as COLUMN
from yanmen.model.contract import Grant
from yanmen.model.operation import Endorsement, OperatingGrant, OperatingMode

GRANT_TYP = "yanmen-operation+jws"
ENDORSEMENT_TYP = "yanmen-endorsement+jws"
BYTES_MAX = 64 * 1024
TEXT_MAX = 2000
GRANTS_MAX = 64
COLUMNS_MAX = 512
SCENARIOS_MAX = 256
ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SCENARIO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_GRANT = frozenset(
    {
        *("by", "ceiling_fen", "decided_by", "ended", "exit", "from_ms", "grants", "iat", "id", "mode", "operator"),
        *("reason", "scenarios", "until_ms"),
    }
)
_SCOPE = frozenset({"columns", "dataset"})
_ENDORSEMENT = frozenset({"by", "contract", "iat", "node", "offer_sha256", "operation"})


def encode(grant: OperatingGrant) -> dict[str, Json]:
    """Return the payload of `grant`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": grant.by,
        "ceiling_fen": grant.ceiling_fen,
        "decided_by": grant.decided_by,
        "ended": grant.ended,
        "exit": grant.exit,
        "from_ms": grant.from_ms,
        "grants": [{"columns": list(each.columns), "dataset": each.dataset} for each in grant.grants],
        "iat": grant.issued_s,
        "id": grant.id,
        "mode": grant.mode.value,
        "operator": grant.operator,
        "reason": grant.reason,
        "scenarios": list(grant.scenarios),
        "until_ms": grant.until_ms,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> OperatingGrant:
    """Return the grant in a payload, which says all that a grant must."""
    members = exact(payload, _GRANT)
    mode = next((each for each in OperatingMode if each.value == members["mode"]), None)
    if mode is None:
        raise Malformed("operation: unknown mode")
    grant = OperatingGrant(
        id=text(members, "id", 32),
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        operator=connector_id.check(text(members, "operator", connector_id.LENGTH)),
        grants=tuple(_scope(each) for each in items(members, "grants", GRANTS_MAX)),
        mode=mode,
        scenarios=texts(members, "scenarios", SCENARIOS_MAX, 64),
        from_ms=integer(members, "from_ms"),
        until_ms=integer(members, "until_ms"),
        ceiling_fen=integer(members, "ceiling_fen"),
        exit=text(members, "exit", TEXT_MAX),
        decided_by=text(members, "decided_by", 200),
        issued_s=integer(members, "iat"),
        ended=flag(members, "ended"),
        reason=text(members, "reason", TEXT_MAX),
    )
    _check(grant)
    return grant


def _scope(value: Json) -> Grant:
    members = exact(value, _SCOPE)
    name, columns = text(members, "dataset", 63), texts(members, "columns", COLUMNS_MAX, 63)
    if DATASET.fullmatch(name) is None or not columns or not all(map(COLUMN.fullmatch, columns)):
        raise Malformed("operation: the scope names datasets and columns of theirs")
    return Grant(name, columns)


def _check(grant: OperatingGrant) -> None:
    if ID.fullmatch(grant.id) is None:
        raise Malformed("operation: not an id of 32 hex digits")
    names = [each.dataset for each in grant.grants]
    if not names or len(set(names)) != len(names):
        raise Malformed("operation: the scope names each dataset once")
    if grant.from_ms >= grant.until_ms:
        raise Malformed("operation: over before it begins")
    if (grant.mode is OperatingMode.BY_SCENARIO) is not bool(grant.scenarios):
        raise Malformed("operation: scenarios are named by scenario, and only then")
    if len(set(grant.scenarios)) != len(grant.scenarios) or not all(map(_SCENARIO.fullmatch, grant.scenarios)):
        raise Malformed("operation: not ids of scenarios")
    if not grant.exit.strip() or not grant.decided_by.strip():
        raise Malformed("operation: say how it is wound up, and who decided")
    if grant.ended is not bool(grant.reason.strip()):
        raise Malformed("operation: what ended has a reason, and nothing else")


def encode_endorsement(value: Endorsement) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode_endorsement` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": value.by,
        "contract": value.contract,
        "iat": value.issued_s,
        "node": value.node,
        "offer_sha256": value.offer_sha256,
        "operation": value.operation,
    }
    decode_endorsement(payload)
    return payload


def decode_endorsement(payload: Json) -> Endorsement:
    """Return the endorsement in a payload."""
    members = exact(payload, _ENDORSEMENT)
    value = Endorsement(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        operation=text(members, "operation", 32),
        contract=text(members, "contract", 32),
        offer_sha256=text(members, "offer_sha256", 64),
        issued_s=integer(members, "iat"),
    )
    if ID.fullmatch(value.operation) is None or ID.fullmatch(value.contract) is None:
        raise Malformed("endorsement: not ids of 32 hex digits")
    if _SHA256.fullmatch(value.offer_sha256) is None:
        raise Malformed("endorsement: not hex SHA-256")
    return value
