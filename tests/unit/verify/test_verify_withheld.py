"""A slot that no receipt of the log discloses: it is named, what rests on it falls, and nothing else does."""

from pathlib import Path

import pytest
from yanmen.formats import receipt
from yanmen.formats.receipt import Slot
from yanmen.verify import Code, verify_bundle

from tests.vectors import specimen

FOLLOWS: dict[Slot, set[Code]] = {
    Slot.CONTRACT: {
        Code.CONTRACT_DIFFERS,
        Code.CONTRACT_NOT_IN_FORCE,
        Code.CONTRACT_TOTAL_DIFFERS,
        Code.REQUEST_DIFFERS,
        Code.SERIES_BROKEN,
        Code.SPENT_DIFFERS,
    },
    Slot.CONTRACT_DIGEST: {Code.CONTRACT_DIFFERS, Code.CONTRACT_NOT_IN_FORCE},
    Slot.CONSUMER: {Code.CONTRACT_DIFFERS, Code.CONTRACT_NOT_IN_FORCE, Code.CONTRACT_UNSIGNED},
    Slot.DATASETS: {Code.SLOT_MALFORMED},
    Slot.QUERY: {Code.REQUEST_DIFFERS},
    Slot.RELEASE: {Code.DATASET_NOT_CURRENT, Code.SLOT_MALFORMED, Code.TERMS_BROKEN},
    Slot.BUDGET: {Code.CONTRACT_TOTAL_DIFFERS, Code.SPACE_TOTAL_DIFFERS},
    Slot.PRICE: {Code.CONTRACT_TOTAL_DIFFERS, Code.SPACE_TOTAL_DIFFERS},
    Slot.DECISION: {Code.NOISE_DIFFERS, Code.OUTCOME_WITHOUT_INTENT, Code.REPEAT_DIFFERS},
    Slot.SUBJECT: {Code.CONTRACT_NOT_IN_FORCE},
    Slot.SERIES: {Code.CONTRACT_TOTAL_DIFFERS},
}
"""What falls with a slot; nothing does with the others. No finding says what was not there to be seen."""
MAY_BE_WITHHELD = {Slot.ACTOR, Slot.SANDBOX, Slot.USAGE}


@pytest.mark.parametrize("slot", Slot, ids=lambda slot: slot.value)
def test_what_is_withheld_everywhere(slot: Slot, tmp_path: Path) -> None:
    log = specimen.specimen()
    log.sdjwts = [receipt.present(each, frozenset(Slot) - {slot}) for each in log.sdjwts]
    report = verify_bundle(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public)
    codes = {each.code for each in report.findings}
    assert codes - {Code.SLOT_WITHHELD, Code.GRANT_WITHHELD} == FOLLOWS.get(slot, set())
    withheld = {each.subject for each in report.findings if each.code is Code.SLOT_WITHHELD}
    assert withheld == (set() if slot in MAY_BE_WITHHELD else {slot.value})
    assert report.ok is (slot in MAY_BE_WITHHELD)


@pytest.mark.parametrize("slot", [Slot.CONSUMER, Slot.CONTRACT_DIGEST, Slot.SCENARIO, Slot.DATASETS, Slot.RELEASE])
def test_one_use_that_withholds_a_slot_breaks_no_term_with_it(slot: Slot, tmp_path: Path) -> None:
    log = specimen.specimen()
    asked = 8  # an intent; its outcome is the next leaf
    for index in (asked, asked + 1):
        log.sdjwts[index] = receipt.present(log.sdjwts[index], frozenset(Slot) - {slot})
    report = verify_bundle(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public)
    assert {each.code for each in report.findings} == {Code.SLOT_WITHHELD}
    assert {each.index for each in report.findings} == {asked, asked + 1}
