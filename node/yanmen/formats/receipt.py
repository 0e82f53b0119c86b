"""Receipts (使用回执): SD-JWTs (RFC 9901) whose leaves all look alike.

The log's leaf is the issuer-signed JWS. Every sensitive field is a salted disclosure of one of the
fixed slots below; decoys fill `_sd` up to 24 digests and `pad` fills the leaf up to 2,560 bytes, so
that a leaf shows stage, time and node and nothing else.
"""

import hashlib
import operator
import re
import struct
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum, unique
from functools import partial
from itertools import accumulate, chain, compress
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec

from yanmen.formats import base64url, connector_id, json_canonical, json_members, jws
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.stages import Stage

T = TypeVar("T")
"""What is read from a disclosure."""
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

PAD = b"."
SD_ALG = "sha-256"
_JTI = re.compile(r"[0-9a-f]{32}", re.ASCII)
KID_CHARACTERS = 43
_DIGEST = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
"""Base64url of 32 bytes, the last character's two spare bits zero."""
BEGIN = b'{"_sd":["'
BETWEEN = b'","'
_BETWEEN_ALL = BETWEEN * (DIGESTS - 1)
DIGEST_CHARACTERS, STEP = 43, 46
"""Of a digest as it stands in `_sd`, and from the beginning of one to that of the next."""
REST_AT = len(BEGIN) + DIGESTS * STEP - len(BETWEEN)
_DIGESTS_APART = struct.Struct(f"{DIGEST_CHARACTERS}s{len(BETWEEN)}x" * DIGESTS)
_DIGEST_APART = struct.Struct(f"{DIGEST_CHARACTERS}sx")
DIGEST_ENDS = b"AEIMQUYcgkosw048"
_REST = re.compile(
    rf'"\],"_sd_alg":"sha-256","iat":(0|[1-9][0-9]{{0,15}}),"intent":"({_DIGEST})","iss":"([0-9A-Z*]{{32}})",'
    rf'"jti":"([0-9a-f]{{32}})","pad":"\.*","stage":"([a-z]{{1,32}})","suite":"{SUITE}"}}',
    re.ASCII,
)
"""The canonical JSON of a payload is a regular language: what is written like this needs no other parser."""
REMEMBERED, REMEMBERED_MAX = 8192, 4096
"""Texts of a disclosure's name and value that are remembered, and the longest: many receipts say the same."""
_SALTED = re.compile(rb'(?:\["[A-Za-z0-9_-]{21}[AQgw]",")*')
_SALTED_CHARACTERS = 36
"""How the arrays of disclosures begin, the base64url of 16 bytes first, and in how many characters each."""
SIGNATURE_PART = 87
"""A full stop and base64url of 64 bytes."""
_MEMBERS = frozenset({"_sd", "_sd_alg", "iat", "intent", "iss", "jti", "pad", "stage", "suite"})


@unique
class Slot(Enum):
    """What a disclosure may be about (FORMATS.md, receipt); the value is its claim name."""

    __hash__ = object.__hash__  # members are single objects

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


_ALONE = frozenset({Slot.SERIES, Slot.SUBJECT, Slot.OUTPUT})
"""What each receipt says otherwise than all others: nothing to remember."""
_ORDER = {slot: place for place, slot in enumerate(Slot)}
NAMES = {slot: slot.value for slot in Slot}
_SLOTS = {name: slot for slot, name in NAMES.items()}
_STAGES = {stage.value: stage for stage in Stage}


class Head(NamedTuple):
    """The clear members of a receipt.

    `iat_s` is Unix time in whole minutes, `jti` 32 hex characters, `intent` the base64url SHA-256 leaf
    hash of the intent this leaf closes, or 32 random bytes in the same encoding when there is none.
    """

    iss: str
    iat_s: int
    jti: str
    stage: Stage
    intent: str


class Leaf(NamedTuple):
    """A parsed leaf; nothing of it may be believed before `jws` verified against `signing_input` and `signature`."""

    kid: str
    head: Head
    sd: frozenset[bytes]
    jws: bytes
    signature: bytes

    @property
    def digests(self) -> frozenset[str]:
        """The digests as the leaf spells them."""
        return frozenset(each.decode("ascii") for each in self.sd)

    @property
    def signing_input(self) -> bytes:
        """The bytes that are signed."""
        return self.jws[:-SIGNATURE_PART]


class Said(msgspec.Struct, eq=False):
    """What one disclosure says after its salt; receipts that say the same share it, and what was read from it."""

    slot: Slot
    value: Any
    reader: Callable[[Json], object] | None = None
    made: Any = None

    def read(self, reader: Callable[[Json], T]) -> T:
        """Return what `reader` makes of the value."""
        if self.reader is not reader:
            self.made = reader(self.value)
            self.reader = reader
        made: T = self.made
        return made


_DIGEST_OF = operator.methodcaller("digest")
_SLOT_OF = operator.attrgetter("slot")
_SALTED_PART = operator.itemgetter(slice(_SALTED_CHARACTERS))
_REST_PART = operator.itemgetter(slice(_SALTED_CHARACTERS, None))


class Disclosed(NamedTuple):
    """A parsed receipt whose disclosures all belong to its leaf; `parts` are their texts, in order."""

    leaf: Leaf
    said: Mapping[Slot, Said]
    parts: tuple[bytes, ...]

    @property
    def slots(self) -> Mapping[Slot, Json]:
        """What is disclosed."""
        return {slot: each.value for slot, each in self.said.items()}

    @property
    def disclosures(self) -> tuple[str, ...]:
        """The disclosures as text, in order."""
        return tuple(each.decode("ascii") for each in self.parts)


def whole_minute(now_ms: int) -> int:
    """Return `now_ms` as Unix seconds rounded down to a minute, which is all a leaf tells of time."""
    return now_ms // (1000 * MINUTE_S) * MINUTE_S


def in_order(slots: Iterable[Slot]) -> list[Slot]:
    """Return `slots` in the order in which disclosures stand."""
    return sorted(slots, key=_ORDER.__getitem__)


def join(leaf: bytes, disclosures: Sequence[str]) -> str:
    """Return the SD-JWT of the signed `leaf` and `disclosures`, each followed by a tilde."""
    return "".join(f"{part}~" for part in (leaf.decode("ascii"), *disclosures))


def decode_leaf(data: bytes) -> Leaf:
    """Return the leaf that the compact JWS `data` is."""
    if len(data) != LEAF_BYTES:
        raise Malformed(f"receipt: leaf is not {LEAF_BYTES} bytes")
    (kid, typ, extra), payload, signature = jws.parts(data)
    if typ != TYP or extra or len(kid) != KID_CHARACTERS:
        raise Malformed("receipt: not the header of a receipt")
    head, known = read_payload(payload)
    return Leaf(kid, head, known, data, signature)


def read_payload(payload: bytes) -> tuple[Head, frozenset[bytes]]:
    """Return what a payload says, which can be written in one way only."""
    head = read_head(payload)
    return head, _digests(payload)


def read_head(payload: bytes) -> Head:
    """Return what a payload says beside its digests."""
    rest = _REST.fullmatch(payload[REST_AT:].decode("latin-1"))
    if rest is None or not payload.startswith(BEGIN):
        _refuse(payload)
    iat, intent, iss, jti, stage = rest.groups()
    head = Head(connector_id.check(iss), int(iat), jti, _stage(stage), intent)
    _check_time(head.iat_s)
    return head


def check_written(payload: bytes, digests: Sequence[bytes]) -> None:
    """Refuse a payload of our own that `read_payload` would refuse; its `digests` are `spelled` ones, in order."""
    rest = _REST.fullmatch(payload[REST_AT:].decode("latin-1"))
    if rest is None or len(set(digests)) != DIGESTS:
        read_payload(payload)
        raise Malformed("receipt: not the payload of a leaf")
    iat, _, iss, _, stage = rest.groups()
    connector_id.check(iss)
    _stage(stage)
    _check_time(int(iat))


def _check_time(iat_s: int) -> None:
    if iat_s % MINUTE_S or iat_s > json_canonical.INTEGER_MAX:
        raise Malformed("receipt: time is not a whole minute")


def _digests(payload: bytes) -> frozenset[bytes]:
    """Return the digests in `_sd`, each written in one way only, and in order."""
    text = payload[len(BEGIN) : REST_AT]
    found = _DIGESTS_APART.unpack(text + BETWEEN)
    if text.translate(None, base64url.ALPHABET) != _BETWEEN_ALL or BETWEEN.join(found) != text:
        _refuse(payload)
    if text[DIGEST_CHARACTERS - 1 :: STEP].translate(None, DIGEST_ENDS):
        _refuse(payload)
    known = frozenset(found)
    if len(known) != DIGESTS or tuple(sorted(found)) != found:
        raise Malformed(f"receipt: not {DIGESTS} different digests in order")
    return known


def decode(sdjwt: str) -> Disclosed:
    """Return the receipt that `sdjwt` is; `join(r.leaf.jws, r.disclosures)` gives the same text again.

    Every disclosure must be referenced and no slot disclosed twice (RFC 9901 §7.1).
    """
    try:
        return decode_bytes(sdjwt.encode("ascii"))
    except UnicodeEncodeError as error:
        raise Malformed("receipt: not ASCII") from error


def decode_bytes(sdjwt: bytes, known: Leaf | None = None) -> Disclosed:
    """Return the receipt that the ASCII text `sdjwt` is, as `decode` does; its leaf may be `known` already."""
    (one,) = decode_each([sdjwt], [known])
    return one


def decode_each(sdjwts: Sequence[bytes], known: Sequence[Leaf | None]) -> list[Disclosed]:
    """Return what `decode_bytes` says of each of `sdjwts`, which are read together; one malformed refuses all."""
    taken = list(map(_taken_apart, sdjwts, known))
    parts = [part for _, disclosures in taken for part in disclosures]
    digests = spelled(list(map(_DIGEST_OF, map(hashlib.sha256, parts))))
    ends = list(accumulate(len(disclosures) for _, disclosures in taken))
    places = list(map(slice, [0, *ends], ends))
    for (leaf, _), place in zip(taken, places, strict=True):
        if not leaf.sd.issuperset(digests[place]):
            raise Malformed("receipt: disclosure that the leaf does not reference")
    found = _all_said(parts)
    slots = list(map(_SLOT_OF, found))
    receipts: list[Disclosed] = []
    for (leaf, disclosures), place in zip(taken, places, strict=True):
        said = dict(zip(slots[place], found[place], strict=True))
        if len(said) != len(disclosures):
            raise Malformed("receipt: a slot disclosed twice")
        receipts.append(Disclosed(leaf, said, tuple(disclosures)))
    return receipts


def _taken_apart(sdjwt: bytes, known: Leaf | None) -> tuple[Leaf, list[bytes]]:
    """Return the leaf and the disclosures of `sdjwt`."""
    if len(sdjwt) > BYTES_MAX or not sdjwt.isascii():
        raise Malformed("receipt: too long, or not ASCII")
    if not sdjwt.endswith(b"~"):
        raise Malformed("receipt: does not end in a tilde")
    if known is not None and sdjwt.startswith(known.jws) and sdjwt[LEAF_BYTES : LEAF_BYTES + 1] == b"~":
        return known, sdjwt[LEAF_BYTES + 1 :].split(b"~")[:-1]
    first, *disclosures, _ = sdjwt.split(b"~")
    return decode_leaf(first), disclosures


def spelled(digests: Collection[bytes]) -> tuple[bytes, ...]:
    """Return `digests` as they stand in `_sd`: with a zero byte after each, all are encoded at once and apart."""
    text = base64url.encode_bytes(b"\x00".join([*digests, b""]))
    return tuple(chain.from_iterable(_DIGEST_APART.iter_unpack(text)))


def present(sdjwt: str, slots: frozenset[Slot]) -> str:
    """Return the receipt `sdjwt` with only the disclosures of `slots`, for another party to read."""
    whole = decode(sdjwt)
    shown = [item for item, slot in zip(whole.disclosures, whole.slots, strict=True) if slot in slots]
    return join(whole.leaf.jws, shown)


def digest(disclosure: str) -> str:
    """Return the digest of `disclosure` (RFC 9901 §4.2.3)."""
    return base64url.encode(hashlib.sha256(disclosure.encode("ascii")).digest())


def _all_said(disclosures: Sequence[bytes]) -> list[Said]:
    """Return what `disclosures` say: `["salt",` and the quote after it are their first 36 characters."""
    longest = max(map(len, disclosures), default=0)
    if longest > DISCLOSURE_BYTES_MAX:
        raise Malformed("receipt: disclosure too long")
    salted = b"".join(map(_SALTED_PART, disclosures))
    if len(salted) < len(disclosures) * _SALTED_CHARACTERS or not _SALTED.fullmatch(base64url.decode_bytes(salted)):
        raise Malformed("receipt: disclosure is not a canonical array that begins with a salt and a name")
    rests = list(map(_REST_PART, disclosures))
    found = list(map(_KNOWN.get, rests))
    # What one receipt says often stands in the next as well: each text is read once.
    fresh = list(dict.fromkeys(compress(rests, map(_IS_UNKNOWN, found))))
    values = json_canonical.decode_each([b'["' + text for text in base64url.decode_each(fresh)])
    made = dict(zip(fresh, map(_said, values), strict=True))
    _remember(made)
    return [made[rest] if one is None else one for rest, one in zip(rests, found, strict=True)]


_IS_UNKNOWN = partial(operator.is_, None)
_KNOWN: dict[bytes, Said] = {}
"""What texts said that were read before, by the texts."""


def _remember(made: Mapping[bytes, Said]) -> None:
    """Remember what texts say, unless they are long or no other receipt says it."""
    short = {text: said for text, said in made.items() if len(text) <= REMEMBERED_MAX and said.slot not in _ALONE}
    if len(_KNOWN) + len(short) > REMEMBERED:
        _KNOWN.clear()
    _KNOWN.update(short)


def _said(value: Json) -> Said:
    """Return what the name and value of a disclosure say."""
    if not isinstance(value, list) or len(value) != 2:
        raise Malformed("receipt: disclosure is not salt, name and value")
    name, content = value
    slot = _SLOTS.get(name) if isinstance(name, str) else None
    if slot is None:
        raise Malformed("receipt: disclosure of an unknown slot")
    return Said(slot, content)


def _refuse(payload: bytes) -> NoReturn:
    """Say what is wrong with a payload that is not in the one form a leaf has."""
    members = json_members.exact(json_canonical.decode_object(payload), _MEMBERS)
    if members["suite"] != SUITE or members["_sd_alg"] != SD_ALG:
        raise Malformed("receipt: another suite")
    if set(json_members.text(members, "pad", LEAF_BYTES)) - {PAD.decode("ascii")}:
        raise Malformed("receipt: padding holds something")
    digests = json_members.texts(members, "_sd", DIGESTS)
    if len(digests) != DIGESTS or list(digests) != sorted(set(digests)):
        raise Malformed(f"receipt: not {DIGESTS} different digests in order")
    if _JTI.fullmatch(json_members.text(members, "jti")) is None:
        raise Malformed("receipt: jti is not 32 hex characters")
    connector_id.check(json_members.text(members, "iss"))
    _stage(json_members.text(members, "stage"))
    json_members.integer(members, "iat")
    base64url.decode_sized(json_members.text(members, "intent"), DIGEST_BYTES)
    raise Malformed("receipt: a digest is not a SHA-256 hash")


def _stage(text: str) -> Stage:
    stage = _STAGES.get(text)
    if stage is None:
        raise Malformed("receipt: unknown stage")
    return stage
