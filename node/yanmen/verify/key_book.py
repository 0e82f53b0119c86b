"""Whose key counts at which leaf: the register says where keys ended, the log must say the same, leaf by leaf.

A node's keys end at leaves of its own log, a member's with a register; the log records each register it took in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, former_keys, json_members, key_change
from yanmen.formats.former_keys import KeysOf, keys_of
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.party import FormerKey, KeyUse, Party, Register
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

ABOUT_KEYS = frozenset({Stage.GENESIS, Stage.MEMBER, Stage.KEY})
"""Stages of the leaves that say something of keys."""


@dataclass(slots=True)
class KeyBook:
    """Follows the leaves of `holder`'s log `origin`; every other check asks it for keys."""

    members: Register
    holder: Party
    origin: str
    serial: int = 0
    continues: bool = False
    begun_s: int = 0
    _seen: set[int] = field(default_factory=set)

    def follow(self, use: Use) -> Iterator[Finding]:
        """Take in a leaf; yield what is wrong with what it says of keys."""
        match use.head.stage:
            case Stage.GENESIS:
                self.continues = isinstance(use.subject, dict) and "continues" in use.subject
                self.begun_s = use.head.iat_s
            case Stage.MEMBER:
                self._took_in(use.subject)
            case Stage.KEY:
                yield from self._key(use)
            case _:
                return

    def finish(self, size: int) -> Iterator[Finding]:
        """Yield the leaves that should have exchanged a key, as the register says, and did not."""
        for one in self._ended_here():
            if one.index < size and one.index not in self._seen:
                yield finding(Code.KEY_WRONG, one.index, Stage.KEY, "the exchange that the register lists is not here")

    def of_node(self, index: int) -> bytes:
        """Return the receipt key that counts at the leaf `index`."""
        return self._keys(KeyUse.RECEIPT).at(index)

    def acceptance_keys(self, index: int) -> tuple[bytes, ...]:
        """Return the keys whose decision on a contract counts at the leaf `index`; a carried one may be older."""
        now = self.of_node(index)
        return self._or_before(now, former_keys.every(self.holder, KeyUse.RECEIPT))

    def of_member(self, party: Party) -> bytes:
        """Return the key of a member that counts now, with the register in force at this leaf."""
        return former_keys.key_at(party, KeyUse.MEMBER, "", self.serial)

    def offer_keys(self, party: Party) -> tuple[bytes, ...]:
        """Return the keys whose offer counts now; one carried from an earlier log may be older."""
        return self._or_before(self.of_member(party), former_keys.every(party, KeyUse.MEMBER))

    def _or_before(self, now: bytes, newest_first: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if not self.continues or now not in newest_first:
            return (now,)
        return newest_first[newest_first.index(now) :]

    def _took_in(self, subject: Json) -> None:
        if isinstance(subject, dict) and "register" in subject:
            try:
                self.serial = json_members.integer(subject, "register", self.serial)
            except Malformed:
                return  # told as a register that went back is: its charges and keys fit nothing

    def _key(self, use: Use) -> Iterator[Finding]:
        try:
            if key_change.is_change(use.subject):
                self._exchanged(use)
            else:
                self._stated(use)
        except (Malformed, BadSignature) as error:
            yield finding(Code.KEY_WRONG, use.index, use.head.stage, str(error))

    def _exchanged(self, use: Use) -> None:
        """Hold an exchange to its signatures, its place and the register."""
        change = documents.open_key_change(key_change.read_subject(use.subject))
        if (change.party, change.origin, change.index) != (self.holder.id, self.origin, use.index):
            raise Malformed("signed for another place or node")
        listed = FormerKey(change.use, change.old, change.origin, change.index, change.end)
        if listed not in self.holder.former_keys:
            raise Malformed("the register does not list this exchange")
        if change.new != self._keys(change.use).at(use.index + 1):
            raise Malformed("the register lists another key after it")
        self._seen.add(use.index)

    def _stated(self, use: Use) -> None:
        """Hold what a log begins with, its two keys, to the register."""
        subject = use.subject
        if not isinstance(subject, dict) or subject.get("use") not in {KeyUse.RECEIPT.value, KeyUse.LOG.value}:
            return
        stated = base64url.decode(json_members.text(subject, "key"))
        if stated != self._keys(KeyUse(subject["use"])).at(use.index):
            raise Malformed("it states another key than the register")

    def _keys(self, use: KeyUse) -> KeysOf:
        return keys_of(self.holder, use, self.origin)

    def _ended_here(self) -> Iterator[FormerKey]:
        return (one for one in self.holder.former_keys if one.origin == self.origin)
