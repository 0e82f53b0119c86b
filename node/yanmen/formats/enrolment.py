"""How a party asks to join a space and what it gets back (FORMATS.md, enrolment).

An application is a compact JWS by the very member key it introduces, so that signing it proves the
key is held; the P-256 key proves itself inside the CSR. A grant is canonical JSON: everything in it
can be checked against the application's own keys and the space's root.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.formats import base64url, connector_id, json_canonical
from yanmen.formats.config import ADDRESS, ALIAS
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.formats.register import ENVELOPE_KEY_BYTES
from yanmen.model.party import LOG_KEEPERS, PartyRole

APPLICATION_TYP = "yanmen-application+jws"
GRANT_TYP = "yanmen-grant-1"
KEY_BYTES = 32
PEM_MAX = 16 * 1024
NAME_MAX = 200
PORT_MAX = 65535
SUBJECT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
"""A credit code (GB 32100): digits and capitals without I, O, S, V and Z."""
REGION = re.compile(r"[0-9]{4}", re.ASCII)

_APPLICATION = frozenset(
    {"address", "alias", "csr", "iat", "log_key", "name", "region", "role", "signing_key", "subject"},
)
_CLAIMS = ("address", "alias", "name", "region", "subject")
_GRANT = frozenset({"authority", "certificate", "id", "space", "space_key", "typ"})


@dataclass(frozen=True, slots=True)
class Application:
    """What an applicant says of itself; `log_key` is empty unless it is a node, times are Unix seconds."""

    role: PartyRole
    name: str
    alias: str
    subject: str
    region: str
    address: str
    csr: str
    signing_key: bytes
    log_key: bytes
    issued_s: int
    envelope_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the space operator returns: the id, the leaf certificate, the root and the register's key."""

    id: str
    space: str
    certificate: str
    authority: str
    space_key: bytes


def check_claims(claims: Mapping[str, str], role: PartyRole) -> None:
    """Refuse what an applicant says of itself unless a register can hold it; the message says what to write."""
    name, address = claims["name"], claims["address"]
    if not (name.strip() and name.isprintable() and len(name) <= NAME_MAX):
        raise Malformed(f"name: write the full name on one line, 1 to {NAME_MAX} characters 请写全称")
    if ALIAS.fullmatch(claims["alias"]) is None:
        raise Malformed("alias: write up to 32 lower-case letters, digits and _, a letter first 小写字母开头")
    if SUBJECT.fullmatch(claims["subject"]) is None:
        raise Malformed(
            "subject: write the 18-character credit code, digits and capitals without I, O, S, V, Z"
            " 请写 18 位统一社会信用代码"
        )
    if REGION.fullmatch(claims["region"]) is None:
        raise Malformed("region: write the first four digits of GB/T 2260, for instance 1401 请写行政区划代码前四位")
    if role in LOG_KEEPERS and not is_address(address):
        raise Malformed("address: write HOST:PORT, for instance 127.0.0.1:7443 请写 主机:端口")
    if role not in LOG_KEEPERS and address:
        raise Malformed("address: only a node or an aggregator has an address 只有节点有地址")


def is_address(text: str) -> bool:
    """Say whether `text` is host:port as node.toml takes it."""
    return ADDRESS.fullmatch(text) is not None and int(text.rpartition(":")[2]) <= PORT_MAX


def application_payload(application: Application) -> dict[str, Json]:
    """Return `application` as the payload to sign."""
    more: dict[str, Json] = {}
    if application.envelope_key:
        more["envelope_key"] = base64url.encode(application.envelope_key)
    return {
        **more,
        "address": application.address,
        "alias": application.alias,
        "csr": application.csr,
        "iat": application.issued_s,
        "log_key": base64url.encode(application.log_key),
        "name": application.name,
        "region": application.region,
        "role": application.role.value,
        "signing_key": base64url.encode(application.signing_key),
        "subject": application.subject,
    }


def parse_application(payload: Json) -> Application:
    """Return the application in a verified payload; raises `Malformed`."""
    members = exact(payload, _APPLICATION, frozenset({"envelope_key"}))
    application = Application(
        role=_role(text(members, "role", 32)),
        name=text(members, "name", NAME_MAX),
        alias=text(members, "alias", 32),
        subject=text(members, "subject", 18),
        region=text(members, "region", 4),
        address=text(members, "address", 300),
        csr=text(members, "csr", PEM_MAX),
        signing_key=_key(text(members, "signing_key", 64)),
        log_key=base64url.decode(text(members, "log_key", 64)),
        issued_s=integer(members, "iat"),
        envelope_key=base64url.decode(text(members, "envelope_key", 2000)) if "envelope_key" in members else b"",
    )
    wanted = KEY_BYTES if application.role in LOG_KEEPERS else 0
    if len(application.log_key) != wanted:
        raise Malformed("application: a node, and only a node, brings a log key")
    if len(application.envelope_key) != (ENVELOPE_KEY_BYTES if application.role is PartyRole.AGGREGATOR else 0):
        raise Malformed("application: an aggregator, and only an aggregator, brings an envelope key")
    check_claims({name: text(members, name) for name in _CLAIMS}, application.role)
    return application


def encode_grant(grant: Grant) -> bytes:
    """Return the grant as canonical JSON."""
    return json_canonical.encode(
        {
            "authority": grant.authority,
            "certificate": grant.certificate,
            "id": grant.id,
            "space": grant.space,
            "space_key": base64url.encode(grant.space_key),
            "typ": GRANT_TYP,
        },
    )


def decode_grant(data: bytes) -> Grant:
    """Return the grant in `data`; raises `Malformed`."""
    members = exact(json_canonical.decode(data, 64 * 1024), _GRANT)
    if text(members, "typ") != GRANT_TYP:
        raise Malformed("grant: another type")
    return Grant(
        id=connector_id.check(text(members, "id", 32)),
        space=text(members, "space", 63),
        certificate=text(members, "certificate", PEM_MAX),
        authority=text(members, "authority", PEM_MAX),
        space_key=_key(text(members, "space_key", 64)),
    )


def _role(value: str) -> PartyRole:
    try:
        return PartyRole(value)
    except ValueError as error:
        raise Malformed("application: unknown role") from error


def _key(value: str) -> bytes:
    key = base64url.decode(value)
    if len(key) != KEY_BYTES:
        raise Malformed("a key is 32 bytes")
    return key
