"""A node killed before any statement, also while it recovers, loses nothing, doubles nothing and releases nothing."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.crypto import notes
from yanmen.formats import merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.ledger.answers import Declined, Outcome, Pending
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan

from tests.unit.ledger import kill_rounds
from tests.unit.ledger.crash import killed_in, killed_opening, statements
from tests.unit.ledger.scene import (
    CONSUMER,
    LOG_KEY,
    PROFILE,
    Scene,
    offered,
    plan_of,
    released,
    reserved,
    terms_of,
    version,
)

CHARGE = 100


def head(ledger: Ledger) -> Checkpoint:
    return notes.verify_checkpoint(note.decode(ledger.checkpoint().encode()), ledger.origin, LOG_KEY.public)


def extends(ledger: Ledger, old: Checkpoint) -> None:
    """Hold the log to a head it showed before."""
    new = head(ledger)
    merkle.verify_consistency(old.size, new.size, ledger.consistency(old.size, new.size), old.root, new.root)


def furnished(tmp_path: Path, **limits: int) -> tuple[Scene, str]:
    """Return a scene whose ledger has one active contract."""
    scene = Scene(tmp_path / "ledger.db", NodeLimits(**limits))
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    return scene, contract.terms.id


def planned(scene: Scene, contract_id: str, name: str = "a") -> Plan:
    """Return the same plan each time."""
    with scene.open() as ledger:
        contract = ledger.contract(contract_id)
    assert contract is not None
    return plan_of(contract, scene.clock.ms, name * 32, name * 32, canonical=name, micro_rho=CHARGE)


def restarted(scene: Scene, old: Checkpoint) -> Ledger:
    """Start the node again, twice killed while recovering, and hold its ledger to everything it must be."""
    for before in (3, 11):
        killed_in(scene, lambda ledger: ledger.recover(), before)
    ledger = scene.open(create=False)
    ledger.recover()
    assert ledger.recover() == 0
    ledger.check()
    extends(ledger, old)
    return ledger


Operation = Callable[[Scene, str], Callable[[Ledger], object]]


def reserve(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    plan = planned(scene, contract_id)
    return lambda ledger: ledger.reserve(plan)


def settle(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    plan = planned(scene, contract_id)
    with scene.open() as ledger:
        held = reserved(ledger.reserve(plan))
    return lambda ledger: ledger.settle(held, released(plan), PROFILE)


def repeat(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    with scene.open() as ledger:
        contract = ledger.contract(contract_id)
        assert contract is not None
        first = plan_of(contract, scene.clock.ms, "b" * 32, "b" * 32, canonical="a", micro_rho=CHARGE)
        ledger.settle(reserved(ledger.reserve(first)), released(first), PROFILE)
    plan = planned(scene, contract_id)
    return lambda ledger: ledger.reserve(plan)


def abort(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    plan = planned(scene, contract_id)
    with scene.open() as ledger:
        held = reserved(ledger.reserve(plan))
    return lambda ledger: ledger.abort(held, Reason.RUN_FAILED, JobCode.MEMORY, Usage())


def refuse(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    plan = planned(scene, contract_id)
    refusal = Refused(Reason.ROWS_WOULD_LEAVE)
    return lambda ledger: ledger.refuse(plan.admitted.submission, plan.admitted.request, refusal)


def publish(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.publish(version("v2"))


def offer(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.add_offer(offered(terms_of("e" * 32)))


def revoke(scene: Scene, contract_id: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.set_status(contract_id, ContractStatus.REVOKED, "Li Si")


CASES: dict[str, tuple[Operation, int]] = {
    "reserve": (reserve, 8),
    "settle": (settle, 8),
    "repeat": (repeat, 8),
    "abort": (abort, 8),
    "abort-at-the-cap": (abort, 1),
    "refuse": (refuse, 8),
    "publish": (publish, 8),
    "offer": (offer, 8),
    "revoke": (revoke, 8),
}


def points(total: int) -> list[int]:
    """Return every third statement, and each of the last: from sealing the head to after the commit."""
    return sorted({*range(0, total, 3), *range(total - 4, total)})


@pytest.mark.parametrize("case", CASES)
def test_killed_at_every_step(tmp_path: Path, case: str) -> None:
    operation, failures = CASES[case]
    scene, contract_id = furnished(tmp_path, failures=failures)
    work = operation(scene, contract_id)
    with scene.open() as ledger:
        old, spent = head(ledger), ledger.balance(contract_id).micro_rho_left
    kept = {file: file.read_bytes() for file in tmp_path.glob("ledger.db")}
    total = statements(scene, work)
    fates: set[int] = set()
    for before in points(total):
        for file in tmp_path.glob("ledger.db*"):
            file.unlink()
        for file, content in kept.items():
            file.write_bytes(content)
        assert killed_in(scene, work, before)
        with scene.open() as ledger:
            left = ledger.balance(contract_id).micro_rho_left
            fates.add(ledger.size() - old.size)
            assert spent - left in ((0, CHARGE) if operation is reserve else (0,))
        with restarted(scene, old) as ledger:
            assert ledger.balance(contract_id).micro_rho_left == left
            ends_once(ledger, operation)
    assert total > 10
    assert len(fates) == 2, "all of it or nothing, and both were met"


def outcome(ledger: Ledger) -> Outcome | None:
    try:
        return ledger.outcome("a" * 32, CONSUMER)
    except Refused:
        return None


def ends_once(ledger: Ledger, operation: Operation) -> None:
    """Hold the job to one end: no answer without its leaf, no intent without its end."""
    if operation not in (reserve, settle, repeat, abort):
        return
    found = outcome(ledger)
    if found is None:
        assert operation in (reserve, repeat)
        return
    assert not isinstance(found, Pending)
    stage = ledger.receipt(found.receipt.index).stage
    assert stage is (Stage.OUTCOME if isinstance(found, Answer) else Stage.ABORTED)
    if isinstance(found, Declined):
        assert found.reason is Reason.RUN_FAILED


def test_killed_while_recovering(tmp_path: Path) -> None:
    """Three open intents; a recovery that dies before any of its statements, then another that does."""
    scene, contract_id = furnished(tmp_path, failures=2)
    with scene.open() as ledger:
        contract = ledger.contract(contract_id)
        assert contract is not None
        for _ in range(2):
            ledger.reserve(scene.plan(contract, micro_rho=CHARGE))
        ledger.reserve(scene.plan(contract, release=DatasetClass.OPEN, micro_rho=0, space=""))
        old, left = head(ledger), ledger.balance(contract_id).micro_rho_left
    kept = (tmp_path / "ledger.db").read_bytes()
    total = statements(scene, lambda ledger: ledger.recover())
    assert total > 40
    sizes: set[int] = set()
    for before in range(0, total, 4):
        for file in tmp_path.glob("ledger.db*"):
            file.unlink()
        (tmp_path / "ledger.db").write_bytes(kept)
        assert killed_in(scene, lambda ledger: ledger.recover(), before)
        with scene.open() as ledger:
            sizes.add(ledger.size() - old.size)
        with restarted(scene, old) as ledger:
            assert ledger.size() == old.size + 4  # three aborted, one contract suspended at the cap
            assert ledger.balance(contract_id).micro_rho_left == left
            stages = [ledger.receipt(index).stage for index in range(old.size, ledger.size())]
            assert stages.count(Stage.ABORTED) == 3
    assert sizes == {0, 1, 3, 4}, "the leaf that suspends comes with the abort that caused it"


def test_killed_twice_while_many_ask(tmp_path: Path) -> None:
    """Each point once, under group commit; `scripts/bench kills` does each twenty times."""
    tally = kill_rounds.killed_at_all(tmp_path / "node", kill_rounds.POINTS[1::2], 1)
    assert not +tally.faults
    assert tally.rounds == len(kill_rounds.POINTS) // 2
    assert tally.told > 0
    assert tally.killed_again > 0


def test_killed_while_beginning(tmp_path: Path) -> None:
    """A first start that dies before any of its statements leaves nothing that the next start cannot finish."""
    scene = Scene(tmp_path / "ledger.db")
    before = 0
    while killed_opening(scene, before):
        with scene.open() as ledger:
            ledger.check()
            assert ledger.size() == 3
            assert [ledger.receipt(index).stage for index in range(3)] == [Stage.GENESIS, Stage.KEY, Stage.KEY]
        for file in tmp_path.glob("ledger.db*"):
            file.unlink()
        before += 2
    assert before > 40


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """What a consumer has seen is in the log: a node killed while answering has recorded every answer it gave."""
    scene, contract_id = furnished(tmp_path, failures=1_000)
    seen = 0
    for round_ in range(8):
        with scene.open() as ledger:
            old = head(ledger)
        jobs = answered_until_killed(scene, contract_id, 3, round_ / 3_000)
        seen += len(jobs)
        with scene.open(create=False) as ledger:
            ledger.recover()
            ledger.check()
            extends(ledger, old)
            for job_id in jobs:
                found = ledger.outcome(job_id, CONSUMER)
                assert isinstance(found, Answer)
                assert ledger.receipt(found.receipt.index).stage is Stage.OUTCOME
    assert seen >= 24


def answered_until_killed(scene: Scene, contract_id: str, least: int, later_s: float) -> list[str]:
    """Let a child answer questions, telling each job as soon as it has its answer; kill it soon after `least`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with scene.open() as ledger:
                contract = ledger.contract(contract_id)
                assert contract is not None
                while True:
                    answer = scene.ask(ledger, contract, micro_rho=1)
                    os.write(writer, answer.job_id.encode())
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read(32 * least)
        time.sleep(later_s)
        os.kill(child, signal.SIGKILL)
        told += pipe.read()
    os.waitpid(child, 0)
    return [told[start : start + 32].decode() for start in range(0, len(told), 32)]


def test_an_answer_is_on_disk_when_it_is_returned(tmp_path: Path) -> None:
    """What another machine would find on a copy of the disk, taken while the node still runs, holds the answer."""
    scene, contract_id = furnished(tmp_path)
    with scene.open() as ledger:
        contract = ledger.contract(contract_id)
        assert contract is not None
        answer = scene.ask(ledger, contract)
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("ledger.db", "ledger.db-wal"):
            shutil.copy(tmp_path / name, copy)
    other = Scene(copy / "ledger.db")
    with other.open(create=False) as ledger:
        assert ledger.outcome(answer.job_id, CONSUMER) == answer


def test_a_torn_journal_is_an_earlier_ledger(tmp_path: Path) -> None:
    """Power lost while the journal was being written: what was not yet committed is gone, nothing is broken."""
    scene, contract_id = furnished(tmp_path)
    ledger = scene.open()
    contract = ledger.contract(contract_id)
    assert contract is not None
    for _ in range(4):
        scene.ask(ledger, contract)
    journal = (tmp_path / "ledger.db-wal").read_bytes()
    main = (tmp_path / "ledger.db").read_bytes()
    size = ledger.size()
    ledger.close()
    sizes = {torn_size(tmp_path / f"copy-{kept}", main, journal[:kept]) for kept in cuts(len(journal))}
    assert len(sizes) > 3
    assert max(sizes) <= size + 1


def cuts(length: int) -> list[int]:
    """Return where to cut a journal: mostly in the middle of a page, in all its transactions."""
    return [length * part // 12 for part in range(13)]


def torn_size(folder: Path, main: bytes, journal: bytes) -> int:
    folder.mkdir()
    (folder / "ledger.db").write_bytes(main)
    (folder / "ledger.db-wal").write_bytes(journal)
    with Scene(folder / "ledger.db").open(create=False) as torn:
        torn.recover()
        torn.check()
        return torn.size()
