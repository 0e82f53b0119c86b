"""Objections and incidents: on the record, in their contract's series, closed once."""

from pathlib import Path

import pytest
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, Reason, Refused
from yanmen.verify import verify_bundle

from tests.unit.ledger.scene import CONSUMER, SPACE_KEY, Scene, disclosed, papers

KINDS = (Stage.OBJECTION, Stage.INCIDENT)


@pytest.mark.parametrize("stage", KINDS)
def test_a_case_is_opened_and_closed_once(
    scene: Scene, ledger: Ledger, contract: Contract, tmp_path: Path, stage: Stage
) -> None:
    first = ledger.open_case(stage, "用途与合约不符", "王某", contract.terms.id)
    other = ledger.open_case(stage, "someone left", "Li Si")
    assert disclosed(first).slots[Slot.CONTRACT] == contract.terms.id
    assert disclosed(first).slots[Slot.SUBJECT] == {"case": "", "status": "open", "text": "用途与合约不符"}
    closed = ledger.close_case(stage, first.jti, "已核查，合约已暂停", "张某")
    assert disclosed(closed).slots[Slot.SUBJECT] == {
        "case": first.jti,
        "status": "closed",
        "text": "已核查，合约已暂停",
    }
    assert ledger.receipt_for(closed.index, CONSUMER).stage is stage, "whose contract it is may see it"
    assert [(case.id, case.opened, case.closed) for case in ledger.cases(stage)] == [
        (first.jti, first.index, closed.index),
        (other.jti, other.index, None),
    ]
    for again in (first.jti, closed.jti, "0" * 32):
        with pytest.raises(Refused) as refused:
            ledger.close_case(stage, again, "twice", "张某")
        assert refused.value.reason is Reason.REQUEST_MALFORMED
    assert all(ledger.cases(kind) == () for kind in KINDS if kind is not stage)
    ledger.export(tmp_path / "bundle", papers())
    assert verify_bundle(tmp_path / "bundle", SPACE_KEY.public).ok


def test_a_case_is_about_a_contract_there_is_and_of_a_kind_there_is(ledger: Ledger, contract: Contract) -> None:
    size = ledger.size()
    with pytest.raises(Refused):
        ledger.open_case(Stage.OBJECTION, "text", "Li Si", "0" * 32)
    with pytest.raises(Fault):
        ledger.open_case(Stage.OUTCOME, "text", "Li Si")
    assert ledger.size() == size
