"""Recomputing everything derived from what it is derived from: `yanmen check`, and every test's last step."""

import hashlib
from collections.abc import Iterator

from yanmen.formats import checkpoint, merkle, note, tiles
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import answers, log, store, tree
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import Slots
from yanmen.model.refusal import Fault, FaultCode

_COUNTERS = (
    (
        "contract budgets",
        "SELECT id, micro_rho_spent, delta_e12_spent, price_fen_spent, queries_spent FROM contract ORDER BY id",
        "SELECT contract.id, coalesce(sum(intent.micro_rho), 0) + coalesce(max(opening.micro_rho), 0),"
        " coalesce(sum(intent.delta_e12), 0) + coalesce(max(opening.delta_e12), 0),"
        " coalesce(sum(intent.price_fen), 0) + coalesce(max(opening.price_fen), 0),"
        " count(intent.position) + coalesce(max(opening.queries), 0)"
        " FROM contract LEFT JOIN intent ON intent.contract = contract.id"
        " LEFT JOIN opening ON opening.kind = 'contract' AND opening.name = contract.id"
        " GROUP BY contract.id ORDER BY contract.id",
    ),
    (
        "space budgets",
        "SELECT name, micro_rho_spent, delta_e12_spent FROM subject_space ORDER BY name",
        "SELECT subject_space.name, coalesce(sum(intent.micro_rho), 0) + coalesce(max(opening.micro_rho), 0),"
        " coalesce(sum(intent.delta_e12), 0) + coalesce(max(opening.delta_e12), 0)"
        " FROM subject_space LEFT JOIN intent ON intent.space = subject_space.name"
        " LEFT JOIN opening ON opening.kind = 'space' AND opening.name = subject_space.name"
        " GROUP BY subject_space.name ORDER BY subject_space.name",
    ),
    (
        "quotas",
        "SELECT contract, sum(queries) FROM contract_day GROUP BY contract ORDER BY contract",
        "SELECT contract, sum(queries) FROM (SELECT contract, count(*) AS queries FROM intent GROUP BY contract"
        " UNION ALL SELECT name, today FROM opening WHERE today > 0) AS asked GROUP BY contract ORDER BY contract",
    ),
    (
        "jobs",
        "SELECT owner, job_id, ended FROM intent ORDER BY owner, job_id",
        "SELECT owner, job_id, job.position FROM job JOIN intent USING (owner, job_id) ORDER BY owner, job_id",
    ),
    (
        "intents",
        "SELECT position FROM leaf WHERE stage = 'intent' ORDER BY position",
        "SELECT position FROM intent ORDER BY position",
    ),
    (
        "acknowledgements",
        "SELECT position FROM leaf WHERE stage = 'acknowledged' ORDER BY position",
        "SELECT acknowledged FROM given WHERE acknowledged IS NOT NULL ORDER BY acknowledged",
    ),
    (
        "ended intents",
        "SELECT position FROM leaf WHERE stage = 'aborted' OR position IN (SELECT position FROM answer)"
        " ORDER BY position",
        "SELECT ended FROM intent WHERE ended IS NOT NULL ORDER BY ended",
    ),
)


def check(db: Connection) -> None:
    """Raise a `Fault` naming the first thing that is not what the leaves and intents make it."""
    if isinstance(db, store.FileConnection):
        _check_file(db)
    _check_tree(db)
    _check_standing(db)
    for name, kept, counted in _COUNTERS:
        if db.execute(kept).fetchall() != db.execute(counted).fetchall():
            raise Fault(FaultCode.STORAGE, f"ledger: {name} are not what the log makes them")
    _check_answers(db)


def _check_file(db: Connection) -> None:
    """Have SQLite look through its file; a PostgreSQL server looks after its own."""
    (state,) = db.execute("PRAGMA integrity_check").fetchone()
    if state != "ok":
        raise Fault(FaultCode.STORAGE, "ledger: the file is damaged")
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Fault(FaultCode.STORAGE, "ledger: a row refers to nothing")


def _check_answers(db: Connection) -> None:
    """Hold every kept table to the digest in the receipt it was released under."""
    rows = db.execute(
        "SELECT position, released FROM answer WHERE position NOT IN (SELECT position FROM erased)"
        " AND position NOT IN (SELECT position FROM deleted_answer)"
    )
    for position, encoded in rows.fetchall():
        answers.table(encoded)
        output = log.read_slots(db, position).get(Slot.OUTPUT)
        if isinstance(output, dict) and output.get("sha256") != hashlib.sha256(encoded).hexdigest():
            raise Fault(FaultCode.STORAGE, "ledger: an answer is not the one that was released")


def _check_standing(db: Connection) -> None:
    """Hold contracts, datasets, spaces and register to what their leaves last said of them and still disclose."""
    said: dict[tuple[str, str], Json] = {}
    rows = db.execute(
        "SELECT leaf.position FROM leaf JOIN disclosure USING (position)"
        " WHERE stage IN ('contract', 'approval', 'dataset', 'member') ORDER BY leaf.position"
    )
    for (position,) in rows.fetchall():
        said.update(_standing(log.read_slots(db, position)))
    for key, standing in _rows(db):
        if said.get(key, standing) != standing:
            raise Fault(FaultCode.STORAGE, f"ledger: {key[0]} {key[1]} is not as its leaves say")


def _standing(slots: Slots) -> dict[tuple[str, str], Json]:
    """Return what one leaf says of how something stands."""
    subject = slots.get(Slot.SUBJECT)
    if not isinstance(subject, dict):
        return {}
    match subject:
        case {"status": "registered" | "renewed", "space": str(name)}:
            return {("subject space", name): [subject["lifetime_micro_rho"], subject["lifetime_delta_e12"]]}
        case {"status": "retracted", "dataset": str(name)}:
            return {("dataset", name): "retracted"}
        case {"status": "published"}:
            return {("dataset", name): "published" for name in _names(slots)}
        case {"register": int(serial)}:
            return {("register", ""): serial}
        case {"status": str(status), "document": str()}:
            return {("contract", f"{slots.get(Slot.CONTRACT)} {slots.get(Slot.CONTRACT_DIGEST)}"): status}
        case _:
            return {}


def _names(slots: Slots) -> list[str]:
    listed = slots.get(Slot.DATASETS)
    if not isinstance(listed, list):
        return []
    return [str(item["name"]) for item in listed if isinstance(item, dict)]


def _rows(db: Connection) -> Iterator[tuple[tuple[str, str], Json]]:
    """Yield how everything stands by its row."""
    for table in ("contract", "amendment"):
        status = "status" if table == "contract" else "'pending'"
        for name, digest, stands, waits in db.execute(f"SELECT id, digest, {status}, negotiating FROM {table}"):  # noqa: S608 - names of ours
            yield ("contract", f"{name} {digest}"), waits or stands
    for name, retracted in db.execute("SELECT name, retracted FROM newest_version"):
        yield ("dataset", name), "retracted" if retracted else "published"
    for name, micro_rho, delta_e12 in db.execute("SELECT name, micro_rho_cap, delta_e12_cap FROM subject_space"):
        yield ("subject space", name), [micro_rho, delta_e12]
    for (serial,) in db.execute("SELECT serial FROM register"):
        yield ("register", ""), serial


def _is(read: merkle.HashReader, size: int, subtree: tuple[int, int, bytes]) -> bool:
    """Say whether a full subtree of the tree of `size` leaves has the hash kept of it."""
    level, index, found = subtree
    return (index + 1) << level <= size and read(level, index) == found


def _check_tree(db: Connection) -> None:
    """Hash every leaf again and hold subtrees, series and every checkpoint ever signed against that."""
    leaves = [merkle.leaf_hash(jws.encode("ascii")) for (jws,) in db.execute("SELECT jws FROM leaf ORDER BY position")]
    read = merkle.full_subtrees(leaves)
    together = len(leaves) // tree.LEAVES_TOGETHER * tree.LEAVES_TOGETHER
    expected = together + sum(len(leaves) >> level for level in range(tiles.HEIGHT, 64, tiles.HEIGHT))
    subtrees = db.execute("SELECT level, position, hash FROM subtree").fetchall()  # of before: all of every level
    kept = sum(level % tiles.HEIGHT == 0 and (level > 0 or index < together) for level, index, _ in subtrees)
    if kept != expected or any(not _is(read, len(leaves), subtree) for subtree in subtrees):
        raise Fault(FaultCode.STORAGE, "ledger: the tree is not that of the leaves")
    if not log.sealed(db):
        raise Fault(FaultCode.STORAGE, "ledger: the head does not cover the last leaf")
    for size, text in db.execute("SELECT size, note FROM checkpoint"):
        try:
            head = checkpoint.decode(note.decode(text.encode()).text)
        except Malformed as error:
            raise Fault(FaultCode.STORAGE, "ledger: a checkpoint is not readable") from error
        if head.size != size or merkle.root(size, read) != head.root:
            raise Fault(FaultCode.STORAGE, "ledger: a checkpoint is not over these leaves")
