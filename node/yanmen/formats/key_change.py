"""The exchange of a node's or member's key as the payload of a JWS: signed by the new key, and the old one if it can.

A node's names the very leaf that records it, so that it cannot be recorded twice or anywhere else.
"""

from dataclasses import dataclass

from yanmen.formats import base64url, checkpoint, connector_id, json_canonical
from yanmen.formats.former_keys import KEY_BYTES
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.party import KeyEnd, KeyUse

TYP = "yanmen-key+jws"
BYTES_MAX = 8 * 1024
REASON_MAX = 1_000
EXCHANGE_TYP = "yanmen-exchange-1"
EXCHANGE_BYTES_MAX = 256 * 1024
_MEMBERS = frozenset({"end", "iat", "index", "new", "old", "origin", "party", "reason", "use"})
_TOKENS = frozenset({"by_new", "by_old"})
_EXCHANGE = frozenset({"by_new", "by_old", "proof", "receipt", "typ"})


@dataclass(frozen=True, slots=True)
class KeyChange:
    """`party` signs with `new` instead of `old`; for a node from the leaf `index` of its log `origin` on.

    `origin` is empty and `index` 0 for a member.
    """

    party: str
    use: KeyUse
    end: KeyEnd
    old: bytes
    new: bytes
    origin: str
    index: int
    issued_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class Signed:
    """The same key change signed by the new key, and by the old one unless that was revoked (else empty)."""

    by_new: bytes
    by_old: bytes = b""

    def json(self) -> dict[str, Json]:
        """Return the `subject` of the leaf that records it."""
        return {"by_new": self.by_new.decode("ascii"), "by_old": self.by_old.decode("ascii")}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the space operator is handed: the signed change, and for a node the receipt of the leaf with its proof."""

    signed: Signed
    receipt: str = ""
    proof: str = ""


def encode(change: KeyChange) -> dict[str, Json]:
    """Return the payload of `change`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "end": change.end.value,
        "iat": change.issued_s,
        "index": change.index,
        "new": base64url.encode(change.new),
        "old": base64url.encode(change.old),
        "origin": change.origin,
        "party": change.party,
        "reason": change.reason,
        "use": change.use.value,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> KeyChange:
    """Return the change in a payload."""
    members = exact(payload, _MEMBERS)
    use = next((one for one in KeyUse if one.value == members["use"]), None)
    end = next((one for one in KeyEnd if one.value == members["end"]), None)
    if use is None or end is None:
        raise Malformed("key change: unknown use or end")
    change = KeyChange(
        party=connector_id.check(text(members, "party", 32)),
        use=use,
        end=end,
        old=base64url.decode_sized(text(members, "old", 64), KEY_BYTES),
        new=base64url.decode_sized(text(members, "new", 64), KEY_BYTES),
        origin=text(members, "origin"),
        index=integer(members, "index"),
        issued_s=integer(members, "iat"),
        reason=text(members, "reason", REASON_MAX),
    )
    _check(change)
    return change


def read_subject(value: Json) -> Signed:
    """Return the signed change that the `subject` of a `key` leaf discloses."""
    members = exact(value, _TOKENS)
    by_new, by_old = (text(members, name, BYTES_MAX) for name in ("by_new", "by_old"))
    return Signed(_ascii(by_new), _ascii(by_old))


def is_change(value: Json) -> bool:
    """Say whether the `subject` of a `key` leaf claims to be a change, not the statement of a key in use."""
    return isinstance(value, dict) and not _TOKENS.isdisjoint(value)


def encode_exchange(exchange: Exchange) -> bytes:
    """Return the file for the space operator."""
    members: dict[str, Json] = {
        **exchange.signed.json(),
        "proof": exchange.proof,
        "receipt": exchange.receipt,
        "typ": EXCHANGE_TYP,
    }
    return json_canonical.encode(members)


def decode_exchange(data: bytes) -> Exchange:
    """Return the exchange in a file."""
    members = exact(json_canonical.decode(data, EXCHANGE_BYTES_MAX), _EXCHANGE)
    if members["typ"] != EXCHANGE_TYP:
        raise Malformed("exchange: another type")
    signed = read_subject({name: members[name] for name in _TOKENS})
    longest = EXCHANGE_BYTES_MAX
    return Exchange(signed, text(members, "receipt", longest), text(members, "proof", longest))


def _check(change: KeyChange) -> None:
    if change.old == change.new:
        raise Malformed("key change: to the same key")
    if not change.reason.strip():
        raise Malformed("key change: no reason")
    if change.use is KeyUse.MEMBER:
        if change.origin or change.index:
            raise Malformed("key change: a member's is recorded in no log of its own")
    elif checkpoint.origin_node(change.origin) != change.party:
        raise Malformed("key change: in the log of another node")


def _ascii(token: str) -> bytes:
    try:
        return token.encode("ascii")
    except UnicodeEncodeError as error:
        raise Malformed("key change: not ASCII") from error
