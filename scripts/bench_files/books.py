"""What a durable record costs: reserve and settle against SQLite and Ed25519 alone."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from bench_files.place import SQL, Place
from bench_files.samples import Ratio, compare
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.disclosure import release
from yanmen.formats.request import Operation
from yanmen.model.refusal import Usage
from yanmen.model.stages import Plan, Raw, Released, Reserved
from yanmen.node.question import Question

BATCH = 10
LINES = (
    (
        f"{BATCH} times reserve and settle: two durable transactions, two leaves, four signatures each",
        f"{BATCH} times two durable SQLite transactions of one row and two Ed25519 signatures",
    ),
)
ROW = bytes(2560)


def measured(place: Place, repeat: int) -> Ratio:
    """Measure the ledger of the place; every reservation is a question of its own."""
    stages = Question(place.works, Operation.SUBMIT).stages()
    plan = stages.plan(stages.admit(place.submission(SQL.format(50))))
    result = release.disclose(Raw(plan, (), Usage()), place.works.runner.post)
    plain = Plain(place.folder / "plain.sqlite")

    def ours() -> None:
        for _ in range(BATCH):
            fresh = another(place, plan)
            held = place.holder.ledger.reserve(fresh)
            assert isinstance(held, Reserved)
            place.holder.ledger.settle(held, like(result, fresh), "ab" * 32)

    return compare(*LINES[0], ours, plain.batch, repeat)


def another(place: Place, plan: Plan) -> Plan:
    """Return `plan` as a question that no other equals, under a request of its own."""
    submission = place.submission(plan.admitted.submission.sql)
    request = replace(plan.admitted.request, jti=submission.job_id)
    return replace(
        plan, admitted=replace(plan.admitted, submission=submission, request=request), canonical=submission.job_id
    )


def like(result: Released, plan: Plan) -> Released:
    """Return the same figures as the answer to `plan`."""
    return replace(result, plan=plan)


class Plain:
    """A table and a key, and nothing else that a ledger is."""

    def __init__(self, path: Path) -> None:
        """Open the file as durably as the ledger does."""
        self._key = Ed25519PrivateKey.generate()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE leaf (position INTEGER PRIMARY KEY, jws BLOB, signature BLOB)")

    def batch(self) -> None:
        """Write as many rows, in as many transactions, as the ledger writes leaves."""
        for _ in range(2 * BATCH):
            self._db.execute("BEGIN IMMEDIATE")
            self._key.sign(ROW)
            self._db.execute("INSERT INTO leaf (jws, signature) VALUES (?, ?)", (ROW, self._key.sign(ROW)))
            self._db.execute("COMMIT")
