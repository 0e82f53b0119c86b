"""The bound plan of an answer: one block as it stands, or several one after another, each under its own number."""

from collections.abc import Sequence

from yanmen.planning.bound_expressions import READER, Expressions
from yanmen.planning.bound_lanes import Expected, Lane, types
from yanmen.planning.bound_members import UNION
from yanmen.planning.bound_plan import Checker
from yanmen.planning.members import Object, Value, parse


def check(serialised: str, expected: Sequence[Expected], max_bytes: int) -> None:
    """Refuse with PLAN_CHANGED unless the `serialised` bound plan is exactly the blocks that are `expected`."""
    check_reply(parse(serialised, max_bytes), expected)


def check_reply(reply: Value, expected: Sequence[Expected]) -> None:
    """Refuse with PLAN_CHANGED unless the parsed `reply` is a bound plan of exactly what is `expected`."""
    members = READER.exact(reply, frozenset({"error", "plans"}), "plan")
    READER.same(members, {"error": False}, "plan")
    plans = READER.items(members, "plans")
    if len(plans) != 1:
        READER.refuse("plans")
    if len(expected) == 1:
        _check_block(plans[0], expected[0])
        return
    sides = _sides(plans[0])
    if len(sides) != len(expected):
        READER.refuse("UNION")
    for number, (side, block) in enumerate(zip(sides, expected, strict=True)):
        _check_side(side, number, expected, block)


def _check_block(plan: Value, expected: Expected) -> None:
    checker = Checker(expected)
    checker.check_root(checker.lanes(plan))
    checker.check_totals()


def _sides(plan: Value) -> list[Value]:
    """Return the parts of nested UNION ALL operators, from left to right."""
    if not isinstance(plan, dict) or plan.get("type") != "LOGICAL_UNION":
        return [plan]
    members = READER.exact(plan, UNION, "UNION")
    READER.same(members, {"setop_all": True}, "UNION")
    return [side for child in READER.items(members, "children") for side in _sides(child)]


def _check_side(side: Value, number: int, blocks: Sequence[Expected], own: Expected) -> None:
    """Refuse unless a part is its block's reply under `number`, with nothing in the columns of other blocks."""
    members = READER.exact(side, frozenset({"type", "children", "expressions", "table_index"}), "PROJECTION")
    READER.same(members, {"type": "LOGICAL_PROJECTION"}, "PROJECTION")
    children = READER.items(members, "children")
    if len(children) != 1:
        READER.refuse("children")
    checker = Checker(own)
    lanes = checker.lanes(children[0])
    checker.check_root(lanes)
    checker.check_totals()
    shown = READER.items(members, "expressions")
    places = _places(blocks, own)
    if len(shown) != 1 + len(places) or _integer(shown[0]) != number:
        READER.refuse("columns")
    for expression, place in zip(shown[1:], places, strict=True):
        _check_column(expression, lanes, place)


def _places(blocks: Sequence[Expected], own: Expected) -> list[int | None]:
    """Return for each column of the whole reply which column of the block it is, None for another block's."""
    parts: tuple[list[int | None], ...] = ([], [], [], [])
    for block in blocks:
        for part, positions in zip(parts, _parts(block), strict=True):
            part += [position if block is own else None for position in positions]
    keys, figures, valued, tops = parts
    units = [_parts(own)[2].start - 1] if own.exact else []
    return [*keys, *figures, *units, *valued, *tops]


def _parts(block: Expected) -> tuple[range, range, range, range]:
    """Return where a block's keys, figures, those who have a value and the largest stand; units before the third."""
    width, (valued, tops) = len(block.outputs), block.beside
    begun = width - tops - valued
    return (
        range(block.keys),
        range(block.keys, begun - block.exact),
        range(begun, width - tops),
        range(width - tops, width),
    )


def _check_column(expression: Value, lanes: tuple[Lane, ...], place: int | None) -> None:
    seen = Expressions(types(lanes)).see(expression)
    if place is None:
        if seen.refs or not _is_null(expression):
            READER.refuse("columns")
    elif seen.refs != {place} or _reference(expression) != place:
        READER.refuse("columns")


def _uncast(value: Value) -> Object:
    while isinstance(value, dict) and value.get("type") == "OPERATOR_CAST":
        inside = value.get("children")
        value = inside[0] if isinstance(inside, list) and len(inside) == 1 else READER.refuse("columns")
    return value if isinstance(value, dict) else READER.refuse("columns")


def _reference(value: Value) -> int:
    found = _uncast(value)
    if found.get("expression_class") != "BOUND_REF":
        READER.refuse("columns")
    return READER.integer(found, "index")


def _constant(value: Value) -> Object:
    constant = _uncast(value).get("value")
    return constant if isinstance(constant, dict) else READER.refuse("columns")


def _is_null(value: Value) -> bool:
    return _constant(value).get("is_null") is True


def _integer(value: Value) -> int:
    found = _constant(value).get("value")
    return found if type(found) is int else READER.refuse("columns")
