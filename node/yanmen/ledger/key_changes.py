"""The exchange of one of the node's keys: a leaf, the head over it and the key from then on, in one transaction.

The old receipt key signs the leaf that rotates it; after a revocation it signs nothing. The head over the leaf
is signed by the log key that is in use from then on.
"""

from dataclasses import dataclass

from yanmen.crypto import documents
from yanmen.formats import key_change
from yanmen.formats.json_canonical import Json
from yanmen.formats.key_change import KeyChange
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import log, remembered
from yanmen.ledger.connection import Connection
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.log import About, Identity, Log
from yanmen.model.party import KeyEnd, KeyUse
from yanmen.model.ports import Signer
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

_SET = {
    KeyUse.RECEIPT: "UPDATE node SET receipt_key = ?",
    KeyUse.LOG: "UPDATE node SET log_key = ?",
}
_LOG_KEYS = "SELECT position, old FROM key_change WHERE use = 'log' ORDER BY position"


@dataclass(frozen=True, slots=True)
class Demand:
    """Which key ends, how, by whose decision and why, and what signs instead."""

    use: KeyUse
    end: KeyEnd
    actor: str
    reason: str
    new: Signer


def exchange(db: Connection, identity: Identity, keeper: Keeper, demand: Demand) -> int:
    """Record that a key of the keeper's ends here and return the leaf; its head is signed too."""
    old = _old(keeper, demand.use)
    position = log.size(db)
    _check_new(db, keeper, demand)
    signed = documents.sign_key_change(_change(identity, keeper, demand, position), demand.new, old)
    before, after = _logs(identity, keeper, demand)
    said: dict[Slot, Json] = {Slot.ACTOR: demand.actor, Slot.SUBJECT: signed.json()}
    revoked_receipt = demand.use is KeyUse.RECEIPT and demand.end is KeyEnd.REVOKED
    if revoked_receipt:
        db.execute(_SET[demand.use], (demand.new.public,))
    entry = (after if revoked_receipt else before).append(db, Stage.KEY, said, About())
    db.execute(_SET[demand.use], (demand.new.public,))
    remembered.forget(db)
    db.execute(
        "INSERT INTO key_change (position, use, ending, old, new) VALUES (?, ?, ?, ?, ?)",
        (entry.position, demand.use.value, demand.end.value, old.public, demand.new.public),
    )
    after.seal(db)
    return entry.position


def log_key_at(db: Connection, size: int) -> bytes:
    """Return the key that a head of `size` leaves is signed with."""
    for position, old in db.execute(_LOG_KEYS):
        if size <= position:
            return bytes(old)
    (now,) = db.execute("SELECT log_key FROM node").fetchone()
    return bytes(now)


def newest(db: Connection, use: KeyUse) -> int | None:
    """Return the leaf that exchanged a key of this use last."""
    row = db.execute("SELECT max(position) FROM key_change WHERE use = ?", (use.value,)).fetchone()
    return None if row[0] is None else int(row[0])


def in_use(db: Connection) -> tuple[bytes, bytes]:
    """Return the receipt key and the log key in use."""
    row = db.execute("SELECT receipt_key, log_key FROM node").fetchone()
    if row is None:
        raise Fault(FaultCode.STORAGE, "this ledger has not begun")
    return bytes(row[0]), bytes(row[1])


def signed_at(db: Connection, position: int) -> key_change.Signed:
    """Return the signed change that the leaf `position` records."""
    try:
        return key_change.read_subject(log.read_slots(db, position).get(Slot.SUBJECT))
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: a key change is not readable") from error


def _old(keeper: Keeper, use: KeyUse) -> Signer:
    match use:
        case KeyUse.RECEIPT:
            return keeper.receipt_signer
        case KeyUse.LOG:
            return keeper.log_signer
        case KeyUse.MEMBER:
            raise Fault(FaultCode.INTERNAL, "a node has no member key")


def _check_new(db: Connection, keeper: Keeper, demand: Demand) -> None:
    """Refuse a key that is in use, or was."""
    used = {keeper.receipt_signer.public, keeper.log_signer.public}
    used |= {bytes(row[0]) for row in db.execute("SELECT old FROM key_change")}
    if demand.new.public in used:
        raise Fault(FaultCode.KEYS, "a key that was in use never comes back")


def _change(identity: Identity, keeper: Keeper, demand: Demand, position: int) -> KeyChange:
    change = KeyChange(
        party=identity.node_id,
        use=demand.use,
        end=demand.end,
        old=_old(keeper, demand.use).public,
        new=demand.new.public,
        origin=identity.origin,
        index=position,
        issued_s=keeper.clock.now_ms() // 1000,
        reason=demand.reason,
    )
    try:
        key_change.encode(change)
    except Malformed as error:
        hint = "Say why the key ends, in at most 1,000 characters."
        detail = Detail(str(error), hint_en=hint, hint_zh="请写明更换密钥的理由。")
        raise Refused(Reason.REQUEST_MALFORMED, detail) from error
    return change


def _logs(identity: Identity, keeper: Keeper, demand: Demand) -> tuple[Log, Log]:
    """Return the log as it signs before the exchange, and after it."""

    def kept(receipt_signer: Signer, log_signer: Signer) -> Log:
        return Log(identity, receipt_signer, log_signer, keeper.clock, keeper.randomness)

    before = kept(keeper.receipt_signer, keeper.log_signer)
    if demand.use is KeyUse.RECEIPT:
        return before, kept(demand.new, keeper.log_signer)
    return before, kept(keeper.receipt_signer, demand.new)
