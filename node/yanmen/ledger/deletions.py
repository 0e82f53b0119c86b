"""Proofs that what was released under a contract is destroyed, and the destruction of the node's own answers."""

from yanmen.formats import deletion, json_canonical, jws
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Output
from yanmen.ledger import contracts, leaves, log
from yanmen.ledger.connection import Connection
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import Log
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.deletion import Deletion, DeletionProof, ReleasedAnswer
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

DAY_MS = 24 * 60 * 60 * 1000


def expect(db: Connection, terms: Terms) -> None:
    """Note that the end of a contract now in force asks for proof, as its version says; once asked, it stays."""
    if terms.deletion_days is None:
        return
    db.execute(
        "INSERT INTO deletion (contract, consumer, days, until_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (contract) DO UPDATE SET days = excluded.days, until_ms = excluded.until_ms",
        (terms.id, terms.consumer, terms.deletion_days, terms.not_after_ms),
    )


def is_proved(db: Connection, contract_id: str) -> bool:
    """Say whether consumer or node proved that what was released under a contract is destroyed."""
    found = db.execute(
        "SELECT 1 FROM deletion WHERE contract = ? AND (by_node IS NOT NULL OR by_consumer IS NOT NULL)", (contract_id,)
    ).fetchone()
    return found is not None


def listed(db: Connection, now_ms: int) -> tuple[Deletion, ...]:
    """Return how every contract that asks for proof stands, by their ids."""
    rows = db.execute(
        "SELECT contract, consumer, days, until_ms, ended_ms, by_node, by_consumer FROM deletion ORDER BY contract"
    ).fetchall()
    return tuple(_deletion(row, now_ms) for row in rows)


def released(db: Connection, contract_id: str) -> tuple[ReleasedAnswer, ...]:
    """Return every answer given under a contract, in the order of their receipts."""
    return tuple(answer for _, answer in _answers(db, contracts.require(db, contract_id)))


def prove(db: Connection, log_: Log, token: bytes) -> int:
    """Keep a statement, whose signature was verified, and return its leaf; the node's own destroys what it holds."""
    proof = _read(token)
    contract = contracts.require(db, proof.contract)
    by_node = proof.by == proof.node
    column = "by_node" if by_node else "by_consumer"
    standing = _due(db, proof.contract, log_.now_ms(db))
    done = standing.by_node if by_node else standing.by_consumer
    if done is not None:
        if _document(db, done) == token.decode("ascii"):
            return done
        raise _refused("contract", "It was proved already.", "删除证明已提交。")
    if db.execute("SELECT 1 FROM intent WHERE contract = ? AND ended IS NULL", (proof.contract,)).fetchone():
        raise _refused("contract", "A question under it is still being answered.", "仍有查询尚未结束。")
    found = _answers(db, contract)
    said = (proof.digest, proof.answers, proof.answers_sha256)
    if said != (contract.digest, len(found), deletion.answers_sha256(answer for _, answer in found)):
        raise _refused("answers_sha256", "It names other answers or another version.", "所列结果或合约版本不符。")
    if by_node:
        for position, _ in found:
            db.execute("UPDATE answer SET released = x'' WHERE position = ?", (position,))
            db.execute(
                "INSERT OR IGNORE INTO deleted_answer (position, contract)"
                " SELECT position, ? FROM answer WHERE position = ?",
                (proof.contract, position),
            )
        db.execute("DELETE FROM question WHERE contract = ?", (proof.contract,))
    row = ContractRow(proof.contract, contract.terms.consumer, contract.digest)
    position = contracts.append(db, log_, Stage.CONTRACT, row, leaves.contract(row, contract.status, "", token))
    db.execute(f"UPDATE deletion SET {column} = ? WHERE contract = ?", (position, proof.contract))  # noqa: S608 - ours
    return position


def _due(db: Connection, contract_id: str, now_ms: int) -> Deletion:
    """Return how a contract stands that is over and asks for proof."""
    standing = {each.contract: each for each in listed(db, now_ms)}.get(contract_id)
    if standing is None:
        raise _refused("contract", "It asks for no proof of deletion.", "该合约未约定删除证明。")
    if standing.ended_ms == 0:
        raise _refused("contract", "It is not over yet.", "该合约尚未终止。")
    return standing


def _deletion(row: tuple[str, str, int, int, int, int | None, int | None], now_ms: int) -> Deletion:
    contract, consumer, days, until_ms, ended_ms, by_node, by_consumer = row
    over_ms = min(ended_ms or until_ms, until_ms)
    return Deletion(
        contract, consumer, over_ms if over_ms <= now_ms else 0, over_ms + days * DAY_MS, by_node, by_consumer
    )


def _answers(db: Connection, contract: Contract) -> list[tuple[int, ReleasedAnswer]]:
    rows = db.execute(
        "SELECT position, jti FROM leaf WHERE stage = 'outcome' AND party = ? ORDER BY position",
        (contract.terms.consumer,),
    ).fetchall()
    found = []
    for position, jti in rows:
        slots = log.read_slots(db, position)
        if slots.get(Slot.CONTRACT) == contract.terms.id:
            try:
                found.append((position, ReleasedAnswer(jti, Output.read(slots.get(Slot.OUTPUT)).sha256)))
            except Malformed as error:
                raise Fault(FaultCode.STORAGE, "ledger: a receipt is not readable") from error
    return found


def _document(db: Connection, position: int) -> str:
    subject = log.read_slots(db, position).get(Slot.SUBJECT)
    return str(subject.get("document")) if isinstance(subject, dict) else ""


def _read(token: bytes) -> DeletionProof:
    try:
        return deletion.decode(json_canonical.decode_object(jws.split(token, deletion.BYTES_MAX).payload))
    except Malformed as error:
        raise Refused(Reason.CONTRACT_ALTERED, Detail(subject=str(error))) from error


def _refused(subject: str, en: str, zh: str) -> Refused:
    return Refused(Reason.DELETION_NOT_PROVED, Detail(subject, hint_en=en, hint_zh=zh))


def ended(db: Connection, contract_id: str, status: ContractStatus, now_ms: int) -> None:
    """Note when a contract was ended before its time."""
    if status is ContractStatus.REVOKED:
        db.execute("UPDATE deletion SET ended_ms = ? WHERE contract = ? AND ended_ms = 0", (now_ms, contract_id))
