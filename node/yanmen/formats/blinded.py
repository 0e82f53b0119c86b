"""What parties of a join sign on the way: a list blinded again, and which rows met (docs/JOINS.md)."""

import re
from dataclasses import dataclass

from yanmen.formats import connector_id, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed

BLINDED_TYP = "yanmen-blinded+jwt"
MATCHED_TYP = "yanmen-matched+jwt"
BYTES_MAX = 4096
SECONDS_MAX = 2**40
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BLINDED = frozenset({"iss", "iat", "manifest", "of", "taken", "given"})
_MATCHED = frozenset({"iss", "iat", "manifest", "matched", "places"})


@dataclass(frozen=True, slots=True)
class Blinded:
    """`by` took the list of the department `of` with the digest `taken`, and blinded it: `given` is what came of it.

    That is the list of points, or, where `by` is the last who blinds it, of tags.
    """

    by: str
    manifest_sha256: str
    of: str
    taken: str
    given: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class Matched:
    """The aggregator's word on which rows met: `matched` is the digest of their positions, `places` of its shares."""

    by: str
    manifest_sha256: str
    matched: str
    places: str
    issued_s: int


def encode_blinded(value: Blinded) -> dict[str, Json]:
    """Return the payload of `value`; one that would be refused is refused here."""
    payload: dict[str, Json] = {
        "iss": value.by,
        "iat": value.issued_s,
        "manifest": value.manifest_sha256,
        "of": value.of,
        "taken": value.taken,
        "given": value.given,
    }
    decode_blinded(payload)
    return payload


def decode_blinded(payload: Json) -> Blinded:
    """Return what `payload` says was blinded."""
    members = json_members.exact(payload, _BLINDED)
    return Blinded(
        by=connector_id.check(json_members.text(members, "iss")),
        manifest_sha256=_digest(members, "manifest"),
        of=connector_id.check(json_members.text(members, "of")),
        taken=_digest(members, "taken"),
        given=_digest(members, "given"),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
    )


def encode_matched(value: Matched) -> dict[str, Json]:
    """Return the payload of `value`; one that would be refused is refused here."""
    payload: dict[str, Json] = {
        "iss": value.by,
        "iat": value.issued_s,
        "manifest": value.manifest_sha256,
        "matched": value.matched,
        "places": value.places,
    }
    decode_matched(payload)
    return payload


def decode_matched(payload: Json) -> Matched:
    """Return what `payload` says met."""
    members = json_members.exact(payload, _MATCHED)
    return Matched(
        by=connector_id.check(json_members.text(members, "iss")),
        manifest_sha256=_digest(members, "manifest"),
        matched=_digest(members, "matched"),
        places=_digest(members, "places"),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
    )


def _digest(members: Object, name: str) -> str:
    value = json_members.text(members, name)
    if _SHA256.fullmatch(value) is None:
        raise Malformed(f"member {name!r} is not hex SHA-256")
    return value
