"""How a ledger begins: whose it is, and the first leaves of its log."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from yanmen.crypto import keys
from yanmen.formats import base64url, checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import SUITE, Slot
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


def identify(db: sqlite3.Connection, keeper: Keeper) -> Identity:
    """Return whose ledger this is, which must be the keeper's with the keeper's keys; a new one becomes that."""
    public = (keeper.receipt_signer.public, keeper.log_signer.public)
    row = db.execute("SELECT id, origin, receipt_key, log_key FROM node").fetchone()
    if row is None:
        now_ms = keeper.clock.now_ms()
        year = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(CIVIL_TIME).year
        row = (keeper.node_id, checkpoint.origin(keeper.node_id, year), *public)
        db.execute(
            "INSERT INTO node (one, id, origin, receipt_key, log_key, created_ms) VALUES (1, ?, ?, ?, ?, ?)",
            (*row, now_ms),
        )
    if row[0] != keeper.node_id:
        raise Fault(FaultCode.CONFIG, "this is the ledger of another node")
    if (row[2], row[3]) != public:
        raise Fault(FaultCode.KEYS, "the ledger was begun with other keys")
    return Identity(node_id=row[0], origin=row[1])


def begin(db: sqlite3.Connection, log: Log, identity: Identity, keeper: Keeper) -> None:
    """Append what every log begins with: who keeps it, and the two keys it is checked with."""
    said: Json = {"node": identity.node_id, "origin": identity.origin, "suite": SUITE}
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
