"""What consumers acknowledged of the answers they were given, and what is still due."""

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import acknowledgement, receipt
from yanmen.formats.acknowledgement import Acknowledged
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import log
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log
from yanmen.model.party import Party
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Reason, Refused

SKEW_S = 60
"""How far a consumer's clock may be ahead of the node's."""


def give(db: Connection, outcome: int, about: About, job_id: str) -> None:
    """Note that the answer under the leaf `outcome` is given, to be acknowledged."""
    db.execute(
        "INSERT INTO given (outcome, consumer, contract, job_id) VALUES (?, ?, ?, ?)",
        (outcome, about.party, about.contract, job_id),
    )


def require_none_due(db: Connection, about: About) -> None:
    """Refuse while an answer under this contract is not acknowledged, or is still to come."""
    due = db.execute(
        "SELECT job_id FROM given WHERE consumer = ? AND contract = ? AND acknowledged IS NULL ORDER BY outcome",
        (about.party, about.contract),
    ).fetchone()
    if due is not None:
        hint = Detail(
            subject=due[0],
            hint_en="Fetch this job and acknowledge its receipt (yanmen fetch does both), then ask again.",
            hint_zh="请取回该作业的结果并确认其回执（yanmen fetch 会一并完成），然后再提问。",
        )
        raise Refused(Reason.ACKNOWLEDGEMENT_DUE, hint)
    running = db.execute(
        "SELECT job_id FROM intent WHERE ended IS NULL AND consumer = ? AND contract = ?", (about.party, about.contract)
    ).fetchone()
    if running is not None:
        hint = Detail(
            subject=running[0],
            hint_en="This job is still running; fetch and acknowledge its answer first.",
            hint_zh="该作业仍在运行，请先取回并确认其结果。",
        )
        raise Refused(Reason.ACKNOWLEDGEMENT_DUE, hint)


def keep(db: Connection, log_: Log, party: Party, outcome: int, token: bytes) -> int:
    """Record the acknowledgement `token` of the answer under the leaf `outcome`; return its leaf, the same again."""
    row = db.execute(
        "SELECT contract, acknowledged FROM given WHERE outcome = ? AND consumer = ?", (outcome, party.id)
    ).fetchone()
    if row is None:
        raise Refused(Reason.JOB_UNKNOWN)
    contract, acknowledged = row
    if acknowledged is not None:
        return int(acknowledged)
    given = log.as_given(db, outcome)
    jti = _check(given, token, log_.identity.origin, log_.now_ms(db) // 1000)
    slots: log.Slots = {
        Slot.CONTRACT: contract,
        Slot.CONSUMER: party.id,
        Slot.SUBJECT: Acknowledged(jti, token.decode("ascii")).json(),
    }
    position = log_.append(db, Stage.ACKNOWLEDGED, slots, About(contract, party.id)).position
    db.execute("UPDATE given SET acknowledged = ? WHERE outcome = ?", (position, outcome))
    return position


def _check(given: str, token: bytes, origin: str, now_s: int) -> str:
    """Hold `token` to the receipt as it was given, and return the id of the receipt."""
    try:
        disclosed = receipt.decode(given)
        if Slot.CNF not in disclosed.slots:
            raise Refused(Reason.JOB_UNKNOWN)  # erased
        key = acknowledgement.confirmed_key(disclosed.slots[Slot.CNF])
        said = documents.open_acknowledgement(token, key)
    except (Malformed, BadSignature) as error:
        raise Refused(Reason.SIGNATURE_INVALID, Detail(subject=str(error))) from error
    wrong = {
        "aud": said.origin != origin,
        "nonce": said.jti != disclosed.leaf.head.jti,
        "sd_hash": said.sd_hash != acknowledgement.sd_hash(given),
        "iat": not disclosed.leaf.head.iat_s - SKEW_S <= said.issued_s <= now_s + SKEW_S,
    }
    for name in (name for name, differs in wrong.items() if differs):
        raise Refused(Reason.SIGNATURE_INVALID, Detail(subject=name))
    return said.jti
