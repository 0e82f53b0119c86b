"""A contract caps its questions, and so trackers: many processes at once get exactly as many, and it is audited."""

from pathlib import Path

from yanmen.model.refusal import Reason

from tests.attacks.test_budget_race import PROCESSES, race, settled, whole
from tests.attacks.test_budget_race import scene as scene
from tests.unit.ledger.scene import Scene

CAP = 11


def test_as_many_questions_as_were_signed_and_no_more(scene: Scene, tmp_path: Path) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger, queries=CAP, queries_per_day=CAP)
    counted = race(scene, settled(scene, contract, 1), tries=4)
    assert counted == {"answered": CAP, Reason.QUOTA_SPENT.value: PROCESSES * 4 - CAP}
    with scene.open() as ledger:
        assert ledger.balance(contract.terms.id).queries_left == 0
    whole(scene, tmp_path)
