"""Offers, counter-offers, decisions and signatures in their turn, over a contract or over what is to replace it.

What is negotiated is the draft: the amendment of a contract in force, or else the contract itself while it waits. Each
round names the digest of the one before; nothing is in force before every side signed the same offer.
"""

from dataclasses import dataclass, replace

from yanmen.crypto import agreements, documents
from yanmen.formats import contract as document
from yanmen.formats import json_canonical, jws
from yanmen.formats.malformed import Malformed
from yanmen.ledger import amendments, contracts, deletions, leaves
from yanmen.ledger.connection import Connection, Value
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import Log
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.negotiation import TABLE, ActKind, ContractAct, Move, missing
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused


@dataclass(frozen=True, slots=True)
class Draft:
    """What is negotiated, and the table its row is in."""

    table: str
    held: Contract

    @property
    def row(self) -> ContractRow:
        """What identifies it in a leaf."""
        return ContractRow(self.held.terms.id, self.held.terms.consumer, self.held.digest)


def offer(db: Connection, log: Log, contract: Contract) -> int:
    """Keep a consumer's signed offer and return its leaf: a first one, an answer, or an amendment."""
    known = contracts.find(db, contract.terms.id)
    if known is None:
        position = contracts.add(db, log, contract)
        _name_sides(db, contract.terms)
        return position
    contracts.check_offer(contract)
    for held in (known, known.amendment):
        if held is not None and held.digest == contract.digest:
            return _offered(db, contract.digest)
    amendments.check_place(db, log.now_ms(db), known, contract.terms)
    draft = _draft(known)
    return _amend(db, log, contract) if draft is None else _answer(db, log, draft, contract)


def counter(db: Connection, log: Log, contract_id: str, token: bytes, decided_by: str) -> int:
    """Keep the holder's counter-offer over a draft that waits for the holder, and return its leaf."""
    draft = _waiting(db, log, contract_id, Move.COUNTER)
    _in_time(draft.held.terms.round, log.now_ms(db))
    terms = _terms(token)
    _follows(terms, draft.held.terms, draft.held.digest)
    _set(db, draft, "negotiating = ?, counter = ?, decided_by = ?", ContractStatus.OFFERED.value, token, decided_by)
    said = leaves.contract(draft.row, ContractStatus.OFFERED, decided_by, token)
    return contracts.append(db, log, Stage.CONTRACT, draft.row, said)


def decide(
    db: Connection, log: Log, contract_id: str, status: ContractStatus, acceptance: bytes, decided_by: str
) -> int:
    """Keep the holder's signed decision, made in time, over a draft that waits for it, and return its leaf."""
    if status not in (ContractStatus.ACTIVE, ContractStatus.DENIED):
        raise Fault(FaultCode.INTERNAL, "a decision approves or denies")
    draft = _waiting(db, log, contract_id, Move.APPROVE if status is ContractStatus.ACTIVE else Move.DENY)
    _in_time(draft.held.terms.round, log.now_ms(db))
    return _decided(db, log, draft, status, (acceptance, decided_by))


def carry(db: Connection, log: Log, contract: Contract) -> None:
    """Say again what was decided and signed of a contract of an earlier log, whose offer was said again."""
    draft = _waiting(db, log, contract.terms.id, Move.APPROVE)
    _decided(db, log, draft, ContractStatus.ACTIVE, (contract.acceptance, contract.decided_by))
    for token in contract.signatures:
        act(db, log, token)


def _decided(db: Connection, log: Log, draft: Draft, status: ContractStatus, signed: tuple[bytes, str]) -> int:
    acceptance, decided_by = signed
    if _accepted(acceptance) != draft.held.digest:
        raise _out_of_turn(draft.held.terms.id, draft.held.status)  # another offer took its place meanwhile
    if status is ContractStatus.ACTIVE and missing(draft.held.terms, set(), verified=False):
        status = ContractStatus.AGREED
    said = leaves.contract(draft.row, status, decided_by, acceptance)
    position = contracts.append(db, log, Stage.APPROVAL, draft.row, said)
    _set(db, draft, "acceptance = ?, decided_by = ?", acceptance, decided_by)
    match status:
        case ContractStatus.AGREED:
            _set(db, draft, "negotiating = ?", status.value)
        case ContractStatus.ACTIVE:
            _enter(db, log, draft, position, decided_by)
        case _:
            _close(db, draft, status, decided_by)
    return position


def act(db: Connection, log: Log, token: bytes) -> int:
    """Keep a side's act, whose signature was verified, and return its leaf; the last signature brings into force."""
    word = _act(token)
    known = contracts.require(db, word.contract)
    done = db.execute(
        "SELECT position, document FROM contract_signature WHERE contract = ? AND act = ? AND party = ?"
        " ORDER BY position DESC LIMIT 1",
        (word.contract, word.act.value, word.by),
    ).fetchone()
    if done is not None and bytes(done[1]) == token:
        return int(done[0])
    if word.act is ActKind.END:
        return _end(db, log, known, word, token)
    draft = _draft(known)
    if draft is None or draft.held.status is not ContractStatus.AGREED:
        raise _out_of_turn(word.contract, known.status if draft is None else draft.held.status)
    if draft.table == "amendment":
        amendments.require_going_on(db, log.now_ms(db), known)
    signed, verified = signatures(draft.held)
    _may_sign(draft.held, word, signed, verified=verified)
    left = missing(
        draft.held.terms,
        signed | ({word.by} if word.act is ActKind.SIGN else set()),
        verified=verified or word.act is ActKind.VERIFY,
    )
    status = ContractStatus.AGREED if left else TABLE[ContractStatus.AGREED][Move.COMPLETE]
    said = leaves.contract(draft.row, status, "", token)
    position = contracts.append(db, log, Stage.CONTRACT, draft.row, said)
    db.execute(
        "INSERT INTO contract_signature (position, contract, digest, act, party, document) VALUES (?, ?, ?, ?, ?, ?)",
        (position, word.contract, draft.held.digest, word.act.value, word.by, token),
    )
    if not left:
        _enter(db, log, draft, position, draft.held.decided_by)
    return position


def break_off(db: Connection, log: Log, contract_id: str, decided_by: str) -> int:
    """End the negotiation of an amendment, by the holder, and return the leaf that says so."""
    held = contracts.draft(db, contract_id)
    if held is None:
        raise _out_of_turn(contract_id, contracts.require(db, contract_id).status)
    draft = Draft("amendment", held)
    _close(db, draft, ContractStatus.REVOKED, decided_by)
    said = leaves.contract(draft.row, ContractStatus.REVOKED, decided_by, b"")
    return contracts.append(db, log, Stage.CONTRACT, draft.row, said)


def signatures(held: Contract) -> tuple[frozenset[str], bool]:
    """Return which further sides signed this offer, and whether its consumer verified the holder's acceptance."""
    words = [_act(token) for token in held.signatures]
    accepted = documents.digest(held.acceptance)
    return (
        frozenset(word.by for word in words if word.act is ActKind.SIGN and word.digest == held.digest),
        any(word.act is ActKind.VERIFY and word.digest == accepted for word in words),
    )


def _draft(known: Contract) -> Draft | None:
    """Return what of a contract is negotiated now."""
    if known.amendment is not None:
        return Draft("amendment", known.amendment)
    waits = known.status in (ContractStatus.PENDING, ContractStatus.OFFERED, ContractStatus.AGREED)
    return Draft("contract", known) if waits else None


def _waiting(db: Connection, log: Log, contract_id: str, move: Move) -> Draft:
    """Return the draft over which `move` is due now."""
    known = contracts.require(db, contract_id)
    draft = _draft(known)
    if draft is None or move not in TABLE[draft.held.status]:
        status = known.status if draft is None else draft.held.status
        raise contracts.cannot(contract_id, status, Reason.CONTRACT_MALFORMED)
    if draft.table == "amendment" and move is not Move.DENY:
        amendments.require_going_on(db, log.now_ms(db), known)
    return draft


def _answer(db: Connection, log: Log, draft: Draft, contract: Contract) -> int:
    """Put the consumer's answer in the place of the offer that the holder countered."""
    countered, terms = _terms(draft.held.counter), contract.terms
    _in_time(countered.round, log.now_ms(db))
    _follows(terms, countered, documents.digest(draft.held.counter))
    row = ContractRow(terms.id, terms.consumer, contract.digest)
    said = leaves.contract(row, ContractStatus.PENDING, "", contract.offer)
    position = contracts.append(db, log, Stage.CONTRACT, row, said)
    _set(db, draft, "negotiating = '', digest = ?, offer = ?, offered = ?", contract.digest, contract.offer, position)
    if draft.table == "contract":
        _cap(db, terms)
    _name_sides(db, terms)
    return position


def _amend(db: Connection, log: Log, contract: Contract) -> int:
    """Keep what is to replace a contract in force."""
    terms = contract.terms
    _check_spent(db, terms)  # and once more when it enters into force
    row = ContractRow(terms.id, terms.consumer, contract.digest)
    said = leaves.contract(row, ContractStatus.PENDING, "", contract.offer)
    position = contracts.append(db, log, Stage.CONTRACT, row, said)
    db.execute(
        "INSERT INTO amendment (id, digest, offer, offered) VALUES (?, ?, ?, ?)",
        (terms.id, contract.digest, contract.offer, position),
    )
    _name_sides(db, terms)
    return position


def _enter(db: Connection, log: Log, draft: Draft, position: int, decided_by: str) -> None:
    """Let what every side signed be in force; what was spent stays spent."""
    terms = draft.held.terms
    if draft.table == "contract":
        deletions.expect(db, terms)
        contracts.turn(db, terms.id, ContractStatus.ACTIVE, decided_by)
        return
    known = contracts.require(db, terms.id)
    amendments.require_going_on(db, log.now_ms(db), known)
    amendments.check(known, replace(terms, round=None))
    deletions.expect(db, terms)
    _check_spent(db, terms)
    db.execute(
        "INSERT INTO contract_version (contract, digest, offer, acceptance, replaced) VALUES (?, ?, ?, ?, ?)",
        (terms.id, known.digest, known.offer, known.acceptance, position),
    )
    db.execute(
        "UPDATE contract SET (digest, offer, acceptance, counter) ="
        " (SELECT digest, offer, acceptance, counter FROM amendment WHERE amendment.id = contract.id),"
        " decided_by = ? WHERE id = ?",
        (decided_by, terms.id),
    )
    _cap(db, terms)
    db.execute("DELETE FROM amendment WHERE id = ?", (terms.id,))


def _check_spent(db: Connection, terms: Terms) -> None:
    """Refuse caps below what was spent already."""
    spent = db.execute(
        "SELECT micro_rho_spent, delta_e12_spent, queries_spent FROM contract WHERE id = ?", (terms.id,)
    ).fetchone()
    names = ("yanmen:microRho", "yanmen:deltaE12", "count")
    caps = (terms.micro_rho, terms.delta_e12, terms.queries)
    wrong = tuple(
        (name, f"is less than the {used} already spent", f"低于已使用的 {used}")
        for name, cap, used in zip(names, caps, spent, strict=True)
        if cap < used
    )
    if wrong:
        raise amendments.forbidden(wrong)


def _cap(db: Connection, terms: Terms) -> None:
    db.execute(
        "UPDATE contract SET micro_rho_cap = ?, delta_e12_cap = ?, queries_cap = ?, queries_per_day_cap = ?"
        " WHERE id = ?",
        (terms.micro_rho, terms.delta_e12, terms.queries, terms.queries_per_day, terms.id),
    )


def _end(db: Connection, log: Log, known: Contract, word: ContractAct, token: bytes) -> int:
    """End the contract, or the negotiation of its amendment, whichever offer the consumer named."""
    held = next((each for each in (known.amendment, known) if each is not None and each.digest == word.digest), None)
    if held is None or Move.END not in TABLE[held.status]:
        raise _out_of_turn(word.contract, known.status)
    draft = Draft("contract" if held is known else "amendment", held)
    _close(db, draft, ContractStatus.REVOKED, word.by)
    if draft.table == "contract":
        deletions.ended(db, word.contract, ContractStatus.REVOKED, log.now_ms(db))
    said = leaves.contract(draft.row, ContractStatus.REVOKED, "", token)
    position = contracts.append(db, log, Stage.CONTRACT, draft.row, said)
    db.execute(
        "INSERT INTO contract_signature (position, contract, digest, act, party, document) VALUES (?, ?, ?, ?, ?, ?)",
        (position, word.contract, held.digest, word.act.value, word.by, token),
    )
    return position


def _close(db: Connection, draft: Draft, status: ContractStatus, decided_by: str) -> None:
    if draft.table == "contract":
        contracts.turn(db, draft.held.terms.id, status, decided_by)
    else:
        db.execute("DELETE FROM amendment WHERE id = ?", (draft.held.terms.id,))


def _may_sign(held: Contract, word: ContractAct, signed: frozenset[str], *, verified: bool) -> None:
    """Refuse who is no side, what is over other bytes, and what was signed already."""
    if not _is_due(held, word, signed, verified=verified):
        raise _out_of_turn(word.contract, held.status)


def _is_due(held: Contract, word: ContractAct, signed: frozenset[str], *, verified: bool) -> bool:
    match word.act:
        case ActKind.SIGN:
            return word.by in held.terms.signers and word.by not in signed and word.digest == held.digest
        case ActKind.VERIFY:
            mine = word.by == held.terms.consumer and not verified
            return mine and word.digest == documents.digest(held.acceptance)
        case ActKind.END:
            return False


def _follows(terms: Terms, before: Terms, digest: str) -> None:
    """Refuse a round that does not answer the one before, of the same contract."""
    expected = 2 if before.round is None else before.round.number + 1
    said = None if terms.round is None else (terms.round.number, terms.round.answers)
    mine, theirs = ((each.id, each.holder, each.consumer, each.amends) for each in (terms, before))
    if said != (expected, digest) or mine != theirs:
        hint = Detail(
            "yanmen:round",
            hint_en=f"Round {expected} answers {digest}; name it, and leave id, sides and version as they are.",
            hint_zh=f"第 {expected} 轮须答复 {digest}，标识、当事方与版本不得更改。",
        )
        raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, hint)


def _in_time(round_: Round | None, now_ms: int) -> None:
    if round_ is not None and now_ms >= round_.answer_by_ms:
        hint = Detail(
            "yanmen:round",
            hint_en="It was to be answered before; end it, and begin anew.",
            hint_zh="答复期限已过，请终止后重新协商。",
        )
        raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, hint)


def _set(db: Connection, draft: Draft, columns: str, *values: Value) -> None:
    db.execute(f"UPDATE {draft.table} SET {columns} WHERE id = ?", (*values, draft.held.terms.id))  # noqa: S608 - names of ours


def _name_sides(db: Connection, terms: Terms) -> None:
    for party in terms.signers:
        db.execute("INSERT OR IGNORE INTO contract_side (contract, party) VALUES (?, ?)", (terms.id, party))


def _offered(db: Connection, digest: str) -> int:
    (position,) = db.execute(
        "SELECT offered FROM contract WHERE digest = ? UNION ALL SELECT offered FROM amendment WHERE digest = ?",
        (digest, digest),
    ).fetchone()
    return int(position)


def _terms(token: bytes) -> Terms:
    try:
        return agreements.peek_terms(token)
    except Malformed as error:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=str(error))) from error


def _accepted(token: bytes) -> str:
    """Return the digest of the offer that a decision is about."""
    try:
        return document.decode_acceptance(
            json_canonical.decode_object(jws.split(token, document.BYTES_MAX).payload)
        ).offer_sha256
    except Malformed as error:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=str(error))) from error


def _act(token: bytes) -> ContractAct:
    try:
        return agreements.peek_act(token)
    except Malformed as error:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=str(error))) from error


def _out_of_turn(contract_id: str, status: ContractStatus) -> Refused:
    return contracts.cannot(contract_id, status, Reason.NEGOTIATION_OUT_OF_TURN)
