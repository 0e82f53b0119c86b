"""Reads the numbers that bound what one unit can do off a bound plan: clamps and how many groups are kept.

The text they were emitted as is ours; reading them back shows that the engine understood the same.
"""

from yanmen.planning.bound_expressions import READER
from yanmen.planning.members import Object, Value

Range = tuple[int, int]


def clamp(value: Value) -> Range:
    """Return the range of CASE WHEN x < low THEN low WHEN x > high THEN high ELSE x END, or refuse."""
    case = _uncast(value)
    checks = case.get("case_checks")
    if case.get("expression_class") != "BOUND_CASE" or not isinstance(checks, list) or len(checks) != 2:
        READER.refuse("clamp")
    item = _reference(case.get("else_expr"))
    low = _branch(checks[0], "COMPARE_LESSTHAN", item)
    high = _branch(checks[1], "COMPARE_GREATERTHAN", item)
    return low, high


def at_most(value: Value) -> int:
    """Return n of x <= n, or refuse."""
    _, most = _compared(value, "COMPARE_LESSTHANOREQUALTO")
    return most


def compared(value: Value, *comparisons: str) -> tuple[str, int]:
    """Return which of `comparisons` between a column and a number this is, and the number; or refuse."""
    name = next((name for name in comparisons if isinstance(value, dict) and value.get("type") == name), "")
    _, most = _compared(value, name)
    return name, most


def _branch(value: Value, comparison: str, item: int) -> int:
    members = value if isinstance(value, dict) else READER.refuse("clamp")
    reference, bound = _compared(members.get("when_expr"), comparison)
    if reference != item or _number(members.get("then_expr")) != bound:
        READER.refuse("clamp")
    return bound


def _compared(value: Value, comparison: str) -> tuple[int, int]:
    """Return the column and the number of a comparison between them."""
    members = value if isinstance(value, dict) else READER.refuse("clamp")
    sides = members.get("children")
    if members.get("type") != comparison or not isinstance(sides, list) or len(sides) != 2:
        READER.refuse("clamp")
    return _reference(sides[0]), _number(sides[1])


def _uncast(value: Value) -> Object:
    """Return what stands inside casts."""
    while isinstance(value, dict) and value.get("type") == "OPERATOR_CAST":
        inside = value.get("children")
        value = inside[0] if isinstance(inside, list) and len(inside) == 1 else READER.refuse("clamp")
    return value if isinstance(value, dict) else READER.refuse("clamp")


def _reference(value: Value) -> int:
    members = _uncast(value)
    if members.get("expression_class") != "BOUND_REF":
        READER.refuse("clamp")
    return READER.integer(members, "index")


def _number(value: Value) -> int:
    """Return an integer constant; HUGEINT is written as its upper and lower 64 bits."""
    constant = _uncast(value).get("value")
    found = constant.get("value") if isinstance(constant, dict) else None
    if isinstance(found, dict):
        upper, lower = found.get("upper"), found.get("lower")
        if type(upper) is int and type(lower) is int:
            return upper * 2**64 + lower
    if type(found) is not int:
        READER.refuse("clamp")
    return found
