"""Rounds of a node killed while many ask, killed again while it recovers, and held to all it told."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from yanmen.crypto import notes, receipts
from yanmen.formats import merkle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Answer

from tests.unit.ledger.crash import Fuse, killed_by, killed_in
from tests.unit.ledger.scene import (
    CONSUMER,
    LOG_KEY,
    PROFILE,
    RECEIPT_KEY,
    SUBJECTS,
    Scene,
    plan_of,
    released,
    reserved,
    terms_of,
    version,
)

ASKERS = 3
CHARGE = 10
TOLD = "-- told"
POINTS = (
    "BEGIN IMMEDIATE",
    "SAVEPOINT caller",
    "INSERT INTO request_seen",
    "INSERT INTO contract_day",
    "UPDATE contract SET",
    "UPDATE subject_space",
    "INSERT INTO leaf",
    "INSERT INTO disclosure",
    "INSERT INTO subtree",
    "INSERT INTO series",
    "INSERT INTO intent",
    "INSERT INTO job",
    "RELEASE caller",
    "INSERT INTO answer",
    "UPDATE intent SET ended",
    "UPDATE job SET",
    "INSERT INTO checkpoint",
    "COMMIT",
    "-- before it is told",
    TOLD,
)
"""What the node is killed before: statements of a question's life, and telling its answer."""


@dataclass
class Tally:
    """What was counted over all rounds."""

    rounds: int = 0
    told: int = 0
    killed_again: int = 0
    faults: Counter[str] = field(default_factory=Counter)


class Rounds:
    """One ledger killed again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Make the ledger, with one contract that never runs dry."""
        folder.mkdir()
        self.scene = Scene(folder / "ledger.db", NodeLimits(failures=1_000_000))
        self._draw = random.Random(seed)
        with self.scene.open() as ledger:
            ledger.register_space(SubjectSpace(SUBJECTS, 10**9, 10**9))
            ledger.publish(version())
            terms = terms_of(self.scene.name(), micro_rho=10**9, queries=10**6, queries_per_day=10**6)
            self.contract = self.scene.activate(ledger, terms)
            self._spent = ledger.balance(terms.id).micro_rho_left
        self.tally = Tally()

    def once(self, point: str) -> None:
        """Kill the node before `point`, then while it recovers; recover and count what is wrong."""
        with self.scene.open(create=False) as ledger:
            before = head(ledger)
        told = answered_until_killed(self.scene, self.contract.terms.id, Fuse(self._draw.randrange(4, 16), point))
        self.tally.killed_again += killed_in(self.scene, lambda ledger: ledger.recover(), self._draw.randrange(14))
        with self.scene.open(create=False) as ledger:
            ledger.recover()
            self._hold(ledger, before, told)
        self.tally.rounds += 1
        self.tally.told += len(told)

    def check(self) -> None:
        """Recompute the whole ledger."""
        with self.scene.open(create=False) as ledger:
            ledger.check()

    def _hold(self, ledger: Ledger, before: Checkpoint, told: list[str]) -> None:
        now = head(ledger)
        with suppress(merkle.BadProof):
            path = ledger.consistency(before.size, now.size)
            merkle.verify_consistency(before.size, now.size, path, before.root, now.root)
            before = now
        self.tally.faults["a head that is no continuation"] += before != now
        for job_id in told:
            self.tally.faults["released without receipt"] += not answered(ledger, job_id)
        with ledger._store.read() as db:
            (dangling,) = db.execute("SELECT count(*) FROM intent WHERE ended IS NULL").fetchone()
            (intents,) = db.execute("SELECT count(*) FROM intent").fetchone()
            (leaves,) = db.execute("SELECT count(*) FROM leaf WHERE stage = 'intent'").fetchone()
        self.tally.faults["dangling intents"] += dangling
        spent = self._spent - ledger.balance(self.contract.terms.id).micro_rho_left
        self.tally.faults["charged twice, or not"] += spent != CHARGE * intents or intents != leaves
        for job_id in told[-1:]:
            self.tally.faults["charged again when asked again"] += not self._refuses_again(ledger, job_id)

    def _refuses_again(self, ledger: Ledger, job_id: str) -> bool:
        try:
            ledger.reserve(plan_of(self.contract, self.scene.clock.ms, job_id, job_id, micro_rho=CHARGE))
        except Refused as refusal:
            return refusal.reason is Reason.REQUEST_REPLAYED
        return False


def head(ledger: Ledger) -> Checkpoint:
    """Return the ledger's verified head."""
    return notes.verify_checkpoint(note.decode(ledger.checkpoint().encode()), ledger.origin, LOG_KEY.public)


def answered(ledger: Ledger, job_id: str) -> bool:
    """Say whether the job has an answer with a receipt of its outcome that proves itself."""
    try:
        found = ledger.outcome(job_id, CONSUMER)
    except Refused:
        return False
    return isinstance(found, Answer) and found.receipt.stage is Stage.OUTCOME and proves(ledger, found.receipt)


def proves(ledger: Ledger, receipt: Receipt) -> bool:
    """Say whether a receipt verifies."""
    leaf = receipts.verify_disclosed(receipt.sdjwt, RECEIPT_KEY.public).leaf
    given = proof.decode(receipt.proof)
    top = notes.verify_checkpoint(given.checkpoint, ledger.origin, LOG_KEY.public)
    try:
        merkle.verify_inclusion(merkle.leaf_hash(leaf.jws), given.index, top.size, given.path, top.root)
    except merkle.BadProof:
        return False
    return given.index == receipt.index


def answered_until_killed(scene: Scene, contract_id: str, fuse: Fuse) -> list[str]:
    """Let a process with several askers answer until its fuse kills it; return the jobs it told of."""
    reader, writer = os.pipe()

    def work(ledger: Ledger) -> None:
        names = [iter_names(scene, asker) for asker in range(ASKERS)]
        threads = [Thread(target=ask_on, args=(ledger, scene, contract_id, name, fuse, writer)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    try:
        killed = killed_by(scene, work, fuse)
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode()
    assert killed, "no point was met"
    return [told[start : start + 32] for start in range(0, len(told), 32)]


def iter_names(scene: Scene, asker: int) -> Callable[[], str]:
    """Return what names each question of one asker in this process."""
    stem = f"{os.getpid():010x}{asker:02x}"
    numbers: Iterator[int] = iter(range(1 << 30))
    salt = scene.name()[:12]
    return lambda: f"{stem}{salt}{next(numbers):08x}"


def ask_on(ledger: Ledger, scene: Scene, contract_id: str, name: Callable[[], str], fuse: Fuse, writer: int) -> None:
    """Ask without end, and tell of each answer."""
    contract = ledger.contract(contract_id)
    assert contract is not None
    while True:
        job = name()
        plan = plan_of(contract, scene.clock.ms, job, job, canonical=job, micro_rho=CHARGE)
        answer = ledger.settle(reserved(ledger.reserve(plan)), released(plan), PROFILE)
        fuse.burn("-- before it is told")
        os.write(writer, answer.job_id.encode())
        fuse.burn(TOLD)


def killed_at_all(folder: Path, points: tuple[str, ...], times: int, seed: int = 1) -> Tally:
    """Run `times` rounds at each of `points` and return what was counted."""
    rounds = Rounds(folder, seed)
    for point in points:
        for _ in range(times):
            rounds.once(point)
        rounds.check()
    return rounds.tally
