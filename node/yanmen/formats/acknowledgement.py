"""A consumer's acknowledgement: the key-binding JWT (RFC 9901 §4.3) over a receipt just as it was given.

`sd_hash` is over the whole SD-JWT the consumer got, disclosures included, so that it binds what it saw.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.formats import base64url, json_canonical, json_members, receipt
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Disclosed, Slot

TYP = "kb+jwt"
BYTES_MAX = 4096
WITHHELD = frozenset({Slot.USAGE})
"""Slots for the auditor only: what a job used, and how it failed, depends on the rows it read."""

_NONCE = re.compile(r"ack:([0-9a-f]{32})", re.ASCII)
_PLAIN = re.compile(
    r'{"aud":"([0-9A-Za-z./*-]{1,100})","iat":(0|[1-9][0-9]{0,14}),"nonce":"ack:([0-9a-f]{32})",'
    r'"sd_hash":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])"}',
    re.ASCII,
)
"""The canonical JSON of a payload as it mostly is; what is not written like this is read in detail."""
_MEMBERS = frozenset({"aud", "iat", "nonce", "sd_hash"})
_SUBJECT = frozenset({"acknowledges", "kb_jwt"})


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Whoever signs this has the receipt `jti` of the log `origin`, whose text as given has the SHA-256 `sd_hash`."""

    origin: str
    issued_s: int
    jti: str
    sd_hash: bytes


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the leaf says of it: the `jti` of the receipt, and the signed token."""

    jti: str
    token: str

    def json(self) -> Json:
        """Return the value of the leaf's slot `subject`."""
        return {"acknowledges": self.jti, "kb_jwt": self.token}

    @classmethod
    def read(cls, value: Json) -> "Acknowledged":
        """Return what the slot's `value` holds."""
        members = json_members.exact(value, _SUBJECT)
        return cls(json_members.text(members, "acknowledges"), json_members.text(members, "kb_jwt", BYTES_MAX))


def encode(value: Acknowledgement) -> dict[str, Json]:
    """Return the payload of `value`."""
    return {
        "aud": value.origin,
        "iat": value.issued_s,
        "nonce": f"ack:{value.jti}",
        "sd_hash": base64url.encode(value.sd_hash),
    }


def decode(payload: Mapping[str, Json]) -> Acknowledgement:
    """Return the acknowledgement that `payload` is."""
    members = json_members.exact(payload, _MEMBERS)
    nonce = _NONCE.fullmatch(json_members.text(members, "nonce"))
    if nonce is None:
        raise Malformed("acknowledgement: nonce of something else")
    return Acknowledgement(
        origin=json_members.text(members, "aud"),
        issued_s=json_members.integer(members, "iat"),
        jti=nonce.group(1),
        sd_hash=base64url.decode_sized(json_members.text(members, "sd_hash"), receipt.DIGEST_BYTES),
    )


def decode_payload(payload: bytes) -> Acknowledgement:
    """Return the acknowledgement that the canonical JSON `payload` is."""
    plain = _PLAIN.fullmatch(payload.decode("latin-1"))
    if plain is None:
        return decode(json_canonical.decode_object(payload, BYTES_MAX))
    origin, issued_s, jti, hashed = plain.groups()
    return Acknowledgement(origin, int(issued_s), jti, base64url.decode(hashed))


def sd_hash(sdjwt: str) -> bytes:
    """Return the hash that binds the presentation `sdjwt`, which ends in a tilde."""
    return hashlib.sha256(sdjwt.encode("ascii")).digest()


def as_given(disclosed: Disclosed) -> str:
    """Return the SD-JWT as the consumer was given it: without what is for auditors only."""
    shown = [text for slot, text in zip(disclosed.slots, disclosed.disclosures, strict=True) if slot not in WITHHELD]
    return receipt.join(disclosed.leaf.jws, shown)


def confirmed_key(value: Json) -> bytes:
    """Return the key of the confirmation claim `value` (RFC 7800 §3.2, RFC 8037 §2): it signs the acknowledgement."""
    jwk = json_members.exact(json_members.exact(value, frozenset({"jwk"}))["jwk"], frozenset({"crv", "kty", "x"}))
    if (jwk["crv"], jwk["kty"]) != ("Ed25519", "OKP"):
        raise Malformed("not an Ed25519 key")
    return base64url.decode_sized(json_members.text(jwk, "x"), 32)
