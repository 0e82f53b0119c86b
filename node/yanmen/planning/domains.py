"""The public values a grouping expression can take; never a value derived from rows."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.planning import date_domains
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import Constant, Field, Operation, Term
from yanmen.planning.typed_functions import CALENDAR

BINS_MAX = 1000
"""Whole numbers a binned measure may take: more is a question about single values."""

_BOOLEANS: tuple[Cell, ...] = (False, True)
_BINNED = frozenset({Op.FLOOR, Op.CEIL, Op.ROUND, Op.INT_DIVIDE, Op.MODULO, Op.SIGN})
_NUMBERS: dict[Op, Callable[[Sequence[Decimal]], Decimal]] = {
    Op.ADD: lambda args: args[0] + args[1],
    Op.SUBTRACT: lambda args: args[0] - args[1],
    Op.MULTIPLY: lambda args: args[0] * args[1],
    Op.NEGATE: lambda args: -args[0],
}


def domain(scope: Scope, term: Term, filters: Sequence[Term] = ()) -> tuple[Cell, ...] | None:
    """Return the public values of `term` in order, None when it has no finite declared domain.

    NULL is in it only where the expression itself produces NULL: rows whose key column is NULL
    belong to no cell. `filters` bound dates that have no declared domain.
    """
    match term:
        case Field():
            found = _column(scope, term)
            return found if found is not None else date_domains.days(term, filters)
        case Constant():
            return (cell(term),)
        case Operation():
            return _operation(scope, term, filters)
        case _:
            return _of_type(term)


def _operation(scope: Scope, term: Operation, filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    match term.op:
        case Op.CASE:
            return _union(scope, (*term.args[1::2], term.args[-1]), filters)
        case Op.COALESCE:
            return _union(scope, term.args, filters)
        case Op.YEAR | Op.DATE_TRUNC | Op.LAST_DAY:
            return _of_dates(scope, term, filters)
        case op if op in CALENDAR:
            return tuple(range(CALENDAR[op][0], CALENDAR[op][1] + 1))
        case op if op in _BINNED:
            return _bins(term)
        case op if op in _NUMBERS or op in TEXTS:
            return _mapped(scope, term, filters)
        case _:
            return _of_type(term)


def _of_type(term: Term) -> tuple[Cell, ...] | None:
    if term.facts.type is not ColumnType.BOOLEAN:
        return None
    return (*_BOOLEANS, None) if term.facts.nullable else _BOOLEANS


def _bins(term: Operation) -> tuple[Cell, ...] | None:
    """Return the whole numbers between the declared bounds of a rounded measure."""
    facts, step = term.facts, 1
    if term.op is Op.ROUND:
        places = term.args[1]
        step = 10**-places.value if isinstance(places, Constant) and isinstance(places.value, int) else 1
    if facts.scale or not facts.declared or (facts.upper - facts.lower) // step >= BINS_MAX:
        return None
    return tuple(range(facts.lower, facts.upper + 1, step))


def _of_dates(scope: Scope, term: Operation, filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    """Return what a function of a date can be: of its declared domain, else of the days WHERE leaves."""
    found = domain(scope, term.args[-1], filters)
    return date_domains.of_days(term, found) if found is not None else date_domains.spans(term, filters)


def is_open(scope: Scope, term: Term) -> bool:
    """Tell whether `term` is a key column whose values are not public."""
    return isinstance(term, Field) and scope.column(ColumnOf(term.table, term.column)).is_open


def cell(constant: Constant) -> Cell:
    """Return the value of `constant` as a cell."""
    value = constant.value
    if isinstance(value, int) and not isinstance(value, bool) and constant.facts.type is ColumnType.DECIMAL:
        return Decimal((int(value < 0), tuple(int(digit) for digit in str(abs(value))), -constant.facts.scale))
    return value


def _column(scope: Scope, field: Field) -> tuple[Cell, ...] | None:
    column = scope.column(ColumnOf(field.table, field.column))
    if column.domain:
        return tuple(dict.fromkeys(column.domain))
    return _BOOLEANS if column.type is ColumnType.BOOLEAN else None


def _union(scope: Scope, terms: tuple[Term, ...], filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    values: dict[Cell, None] = {}
    for term in terms:
        found = domain(scope, term, filters)
        if found is None:
            return None
        values.update(dict.fromkeys(found))
    return tuple(values)


def _mapped(scope: Scope, term: Operation, filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    """Return what a function of one public value and of literals can be."""
    varying = [arg for arg in term.args if not isinstance(arg, Constant)]
    found = domain(scope, varying[0], filters) if len(varying) == 1 else None
    if found is None:
        return None
    values: dict[Cell, None] = {}
    for value in found:
        args = [cell(arg) if isinstance(arg, Constant) else value for arg in term.args]
        made = _value(term, args)
        if made is None and None not in args:
            return None
        values[made] = None
    return tuple(values)


def _value(term: Operation, args: Sequence[Cell]) -> Cell:
    """Return what the engine makes of `args`, None where that is not certain (or where an argument is NULL)."""
    numbers = [Decimal(arg) for arg in args if isinstance(arg, int | Decimal) and not isinstance(arg, bool)]
    if term.op in _NUMBERS and len(numbers) == len(args):
        result = _NUMBERS[term.op](numbers)
        return int(result) if term.facts.type is ColumnType.INTEGER else result
    text = args[0]
    # Other letters have rules of their own about case and length.
    if term.op in TEXTS and isinstance(text, str) and text.isascii() and None not in args:
        return TEXTS[term.op](text, args[1:])
    return None


def _cut(text: str, places: Sequence[Cell]) -> str:
    start, *length = [place for place in places if isinstance(place, int)]
    return text[start - 1 :] if not length else text[start - 1 : start - 1 + length[0]]


def _count(places: Sequence[Cell]) -> int:
    return places[0] if isinstance(places[0], int) else 0


TEXTS: dict[Op, Callable[[str, Sequence[Cell]], Cell]] = {
    Op.LOWER: lambda text, _: text.lower(),
    Op.UPPER: lambda text, _: text.upper(),
    Op.SUBSTRING: _cut,
    Op.LEFT: lambda text, places: text[: _count(places)],
    Op.RIGHT: lambda text, places: text[-_count(places) :],
    Op.TRIM: lambda text, _: text.strip(" "),
}
"""Functions of text whose result on ASCII is known without asking the engine."""
