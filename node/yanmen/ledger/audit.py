"""Recomputing everything derived from what it is derived from: `yanmen check`, and every test's last step."""

import sqlite3

from yanmen.formats import checkpoint, merkle, note
from yanmen.formats.malformed import Malformed
from yanmen.ledger import answers, log
from yanmen.model.refusal import Fault, FaultCode

_COUNTERS = (
    (
        "contract budgets",
        "SELECT id, micro_rho_spent, delta_e12_spent, price_fen_spent, queries_spent FROM contract ORDER BY id",
        "SELECT contract.id, coalesce(sum(intent.micro_rho), 0), coalesce(sum(intent.delta_e12), 0),"
        " coalesce(sum(intent.price_fen), 0), count(intent.position)"
        " FROM contract LEFT JOIN intent ON intent.contract = contract.id GROUP BY contract.id ORDER BY contract.id",
    ),
    (
        "space budgets",
        "SELECT name, micro_rho_spent, delta_e12_spent FROM subject_space ORDER BY name",
        "SELECT name, coalesce(sum(intent.micro_rho), 0), coalesce(sum(intent.delta_e12), 0)"
        " FROM subject_space LEFT JOIN intent ON intent.space = name GROUP BY name ORDER BY name",
    ),
    (
        "quotas",
        "SELECT contract, sum(queries) FROM contract_day GROUP BY contract ORDER BY contract",
        "SELECT contract, count(*) FROM intent GROUP BY contract ORDER BY contract",
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
        "ended intents",
        "SELECT position FROM leaf WHERE stage = 'aborted' OR position IN (SELECT position FROM answer)"
        " ORDER BY position",
        "SELECT ended FROM intent WHERE ended IS NOT NULL ORDER BY ended",
    ),
)


def check(db: sqlite3.Connection) -> None:
    """Raise a `Fault` naming the first thing that is not what the leaves and intents make it."""
    (state,) = db.execute("PRAGMA integrity_check").fetchone()
    if state != "ok":
        raise Fault(FaultCode.STORAGE, "ledger: the file is damaged")
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Fault(FaultCode.STORAGE, "ledger: a row refers to nothing")
    _check_tree(db)
    for name, kept, counted in _COUNTERS:
        if db.execute(kept).fetchall() != db.execute(counted).fetchall():
            raise Fault(FaultCode.STORAGE, f"ledger: {name} are not what the log makes them")
    for (encoded,) in db.execute("SELECT released FROM answer"):
        answers.table(encoded)


def _check_tree(db: sqlite3.Connection) -> None:
    """Hash every leaf again and hold subtrees, series and every checkpoint ever signed against that."""
    leaves = [merkle.leaf_hash(jws.encode("ascii")) for (jws,) in db.execute("SELECT jws FROM leaf ORDER BY position")]
    read = merkle.full_subtrees(leaves)
    expected = sum(len(leaves) >> level for level in range(len(leaves).bit_length()))
    subtrees = db.execute("SELECT level, position, hash FROM subtree").fetchall()
    if len(subtrees) != expected or any(read(level, index) != found for level, index, found in subtrees):
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
