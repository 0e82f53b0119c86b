"""A node that goes beyond the usage control of a contract is found by receipts alone."""

from pathlib import Path

import pytest
from yanmen.formats import control_order, usage_control
from yanmen.formats.receipt import Slot
from yanmen.model.control import Order
from yanmen.model.receipt import Stage
from yanmen.model.usage_control import Rules
from yanmen.verify import Code

from tests.unit.verify.terms_scene import found, started, used
from tests.vectors.specimen import CONSUMER, Log


def rules(text: str) -> Rules:
    name, operator, value = text.split(" ", 2)
    return Rules(controls=(usage_control.control(name, operator, (value,)),))


@pytest.mark.parametrize("text", ["time lt 20200101000000", "timeWindow isA 00:00/00:01", "payAmount lteq 1.19 CNY"])
def test_a_use_that_breaks_a_control_is_named(tmp_path: Path, text: str) -> None:
    log = started(rules=rules(text))
    used(log)
    codes = {(code, subject) for _, code, subject in found(log, tmp_path)}
    assert codes == {(Code.TERMS_BROKEN, f"control {text.partition(' ')[0]}")}


@pytest.mark.parametrize("text", ["time gteq 20200101000000", "timeWindow isA 00:00/24:00", "payAmount eq 1.20 CNY"])
def test_a_use_that_keeps_it_holds(tmp_path: Path, text: str) -> None:
    log = started(rules=rules(text))
    used(log)
    assert found(log, tmp_path) == []


def ordered(log: Log, order: Order, target: str) -> None:
    said = control_order.encode(order, target, "异常")
    log.append(Stage.CONTROL, {Slot.ACTOR: "安全员", Slot.SUBJECT: said})


@pytest.mark.parametrize(
    ("stop", "go", "target"),
    [
        (Order.SUSPEND_MEMBER, Order.RESUME_MEMBER, CONSUMER),
        (Order.SUSPEND_DATASET, Order.RESUME_DATASET, "persons"),
        (Order.DISCONNECT, Order.CONNECT, ""),
    ],
)
def test_a_use_while_the_holder_stopped_it_is_named(tmp_path: Path, stop: Order, go: Order, target: str) -> None:
    log = started()
    ordered(log, stop, target)
    used(log)
    stopped = len(log.leaves)
    ordered(log, go, target)
    used(log)
    named = [(code, index < stopped) for index, code, _ in found(log, tmp_path) if index is not None]
    assert set(named) == {(Code.CONTRACT_NOT_IN_FORCE, True)}


def test_another_members_suspension_stops_nobody_else(tmp_path: Path) -> None:
    log = started()
    ordered(log, Order.SUSPEND_MEMBER, "another")
    used(log)
    assert found(log, tmp_path) == []


def test_an_order_that_is_none_is_named(tmp_path: Path) -> None:
    log = started()
    log.append(Stage.CONTROL, {Slot.SUBJECT: {"order": "reboot", "reason": "x", "target": ""}})
    assert [code for _, code, _ in found(log, tmp_path)] == [Code.SLOT_MALFORMED]
