"""Follows the findings of inspections through the log: who signed each step, in which turn, and in time or not."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import json_members
from yanmen.formats.inspection import BYTES_MAX
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import MINUTE_S, Slot
from yanmen.model.inspection import Act, Issue, OutOfTurn, Step, after
from yanmen.model.party import PartyRole
from yanmen.model.receipt import Stage
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import All
from yanmen.verify.uses import Use

INSPECTORS = frozenset({PartyRole.AUDITOR, PartyRole.REGULATOR})


@dataclass(slots=True)
class Inspections:
    """The findings recorded so far; `digests` are those of all their steps.

    `carried` has the newest step of each finding that a log which continues another says again, right where it begins.
    """

    keys: KeyBook
    cases: dict[str, Issue] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    carried: dict[str, str] = field(default_factory=dict)

    def check(self, use: Use, said: All) -> Iterator[Finding]:
        """Yield what is wrong with a step that the leaf `use` records, or that it came late."""
        if use.head.stage is not Stage.INSPECTION or Slot.SUBJECT not in said:
            return
        try:
            members = json_members.exact(said[Slot.SUBJECT].value, frozenset({"document"}))
            token = json_members.text(members, "document", BYTES_MAX).encode("ascii", "replace")
            step = self.signed(token, use.index)
            known = self.cases.get(step.finding)
            digest = documents.digest(token)
            self.cases[step.finding] = after(known, step, digest)
            self.digests.add(digest)
            carried = self._carries(use)
            if carried:
                self.carried[step.finding] = digest
        except (Malformed, BadSignature, OutOfTurn) as error:
            yield finding(Code.INSPECTION_WRONG, use.index, use.head.stage, str(error))
            return
        if step.act is Act.RECTIFIED and known is not None and not carried and use.head.iat_s > known.deadline_s:
            yield finding(Code.RECTIFIED_LATE, use.index, use.head.stage, step.finding)

    def finish(self, last_s: int) -> Iterator[Finding]:
        """Yield the findings that should have been rectified before the last leaf, of this Unix time."""
        for issue in self.cases.values():
            if issue.overdue(last_s):
                yield finding(Code.RECTIFICATION_OVERDUE, subject=issue.finding)

    def _carries(self, use: Use) -> bool:
        """Say whether the leaf stands where a log that continues another says again what stood before."""
        return self.keys.continues and use.head.iat_s <= self.keys.begun_s + MINUTE_S

    def signed(self, token: bytes, index: int) -> Step:
        """Return the step in `token`, signed by whoever took it, with a key that counts at the leaf `index`."""
        claimed = documents.peek_step(token)
        if claimed.node != self.keys.holder.id:
            raise Malformed("about another node")
        if claimed.act is Act.RECTIFIED:
            return documents.open_with(documents.open_step, token, self.keys.acceptance_keys(index))
        party = self.keys.members.find(claimed.by)
        if party is None or party.role not in INSPECTORS:
            raise BadSignature("the register lists no such auditor or regulator")
        return documents.open_with(documents.open_step, token, self.keys.offer_keys(party))
