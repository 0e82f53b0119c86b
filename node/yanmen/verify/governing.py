"""Holds the signed documents that a log records to whoever had to sign them, and to their order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id, json_members, jws, negative_list, office, review
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.office import WHO
from yanmen.model.party import Party, PartyRole
from yanmen.model.receipt import Stage
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import All
from yanmen.verify.uses import Use

BYTES_MAX = 128 * 1024


@dataclass(slots=True)
class Governing:
    """The documents recorded so far; `serials` are those of the newest negative lists, by who issued them."""

    keys: KeyBook
    serials: dict[str, int] = field(default_factory=dict)

    def check(self, use: Use, said: All) -> Iterator[Finding]:
        """Yield what is wrong with the document that the leaf `use` records."""
        if use.head.stage is not Stage.DOCUMENT or Slot.SUBJECT not in said:
            return
        try:
            members = json_members.exact(said[Slot.SUBJECT].value, frozenset({"document"}))
            token = json_members.text(members, "document", BYTES_MAX).encode("ascii", "replace")
            self._read(token)
        except (Malformed, BadSignature) as error:
            yield finding(Code.DOCUMENT_WRONG, use.index, use.head.stage, str(error))

    def _read(self, token: bytes) -> None:
        reader = _READERS.get(jws.split(token, BYTES_MAX).typ)
        if reader is None:
            raise Malformed("a document of no known type")
        reader(self, token)

    def _review(self, token: bytes) -> None:
        claimed = governance.peek_review(token)
        self._ours(claimed.node)
        governance.open_review(token, self._authority(claimed.by))

    def _negative_list(self, token: bytes) -> None:
        claimed = governance.peek_negative_list(token)
        found = governance.open_negative_list(token, self._authority(claimed.by))
        if found.serial <= self.serials.get(found.by, 0):
            raise Malformed("a negative list that was replaced before")
        self.serials[found.by] = found.serial

    def _office(self, token: bytes) -> None:
        claimed = governance.peek_office(token)
        self._ours(claimed.node)
        party = self.keys.members.find(claimed.by)
        if party is None or party.role is not WHO[claimed.act]:
            raise BadSignature("the register lists no such officer")
        if connector_id.decode(claimed.by).subject != connector_id.decode(claimed.node).subject:
            raise BadSignature("an officer of another department")
        governance.open_office(token, self.keys.of_member(party))

    def _ours(self, node: str) -> None:
        if node != self.keys.holder.id:
            raise Malformed("about another node")

    def _authority(self, party_id: str) -> bytes:
        party: Party | None = self.keys.members.find(party_id)
        if party is None or party.role is not PartyRole.AUTHORITY:
            raise BadSignature("the register lists no such data authority")
        return self.keys.of_member(party)


_READERS: dict[str, Callable[[Governing, bytes], None]] = {
    review.TYP: Governing._review,  # noqa: SLF001 - the class's own
    negative_list.TYP: Governing._negative_list,  # noqa: SLF001 - as above
    office.TYP: Governing._office,  # noqa: SLF001 - as above
}
