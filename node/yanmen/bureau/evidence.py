"""The platform's book of evidence (存证): what each node reported, held to signatures, order and growth of its log.

A report counts when its node signed it, it names the report before, its head is signed by the node's log key, and the
log only grew since. Whatever does not count is refused and leaves no trace in the book.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto import documents, governance, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.evidence import BYTES_MAX
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.model.evidence import EvidenceReport
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Detail, Reason, Refused


@dataclass(frozen=True, slots=True)
class Taken:
    """A report that counts, and what names it."""

    report: EvidenceReport
    sha256: str
    head: Checkpoint


@dataclass(frozen=True, slots=True)
class EvidenceBook:
    """A folder of reports, by node and number; each is verified again whenever it is read."""

    folder: Path
    register: Register

    def nodes(self) -> tuple[str, ...]:
        """Return which nodes reported."""
        return tuple(sorted(path.name for path in self.folder.iterdir())) if self.folder.is_dir() else ()

    def follow(self, node: str) -> tuple[Taken, ...]:
        """Return a node's reports from the first on."""
        taken: list[Taken] = []
        for path in sorted((self.folder / node).glob("*.jws")):
            taken.append(self._after(regular_file.read(path, BYTES_MAX + 1), taken[-1] if taken else None))
        return tuple(taken)

    def take(self, token: bytes) -> Taken:
        """Take in the next report of its node; one that is here already changes nothing."""
        try:
            claimed = governance.peek_evidence(token).node
            party = self._node(claimed)
            known = self.follow(party.id)
            again = next((each for each in known if each.sha256 == _sha256(token)), None)
            if again is not None:
                return again
            taken = self._after(token, known[-1] if known else None)
        except (Malformed, BadSignature, BadProof) as error:
            hint = Detail(str(error), hint_en="Not taken in.", hint_zh="未予接收。")
            raise Refused(Reason.REQUEST_MALFORMED, hint) from error
        place = self.folder / party.id
        place.mkdir(parents=True, exist_ok=True)
        fd = os.open(place / f"{taken.report.number:06}.jws", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(fd, "wb") as out:
            out.write(token)
            out.flush()
            os.fsync(out.fileno())
        return taken

    def _after(self, token: bytes, before: Taken | None) -> Taken:
        party = self._node(governance.peek_evidence(token).node)
        report = documents.open_with(governance.open_evidence, token, every(party, KeyUse.RECEIPT))
        head = _head(report.head, party)
        number, previous = (1, "") if before is None else (before.report.number + 1, before.sha256)
        if (report.number, report.previous) != (number, previous):
            raise Malformed(f"it is not report {number}, after the last one")
        if before is None or before.head.origin != head.origin:
            _begun(report)
        else:
            _grown(report, before.head, head)
        if sum(report.stages.values()) != head.size - report.since:
            raise Malformed("it counts other leaves than came since the last report")
        return Taken(report, _sha256(token), head)

    def _node(self, party_id: str) -> Party:
        party = self.register.find(party_id)
        if party is None or party.role is not PartyRole.NODE or party.status is PartyStatus.PENDING:
            raise BadSignature("the register lists no such node")
        return party


def _head(text: str, party: Party) -> Checkpoint:
    signed = note.decode(text.encode())
    origin = signed.text.partition("\n")[0]
    if not origin.startswith(f"{party.id}.yanmen/"):
        raise Malformed("the head of another node's log")
    keys = every(party, KeyUse.LOG)
    for key in keys[:-1]:
        try:
            return notes.verify_checkpoint(signed, origin, key)
        except BadSignature:
            continue
    return notes.verify_checkpoint(signed, origin, keys[-1])


def _begun(report: EvidenceReport) -> None:
    if report.since or report.growth:
        raise Malformed("a log that begins has nothing before it")


def _grown(report: EvidenceReport, old: Checkpoint, new: Checkpoint) -> None:
    if report.since != old.size:
        raise Malformed("it does not go on where the last report ended")
    merkle.verify_consistency(old.size, new.size, report.growth, old.root, new.root)


def _sha256(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()
