"""Released answers and how each job stands: what Fetch reads, also after a restart."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from yanmen.formats import json_canonical, json_members, released
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import Table
from yanmen.ledger import log
from yanmen.ledger.connection import Connection
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Answer, Plan

_DETAIL = frozenset({"clauses", "column", "hint_en", "hint_zh", "instead", "line", "subject"})
_DETAIL_TEXT_MAX = 16 * 1024
_DETAIL_ITEMS_MAX = 100
_DETAIL_BYTES_MAX = 32 * 1024 * 1024


_DESTROYED = Detail(
    hint_en="Its answer was destroyed when its contract, or the contract's retention term, was over.",
    hint_zh="该作业的结果已在合约终止或约定的保存期限届满后销毁。",
)


@dataclass(frozen=True, slots=True)
class Pending:
    """The job runs, or the node stopped before it ended and has not been started again."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The job was refused or failed; nothing left."""

    job_id: str
    reason: Reason
    detail: Detail
    receipt: Receipt

    def refusal(self) -> Refused:
        """Return what to raise for it."""
        return Refused(self.reason, self.detail, self.receipt)


Outcome = Pending | Answer | Declined


def question(plan: Plan) -> bytes:
    """Return what tells questions apart: equal only for the same plan on the same versions under the same rules."""
    admitted = plan.admitted
    return hashlib.sha256(
        json_canonical.encode(
            [
                plan.canonical,
                admitted.contract.digest,
                admitted.policy_digest,
                [[scan.schema, scan.version.dataset.name, scan.version.version] for scan in plan.scans],
                [[output.label, output.type.value] for output in plan.outputs],
                plan.release.value,
                plan.post_sql,
                str(plan.micro_rho),
                str(plan.delta_e12),
                plan.min_group,
            ]
        )
    ).digest()


def answered(db: Connection, plan: Plan) -> int | None:
    """Return the leaf under which this consumer was answered this question before, if it was."""
    row = db.execute(
        "SELECT answer FROM question WHERE consumer = ? AND contract = ? AND digest = ?",
        (plan.admitted.request.consumer, plan.admitted.contract.terms.id, question(plan)),
    ).fetchone()
    return None if row is None else int(row[0])


def running(db: Connection, plan: Plan) -> int | None:
    """Return the open intent under which this consumer is being answered this question, if it is."""
    row = db.execute(
        "SELECT position FROM intent WHERE ended IS NULL AND consumer = ? AND contract = ? AND question = ?",
        (plan.admitted.request.consumer, plan.admitted.contract.terms.id, question(plan)),
    ).fetchone()
    return None if row is None else int(row[0])


def is_open(db: Connection, position: int) -> bool:
    """Say whether nothing has ended the intent at `position` yet."""
    row = db.execute("SELECT 1 FROM intent WHERE position = ? AND ended IS NULL", (position,)).fetchone()
    return row is not None


def keep(db: Connection, position: int, encoded: bytes) -> None:
    """Keep a released table under its outcome leaf."""
    db.execute("INSERT INTO answer (position, released) VALUES (?, ?)", (position, encoded))


def stored(db: Connection, position: int) -> bytes:
    """Return the released table first shown under the leaf at `position`."""
    row = db.execute("SELECT released FROM answer WHERE position = ?", (position,)).fetchone()
    if row is None:
        raise Fault(FaultCode.STORAGE, "ledger: an answer is missing")
    return bytes(row[0])


def table(encoded: bytes) -> Table:
    """Return the table that stored bytes hold."""
    try:
        return released.decode(encoded)
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: an answer is not readable") from error


def outcome(db: Connection, owner: str, job_id: str) -> Outcome:
    """Return how the job stands; another party's job is as unknown as one that never was."""
    row = db.execute(
        "SELECT state, position, answer, micro_rho, micro_rho_left, price_fen, reason, detail"
        " FROM job WHERE owner = ? AND job_id = ?",
        (owner, job_id),
    ).fetchone()
    if row is None:
        raise Refused(Reason.JOB_UNKNOWN)
    state, position, answer, micro_rho, micro_rho_left, price_fen, reason, detail = row
    if state == "running":
        return Pending(job_id)
    receipt = log.read_receipt(db, position, whole=False)
    if state == "declined":
        return Declined(job_id, Reason(reason), _decode_detail(detail), receipt)
    encoded = stored(db, answer)
    if not encoded:
        raise Refused(Reason.JOB_UNKNOWN, _DESTROYED)
    shown = table(encoded)
    return Answer(
        job_id=job_id,
        labels=shown.labels,
        types=shown.types,
        rows=shown.rows,
        widths=shown.widths,
        suppressed=shown.suppressed,
        mechanism=shown.mechanism,
        notice=shown.notice,
        micro_rho=micro_rho,
        micro_rho_left=micro_rho_left,
        price_fen=price_fen,
        repeated=answer != position,
        receipt=receipt,
    )


@lru_cache(maxsize=256)
def encode_detail(detail: Detail) -> bytes:
    """Return the row's bytes of `detail`, texts and lists cut to what is read back."""
    plain: dict[str, Json] = {
        "clauses": [text[:_DETAIL_TEXT_MAX] for text in detail.clauses[:_DETAIL_ITEMS_MAX]],
        "column": detail.column,
        "hint_en": detail.hint_en[:_DETAIL_TEXT_MAX],
        "hint_zh": detail.hint_zh[:_DETAIL_TEXT_MAX],
        "instead": [text[:_DETAIL_TEXT_MAX] for text in detail.instead[:_DETAIL_ITEMS_MAX]],
        "line": detail.line,
        "subject": detail.subject[:_DETAIL_TEXT_MAX],
    }
    return json_canonical.encode(plain)


def _decode_detail(data: bytes) -> Detail:
    try:
        members = json_members.exact(json_canonical.decode(data, _DETAIL_BYTES_MAX), _DETAIL)
        return Detail(
            subject=json_members.text(members, "subject", _DETAIL_TEXT_MAX),
            line=json_members.integer(members, "line"),
            column=json_members.integer(members, "column"),
            hint_en=json_members.text(members, "hint_en", _DETAIL_TEXT_MAX),
            hint_zh=json_members.text(members, "hint_zh", _DETAIL_TEXT_MAX),
            clauses=json_members.texts(members, "clauses", max_length=_DETAIL_TEXT_MAX),
            instead=json_members.texts(members, "instead", max_length=_DETAIL_TEXT_MAX),
        )
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: the detail of a refusal is not readable") from error
