"""A new ledger that continues an older one: the next year's log, or the successor of one that lost leaves.

What was signed, published and spent is carried over and said again in the new log, whose first leaf names
the last head of the old one. The old file is not changed. Released answers stay behind with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen.formats import office, operation
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.opening import Opening
from yanmen.ledger import (
    budget,
    contracts,
    control,
    datasets,
    genesis,
    inspections,
    negotiating,
    opening,
    signed,
    spaces,
    violations,
)
from yanmen.ledger.connection import Connection
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.group import internal
from yanmen.ledger.log import Log
from yanmen.ledger.opening import opened
from yanmen.ledger.place import Place
from yanmen.ledger.signed import Paper
from yanmen.ledger.store import Keeping
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.governance import DocumentKind
from yanmen.model.refusal import Fault, FaultCode

_CARRIED = frozenset({ContractStatus.PENDING, ContractStatus.ACTIVE, ContractStatus.SUSPENDED})
_COPIED = {
    "request_seen": "consumer, jti",
    "session_spend": "consumer, session, micro_rho, price_fen",
    "run_failure": "consumer, space, failures",
    "consent": "space, unit, scope, given",
}
"""Tables that hold no leaf of the old log, with their columns."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one log follows another: the new origin, the last head of the old one, and what is known to be lost.

    With a `gap`, which says why leaves are lost, no contract goes on, and every subject space counts as
    spent but for what `left` says is left of it (micro-ρ).
    """

    origin: str
    space: str
    previous: Checkpoint
    held: int
    gap: str
    left: Mapping[str, int]


def write(old: Connection, place: Place, keeper: Keeper, step: Step) -> None:
    """Write the new ledger at `place`, where none may be, from the view `old` of the one before."""
    if isinstance(place, Path) and place.exists():
        raise Fault(FaultCode.STORAGE, f"{place.name} is there already")
    store, _ = opened(place, None, create=True)
    try:
        with store.write() as db, internal():
            identity = genesis.adopt(db, keeper, step.origin)
            log_ = Log(identity, keeper.receipt_signer, keeper.log_signer, keeper.clock, keeper.randomness)
            _begin(old, db, log_, keeper, step)
            log_.seal(db)
    finally:
        store.close()


def exchange(store: Keeping, origin: str, keeper: Keeper, step: Step) -> str:
    """Write the ledger that continues `origin` into the same database, and give it its name.

    Returns the end of the name that the closed one has from now on.
    """
    archive = archived(origin)
    with opening.exchange(store, archive) as (old, place):
        write(old, place, keeper, step)
    return archive


def archived(origin: str) -> str:
    """Return what the schema of a closed log ends with."""
    return origin.rpartition("/")[2].replace("-", "_")


def _begin(old: Connection, db: Connection, log_: Log, keeper: Keeper, step: Step) -> None:
    carried = () if step.gap else tuple(one for one in contracts.listed(old, "") if one.status in _CARRIED)
    found = old.execute(
        "SELECT name, micro_rho_cap, micro_rho_spent, delta_e12_cap, delta_e12_spent FROM subject_space"
    )
    spent = [_spent(row, step) for row in found.fetchall()]
    opening = Opening(
        previous=step.previous,
        held=step.held,
        gap=step.gap,
        contracts=tuple(_total(old, one) for one in sorted(carried, key=lambda one: one.terms.id)),
        spaces=tuple(
            total for _, total in sorted(spent, key=lambda one: one[1].space) if total.micro_rho or total.delta_e12
        ),
    )
    genesis.begin(db, log_, log_.identity, keeper, opening)
    register = old.execute("SELECT serial, digest FROM register").fetchone()
    if register is not None:
        datasets.accept_register(db, log_, step.space, *register)
    for space, total in spent:
        spaces.carry(db, log_, space, old)
        db.execute(
            "UPDATE subject_space SET micro_rho_spent = ?, delta_e12_spent = ? WHERE name = ?",
            (total.micro_rho, total.delta_e12, space.name),
        )
    _carry_datasets(old, db, log_)
    for kind in DocumentKind:
        for paper in _papers(old, kind):
            signed.record(db, log_, paper, lambda _: None)
    for contract in carried:
        _carry_contract(old, db, log_, contract)
    _open(db, opening)
    db.executemany(
        "INSERT INTO opening (kind, name, queries, micro_rho, delta_e12) VALUES ('violations', ?, ?, 0, 0)",
        violations.counted(old),
    )
    control.carry(old, db, log_)
    inspections.carry(old, db, log_)
    for table, columns in _COPIED.items():
        rows = old.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - names of ours
        marks = ", ".join("?" * (columns.count(",") + 1))
        db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - as above


def _papers(old: Connection, kind: DocumentKind) -> tuple[Paper, ...]:
    """Return the documents to be said again; what is signed over an offer counts for each version by itself."""
    match kind:
        case DocumentKind.OFFICE:
            return signed.carried(old, kind, lambda token: signed.read(token, office.decode).offer_sha256)
        case DocumentKind.ENDORSEMENT:
            return signed.carried(old, kind, _endorsed)
        case _:
            return signed.in_force(old, kind)


def _endorsed(token: bytes) -> str:
    return signed.read(token, operation.decode_endorsement).offer_sha256


def _spent(row: tuple[str, int, int, int, int], step: Step) -> tuple[SubjectSpace, SpaceTotal]:
    """Return a subject space and what counts as spent of it."""
    name, micro_rho_cap, micro_rho, delta_cap, delta = row
    if step.gap:
        left = min(step.left.get(name, 0), micro_rho_cap - micro_rho)
        micro_rho, delta = micro_rho_cap - left, delta_cap
    return SubjectSpace(name, micro_rho_cap, delta_cap), SpaceTotal(name, micro_rho, delta)


def _total(old: Connection, contract: Contract) -> ContractTotal:
    row = old.execute(
        "SELECT queries_spent, micro_rho_spent, delta_e12_spent, price_fen_spent FROM contract WHERE id = ?",
        (contract.terms.id,),
    ).fetchone()
    return ContractTotal(contract.terms.id, 0, *row)


def _carry_datasets(old: Connection, db: Connection, log_: Log) -> None:
    """Publish the newest version of each dataset again; one that was withdrawn stays so, and keeps its space."""
    names = old.execute("SELECT DISTINCT name FROM dataset_version ORDER BY name").fetchall()
    for (name,) in names:
        version = datasets.newest(old, name)
        if version is None:
            raise Fault(FaultCode.INTERNAL, "a dataset without a version")
        datasets.publish(db, log_, replace(version, retracted=False))
        if version.retracted:
            datasets.retract(db, log_, name)


def _carry_contract(old: Connection, db: Connection, log_: Log, contract: Contract) -> None:
    """Say a contract again: its offer, its decision, how it stands, and what was spent under it."""
    name = contract.terms.id
    offer = replace(contract, status=ContractStatus.PENDING, acceptance=b"", decided_by="")
    negotiating.offer(db, log_, offer)
    if contract.status is not ContractStatus.PENDING:
        negotiating.carry(db, log_, contract)
    if contract.status is ContractStatus.SUSPENDED:
        contracts.change(db, log_, name, ContractStatus.SUSPENDED, contract.decided_by)
    spent = old.execute(
        "SELECT queries_spent, micro_rho_spent, delta_e12_spent, price_fen_spent FROM contract WHERE id = ?", (name,)
    ).fetchone()
    db.execute(
        "UPDATE contract SET queries_spent = ?, micro_rho_spent = ?, delta_e12_spent = ?, price_fen_spent = ?"
        " WHERE id = ?",
        (*spent, name),
    )
    today = (log_.now_ms(db) + budget.CIVIL_OFFSET_MS) // budget.DAY_MS
    row = old.execute("SELECT queries FROM contract_day WHERE contract = ? AND day = ?", (name, today)).fetchone()
    if row is not None:
        db.execute("INSERT INTO contract_day (contract, day, queries) VALUES (?, ?, ?)", (name, today, row[0]))
    made = old.execute("SELECT contract, nth, at_ms FROM contract_use WHERE contract = ?", (name,)).fetchall()
    db.executemany("INSERT INTO contract_use (contract, nth, at_ms) VALUES (?, ?, ?)", made)


def _open(db: Connection, opening: Opening) -> None:
    """Keep the sums that the books begin with."""
    for one in opening.contracts:
        row = db.execute("SELECT coalesce(sum(queries), 0) FROM contract_day WHERE contract = ?", (one.contract,))
        (today,) = row.fetchone()
        db.execute(
            "INSERT INTO opening (kind, name, queries, today, micro_rho, delta_e12, price_fen)"
            " VALUES ('contract', ?, ?, ?, ?, ?, ?)",
            (one.contract, one.queries, today, one.micro_rho, one.delta_e12, one.fen),
        )
    for space in opening.spaces:
        db.execute(
            "INSERT INTO opening (kind, name, micro_rho, delta_e12) VALUES ('space', ?, ?, ?)",
            (space.space, space.micro_rho, space.delta_e12),
        )
