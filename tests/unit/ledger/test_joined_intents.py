"""A department answers one manifest of a join once, however often and at however many places it is asked at a time."""

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Barrier, Thread

from yanmen.model.catalogue import ColumnType
from yanmen.model.joining import Link, Part
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan, Reserved

from tests.unit.ledger.scene import Scene, plan_of

PART = Part(Link((), 1, (), 1), 0, ColumnType.TEXT, (), ())


@dataclass
class Asked:
    """What came of asking at once."""

    reserved: list[Reserved]
    refused: list[Refused]


def test_two_calls_at_once_reserve_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.sqlite")
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        before = ledger.balance(contract.terms.id).micro_rho_left
        plans = [
            plan_of(contract, scene.clock.ms, scene.name(), scene.name(), canonical="one\nmanifest") for _ in "abcd"
        ]
        asked, together = Asked([], []), Barrier(len(plans))

        def ask(plan: Plan) -> None:
            together.wait()
            try:
                held = ledger.reserve(plan)
                assert isinstance(held, Reserved)
                asked.reserved.append(held)
            except Refused as refusal:
                asked.refused.append(refusal)

        threads = [Thread(target=ask, args=(replace(plan, part=PART),)) for plan in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(asked.reserved) == 1
        assert [refusal.reason for refusal in asked.refused] == [Reason.REQUEST_REPLAYED] * 3
        assert all(refusal.detail.hint_en and refusal.detail.hint_zh for refusal in asked.refused)
        charged = before - ledger.balance(contract.terms.id).micro_rho_left
        assert charged == asked.reserved[0].plan.micro_rho
        other = replace(scene.plan(contract), part=PART)
        assert isinstance(ledger.reserve(other), Reserved)  # another manifest is another question
