"""An audit bundle as the pages of a console read a ledger: in tables in memory, made of what its leaves disclose.

Only what the log itself says is in them. What a node keeps beside its log (specifications, members' offers, witnesses'
cosignatures, jobs) is in no bundle, and its tables are empty here.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from yanmen.formats import base64url, merkle, receipt
from yanmen.formats.bundle import Entry, Statement
from yanmen.formats.json_canonical import Json
from yanmen.formats.opening import read as read_opening
from yanmen.formats.question_slots import ReleaseRule
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget, Price
from yanmen.ledger import schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.store import faults
from yanmen.model.receipt import Stage

_ENDS = frozenset({Stage.OUTCOME, Stage.ABORTED})


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle is about: whose log, under which head and keys; its verification held."""

    statement: Statement
    head: str
    receipt_key: bytes
    log_key: bytes


class Bundled:
    """The tables; they never change, and are used by one reader at a time."""

    __slots__ = ("_db", "_lock")

    def __init__(self, about: Verified, entries: Iterable[Entry]) -> None:
        """Fill them with the leaves of a bundle, in order."""
        self._lock = Lock()
        with faults():
            self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            schema.migrate(self._db, schema.migrations())
            self._db.execute("BEGIN")
            _fill(self._db, about, entries)
            self._db.execute("COMMIT")
            self._db.execute("PRAGMA query_only = ON")

    @contextmanager
    def view(self) -> Iterator[Connection]:
        """Give the one view there is."""
        with self._lock, faults():
            yield self._db


def _fill(db: sqlite3.Connection, about: Verified, entries: Iterable[Entry]) -> None:
    stated = about.statement
    db.execute(
        "INSERT INTO node (one, id, origin, receipt_key, log_key, created_ms) VALUES (1, ?, ?, ?, ?, 0)",
        (stated.node, stated.origin, about.receipt_key, about.log_key),
    )
    db.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (stated.size, about.head))
    refs: dict[str, int] = {}
    spaces: dict[str, tuple[int, int]] = {}
    for index, entry in enumerate(entries):
        said = receipt.decode(entry.sdjwt)
        party = said.slots.get(Slot.CONSUMER, "")
        db.execute(
            "INSERT INTO leaf (position, jti, stage, party, at_ms, jws) VALUES (?, ?, ?, ?, ?, ?)",
            (index, said.leaf.head.jti, entry.stage.value, party, said.leaf.head.iat_s * 1000, entry.leaf.decode()),
        )
        disclosures = entry.sdjwt.partition("~")[2]
        db.execute("INSERT INTO disclosure (position, shown, withheld) VALUES (?, ?, '')", (index, disclosures))
        if entry.stage is Stage.INTENT:
            ref = base64url.encode(merkle.leaf_hash(entry.leaf))
            refs[ref] = index
            _intend(db, index, ref, said.slots)
        elif entry.stage in _ENDS and said.leaf.head.intent in refs:
            db.execute("UPDATE intent SET ended = ? WHERE position = ?", (index, refs[said.leaf.head.intent]))
        elif entry.stage is Stage.GENESIS:
            _open(db, said.slots.get(Slot.SUBJECT))
        spaces.update(_lifetime(said.slots.get(Slot.SUBJECT)))
    spent = {total.space: total for total in stated.spaces}
    for name, (micro_rho, delta_e12) in spaces.items():
        total = spent.get(name)
        used = (0, 0) if total is None else (total.micro_rho, total.delta_e12)
        db.execute(
            "INSERT INTO subject_space (name, micro_rho_cap, micro_rho_spent, delta_e12_cap, delta_e12_spent)"
            " VALUES (?, ?, ?, ?, ?)",
            (name, micro_rho, used[0], delta_e12, used[1]),
        )


def _intend(db: sqlite3.Connection, index: int, ref: str, slots: Mapping[Slot, Json]) -> None:
    budget, price = Budget.read(slots[Slot.BUDGET]), Price.read(slots[Slot.PRICE])
    release = ReleaseRule.read(slots[Slot.RELEASE]).cls
    db.execute(
        "INSERT INTO intent (position, ref, owner, job_id, consumer, contract, space, release, question,"
        " micro_rho, delta_e12, price_fen) VALUES (?, ?, '', ?, ?, ?, ?, ?, zeroblob(32), ?, ?, ?)",
        (
            index,
            ref,
            ref,  # what a job was called is no part of the log
            slots[Slot.CONSUMER],
            slots[Slot.CONTRACT],
            budget.space,
            release.value,
            budget.micro_rho,
            budget.delta_e12,
            price.fen,
        ),
    )


def _open(db: sqlite3.Connection, subject: Json) -> None:
    """Keep what every subject space had spent before this log began."""
    opening = read_opening(subject)
    for space in () if opening is None else opening.spaces:
        db.execute(
            "INSERT INTO opening (kind, name, micro_rho, delta_e12) VALUES ('space', ?, ?, ?)",
            (space.space, space.micro_rho, space.delta_e12),
        )


def _lifetime(subject: Json) -> dict[str, tuple[int, int]]:
    match subject:
        case {
            "status": "registered" | "renewed",
            "space": str(name),
            "lifetime_micro_rho": int(rho),
            "lifetime_delta_e12": int(delta),
        }:
            return {name: (rho, delta)}
        case _:
            return {}
