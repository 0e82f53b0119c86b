"""Disclosures destroyed after their term: gone from the file, named by a leaf, and the log verifies as before."""

from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.formats import receipt
from yanmen.formats.erasure import DAY_S, DESTROYED, Erasure
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Reserved
from yanmen.verify import Report, verify_bundle
from yanmen.verify.report import Code

from tests.unit.ledger.scene import CONSUMER, PROFILE, SPACE_KEY, Scene, disclosed, papers, plan_of, released, reserved

SECRET = "SELECT city, count(*) FROM persons WHERE city = 'SECRET-OF-A-QUESTION' GROUP BY city"
MONTH_MS = 30 * DAY_S * 1000


def verified(ledger: Ledger, folder: Path) -> Report:
    ledger.export(folder, papers())
    return verify_bundle(folder, SPACE_KEY.public)


def ask(scene: Scene, ledger: Ledger, contract: Contract, name: str) -> int:
    plan = plan_of(contract, scene.clock.ms, name * 32, name * 32, canonical=name, sql=SECRET)
    return ledger.settle(reserved(ledger.reserve(plan)), released(plan), PROFILE).receipt.index


def refuse(scene: Scene, ledger: Ledger, contract: Contract) -> int:
    plan = plan_of(contract, scene.clock.ms, "f" * 32, "f" * 32, sql=SECRET)
    refusal = Refused(Reason.ROWS_WOULD_LEAVE)
    return ledger.refuse(plan.admitted.submission, plan.admitted.request, refusal).index


def in_files(scene: Scene, text: bytes) -> int:
    return sum(file.read_bytes().count(text) for file in scene.path.parent.glob("ledger.db*"))


def test_what_is_due_is_destroyed_and_the_log_still_verifies(
    scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path
) -> None:
    first, no = ask(scene, ledger, contract, "a"), refuse(scene, ledger, contract)
    kept = ledger.receipt(first)
    parts = kept.sdjwt.split("~")[1:-1]
    # The search finds them; of those that lie across two pages of the file it finds halves only.
    assert sum(in_files(scene, part.encode()) for part in parts) >= len(parts) - 3
    before = verified(ledger, tmp_path / "before")
    scene.clock.ms += MONTH_MS + 60_000
    later = ask(scene, ledger, contract, "b")
    done = ledger.erase(scene.clock.ms, "张某")
    assert done is not None
    assert ledger.erase(scene.clock.ms, "张某") is None
    assert Erasure.read(disclosed(done).slots[Slot.SUBJECT], done.index).indices() == (first - 1, first, no)
    slots = receipt.decode(ledger.receipt(first).sdjwt).slots
    assert not slots.keys() & DESTROYED
    assert {Slot.BUDGET, Slot.PRICE, Slot.SERIES, Slot.OUTPUT} <= slots.keys()
    assert Slot.QUERY in receipt.decode(ledger.receipt(later).sdjwt).slots
    after = verified(ledger, tmp_path / "after")
    assert after.ok, after.findings
    assert [(found.code, found.subject) for found in after.findings] == [(Code.ERASED, "3")]
    assert after.contracts[0].micro_rho == before.contracts[0].micro_rho * 2
    gone = [
        part
        for part, (slot, _) in zip(parts, receipt.decode(kept.sdjwt).slots.items(), strict=True)
        if slot in DESTROYED
    ]
    assert gone
    assert sum(in_files(scene, part.encode()) for part in gone) == 0, "nothing of it is left in file or journal"


def test_what_is_not_due_stays(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    ask(scene, ledger, contract, "a")
    open_now = ledger.reserve(plan_of(contract, scene.clock.ms, "c" * 32, "c" * 32, canonical="c"))
    assert isinstance(open_now, Reserved)
    long = scene.activate(ledger, replace(contract.terms, id="d" * 32, retention_days=3650))
    ask(scene, ledger, long, "d")
    assert ledger.erase(scene.clock.ms + 1, "Li Si") is None, "the term is not over"
    scene.clock.ms += MONTH_MS + 60_000
    assert ledger.erase(scene.clock.ms - MONTH_MS - 120_000, "Li Si") is None, "none is that old"
    done = ledger.erase(scene.clock.ms, "Li Si")
    assert done is not None
    assert len(Erasure.read(disclosed(done).slots[Slot.SUBJECT], done.index).indices()) == 2
    ledger.settle(open_now, released(open_now.plan), PROFILE)


def test_a_destroyed_answer_is_told_of_and_the_question_can_be_asked_anew(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    ask(scene, ledger, contract, "a")
    refuse(scene, ledger, contract)
    scene.clock.ms += MONTH_MS + 60_000
    ledger.erase(scene.clock.ms, "Li Si")
    with pytest.raises(Refused) as refused:
        ledger.outcome("a" * 32, CONSUMER)
    assert refused.value.detail.hint_zh
    ledger.outcome("f" * 32, CONSUMER)
    plan = plan_of(contract, scene.clock.ms, "e" * 32, "e" * 32, canonical="a", sql=SECRET)
    assert isinstance(ledger.reserve(plan), Reserved), "no figures are left to be repeated"


def test_many_are_destroyed_in_several_steps(
    scene: Scene, ledger: Ledger, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yanmen.ledger.erasing.LEAVES_MAX", 2)
    for name in "abc":
        ask(scene, ledger, contract, name)
    scene.clock.ms += MONTH_MS + 60_000
    assert [ledger.erase(scene.clock.ms, "Li Si") is not None for _ in range(4)] == [True, True, True, False]


def test_an_auditor_tells_destroyed_from_withheld_and_from_destroyed_too_early(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        index = ask(scene, ledger, contract, "a")
        with monkeypatch.context() as patch:
            patch.setattr("yanmen.ledger.erasing.DAY_S", 0)  # a node that does not wait
            assert ledger.erase(scene.clock.ms + 1, "Li Si") is not None
        early = verified(ledger, tmp_path / "early")
        codes = {found.code for found in early.findings}
        assert codes >= {Code.ERASED_EARLY, Code.SLOT_WITHHELD}
        assert not early.ok
        other = ask(scene, ledger, contract, "b")
        with ledger._store.write() as db:
            db.execute("UPDATE disclosure SET shown = '' WHERE position = ?", (other,))
        report = verified(ledger, tmp_path / "withheld")
        withheld = {found.index for found in report.findings if found.code is Code.SLOT_WITHHELD}
        assert withheld == {index - 1, index, other}, "no erasure leaf names it"


@pytest.mark.parametrize(
    "value",
    [
        {"erased": [], "leaves": [[3, 2]]},
        {"erased": [], "leaves": [[1, 2], [3, 4]]},
        {"erased": [], "leaves": [[4, 5], [1, 2]]},
        {"erased": [], "leaves": [[1, 9]]},
        {"erased": [], "leaves": [[1]]},
        {"erased": [], "leaves": ["1"]},
        {"leaves": []},
    ],
)
def test_a_malformed_erasure_names_nothing(value: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        Erasure.read(value, 9)  # type: ignore[arg-type]


def test_ranges_are_those_of_the_leaves() -> None:
    made = Erasure.of((1, 2, 3, 7, 9, 10))
    assert made.ranges == ((1, 3), (7, 7), (9, 10))
    assert Erasure.read(made.json(), 11) == made
    assert made.indices() == (1, 2, 3, 7, 9, 10)
    assert Stage.ERASURE.value == "erasure"
