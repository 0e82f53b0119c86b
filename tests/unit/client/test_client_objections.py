"""An objection is signed in the member's name, and only its own receipt is taken for it."""

from typing import TYPE_CHECKING

import pytest
from yanmen.client.errors import ReceiptInvalid
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage

if TYPE_CHECKING:
    from tests.unit.client.conftest import World


def test_an_objection_gives_its_receipt(world: "World") -> None:
    with world.connect() as node:
        receipt = node.object_to("数值与源系统不符", dataset="labs")
        leaf = node.object_to("未披露查询", index=3)
    assert (receipt.stage, leaf.stage) == (Stage.OBJECTION, Stage.OBJECTION)
    assert isinstance(receipt.says[Slot.SUBJECT.value], dict)


def test_the_receipt_of_another_objection_is_not_taken(world: "World") -> None:
    world.bench.objection_lie = "a.b.c"
    with world.connect() as node, pytest.raises(ReceiptInvalid):
        node.object_to("数值与源系统不符", dataset="labs")
