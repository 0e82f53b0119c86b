"""The space's register as the payload of a JWS: every member and node, its keys and its standing.

Signing and verifying are in `yanmen.crypto.documents`; this module only reads and writes the payload.
"""

import re

from yanmen.formats import base64url, connector_id, former_keys, json_members
from yanmen.formats.config import ALIAS, SPACE
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.model.party import LOG_KEEPERS, Party, PartyRole, PartyStatus, Register

TYP = "yanmen-register+jws"
PARTIES_MAX = 5_000
DATASETS_MAX = 1_000
KEY_BYTES = 32
ENVELOPE_KEY_BYTES = 1216
"""ML-KEM-768 and X25519 (crypto/envelopes)."""
NAME_MAX = 200
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REGION = re.compile(r"[0-9]{6}", re.ASCII)
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_REGISTER = frozenset({"space", "serial", "issued_ms", "expires_ms", "parties"})
_PARTY = frozenset(
    {
        "id",
        "alias",
        "name",
        "role",
        "status",
        "signing_key",
        "log_key",
        "certificate_sha256",
        "address",
        "datasets",
    }
)


def encode(register: Register) -> dict[str, Json]:
    """Return the payload of `register`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "space": register.space,
        "serial": register.serial,
        "issued_ms": register.issued_ms,
        "expires_ms": register.expires_ms,
        "parties": [_encode_party(party) for party in register.parties],
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Register:
    """Return the register in `payload`: parties in order of their ids, ids and aliases unique."""
    members = json_members.exact(payload, _REGISTER)
    space = json_members.text(members, "space")
    if SPACE.fullmatch(space) is None:
        raise Malformed("register: not a space name")
    parties = tuple(_party(item) for item in json_members.items(members, "parties", PARTIES_MAX))
    ids = [party.id for party in parties]
    if ids != sorted(set(ids)):
        raise Malformed("register: parties are not in order of unique ids")
    aliases = [party.alias for party in parties]
    if len(set(aliases)) != len(aliases):
        raise Malformed("register: an alias is used twice")
    issued_ms, expires_ms = (json_members.integer(members, name) for name in ("issued_ms", "expires_ms"))
    if expires_ms <= issued_ms:
        raise Malformed("register: over before it was issued")
    return Register(
        space=space,
        serial=json_members.integer(members, "serial", 1),
        issued_ms=issued_ms,
        expires_ms=expires_ms,
        parties=parties,
    )


def _encode_party(party: Party) -> dict[str, Json]:
    more: dict[str, Json] = {"envelope_key": base64url.encode(party.envelope_key)} if party.envelope_key else {}
    if party.region:
        more["region"] = party.region
    if party.abilities:
        more["abilities"] = party.abilities
    if party.former_keys:
        more["former_keys"] = former_keys.encode(party.former_keys)
    return {
        **more,
        "id": party.id,
        "alias": party.alias,
        "name": party.name,
        "role": party.role.value,
        "status": party.status.value,
        "signing_key": base64url.encode(party.signing_key),
        "log_key": base64url.encode(party.log_key),
        "certificate_sha256": party.certificate_sha256,
        "address": party.address,
        "datasets": list(party.datasets),
    }


def _party(value: Json) -> Party:
    members = json_members.exact(value, _PARTY, frozenset({"abilities", "envelope_key", "former_keys", "region"}))
    party = Party(
        id=connector_id.check(json_members.text(members, "id")),
        alias=json_members.text(members, "alias"),
        name=json_members.text(members, "name", NAME_MAX),
        role=_role(members),
        status=_status(members),
        signing_key=base64url.decode_sized(json_members.text(members, "signing_key"), KEY_BYTES),
        log_key=base64url.decode(json_members.text(members, "log_key")),
        certificate_sha256=json_members.text(members, "certificate_sha256"),
        address=json_members.text(members, "address", NAME_MAX),
        datasets=json_members.texts(members, "datasets", DATASETS_MAX),
        envelope_key=base64url.decode(json_members.text(members, "envelope_key")) if "envelope_key" in members else b"",
        former_keys=former_keys.decode(members) if "former_keys" in members else (),
        region=_region(members),
        abilities=_abilities(members),
    )
    _check(party)
    return party


def _check(party: Party) -> None:
    """Hold a party to what its role has: only nodes keep a log, listen and list datasets."""
    is_node = party.role in LOG_KEEPERS
    if ALIAS.fullmatch(party.alias) is None:
        raise Malformed("register: not an alias")
    if _SHA256.fullmatch(party.certificate_sha256) is None:
        raise Malformed("register: certificate digest is not hex SHA-256")
    if len(party.log_key) != (KEY_BYTES if is_node else 0):
        raise Malformed("register: a node has a log key of 32 bytes, a member none")
    if is_node and party.log_key == party.signing_key:
        raise Malformed("register: the receipt key and the log key of a node are one key")
    if not is_node and (party.address or party.datasets):
        raise Malformed("register: only a node has an address and datasets")
    _check_aggregator(party)
    if (_REGION.fullmatch(party.region) is not None) is not (party.role is PartyRole.AUTHORITY):
        raise Malformed("register: an authority has a region of six digits, nobody else has one")
    former_keys.check(party)
    if list(party.datasets) != sorted(set(party.datasets)) or not all(map(_TABLE.fullmatch, party.datasets)):
        raise Malformed("register: datasets are not table names in order")


def _check_aggregator(party: Party) -> None:
    is_aggregator = party.role is PartyRole.AGGREGATOR
    if len(party.envelope_key) != (ENVELOPE_KEY_BYTES if is_aggregator else 0):
        raise Malformed("register: an aggregator has an envelope key, nobody else")
    if is_aggregator and party.datasets:
        raise Malformed("register: an aggregator has no datasets")


def _region(members: Object) -> str:
    if "region" not in members:
        return ""
    region = json_members.text(members, "region")
    if _REGION.fullmatch(region) is None:
        raise Malformed("register: a region has six digits")
    return region


def _abilities(members: Object) -> str:
    if "abilities" not in members:
        return ""
    digest = json_members.text(members, "abilities")
    if _SHA256.fullmatch(digest) is None or members["role"] != PartyRole.NODE.value:
        raise Malformed("register: a node may have the hex SHA-256 of its ability record")
    return digest


def _role(members: Object) -> PartyRole:
    try:
        return PartyRole(json_members.text(members, "role"))
    except ValueError as error:
        raise Malformed("register: unknown role") from error


def _status(members: Object) -> PartyStatus:
    try:
        return PartyStatus(json_members.text(members, "status"))
    except ValueError as error:
        raise Malformed("register: unknown status") from error
