"""Guard rails change while a node serves: whole or not at all, after their verdicts held, with a leaf."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from yanmen.admission.admit import permits
from yanmen.admission.policies import Policies, load_guards, shipped
from yanmen.formats import control_order
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.control import Order
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, Reason
from yanmen.model.stages import Scan
from yanmen.node.guarding import Guarding, checked

from tests.attacks.admission.scene import World, refused
from tests.unit.ledger.scene import Scene, disclosed

UNKNOWN = '@id("x")\nforbid (principal, action, resource)\nwhen { context.weather == 1 };'
SMALL = '@id("small")\nforbid (principal, action == Action::"submit", resource)\nwhen { context.micro_rho > 5 };\n'


@dataclass
class Place:
    """A folder of guard rails, the policies made of it, and the ledger that records them."""

    folder: Path
    world: World
    ledger: Ledger

    @property
    def policies(self) -> Policies:
        return self.world.desk.policies

    def digest(self) -> str:
        return self.policies.in_force.guards.digest


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "policies"
    shutil.copytree(shipped(), folder)
    (tmp_path / "world").mkdir()
    with Scene(tmp_path / "ledger.db").open() as ledger:
        yield Place(folder, World(tmp_path / "world"), ledger)


def test_what_changed_is_in_force_at_the_next_question_and_a_leaf_says_so(place: Place) -> None:
    guarding = Guarding(place.folder, place.policies, place.ledger)
    before, size = place.digest(), place.ledger.size()
    assert place.world.ask().policy_digest
    (place.folder / "small.cedar").write_text(SMALL, encoding="utf-8")
    guarding.look()
    assert place.digest() != before
    receipt = place.ledger.receipt(place.ledger.size() - 1)
    assert (receipt.stage, place.ledger.size()) == (Stage.CONTROL, size + 1)
    said = control_order.decode(disclosed(receipt).slots[Slot.SUBJECT])
    assert (said.order, said.target) == (Order.POLICY, place.digest())
    assert refused(place.world.ask).detail.clauses == ("policy:small",)


def test_nothing_is_recorded_when_nothing_changed(place: Place) -> None:
    Guarding(place.folder, place.policies, place.ledger)
    size = place.ledger.size()
    again = Guarding(place.folder, place.policies, place.ledger)
    again.look()
    (place.folder / "guard.cedar").touch()
    again.look()
    assert place.ledger.size() == size


@pytest.mark.parametrize(
    "text",
    ["permit (principal, action, resource);", "forbid (", UNKNOWN],
)
def test_what_is_no_guard_rail_leaves_the_old_ones_in_force(
    place: Place, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    guarding = Guarding(place.folder, place.policies, place.ledger)
    before, size = place.digest(), place.ledger.size()
    (place.folder / "other.cedar").write_text(text, encoding="utf-8")
    guarding.look()
    assert (place.digest(), place.ledger.size()) == (before, size)
    assert "kept as before" in capsys.readouterr().err
    (place.folder / "other.cedar").write_text(SMALL, encoding="utf-8")
    guarding.look()
    assert place.digest() != before


def test_another_verdict_than_expected_keeps_it_out(place: Place) -> None:
    guarding = Guarding(place.folder, place.policies, place.ledger)
    before = place.digest()
    blanket = '@id("all")\nforbid (principal, action, resource);\n'
    (place.folder / "all.cedar").write_text(blanket, encoding="utf-8")
    guarding.look()
    assert place.digest() == before
    with pytest.raises(Fault, match="another verdict"):
        checked(place.folder)


def test_an_emptied_folder_does_not_open_the_node(place: Place) -> None:
    guarding = Guarding(place.folder, place.policies, place.ledger)
    before = place.digest()
    for path in place.folder.glob("*.cedar"):
        path.unlink()
    guarding.look()
    assert place.digest() == before


def test_a_question_is_held_to_one_set_of_guard_rails(place: Place) -> None:
    admitted = place.world.ask()
    plan = place.world.plan(admitted, Scan("s0", place.world.datasets["labs"], ("sex",)))
    permits(plan, place.world.desk)
    (place.folder / "small.cedar").write_text(SMALL, encoding="utf-8")
    place.policies.adopt(load_guards(place.folder))
    refusal = refused(lambda: permits(plan, place.world.desk))
    assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, ("policy:changed",))
