"""Keys that ended, as the register lists them, and which of a party's keys counts at a place of a log.

The order is that of leaves, not of clocks: a key signs up to the leaf that exchanges it, and nothing after.
"""

from dataclasses import dataclass

from yanmen.formats import base64url, checkpoint, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.model.party import LOG_KEEPERS, FormerKey, KeyEnd, KeyUse, Party

FORMER_MAX = 100
"""Keys of one party that ended; whoever needs more applies as a new party."""
KEY_BYTES = 32
_MEMBERS = frozenset({"end", "index", "key", "origin", "use"})


def encode(former: tuple[FormerKey, ...]) -> list[Json]:
    """Return the register's member `former_keys`."""
    return [
        {
            "end": one.end.value,
            "index": one.index,
            "key": base64url.encode(one.key),
            "origin": one.origin,
            "use": one.use.value,
        }
        for one in former
    ]


def decode(members: Object) -> tuple[FormerKey, ...]:
    """Return the keys in the member `former_keys`, of which there is at least one."""
    found = tuple(_former(value) for value in json_members.items(members, "former_keys", FORMER_MAX))
    if not found:
        raise Malformed("register: no former keys are left out, not listed")
    return found


def check(party: Party) -> None:
    """Refuse a party whose former keys are not its own, not in order, ended twice at one leaf or came back."""
    for one in party.former_keys:
        if (one.use is KeyUse.MEMBER) == (party.role in LOG_KEEPERS):
            raise Malformed("register: a former key of another kind of party")
        if (one.use is KeyUse.MEMBER) != (one.origin == ""):
            raise Malformed("register: a key of a node ends in a log, a member's in a register")
        if one.origin and checkpoint.origin_node(one.origin) != party.id:
            raise Malformed("register: a key that ended in the log of another node")
    places = [(*_order(one.origin), one.index) for one in party.former_keys]
    if places != sorted(set(places)):
        raise Malformed("register: former keys are not in order, or two ended at one place")
    keys = [one.key for one in party.former_keys] + [party.signing_key, party.log_key]
    if len(set(keys)) != len(keys):
        raise Malformed("register: a key that ended came back")


@dataclass(frozen=True, slots=True)
class KeysOf:
    """Which key counts where in one log: those that end in it with the first index each does not count for."""

    ended: tuple[tuple[int, bytes], ...]
    rest: bytes

    def at(self, index: int) -> bytes:
        """Return the key that counts for the leaf `index`."""
        for bound, key in self.ended:
            if index < bound:
                return key
        return self.rest


def keys_of(party: Party, use: KeyUse, origin: str) -> KeysOf:
    """Return which key of `party` counts where in its log `origin`.

    For `KeyUse.LOG` an index is that of the last leaf under the head; for `KeyUse.MEMBER`, `origin` is empty and
    the index is the serial of the register in force.
    """
    place = _order(origin)
    ended: list[tuple[int, bytes]] = []
    for one in party.former_keys:
        if one.use is not use or _order(one.origin) < place:
            continue
        if _order(one.origin) > place:
            return KeysOf(tuple(ended), one.key)
        ended.append((_bound(one), one.key))
    return KeysOf(tuple(ended), party.log_key if use is KeyUse.LOG else party.signing_key)


def key_at(party: Party, use: KeyUse, origin: str, index: int) -> bytes:
    """Return the key of `party` that counts for the leaf `index` of its log `origin`, as `keys_of` says."""
    if not party.former_keys:
        return party.log_key if use is KeyUse.LOG else party.signing_key
    return keys_of(party, use, origin).at(index)


def every(party: Party, use: KeyUse) -> tuple[bytes, ...]:
    """Return every key `party` ever signed with for `use`, the present one first."""
    present = party.log_key if use is KeyUse.LOG else party.signing_key
    return (present, *(one.key for one in reversed(party.former_keys) if one.use is use))


def receipt_keys(node: Party | None, in_use: bytes) -> tuple[bytes, ...]:
    """Return the receipt key a node uses now and those the register knows from before."""
    known = () if node is None else every(node, KeyUse.RECEIPT)
    return (in_use, *(key for key in known if key != in_use))


def _bound(one: FormerKey) -> int:
    """Return the first index that `one` does not count for: a rotated receipt key still signs its own exchange."""
    return one.index + 1 if one.use is KeyUse.RECEIPT and one.end is KeyEnd.ROTATED else one.index


def _order(origin: str) -> tuple[int, int]:
    return checkpoint.origin_year(origin) if origin else (0, 0)


def _former(value: Json) -> FormerKey:
    members = json_members.exact(value, _MEMBERS)
    use = next((one for one in KeyUse if one.value == members["use"]), None)
    end = next((one for one in KeyEnd if one.value == members["end"]), None)
    if use is None or end is None:
        raise Malformed("register: unknown use or end of a key")
    key = base64url.decode_sized(json_members.text(members, "key"), KEY_BYTES)
    return FormerKey(use, key, json_members.text(members, "origin"), json_members.integer(members, "index"), end)
