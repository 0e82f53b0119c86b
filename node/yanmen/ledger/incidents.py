"""An incident is opened, and all it names is frozen, in one transaction: neither is there without the other."""

from collections.abc import Sequence

from yanmen.formats import control_order
from yanmen.formats.receipt import Slot
from yanmen.ledger import cases, contracts, control
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import Log
from yanmen.model.control import Order
from yanmen.model.incident import Freeze, Frozen
from yanmen.model.receipt import Stage

DRILL = "DRILL 演练: "


def open_incident(db: Connection, log: Log, text: str, actor: str, frozen: Sequence[Frozen], *, drill: bool) -> int:
    """Record the incident and freeze what it names; a drill names as much and freezes nothing. Return its leaf."""
    about = [each.name for each in frozen if each.kind is Freeze.CONTRACT]
    named = "".join(f"\n{each.kind.value} {each.name}".rstrip() for each in frozen)
    said = (DRILL if drill else "") + text + named
    position = cases.open_case(db, log, Stage.INCIDENT, said, actor, about[0] if len(about) == 1 else "")
    if not drill:
        for each in frozen:
            _freeze(db, log, each, actor)
    return position


def _freeze(db: Connection, log: Log, frozen: Frozen, actor: str) -> None:
    """Stop what is named, unless it is stopped already."""
    match frozen.kind:
        case Freeze.CONTRACT:
            contracts.suspend_named(db, log, frozen.name, actor)
        case Freeze.DATASET:
            said = control_order.encode(Order.SUSPEND_DATASET, frozen.name, "安全事件 incident")
            if frozen.name not in control.stops(db).datasets:
                control.suspend_dataset(db, log, frozen.name, {Slot.ACTOR: actor, Slot.SUBJECT: said})
        case Freeze.MEMBER:
            said = control_order.encode(Order.SUSPEND_MEMBER, frozen.name, "安全事件 incident")
            if frozen.name not in control.stops(db).members:
                control.suspend_member(db, log, frozen.name, {Slot.ACTOR: actor, Slot.SUBJECT: said})
        case Freeze.NODE:
            said = control_order.encode(Order.DISCONNECT, "", "安全事件 incident")
            if not control.stops(db).disconnected:
                control.disconnect(db, log, {Slot.ACTOR: actor, Slot.SUBJECT: said})
