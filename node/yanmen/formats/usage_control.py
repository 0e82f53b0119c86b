"""Usage control inside a contract's ODRL document: constraints `tc609:…`, further permissions, prohibitions, duties."""

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from yanmen.formats import json_members
from yanmen.formats.contract_constraints import MEMBERS, At
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.usage_control import Action, Constraint, Control, Operator

PREFIX = "tc609:"
NAMESPACE = "urn:tc609:6-2025-14:"
CONTROLS_MAX = 64
VALUES_MAX = 64
VALUE_MAX = 1024
"""Longest value: that of an application or algorithm (table C.6)."""
_RULE = frozenset({"action"})

E = TypeVar("E", bound=Enum)


def encode_controls(controls: Sequence[Control]) -> list[Json]:
    """Return `controls` as ODRL constraints."""
    return [
        {
            "leftOperand": PREFIX + control.constraint.value,
            "operator": control.operator.value,
            "rightOperand": list(control.values),
        }
        for control in controls
    ]


def encode_actions(actions: Sequence[Action]) -> list[Json]:
    """Return `actions` as ODRL rules without constraints of their own."""
    return [{"action": PREFIX + action.value} for action in actions]


def is_control(value: Json) -> bool:
    """Say whether `value` is a constraint of the standard, and not one of our own profile."""
    left = value.get("leftOperand") if isinstance(value, dict) else None
    return isinstance(left, str) and left.startswith(PREFIX)


def decode_control(path: str, value: Json) -> Control:
    """Return the control at `path`."""
    with At(path):
        members = json_members.exact(value, MEMBERS)
        values = json_members.texts(members, "rightOperand", VALUES_MAX, VALUE_MAX)
        return control(
            json_members.text(members, "leftOperand").removeprefix(PREFIX),
            json_members.text(members, "operator"),
            values,
        )


def control(constraint: str, operator: str, values: Sequence[str]) -> Control:
    """Return the control of these names; each value is a text of one line."""
    if not values or len(values) > VALUES_MAX or len(set(values)) != len(values):
        raise Malformed("a constraint without values, or with one twice")
    for value in values:
        if not value.strip() or value != value.strip() or not value.isprintable() or len(value) > VALUE_MAX:
            raise Malformed("a value that is not a short line of text")
    return Control(member(Constraint, constraint), member(Operator, operator), tuple(values))


def decode_actions(path: str, rules: Sequence[Json]) -> tuple[Action, ...]:
    """Return the actions of the rules at `path`, which stand in the standard's order, each once."""
    with At(path):
        found = tuple(_action(rule) for rule in rules)
        if not found or list(found) != [action for action in Action if action in found]:
            raise Malformed("none, one twice, or not in the order of the standard's table C.5")
    return found


def _action(rule: Json) -> Action:
    name = json_members.text(json_members.exact(rule, _RULE), "action")
    if not name.startswith(PREFIX):
        raise Malformed("not an action of the standard")
    return member(Action, name.removeprefix(PREFIX))


def member(kind: type[E], name: str) -> E:
    """Return the member of `kind` that is called `name`."""
    for one in kind:
        if one.value == name:
            return one
    raise Malformed(f"unknown {kind.__name__.lower()} {name[:64]!r}")
