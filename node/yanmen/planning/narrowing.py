"""A WHERE that fixes a key to literals narrows the public grid: both are public, so cells it excludes are not shown."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from yanmen.model.catalogue import Cell
from yanmen.planning.domains import cell
from yanmen.planning.syntax import Op
from yanmen.planning.terms import Constant, Operation, Term

_ORDERINGS: dict[Op, Callable[[int], bool]] = {
    Op.LESS: lambda sign: sign < 0,
    Op.LESS_EQUAL: lambda sign: sign <= 0,
    Op.GREATER: lambda sign: sign > 0,
    Op.GREATER_EQUAL: lambda sign: sign >= 0,
    Op.EQUAL: lambda sign: sign == 0,
    Op.UNEQUAL: lambda sign: sign != 0,
}


def narrowed(domain: tuple[Cell, ...], key: Term, filters: Iterable[Term]) -> tuple[Cell, ...]:
    """Return the values of `domain` that can pass `filters`; unchanged when none could."""
    return passing(domain, key, filters) or domain


def passing(domain: tuple[Cell, ...], key: Term, filters: Iterable[Term]) -> tuple[Cell, ...]:
    """Return the values of `domain` that can pass `filters`."""
    kept = domain
    for term in filters:
        if isinstance(term, Operation) and term.args[0] == key and all(isinstance(a, Constant) for a in term.args[1:]):
            constants = tuple(cell(arg) for arg in term.args[1:] if isinstance(arg, Constant))
            kept = tuple(value for value in kept if _passes(term.op, value, constants))
    return kept


def _passes(op: Op, value: Cell, constants: tuple[Cell, ...]) -> bool:
    """Tell whether `value` may pass; True for operations that say nothing here."""
    if op is Op.IN:
        return any(_sign(value, constant) == 0 for constant in constants)
    if op is Op.BETWEEN:
        return _passes(Op.GREATER_EQUAL, value, constants[:1]) and _passes(Op.LESS_EQUAL, value, constants[1:])
    if op is Op.IS_NOT_NULL:
        return value is not None
    ordering = _ORDERINGS.get(op)
    if ordering is None:
        return True
    sign = _sign(value, constants[0])
    return sign is not None and ordering(sign)


def _sign(left: Cell, right: Cell) -> int | None:
    """Compare as the engine does (text by code point, which is the order of UTF-8), None for NULL."""
    match left, right:
        case (None, _) | (_, None):
            return None
        case (str() as one, str() as other):
            return (one > other) - (one < other)
        case (date() as day, date() as other_day):
            return (day > other_day) - (day < other_day)
        case (int() | Decimal() as number, int() | Decimal() as other_number):
            return (number > other_number) - (number < other_number)
        case _:
            return None
