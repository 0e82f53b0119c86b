"""Many callers, one transaction: durable together, refused apart."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from yanmen.ledger import group, store
from yanmen.ledger.connection import Connection
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.log import About
from yanmen.ledger.store import Store
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Reserved

from tests.unit.ledger.scene import CONSUMER, PROFILE, Scene, released, store_of

CALLERS = 12


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a scene in which many questions may be open."""
    return Scene(tmp_path / "ledger.db", NodeLimits(failures=1_000))


@contextmanager
def busy(path: Path) -> Iterator[None]:
    """Hold the ledger's write lock as another process would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def together(ledger: Ledger, path: Path, works: list[Callable[[], object]]) -> list[Future[object]]:
    """Start all `works` while nobody can write, wait until all stand in line, and let them go."""
    with ThreadPoolExecutor(len(works)) as pool:
        with busy(path):
            futures = [pool.submit(work) for work in works]
            while len(ledger._group._line) < len(works):
                time.sleep(0.001)
        return futures


def commits(ledger: Ledger) -> list[str]:
    """Return a list that every COMMIT of the writer is added to."""
    seen: list[str] = []

    def note(statement: str) -> None:
        if statement == "COMMIT":
            seen.append(statement)

    store_of(ledger)._writer.set_trace_callback(note)
    return seen


def asking(scene: Scene, ledger: Ledger, contract: Contract, delta_e12: int = 0) -> Callable[[], object]:
    plan = scene.plan(contract, micro_rho=1, delta_e12=delta_e12)
    return lambda: ledger.reserve(plan)


def test_one_commit_and_one_head_for_many(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    seen, size = commits(ledger), ledger.size()
    futures = together(ledger, scene.path, [asking(scene, ledger, contract) for _ in range(CALLERS)])
    held = [future.result() for future in futures]
    assert all(isinstance(each, Reserved) for each in held)
    assert len(seen) == 1
    assert ledger.size() == size + CALLERS
    with ledger._store.read() as db:
        heads = [covered for (covered,) in db.execute("SELECT size FROM checkpoint WHERE size > ?", (size,))]
    assert heads == [size + CALLERS]


def test_a_refusal_undoes_nobody_else(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    left = ledger.balance(contract.terms.id).micro_rho_left
    works = [asking(scene, ledger, contract) for _ in range(4)]
    works.insert(2, asking(scene, ledger, contract, delta_e12=contract.terms.delta_e12 + 1))
    futures = together(ledger, scene.path, works)
    refused = [future for future in futures if future.exception() is not None]
    assert len(refused) == 1
    error = refused[0].exception()
    assert isinstance(error, Refused)
    assert error.reason is Reason.BUDGET_SPENT
    assert ledger.balance(contract.terms.id).micro_rho_left == left - 4


def test_a_broken_change_undoes_nobody_else(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    def broken() -> object:
        def change(db: Connection) -> None:
            db.execute("DELETE FROM rate")
            ledger._log.append(db, Stage.KEY, {}, About())
            raise ZeroDivisionError

        return ledger._commit(change, lambda _, made: made)

    size = ledger.size()
    futures = together(ledger, scene.path, [asking(scene, ledger, contract), broken, asking(scene, ledger, contract)])
    assert [type(future.exception()) for future in futures] == [type(None), ZeroDivisionError, type(None)]
    assert ledger.size() == size + 2


def test_nobody_goes_on_before_the_commit(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """While the COMMIT has not returned, nobody of the group has an answer."""
    futures: list[Future[object]] = []
    ended: list[int] = []

    def note(statement: str) -> None:
        if statement == "COMMIT":
            time.sleep(0.2)
            ended.append(sum(future.done() for future in futures))

    store_of(ledger)._writer.set_trace_callback(note)
    futures.extend(together(ledger, scene.path, [asking(scene, ledger, contract) for _ in range(CALLERS)]))
    for future in futures:
        future.result()
    assert ended == [0]


def test_a_commit_that_fails_fails_for_all(
    scene: Scene, ledger: Ledger, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = ledger.size()
    write = Store.write

    @contextmanager
    def full(self: Store) -> Iterator[sqlite3.Connection]:
        with write(self) as db:
            yield db
            raise Fault(FaultCode.STORAGE_FULL, "no room")

    monkeypatch.setattr(Store, "write", full)
    futures = together(ledger, scene.path, [asking(scene, ledger, contract) for _ in range(3)])
    errors = [future.exception() for future in futures]
    monkeypatch.undo()
    assert [error.code for error in errors if isinstance(error, Fault)] == [FaultCode.STORAGE_FULL] * 3
    assert len({id(error) for error in errors}) == 3
    assert ledger.size() == size
    scene.ask(ledger, contract)


def test_a_ledger_that_stays_busy_fails_for_all(
    scene: Scene, contract: Contract, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_MS", 50)
    with scene.open() as other, ThreadPoolExecutor(3) as pool:
        works = [asking(scene, other, contract) for _ in range(3)]
        with busy(scene.path):
            futures = [pool.submit(work) for work in works]
            errors = [future.exception() for future in futures]
        assert all(isinstance(error, Fault) for error in errors)
        scene.ask(other, contract)


def test_an_interrupted_leader_leaves_the_line_open(
    scene: Scene, ledger: Ledger, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Store) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            scene.ask(ledger, contract)
    assert scene.ask(ledger, contract).receipt.index
    assert ledger.contracts(CONSUMER)


def test_no_group_is_endless(scene: Scene, ledger: Ledger, contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "CALLERS_MAX", 4)
    seen = commits(ledger)
    futures = together(ledger, scene.path, [asking(scene, ledger, contract) for _ in range(10)])
    assert all(isinstance(future.result(), Reserved) for future in futures)
    assert len(seen) == 3


def test_callers_served_together_are_waited_for_and_no_others(
    scene: Scene, ledger: Ledger, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leads after a group waits while more come, but only so long; after one alone, nobody waits."""
    waited: list[float] = []

    class Watched:
        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def acquire(self, timeout: float = -1) -> bool:
            waited.append(timeout)
            return bool(self.lock.acquire(timeout=timeout))

        def release(self) -> None:
            self.lock.release()

    monkeypatch.setattr(ledger._group, "_come", Watched(ledger._group._come))
    scene.ask(ledger, contract)
    assert waited == []
    for future in together(ledger, scene.path, [asking(scene, ledger, contract) for _ in range(CALLERS)]):
        future.result()
    waited.clear()
    asking(scene, ledger, contract)()
    assert waited == [group.GATHER_S], "nobody else came"
    asking(scene, ledger, contract)()
    assert waited == [group.GATHER_S], "the last one came alone"


def test_one_caller_who_breaks_after_writing_leaves_nothing(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """The first of a transaction stands in no savepoint: the transaction itself is undone, and forgotten."""
    seen: list[str] = []
    store_of(ledger)._writer.set_trace_callback(seen.append)

    def broken(db: Connection) -> None:
        ledger._log.append(db, Stage.KEY, {}, About())
        raise ZeroDivisionError

    size, head = ledger.size(), ledger.checkpoint()
    with pytest.raises(ZeroDivisionError):
        ledger._commit(broken, lambda _, made: made)
    assert "ROLLBACK" in seen
    assert "SAVEPOINT caller" not in seen
    assert (ledger.size(), ledger.checkpoint()) == (size, head)
    scene.ask(ledger, contract)
    ledger.check()


def test_a_receipt_that_was_not_read_back_is_the_one_that_is_kept(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    works = [partial(ledger.reserve, scene.plan(contract, micro_rho=1)) for _ in range(4)]
    held = [future.result() for future in together(ledger, scene.path, list(works))]
    for each in held:
        assert isinstance(each, Reserved)
        given = ledger.settle(each, released(each.plan), PROFILE).receipt
        assert given == ledger.receipt_for(given.index, CONSUMER)
