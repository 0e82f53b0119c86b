"""Take typed members out of a decoded JSON object; each function names the member it refuses."""

from collections.abc import Mapping

from yanmen.formats.json_canonical import INTEGER_MAX, Json
from yanmen.formats.malformed import Malformed

Object = Mapping[str, Json]

TEXT_MAX = 4096
"""Longest text member read unless a caller says otherwise."""


def exact(value: Json, required: frozenset[str], optional: frozenset[str] = frozenset()) -> Object:
    """Return `value` as an object that has every `required` member and no others than `optional` ones."""
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if value.keys() == required:
        return value
    names = frozenset(value)
    for missing in sorted(required - names):
        raise Malformed(f"member {missing!r} is missing")
    if names - required - optional:
        raise Malformed("unknown member")
    return value


def text(members: Object, name: str, max_length: int = TEXT_MAX) -> str:
    """Return the text member `name`."""
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"member {name!r} is not text")
    if len(value) > max_length:
        raise Malformed(f"member {name!r} is too long")
    return value


def integer(members: Object, name: str, lower: int = 0, upper: int = INTEGER_MAX) -> int:
    """Return the integer member `name`, within `lower` and `upper`."""
    value = members.get(name)
    if type(value) is not int:
        raise Malformed(f"member {name!r} is not an integer")
    if not lower <= value <= upper:
        raise Malformed(f"member {name!r} is out of range")
    return value


def flag(members: Object, name: str) -> bool:
    """Return the boolean member `name`."""
    value = members.get(name)
    if not isinstance(value, bool):
        raise Malformed(f"member {name!r} is not true or false")
    return value


def items(members: Object, name: str, max_items: int = 10_000) -> tuple[Json, ...]:
    """Return the elements of the array member `name`."""
    value = members.get(name)
    if not isinstance(value, list):
        raise Malformed(f"member {name!r} is not an array")
    if len(value) > max_items:
        raise Malformed(f"member {name!r} has too many elements")
    return tuple(value)


def texts(members: Object, name: str, max_items: int = 10_000, max_length: int = TEXT_MAX) -> tuple[str, ...]:
    """Return the elements of the array member `name`, which must all be text."""
    found: list[str] = []
    for value in items(members, name, max_items):
        if not isinstance(value, str) or len(value) > max_length:
            raise Malformed(f"member {name!r} holds something that is not short text")
        found.append(value)
    return tuple(found)
