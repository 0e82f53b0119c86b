"""What a read-only look at the ledger is for: how everything stands, in lists a person reads.

Every function takes a connection of `read_only.ReadOnly` and reads nothing that one may not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from yanmen.formats import merkle, note, proof
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Slot
from yanmen.ledger import contracts, cosigned, log, tree
from yanmen.ledger.budget import CIVIL_OFFSET_MS, DAY_MS
from yanmen.ledger.connection import Connection
from yanmen.model.contract import ContractStatus, Terms
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Refused

Look = Connection
"""One consistent view, as `read_only.ReadOnly` gives it: for those who may not name the database."""


@dataclass(frozen=True, slots=True)
class Use:
    """A question that was charged: its intent's leaf, for whom, under what; `ended` is None while it runs."""

    index: int
    at_ms: int
    consumer: str
    contract: str
    space: str
    release: str
    micro_rho: int
    price_fen: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class LeafLine:
    """One leaf as a list shows it; `party` is the consumer it is about, "" = none."""

    index: int
    jti: str
    stage: Stage
    party: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Said:
    """One leaf with what it discloses."""

    line: LeafLine
    slots: Mapping[Slot, Json]


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What one consumer spent of one subject space on one day (UTC+8, days since 1970)."""

    day: int
    space: str
    consumer: str
    uses: int
    micro_rho: int
    delta_e12: int


@dataclass(frozen=True, slots=True)
class MonthTaken:
    """What the uses under one contract cost in one month (UTC+8, `2026-11`)."""

    month: str
    contract: str
    consumer: str
    uses: int
    price_fen: int


@dataclass(frozen=True, slots=True)
class ContractStanding:
    """How a contract stands; `terms` is None when the stored offer is not what was signed."""

    id: str
    consumer: str
    status: ContractStatus
    decided_by: str
    offered: int
    offered_ms: int
    micro_rho_spent: int
    delta_e12_spent: int
    queries_spent: int
    price_fen_spent: int
    terms: Terms | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the holder ordered and has not taken back.

    That is the leaf that disconnected the node (None = none), and those by member and by dataset.
    """

    disconnected: int | None
    members: tuple[tuple[str, int], ...]
    datasets: tuple[tuple[str, int], ...]


_FIRST_DAY = date(1970, 1, 1)
_USE = (
    "SELECT intent.position, leaf.at_ms, intent.consumer, intent.contract, intent.space, intent.release,"
    " intent.micro_rho, intent.price_fen, intent.ended FROM intent JOIN leaf USING (position)"
)
_LEAF = "SELECT position, jti, stage, party, at_ms FROM leaf"
_CONTRACT = (
    "SELECT id, consumer, CASE WHEN negotiating = '' THEN status ELSE negotiating END, decided_by, offered,"
    " leaf.at_ms, micro_rho_spent, delta_e12_spent,"
    " queries_spent, price_fen_spent FROM contract JOIN leaf ON leaf.position = contract.offered"
)


def identity(db: Connection) -> tuple[str, str]:
    """Return the node's id and the name of its log."""
    node, origin = db.execute("SELECT id, origin FROM node").fetchone()
    return str(node), str(origin)


def last(db: Connection) -> LeafLine:
    """Return the newest leaf: a log begins with one."""
    return _line(db.execute(f"{_LEAF} ORDER BY position DESC LIMIT 1").fetchone())


def running(db: Connection, most: int) -> tuple[Use, ...]:
    """Return the questions that are running now, oldest first."""
    rows = db.execute(f"{_USE} WHERE intent.ended IS NULL ORDER BY intent.position LIMIT ?", (most,))
    return tuple(Use(*row) for row in rows)


def recent(db: Connection, most: int) -> tuple[Use, ...]:
    """Return the newest questions that ended, newest first."""
    rows = db.execute(f"{_USE} WHERE intent.ended IS NOT NULL ORDER BY intent.position DESC LIMIT ?", (most,))
    return tuple(Use(*row) for row in rows)


def stages(db: Connection, indices: Iterable[int]) -> dict[int, Stage]:
    """Return the stage of each leaf of `indices`."""
    found: dict[int, Stage] = {}
    for index in indices:
        row = db.execute("SELECT stage FROM leaf WHERE position = ?", (index,)).fetchone()
        found[index] = Stage(row[0])
    return found


def leaves(db: Connection, before: int, most: int) -> tuple[LeafLine, ...]:
    """Return leaves below the index `before`, newest first."""
    rows = db.execute(f"{_LEAF} WHERE position < ? ORDER BY position DESC LIMIT ?", (before, most))
    return tuple(map(_line, rows))


def leaf(db: Connection, index: int) -> Said | None:
    """Return one leaf with all it discloses here, None when there is no such leaf."""
    row = db.execute(f"{_LEAF} WHERE position = ?", (index,)).fetchone()
    return None if row is None else Said(_line(row), log.read_slots(db, index, whole=False))


def said(db: Connection, stage: Stage, most: int) -> tuple[Said, ...]:
    """Return the newest leaves of one stage, newest first."""
    rows = db.execute(f"{_LEAF} WHERE stage = ? ORDER BY position DESC LIMIT ?", (stage.value, most)).fetchall()
    return tuple(Said(_line(row), log.read_slots(db, row[0], whole=False)) for row in rows)


def stopped(db: Connection) -> Stopped:
    """Return what is stopped now."""
    row = db.execute("SELECT position FROM disconnected").fetchone()
    members = db.execute("SELECT party, position FROM member_suspended ORDER BY position").fetchall()
    withheld = db.execute("SELECT name, position FROM dataset_suspended ORDER BY position").fetchall()
    return Stopped(None if row is None else int(row[0]), tuple(members), tuple(withheld))


def spent_by_day(db: Connection) -> tuple[DaySpent, ...]:
    """Return what was charged, by day, subject space and consumer; open data charges no space and is left out."""
    rows = db.execute(
        "SELECT (leaf.at_ms + ?) / ? AS day, intent.space, intent.consumer, count(*), sum(intent.micro_rho),"
        " sum(intent.delta_e12) FROM intent JOIN leaf USING (position) WHERE intent.space <> ''"
        " GROUP BY day, intent.space, intent.consumer ORDER BY day, intent.space, intent.consumer",
        (CIVIL_OFFSET_MS, DAY_MS),
    )
    return tuple(DaySpent(*row) for row in rows)


def spent_before(db: Connection) -> dict[str, int]:
    """Return what each subject space had spent when this log began."""
    return dict(db.execute("SELECT name, micro_rho FROM opening WHERE kind = 'space'").fetchall())


def taken_by_month(db: Connection) -> tuple[MonthTaken, ...]:
    """Return what uses cost, by month and contract, newest month first."""
    rows = db.execute(
        "SELECT (leaf.at_ms + ?) / ? AS day, intent.contract, intent.consumer, count(*), sum(intent.price_fen)"
        " FROM intent JOIN leaf USING (position) GROUP BY day, intent.contract, intent.consumer",
        (CIVIL_OFFSET_MS, DAY_MS),
    )
    found: dict[tuple[str, str, str], list[int]] = {}
    for day, name, consumer, uses, fen in rows:
        month = (_FIRST_DAY + timedelta(days=day)).strftime("%Y-%m")
        total = found.setdefault((month, name, consumer), [0, 0])
        total[0] += uses
        total[1] += fen
    taken = [MonthTaken(*key, *total) for key, total in found.items()]
    return tuple(sorted(sorted(taken, key=lambda one: one.contract), key=lambda one: one.month, reverse=True))


def contract(db: Connection, contract_id: str) -> ContractStanding | None:
    """Return how one contract stands, None when there is none of this id."""
    row = db.execute(f"{_CONTRACT} WHERE id = ?", (contract_id,)).fetchone()
    return None if row is None else _standing(db, row)


def contracts_standing(db: Connection) -> tuple[ContractStanding, ...]:
    """Return how every contract stands, oldest offer first."""
    return tuple(_standing(db, row) for row in db.execute(f"{_CONTRACT} ORDER BY offered").fetchall())


def cosigned_proof(db: Connection, index: int, witness: VerifierKey) -> str:
    """Return the leaf's proof under the newest head `witness` cosigned, "" when that does not cover the leaf."""
    covered = cosigned.newest(db, witness)
    if covered <= index:
        return ""
    head = note.decode(cosigned.with_cosignatures(db, covered).encode())
    return proof.encode(Proof(index, merkle.inclusion(index, covered, tree.reader(db)), head))


def _standing(db: Connection, row: tuple[str, str, str, str, int, int, int, int, int, int]) -> ContractStanding:
    contract_id, consumer, status, decided_by, offered, offered_ms = row[:6]
    try:
        found = contracts.find(db, contract_id)
    except Refused:  # its bytes are no longer those that were signed: shown as such
        found = None
    return ContractStanding(
        contract_id,
        consumer,
        ContractStatus(status),
        decided_by,
        offered,
        offered_ms,
        *row[6:],
        None if found is None else found.terms,
    )


def _line(row: tuple[int, str, str, str, int]) -> LeafLine:
    index, jti, stage, party, at_ms = row
    return LeafLine(index, jti, Stage(stage), party, at_ms)
