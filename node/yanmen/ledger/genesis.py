"""How a ledger begins: whose it is, and the first leaves of its log."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from yanmen.crypto import keys
from yanmen.formats import base64url, checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.opening import Opening
from yanmen.formats.receipt import SUITE, Slot
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Identity, Log
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode

CIVIL_TIME = timezone(timedelta(hours=8))
"""A log is named after the Chinese civil year it was begun in."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """The node that keeps the ledger: its id, its two keys, and where it takes time and randomness from."""

    node_id: str
    receipt_signer: Signer
    log_signer: Signer
    clock: Clock
    randomness: Randomness


def identify(db: Connection, keeper: Keeper) -> Identity:
    """Return whose ledger this is, which must be the keeper's with the keeper's keys; a new one becomes that."""
    public = (keeper.receipt_signer.public, keeper.log_signer.public)
    row = db.execute("SELECT id, origin, receipt_key, log_key FROM node").fetchone()
    if row is None:
        return adopt(db, keeper, checkpoint.origin(keeper.node_id, civil_year(keeper.clock.now_ms())))
    if row[0] != keeper.node_id:
        raise Fault(FaultCode.CONFIG, "this is the ledger of another node")
    if (row[2], row[3]) != public:
        raise Fault(FaultCode.KEYS, "the ledger was begun with other keys")
    return Identity(node_id=row[0], origin=row[1])


def adopt(db: Connection, keeper: Keeper, origin: str) -> Identity:
    """Make a new ledger the keeper's, for the log `origin`."""
    public = (keeper.receipt_signer.public, keeper.log_signer.public)
    db.execute(
        "INSERT INTO node (one, id, origin, receipt_key, log_key, created_ms) VALUES (1, ?, ?, ?, ?, ?)",
        (keeper.node_id, origin, *public, keeper.clock.now_ms()),
    )
    return Identity(node_id=keeper.node_id, origin=origin)


def civil_year(now_ms: int) -> int:
    """Return the Chinese civil year at the Unix time `now_ms`."""
    return datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(CIVIL_TIME).year


def begin(db: Connection, log: Log, identity: Identity, keeper: Keeper, opening: Opening | None = None) -> None:
    """Append what every log begins with: who keeps it, what it continues, and the two keys it is checked with."""
    said: dict[str, Json] = {"node": identity.node_id, "origin": identity.origin, "suite": SUITE}
    if opening is not None:
        said["continues"] = opening.json()
    log.append(db, Stage.GENESIS, {Slot.SUBJECT: said}, About())
    for use, signer in (("receipt", keeper.receipt_signer), ("log", keeper.log_signer)):
        key: Json = {
            "key": base64url.encode(signer.public),
            "kid": keys.thumbprint(signer.public),
            "node": identity.node_id,
            "use": use,
        }
        log.append(db, Stage.KEY, {Slot.SUBJECT: key}, About())
    log.seal(db)
