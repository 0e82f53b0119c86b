"""What a contract grants the regulator is disclosed, or its absence is a finding."""

from pathlib import Path

import pytest
from yanmen.formats import base64url, bundle
from yanmen.formats.receipt import Slot
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Reason, Refused
from yanmen.verify import Code, verify_bundle
from yanmen.verify.sampling import Draw, audit_sample, read_seed

from tests.unit.ledger.scene import (
    SPACE_KEY,
    Scene,
    released,
    reserved,
)

# What the regulator may see ---------------------------------------------------------------------------
from tests.unit.verify.test_verify_prices import ask, codes, ledger, report, scene

GRANTED = ("plan", "query", "usage")


def withholding(path: Path, slot: Slot) -> int:
    """Take the disclosure of `slot` out of the first intent's receipt and return its leaf."""
    stages = [line.split()[0] for line in (path / "leaves.txt").read_text().splitlines()]
    index = stages.index("intent")
    file = path / bundle.receipt_name(index)
    leaf, *disclosures = file.read_text()[:-1].split("~")
    kept = [each for each in disclosures if f'"{slot.value}"' not in base64url.decode(each).decode().split(",")[1]]
    assert len(kept) == len(disclosures) - 1
    file.write_text("".join(f"{part}~" for part in (leaf, *kept)))
    return index


@pytest.mark.parametrize(
    ("slot", "code"),
    [(Slot.PLAN, Code.GRANT_WITHHELD), (Slot.QUERY, Code.GRANT_WITHHELD), (Slot.SCENARIO, None)],
)
def test_a_disclosure_granted_to_the_regulator_and_withheld_is_a_finding(
    scene: Scene, ledger: Ledger, tmp_path: Path, slot: Slot, code: Code | None
) -> None:
    contract = scene.furnish(ledger, regulator_discloses=GRANTED)
    scene.ask(ledger, contract)
    plan = scene.plan(contract)
    ledger.abort(reserved(ledger.reserve(plan)), Reason.RUN_FAILED, None, released(plan).usage)
    assert codes(report(ledger, tmp_path)) == []
    index = withholding(tmp_path / "bundle", slot)
    found = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    named = [(each.index, each.subject) for each in found.findings if each.code is Code.GRANT_WITHHELD]
    assert named == ([(index, slot.value)] if code else [])
    drawn = audit_sample([tmp_path / "bundle"], read_seed("ab" * 16), Draw(99), SPACE_KEY.public)
    sampled = [one for each in drawn.receipts for one in each.findings if one.code is Code.GRANT_WITHHELD]
    assert [(one.index, one.subject) for one in sampled] == named


def test_every_slot_said_to_be_there_is_there(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    """What is granted is missed only where every honest leaf says it, so no honest node is accused."""
    everything = tuple(sorted(slot.value for slot in Slot))
    contract = scene.furnish(ledger, regulator_discloses=everything)
    first, again = scene.plan(contract), scene.plan(contract)
    object.__setattr__(again, "canonical", first.canonical)
    ask(scene, ledger, first)
    ledger.reserve(again)
    ledger.explained(scene.plan(contract, operation=Operation.EXPLAIN))
    ledger.refuse(first.admitted.submission, first.admitted.request, Refused(Reason.ROWS_WOULD_LEAVE))
    ledger.reserve(scene.plan(contract))
    ledger.recover()
    ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")
    assert codes(report(ledger, tmp_path)) == []


__all__ = ["ledger", "scene"]
