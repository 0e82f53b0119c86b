"""What a leaf of stage `control` says: an order; where it ends uses, in the shape of abnormalTermination."""

from dataclasses import dataclass

from yanmen.formats import json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.control import ENDING, Order

REASON_MAX = 256
"""Longest reason, as table 4 of the standard has it."""
PROVIDER = "provider"
_MEMBERS = frozenset({"order", "reason", "target"})
_ENDING = _MEMBERS | {"triggeredBy"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as its leaf says it: on a job, a member, a digest of policies or logs, or on the node ("")."""

    order: Order
    target: str
    reason: str


def encode(order: Order, target: str, reason: str) -> dict[str, Json]:
    """Return what the leaf says."""
    said: dict[str, Json] = {"order": order.value, "reason": reason, "target": target}
    if order in ENDING:
        said["triggeredBy"] = PROVIDER
    decode(said)
    return said


def decode(value: Json) -> Ordered:
    """Return the order in a leaf's subject."""
    ending = isinstance(value, dict) and "triggeredBy" in value
    members = json_members.exact(value, _ENDING if ending else _MEMBERS)
    order = next((each for each in Order if each.value == members["order"]), None)
    if order is None or (order in ENDING) is not ending or (ending and members["triggeredBy"] != PROVIDER):
        raise Malformed("control: unknown order")
    reason = json_members.text(members, "reason", REASON_MAX)
    if not reason.strip() or not reason.isprintable():
        raise Malformed("control: an order without a reason")
    return Ordered(order, json_members.text(members, "target", 64), reason)
