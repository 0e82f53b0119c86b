"""Uses counted against the ceilings of controls: exact, sliding, across processes and years."""

from pathlib import Path

import pytest
from yanmen.formats import usage_control
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.refusal import Reason, Refused
from yanmen.model.usage_control import Rules

from tests.attacks.test_budget_race import PROCESSES, race, settled
from tests.unit.ledger.scene import Scene

MINUTE_MS = 60_000


def rules(*texts: str) -> Rules:
    said = (text.split(" ", 2) for text in texts)
    return Rules(controls=tuple(usage_control.control(name, op, listed.split(",")) for name, op, listed in said))


def furnished(scene: Scene, ledger: Ledger, *texts: str) -> Contract:
    return scene.furnish(ledger, rules=rules(*texts))


def why(scene: Scene, ledger: Ledger, contract: Contract) -> tuple[Reason, str]:
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, contract)
    return refused.value.reason, refused.value.detail.subject


def test_a_frequency_slides(scene: Scene, ledger: Ledger) -> None:
    contract = furnished(scene, ledger, "frequency lteq 2/PT1M")
    scene.ask(ledger, contract)
    scene.clock.ms += MINUTE_MS - 1
    scene.ask(ledger, contract)
    assert why(scene, ledger, contract) == (Reason.QUOTA_SPENT, "control:frequency")
    scene.clock.ms += 1
    scene.ask(ledger, contract)
    assert why(scene, ledger, contract) == (Reason.QUOTA_SPENT, "control:frequency")


def test_a_count_is_over_all_or_of_each_period(scene: Scene, ledger: Ledger) -> None:
    contract = furnished(scene, ledger, "count lt 2")
    scene.ask(ledger, contract)
    scene.clock.ms += 1_000 * MINUTE_MS
    assert why(scene, ledger, contract) == (Reason.QUOTA_SPENT, "control:count")
    other = furnished(scene, ledger, "count lteq 1", "timeWindow eq PT10M")
    scene.ask(ledger, other)
    assert why(scene, ledger, other) == (Reason.QUOTA_SPENT, "control:frequency")
    scene.clock.ms += 10 * MINUTE_MS
    scene.ask(ledger, other)


def test_a_window_that_closed_since_admission_refuses_and_charges_nothing(scene: Scene, ledger: Ledger) -> None:
    contract = furnished(scene, ledger, "time lt 20200101000000")
    assert why(scene, ledger, contract) == (Reason.POLICY_FORBIDS, "control:time")
    assert ledger.balance(contract.terms.id).queries_left == contract.terms.queries


def test_a_refused_use_is_not_counted(scene: Scene, ledger: Ledger) -> None:
    contract = furnished(scene, ledger, "count lteq 1")
    with pytest.raises(Refused):
        ledger.reserve(scene.plan(contract, micro_rho=5_001))
    scene.ask(ledger, contract)


def test_many_processes_get_exactly_the_frequency(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.db", NodeLimits(failures=1_000))
    with scene.open() as ledger:
        contract = furnished(scene, ledger, "frequency lteq 7/PT1H")
    counted = race(scene, settled(scene, contract), tries=4)
    assert counted == {"answered": 7, Reason.QUOTA_SPENT.value: PROCESSES * 4 - 7}
