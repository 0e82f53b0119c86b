"""Receipts (使用回执): SD-JWTs (RFC 9901) whose leaves all look alike.

The log's leaf is the issuer-signed JWS. Every sensitive field is a salted disclosure of one of the
fixed slots below; decoys fill `_sd` up to 24 digests and `pad` fills the leaf up to 2,560 bytes, so
that a leaf shows stage, time and node and nothing else.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from functools import lru_cache

from yanmen.formats import base64url, connector_id, json_canonical, json_members, jws
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.stages import Stage

TYP = "yanmen-receipt+sd-jwt"
SUITE = "yanmen-1-Ed25519-SHA256"
LEAF_BYTES = 2560
"""Size of every leaf: 24 digests and the clear members take about 2,200 bytes, padding the rest."""
DIGESTS = 24
"""Digests in `_sd`: the 21 slots and at least 3 decoys."""
SALT_BYTES = 16
DIGEST_BYTES = 32
DISCLOSURE_BYTES_MAX = 256 * 1024
"""A request and its query (16 KiB of SQL, thrice encoded) fit with room."""
BYTES_MAX = 1024 * 1024
MINUTE_S = 60

_PAD = "."
_SD_ALG = "sha-256"
_JTI = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KID_CHARACTERS = 43
_DIGEST_LIST = re.compile(r"(?:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048](?:,|$)){24}", re.ASCII)
"""Base64url of 32 bytes each, the last character's two spare bits zero."""
_MEMBERS = frozenset({"_sd", "_sd_alg", "iat", "intent", "iss", "jti", "pad", "stage", "suite"})


@unique
class Slot(Enum):
    """What a disclosure may be about (FORMATS.md, receipt); the value is its claim name."""

    CONTRACT = "contract"
    CONTRACT_DIGEST = "contract_digest"
    CONSUMER = "consumer"
    CNF = "cnf"
    ACTOR = "actor"
    SCENARIO = "scenario"
    DATASETS = "datasets"
    POLICY = "policy"
    REQUEST = "request"
    QUERY = "query"
    PLAN = "plan"
    RELEASE = "release"
    BUDGET = "budget"
    PRICE = "price"
    METER = "meter"
    USAGE = "usage"
    OUTPUT = "output"
    SANDBOX = "sandbox"
    DECISION = "decision"
    SUBJECT = "subject"
    SERIES = "series"


_ORDER = {slot: place for place, slot in enumerate(Slot)}


@dataclass(frozen=True, slots=True)
class Head:
    """The clear members of a receipt.

    `iat_s` is Unix time in whole minutes, `jti` 32 hex characters, `intent` the base64url SHA-256 leaf
    hash of the intent this leaf closes, or 32 random bytes in the same encoding when there is none.
    """

    iss: str
    iat_s: int
    jti: str
    stage: Stage
    intent: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt ready for signing: the payload of its leaf and its disclosures."""

    payload: Mapping[str, Json]
    disclosures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A parsed leaf; nothing of it may be believed before `jws` verified."""

    kid: str
    head: Head
    digests: frozenset[str]
    jws: bytes


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A parsed receipt whose disclosures all belong to its leaf; `disclosures` keeps their order."""

    leaf: Leaf
    slots: Mapping[Slot, Json]
    disclosures: tuple[str, ...]


def whole_minute(now_ms: int) -> int:
    """Return `now_ms` as Unix seconds rounded down to a minute, which is all a leaf tells of time."""
    return now_ms // (1000 * MINUTE_S) * MINUTE_S


def draft(head: Head, slots: Mapping[Slot, Json], salts: Sequence[bytes], decoys: Sequence[bytes]) -> Draft:
    """Return the receipt of `slots`: one 16-byte salt for each slot and one 32-byte decoy for each of the rest."""
    if len(salts) != len(slots) or len(decoys) != DIGESTS - len(slots):
        raise Malformed("receipt: not one salt for each slot and one decoy for each of the rest")
    disclosures = tuple(_disclosure(salt, slot, slots[slot]) for salt, slot in zip(salts, in_order(slots), strict=True))
    digests = sorted([*(digest(item) for item in disclosures), *(base64url.encode(decoy) for decoy in decoys)])
    payload: dict[str, Json] = {
        "_sd": digests,
        "_sd_alg": _SD_ALG,
        "iat": head.iat_s,
        "intent": head.intent,
        "iss": head.iss,
        "jti": head.jti,
        "pad": "",
        "stage": head.stage.value,
        "suite": SUITE,
    }
    payload["pad"] = _PAD * _missing(len(head.stage.value), len(str(head.iat_s)))
    _check_payload(payload)
    return Draft(payload=payload, disclosures=disclosures)


def in_order(slots: Iterable[Slot]) -> list[Slot]:
    """Return `slots` in the order in which disclosures stand."""
    return sorted(slots, key=_ORDER.__getitem__)


def join(leaf: bytes, disclosures: Sequence[str]) -> str:
    """Return the SD-JWT of the signed `leaf` and `disclosures`, each followed by a tilde."""
    return "".join(f"{part}~" for part in (leaf.decode("ascii"), *disclosures))


@lru_cache(maxsize=8)
def decode_leaf(data: bytes) -> Leaf:
    """Return the leaf that the compact JWS `data` is; a leaf and its receipt are read one after the other."""
    if len(data) != LEAF_BYTES:
        raise Malformed(f"receipt: leaf is not {LEAF_BYTES} bytes")
    parts = jws.split(data, LEAF_BYTES)
    if parts.typ != TYP or parts.extra or len(parts.kid) != _KID_CHARACTERS:
        raise Malformed("receipt: not the header of a receipt")
    payload = json_canonical.decode_object(parts.payload)
    head, digests = _check_payload(payload)
    return Leaf(kid=parts.kid, head=head, digests=digests, jws=data)


def decode(sdjwt: str) -> Disclosed:
    """Return the receipt that `sdjwt` is; `join(r.leaf.jws, r.disclosures)` gives the same text again.

    Every disclosure must be referenced and no slot disclosed twice (RFC 9901 §7.1).
    """
    if len(sdjwt) > BYTES_MAX or not sdjwt.isascii():
        raise Malformed("receipt: too long, or not ASCII")
    if not sdjwt.endswith("~"):
        raise Malformed("receipt: does not end in a tilde")
    first, *disclosures = sdjwt[:-1].split("~")
    leaf = decode_leaf(first.encode("ascii"))
    if not leaf.digests.issuperset(digest(item) for item in disclosures):
        raise Malformed("receipt: disclosure that the leaf does not reference")
    slots: dict[Slot, Json] = {}
    for item in disclosures:
        slot, value = _decode_disclosure(item)
        if slot in slots:
            raise Malformed(f"receipt: {slot.value} disclosed twice")
        slots[slot] = value
    return Disclosed(leaf=leaf, slots=slots, disclosures=tuple(disclosures))


def present(sdjwt: str, slots: frozenset[Slot]) -> str:
    """Return the receipt `sdjwt` with only the disclosures of `slots`, for another party to read."""
    whole = decode(sdjwt)
    shown = [item for item, slot in zip(whole.disclosures, whole.slots, strict=True) if slot in slots]
    return join(whole.leaf.jws, shown)


def digest(disclosure: str) -> str:
    """Return the digest of `disclosure` (RFC 9901 §4.2.3)."""
    return base64url.encode(hashlib.sha256(disclosure.encode("ascii")).digest())


def _disclosure(salt: bytes, slot: Slot, value: Json) -> str:
    if len(salt) != SALT_BYTES:
        raise Malformed("receipt: salt is not 16 bytes")
    text = base64url.encode(json_canonical.encode([base64url.encode(salt), slot.value, value]))
    if len(text) > DISCLOSURE_BYTES_MAX:
        raise Malformed(f"receipt: {slot.value} is too long")
    return text


def _decode_disclosure(text: str) -> tuple[Slot, Json]:
    if len(text) > DISCLOSURE_BYTES_MAX:
        raise Malformed("receipt: disclosure too long")
    value = json_canonical.decode(base64url.decode(text))
    if not isinstance(value, list) or len(value) != 3:
        raise Malformed("receipt: disclosure is not salt, name and value")
    salt, name, content = value
    if not isinstance(salt, str) or not isinstance(name, str):
        raise Malformed("receipt: disclosure is not salt, name and value")
    base64url.decode_sized(salt, SALT_BYTES)
    try:
        return Slot(name), content
    except ValueError as error:
        raise Malformed("receipt: disclosure of an unknown slot") from error


@lru_cache(maxsize=64)
def _missing(stage_characters: int, time_digits: int) -> int:
    """Return how many bytes of padding bring the leaf to its size: all else in it is of one length."""
    bare = jws.signing_input("k" * _KID_CHARACTERS, TYP, {}, {})
    header_characters = bare.index(b".")
    payload_characters = LEAF_BYTES - header_characters - 2 - 86
    digest_ = "d" * 43
    payload: dict[str, Json] = {
        "_sd": [digest_] * DIGESTS,
        "_sd_alg": _SD_ALG,
        "iat": 10 ** (time_digits - 1),
        "intent": digest_,
        "iss": "i" * connector_id.LENGTH,
        "jti": "0" * 32,
        "pad": "",
        "stage": "s" * stage_characters,
        "suite": SUITE,
    }
    missing = payload_characters * 3 // 4 - len(json_canonical.encode(payload))
    if missing < 0:
        raise Malformed("receipt: clear members are too long")
    return missing


def _check_payload(payload: Mapping[str, Json]) -> tuple[Head, frozenset[str]]:
    members = json_members.exact(payload, _MEMBERS)
    if members["suite"] != SUITE or members["_sd_alg"] != _SD_ALG:
        raise Malformed("receipt: another suite")
    if set(json_members.text(members, "pad", LEAF_BYTES)) - {_PAD}:
        raise Malformed("receipt: padding holds something")
    digests = json_members.texts(members, "_sd", DIGESTS)
    if len(digests) != DIGESTS or list(digests) != sorted(set(digests)):
        raise Malformed(f"receipt: not {DIGESTS} different digests in order")
    if _DIGEST_LIST.fullmatch(",".join(digests)) is None:
        raise Malformed("receipt: digest is not a SHA-256 hash")
    return _head(members), frozenset(digests)


def _head(members: json_members.Object) -> Head:
    head = Head(
        iss=connector_id.check(json_members.text(members, "iss")),
        iat_s=json_members.integer(members, "iat"),
        jti=json_members.text(members, "jti"),
        stage=_stage(json_members.text(members, "stage")),
        intent=json_members.text(members, "intent"),
    )
    if head.iat_s % MINUTE_S:
        raise Malformed("receipt: time is not a whole minute")
    if _JTI.fullmatch(head.jti) is None:
        raise Malformed("receipt: jti is not 32 hex characters")
    base64url.decode_sized(head.intent, DIGEST_BYTES)
    return head


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError as error:
        raise Malformed("receipt: unknown stage") from error
