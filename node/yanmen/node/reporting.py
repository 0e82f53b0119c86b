"""Evidence is reported to the platform (存证上报): signed, numbered, chained, and acknowledged by its receipt.

A report is a leaf of the log (`document`) and a file in the node's outbox, which the department's own program hands on
as it does notices (node.toml, `[notify]`). The platform's receipt, signed by a data authority, is a leaf as well.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, evidence, note
from yanmen.formats.malformed import Malformed
from yanmen.ledger.signed import Paper
from yanmen.model.evidence import PLATFORM, EvidenceReceipt, EvidenceReport
from yanmen.model.governance import DocumentKind
from yanmen.model.party import PartyStatus
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.node import incidents
from yanmen.node.holder import Holder
from yanmen.node.incidents import OUTBOX, Told

SUBJECT = "platform"
"""All reports of a node are about one thing: the newest is the one the next names."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A report as it stands: whether the platform's receipt for it is here."""

    report: EvidenceReport
    token: bytes
    acknowledged: bool

    @property
    def sha256(self) -> str:
        """What the next report and the receipt name."""
        return digest(self.token)


def make(holder: Holder) -> tuple[Reported, Receipt, Told]:
    """Report what happened since the last report, and hand it on."""
    before = newest(holder)
    head = holder.ledger.checkpoint()
    since, growth = _since(before, head, holder)
    report = EvidenceReport(
        node=holder.config.id,
        number=1 if before is None else before.report.number + 1,
        previous="" if before is None else before.sha256,
        head=head,
        since=since,
        growth=growth,
        stages=holder.ledger.evidence_stages(since, size_of(head)),
        uses=holder.ledger.evidence_uses(since, evidence.USES_MAX),
        issued_s=holder.clock.now_ms() // 1000,
    )
    token = governance.sign_evidence(report, holder.receipt_signer)

    def follows(known: bytes | None) -> None:
        if (None if known is None else digest(known)) != (report.previous or None):
            hint = Detail("report", hint_en="Another report was made meanwhile.", hint_zh="期间已生成另一份上报。")
            raise Refused(Reason.REQUEST_REPLAYED, hint)

    receipt = holder.ledger.record_document(Paper(DocumentKind.EVIDENCE, SUBJECT, token), follows)
    path = _written(report, token, holder)
    return Reported(report, token, acknowledged=False), receipt, incidents.handed(holder, path)


def newest(holder: Holder) -> Reported | None:
    """Return the newest report, None when none was made."""
    token = holder.ledger.document(DocumentKind.EVIDENCE, SUBJECT)
    if token is None:
        return None
    receipt = holder.ledger.document(DocumentKind.EVIDENCE_RECEIPT, digest(token))
    return Reported(governance.peek_evidence(token), token, receipt is not None)


def record(token: bytes, holder: Holder) -> tuple[Receipt, EvidenceReceipt]:
    """Record the platform's receipt for the newest report."""
    found = _opened(token, holder)
    if found.node != holder.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请交由该节点登记。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    last = newest(holder)
    if last is None or (found.report_sha256, found.number) != (last.sha256, last.report.number):
        hint = Detail(
            f"report {found.number}",
            hint_en="It acknowledges another report than the newest: yanmen report show.",
            hint_zh="该回执对应的不是最新一份上报。",
        )
        raise Refused(Reason.REQUEST_MALFORMED, hint)
    paper = Paper(DocumentKind.EVIDENCE_RECEIPT, found.report_sha256, token)
    return holder.ledger.record_document(paper, lambda _: None), found


def _opened(token: bytes, holder: Holder) -> EvidenceReceipt:
    """Return the receipt in `token`, signed by a party that may take reports in."""
    try:
        claimed = governance.peek_evidence_receipt(token)
        party = holder.register.current().find(claimed.by)
        if party is None or party.role not in PLATFORM or party.status is not PartyStatus.ACTIVE:
            raise BadSignature("the register lists no such platform")
        return documents.open_with(governance.open_evidence_receipt, token, (party.signing_key,))
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail(
            "signature",
            hint_en="A data authority or regulator signs for reports.",
            hint_zh="须由数据主管部门或监管方签收。",
        )
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error


def digest(token: bytes) -> str:
    """Return what names a report."""
    return hashlib.sha256(token).hexdigest()


def size_of(head: str) -> int:
    """Return how many leaves a signed head covers."""
    return checkpoint.decode(note.decode(head.encode()).text).size


def _since(before: Reported | None, head: str, holder: Holder) -> tuple[int, tuple[bytes, ...]]:
    """Return where the last report ended and the proof of growth since; a log that began since begins at 0."""
    if before is None:
        return 0, ()
    old, new = (checkpoint.decode(note.decode(each.encode()).text) for each in (before.report.head, head))
    if old.origin != new.origin:
        return 0, ()
    return old.size, holder.ledger.consistency(old.size, new.size)


def _written(report: EvidenceReport, token: bytes, holder: Holder) -> Path:
    outbox = holder.directory / OUTBOX
    outbox.mkdir(mode=0o700, exist_ok=True)
    path = outbox / f"evidence-{report.number:06}.jws"
    path.write_bytes(token + b"\n")
    return path
