"""The audit bundle: accepted by the auditor's own verifier, whole or not there, and in nobody's way."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.formats import receipt
from yanmen.formats.receipt import Slot
from yanmen.formats.request import Operation
from yanmen.ledger import log
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.verify import Code, verify_bundle

from tests.unit.ledger.scene import PROFILE, RIVAL, SPACE_KEY, Scene, papers, released, reserved, version


def lived(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Let a ledger go through everything a node does."""
    rival = scene.furnish(ledger, consumer=RIVAL)
    for one in (contract, rival, contract):
        scene.ask(ledger, one, micro_rho=150, delta_e12=2)
    gazette = version("gazette", name="gazette", cls=DatasetClass.OPEN, subject_space="")
    ledger.publish(gazette)
    scene.ask(ledger, contract, release=DatasetClass.OPEN, micro_rho=0, space="", scanned=gazette)
    scene.ask(ledger, contract, session=scene.name(), micro_rho=10)
    first, again = scene.plan(contract), scene.plan(contract)
    object.__setattr__(again, "canonical", first.canonical)
    ledger.settle(reserved(ledger.reserve(first)), released(first), PROFILE)
    ledger.explained(scene.plan(rival, operation=Operation.EXPLAIN))
    ledger.reserve(again)
    for code in (JobCode.MEMORY, JobCode.CANCELLED):
        ledger.abort(reserved(ledger.reserve(scene.plan(contract))), Reason.RUN_FAILED, code, Usage(cpu_ms=5))
    plan = scene.plan(contract)
    ledger.refuse(plan.admitted.submission, plan.admitted.request, Refused(Reason.ROWS_WOULD_LEAVE))
    ledger.refuse(plan.admitted.submission, None, Refused(Reason.SIGNATURE_INVALID))
    ledger.reserve(scene.plan(contract))
    ledger.recover()
    ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")


def test_the_auditor_accepts_it(scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path) -> None:
    lived(scene, ledger, contract)
    assert ledger.export(tmp_path / "bundle", papers()) == ledger.size()
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    assert report.findings == ()
    assert report.ok
    assert report.verified == ledger.size()
    total = next(one for one in report.contracts if one.contract == contract.terms.id)
    left = ledger.balance(contract.terms.id)
    assert total.micro_rho == contract.terms.micro_rho - left.micro_rho_left
    assert total.delta_e12 == contract.terms.delta_e12 - left.delta_e12_left
    assert (total.fen, total.queries) == (left.spent_fen, contract.terms.queries - left.queries_left)


def test_the_auditor_sees_what_consumers_do_not(
    scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path
) -> None:
    index = scene.ask(ledger, contract).receipt.index
    ledger.export(tmp_path / "bundle", papers())
    exported = receipt.decode((tmp_path / f"bundle/receipts/{index:08}.sdjwt").read_text())
    assert Slot.USAGE in exported.slots


def test_a_dropped_refusal_is_found(scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path) -> None:
    lived(scene, ledger, contract)
    ledger.export(tmp_path / "bundle", papers())
    dropped = next(index for index in range(ledger.size()) if ledger.receipt(index).stage.value == "refused")
    (tmp_path / f"bundle/leaves/{dropped:08}.jws").unlink()
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    assert not report.ok
    assert (dropped, Code.LEAF_MISSING) in {(finding.index, finding.code) for finding in report.findings}


def test_it_appears_whole_or_not_at_all(
    ledger: Ledger, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(tmp_path.iterdir())
    read = log.read_receipt

    def failing(db: object, position: int, *, whole: bool) -> Receipt:
        if position == 3:
            raise OSError(28, "No space left on device")
        return read(db, position, whole=whole)  # type: ignore[arg-type]

    monkeypatch.setattr(log, "read_receipt", failing)
    with pytest.raises(Fault) as fault:
        ledger.export(tmp_path / "bundle", papers())
    assert fault.value.code is FaultCode.STORAGE_FULL
    assert set(tmp_path.iterdir()) == before
    monkeypatch.undo()
    ledger.export(tmp_path / "bundle", papers())
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for taken in ("bundle", "file", "empty"):
        with pytest.raises(Fault) as fault:
            ledger.export(tmp_path / taken, papers())
        assert fault.value.code is FaultCode.STORAGE
    assert verify_bundle(tmp_path / "bundle", SPACE_KEY.public).ok


def test_writers_go_on_meanwhile(
    scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves appended while a bundle is being written neither wait for it nor get into it."""
    size = ledger.size()
    read = log.read_receipt
    asked = threading.Event()

    def slow(db: object, position: int, *, whole: bool) -> Receipt:
        if whole and not asked.is_set():
            asked.set()
            thread = threading.Thread(target=lambda: [scene.ask(ledger, contract) for _ in range(3)])
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
        return read(db, position, whole=whole)  # type: ignore[arg-type]

    monkeypatch.setattr(log, "read_receipt", slow)
    assert ledger.export(tmp_path / "bundle", papers()) == size
    assert ledger.size() == size + 6
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    assert report.ok, report.findings


def test_erased_disclosures_leave_a_log_that_verifies(
    scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path
) -> None:
    index = scene.ask(ledger, contract).receipt.index
    with ledger._store.write() as db:
        db.execute("DELETE FROM disclosure WHERE position = ?", (index,))
    ledger.check()
    ledger.export(tmp_path / "bundle", papers())
    codes = {finding.code for finding in verify_bundle(tmp_path / "bundle", SPACE_KEY.public).findings}
    assert Code.SLOT_WITHHELD in codes
    assert not codes & {Code.ROOT_DIFFERS, Code.LEAF_ALTERED, Code.PROOF_WRONG, Code.LEAF_SIGNATURE}


def test_an_intent_whose_disclosures_were_erased_can_still_be_ended(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    with ledger._store.write() as db:
        db.execute("DELETE FROM disclosure WHERE position = ?", (held.intent_index,))
    assert ledger.recover() == 1


def test_only_the_owner_can_read_it(ledger: Ledger, contract: Contract, tmp_path: Path) -> None:
    ledger.export(tmp_path / "bundle", papers())
    assert (tmp_path / "bundle").stat().st_mode & 0o077 == 0


def many(work: Callable[[], object], threads: int) -> None:
    """Run `work` in several threads at once."""
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
        assert not thread.is_alive()


def test_threads_share_a_ledger(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    plans = [scene.plan(contract) for _ in range(24)]

    def work() -> None:
        for _ in range(6):
            plan = plans.pop()
            ledger.settle(reserved(ledger.reserve(plan)), released(plan), PROFILE)
            ledger.balance(contract.terms.id)

    many(work, 4)
    assert ledger.balance(contract.terms.id).micro_rho_left == 10_000 - 24 * 100
