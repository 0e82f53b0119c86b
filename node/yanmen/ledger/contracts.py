"""Contracts (数字合约) and how they stand; every change is a leaf."""

import hashlib
from dataclasses import replace
from functools import lru_cache

from yanmen.formats import contract as document
from yanmen.formats import json_canonical, jws
from yanmen.formats.malformed import Malformed
from yanmen.ledger import leaves
from yanmen.ledger.connection import Connection
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import About, Log
from yanmen.model.contract import MAY_BECOME, Contract, ContractStatus, Terms
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

ENDED = frozenset({ContractStatus.REVOKED, ContractStatus.DENIED})
"""How a contract stands that nothing changes any more."""
READ = 128
"""Offers read lately: each question looks at its own."""


def reason_of(status: ContractStatus) -> Reason:
    """Return why a contract that stands like this admits no question."""
    match status:
        case ContractStatus.PENDING:
            return Reason.CONTRACT_PENDING
        case ContractStatus.OFFERED:
            return Reason.CONTRACT_OFFERED
        case ContractStatus.AGREED:
            return Reason.CONTRACT_UNSIGNED
        case ContractStatus.DENIED:
            return Reason.CONTRACT_DENIED
        case ContractStatus.REVOKED:
            return Reason.CONTRACT_REVOKED
        case ContractStatus.SUSPENDED:
            return Reason.CONTRACT_SUSPENDED
        case ContractStatus.ACTIVE:
            raise Fault(FaultCode.INTERNAL, "an active contract admits questions")


def check_offer(contract: Contract) -> None:
    """Refuse an offer that is not what it says."""
    if contract.status is not ContractStatus.PENDING or contract.acceptance:
        raise Fault(FaultCode.INTERNAL, "an offer is pending")
    _check_digest(contract)
    if terms_in(contract.offer) != contract.terms:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=contract.terms.id))


def add(db: Connection, log: Log, contract: Contract) -> int:
    """Keep an offer and return its leaf; the same offer again is the same leaf."""
    terms = contract.terms
    check_offer(contract)
    known = db.execute("SELECT digest, offered FROM contract WHERE id = ?", (terms.id,)).fetchone()
    if known is not None:
        if known[0] != contract.digest:
            raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=terms.id))
        return int(known[1])
    row = ContractRow(terms.id, terms.consumer, contract.digest)
    position = append(db, log, Stage.CONTRACT, row, leaves.contract(row, contract.status, "", contract.offer))
    db.execute(
        "INSERT INTO contract (id, consumer, digest, offer, status, micro_rho_cap, delta_e12_cap,"
        " queries_cap, queries_per_day_cap, offered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            terms.id,
            terms.consumer,
            contract.digest,
            contract.offer,
            contract.status.value,
            terms.micro_rho,
            terms.delta_e12,
            terms.queries,
            terms.queries_per_day,
            position,
        ),
    )
    if terms.operated is not None:
        db.execute("INSERT INTO operated (contract, operation) VALUES (?, ?)", (terms.id, terms.operated.grant))
    return position


def operated(db: Connection, grant: str) -> tuple[tuple[str, ContractStatus], ...]:
    """Return the contracts that hang on a grant of operation, and how each stands."""
    rows = db.execute(
        "SELECT contract.id, contract.status FROM contract JOIN operated ON operated.contract = contract.id"
        " WHERE operated.operation = ? ORDER BY contract.offered",
        (grant,),
    ).fetchall()
    return tuple((name, ContractStatus(status)) for name, status in rows)


def change(db: Connection, log: Log, contract_id: str, status: ContractStatus, decided_by: str) -> int:
    """Let a contract become `status` and return the leaf that says so; an altered one can still be stopped."""
    found = db.execute("SELECT consumer, digest, status FROM contract WHERE id = ?", (contract_id,)).fetchone()
    if found is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
    consumer, digest, now = found
    if status not in MAY_BECOME[ContractStatus(now)]:
        raise cannot(contract_id, ContractStatus(now), Reason.CONTRACT_MALFORMED)
    turn(db, contract_id, status, decided_by)
    row = ContractRow(contract_id, consumer, digest)
    return append(db, log, Stage.CONTRACT, row, leaves.contract(row, status, decided_by, b""))


def turn(db: Connection, contract_id: str, status: ContractStatus, decided_by: str) -> None:
    """Let the contract's row say `status`; with what is revoked goes what was to replace it."""
    db.execute(
        "UPDATE contract SET status = ?, negotiating = '', decided_by = ? WHERE id = ?",
        (status.value, decided_by, contract_id),
    )
    if status is ContractStatus.REVOKED:
        db.execute("DELETE FROM amendment WHERE id = ?", (contract_id,))


def suspend(db: Connection, log: Log, contract_id: str) -> None:
    """Suspend a contract that is in force, by the node itself."""
    active = db.execute("SELECT 1 FROM contract WHERE id = ? AND status = 'active'", (contract_id,)).fetchone()
    if active is not None:
        change(db, log, contract_id, ContractStatus.SUSPENDED, "")


def suspend_named(db: Connection, log: Log, contract_id: str, decided_by: str) -> None:
    """Suspend a contract that is in force, by a person's order; one that is not in force stays as it is."""
    found = db.execute("SELECT status FROM contract WHERE id = ?", (contract_id,)).fetchone()
    if found is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
    if found[0] == ContractStatus.ACTIVE.value:
        change(db, log, contract_id, ContractStatus.SUSPENDED, decided_by)


def find(db: Connection, contract_id: str) -> Contract | None:
    """Return the contract, None when there is none of this id; an altered offer is refused."""
    row = db.execute(f"{_SELECT} WHERE id = ?", (contract_id,)).fetchone()
    return None if row is None else _whole(db, row)


def draft(db: Connection, contract_id: str) -> Contract | None:
    """Return what is to replace the contract, None when nothing is."""
    row = db.execute(
        "SELECT offer, acceptance, digest, 'pending', negotiating, decided_by, counter FROM amendment WHERE id = ?",
        (contract_id,),
    ).fetchone()
    return None if row is None else _signed(db, _contract(row))


def offered_ms(db: Connection, contract: Contract) -> int:
    """Return when this very offer was made, of a contract or of its amendment."""
    (at_ms,) = db.execute(
        "SELECT at_ms FROM leaf JOIN (SELECT offered, digest FROM contract UNION ALL SELECT offered, digest"
        " FROM amendment) AS found ON found.offered = leaf.position WHERE found.digest = ?",
        (contract.digest,),
    ).fetchone()
    return int(at_ms)


def digest_for(db: Connection, contract_id: str, consumer: str) -> str | None:
    """Return the digest of the contract when it is the consumer's own."""
    row = db.execute("SELECT digest FROM contract WHERE id = ? AND consumer = ?", (contract_id, consumer)).fetchone()
    return None if row is None else str(row[0])


def require(db: Connection, contract_id: str) -> Contract:
    """Return the contract or refuse."""
    contract = find(db, contract_id)
    if contract is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
    return contract


def require_active(db: Connection, contract: Contract) -> None:
    """Refuse unless this very contract is in force now: it may have been stopped since it was admitted."""
    terms = contract.terms
    row = db.execute(
        "SELECT status, digest, micro_rho_cap, delta_e12_cap, queries_cap, queries_per_day_cap"
        " FROM contract WHERE id = ?",
        (terms.id,),
    ).fetchone()
    if row is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=terms.id))
    status = ContractStatus(row[0])
    if row[1] != contract.digest and was_version(db, terms.id, contract.digest):
        raise Refused(Reason.CONTRACT_AMENDED, Detail(subject=terms.id))
    # The caps that are counted against must be those that both parties signed.
    signed = (contract.digest, terms.micro_rho, terms.delta_e12, terms.queries, terms.queries_per_day)
    if row[1:] != signed:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=terms.id))
    if status is not ContractStatus.ACTIVE:
        raise Refused(reason_of(status), Detail(subject=contract.terms.id))


def require_going(db: Connection, contract: Contract) -> None:
    """Refuse unless a question that was admitted under this contract may still be answered: an amendment ends none."""
    if was_version(db, contract.terms.id, contract.digest):
        (status,) = db.execute("SELECT status FROM contract WHERE id = ?", (contract.terms.id,)).fetchone()
        if status != ContractStatus.ACTIVE.value:
            raise Refused(reason_of(ContractStatus(status)), Detail(subject=contract.terms.id))
        return
    require_active(db, contract)


def was_version(db: Connection, contract_id: str, digest: str) -> bool:
    """Say whether this was a version of the contract, and was amended."""
    row = db.execute(
        "SELECT 1 FROM contract_version WHERE contract = ? AND digest = ?", (contract_id, digest)
    ).fetchone()
    return row is not None


def signed_versions(db: Connection, contract_id: str) -> tuple[tuple[Terms, bytes], ...]:
    """Return the versions that were in force, each with the holder's acceptance, from the present one back."""
    now = "SELECT offer, acceptance, 1 AS present, 0 AS replaced FROM contract WHERE id = ?"
    before = "SELECT offer, acceptance, 0 AS present, replaced FROM contract_version WHERE contract = ?"
    rows = db.execute(
        f"{now} UNION ALL {before} ORDER BY present DESC, replaced DESC",
        (contract_id, contract_id),
    ).fetchall()
    return tuple((terms_in(bytes(offer)), bytes(acceptance)) for offer, acceptance, _, _ in rows)


def require_valid(terms: Terms, now_ms: int) -> None:
    """Refuse outside the time of the contract, which may have ended since the question was admitted."""
    if now_ms < terms.not_before_ms:
        raise Refused(Reason.CONTRACT_NOT_YET_VALID, Detail(subject=terms.id))
    if now_ms >= terms.not_after_ms:
        raise Refused(Reason.CONTRACT_EXPIRED, Detail(subject=terms.id))


def listed(db: Connection, consumer: str) -> tuple[Contract, ...]:
    """Return all contracts of `consumer`, or of everybody when it is empty, oldest first."""
    rows = db.execute(
        f"{_SELECT} WHERE consumer = ? OR ? = '' ORDER BY offered",
        (consumer, consumer),
    ).fetchall()
    return tuple(_whole(db, row) for row in rows)


def naming(db: Connection, party: str) -> tuple[Contract, ...]:
    """Return all contracts that name `party` as a further side, oldest first."""
    named = "SELECT contract FROM contract_side WHERE party = ?"
    rows = db.execute(f"{_SELECT} WHERE id IN ({named}) ORDER BY offered", (party,)).fetchall()
    return tuple(_whole(db, row) for row in rows)


def append(db: Connection, log: Log, stage: Stage, row: ContractRow, said: leaves.Slots) -> int:
    """Append a leaf about a contract and return its place."""
    return log.append(db, stage, said, About(row.id, row.consumer)).position


_SELECT = "SELECT offer, acceptance, digest, status, negotiating, decided_by, counter FROM contract"
_Row = tuple[bytes, bytes, str, str, str, str, bytes]


def _contract(row: _Row) -> Contract:
    offer, acceptance, digest, status, negotiating, decided_by, counter = row
    stands_ = ContractStatus(negotiating or status)
    contract = Contract(terms_in(offer), offer, acceptance, digest, stands_, decided_by, counter)
    _check_digest(contract)
    return contract


def _whole(db: Connection, row: _Row) -> Contract:
    """Return a contract with what else was signed over it, and what is to replace it."""
    made = _signed(db, _contract(row))
    return replace(made, amendment=draft(db, made.terms.id))


def _signed(db: Connection, contract: Contract) -> Contract:
    terms = contract.terms
    if not terms.signers and terms.round is None and contract.status is not ContractStatus.REVOKED:
        return contract
    rows = db.execute(
        "SELECT document FROM contract_signature WHERE contract = ? AND digest = ? ORDER BY position",
        (terms.id, contract.digest),
    ).fetchall()
    return replace(contract, signatures=tuple(bytes(document) for (document,) in rows))


@lru_cache(READ)
def terms_in(offer: bytes) -> Terms:
    """Return the terms that the signed `offer` itself holds: there is no second copy to alter."""
    try:
        return document.decode(json_canonical.decode_object(jws.split(offer, document.BYTES_MAX).payload))
    except Malformed as error:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=str(error))) from error


def _check_digest(contract: Contract) -> None:
    if hashlib.sha256(contract.offer).hexdigest() != contract.digest:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=contract.terms.id))


def cannot(contract_id: str, status: ContractStatus, otherwise: Reason) -> Refused:
    """Return the refusal of a change to a contract that stands like this: that it has ended, or `otherwise`."""
    return Refused(reason_of(status) if status in ENDED else otherwise, stands(contract_id, status))


def stands(contract_id: str, status: ContractStatus) -> Detail:
    """Return why a contract that stands like this cannot change so."""
    if status in ENDED:
        return Detail(
            subject=contract_id,
            hint_en=f"The contract has already ended ({status.value}): ask for a new one, with an id of its own.",
            hint_zh=f"该合约已经终止（{status.value}）：请以新的标识申请新合约。",
        )
    return Detail(
        subject=contract_id,
        hint_en=f"The contract is {status.value}; it cannot become that now.",
        hint_zh=f"该合约当前状态为 {status.value}，不能作此变更。",
    )
