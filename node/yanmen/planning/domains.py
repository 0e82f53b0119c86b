"""The public values a grouping expression can take; never a value derived from rows."""

from decimal import Decimal

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import Constant, Field, Operation, Term

_BOOLEANS: tuple[Cell, ...] = (False, True)
_PARTS = {Op.QUARTER: 4, Op.MONTH: 12, Op.DAY: 31}


def domain(scope: Scope, term: Term) -> tuple[Cell, ...] | None:
    """Return the public values of `term` in order, None when it has no finite declared domain.

    NULL is in it only where the expression itself produces NULL: rows whose key column is NULL
    belong to no cell.
    """
    match term:
        case Field():
            return _column(scope, term)
        case Constant():
            return (cell(term),)
        case Operation(op=Op.CASE):
            return _union(scope, (*term.args[1::2], term.args[-1]))
        case Operation(op=Op.COALESCE):
            return _union(scope, term.args)
        case Operation(op=op) if op in _PARTS:
            return tuple(range(1, _PARTS[op] + 1))
        case _ if term.facts.type is ColumnType.BOOLEAN:
            return (*_BOOLEANS, None) if term.facts.nullable else _BOOLEANS
        case _:
            return None


def cell(constant: Constant) -> Cell:
    """Return the value of `constant` as a cell."""
    value = constant.value
    if isinstance(value, int) and not isinstance(value, bool) and constant.facts.type is ColumnType.DECIMAL:
        return Decimal((int(value < 0), tuple(int(digit) for digit in str(abs(value))), -constant.facts.scale))
    return value


def _column(scope: Scope, field: Field) -> tuple[Cell, ...] | None:
    column = scope.column(ColumnOf(field.table, field.column))
    if column.domain is not None:
        return tuple(dict.fromkeys(column.domain))
    return _BOOLEANS if column.type is ColumnType.BOOLEAN else None


def _union(scope: Scope, terms: tuple[Term, ...]) -> tuple[Cell, ...] | None:
    values: dict[Cell, None] = {}
    for term in terms:
        found = domain(scope, term)
        if found is None:
            return None
        values.update(dict.fromkeys(found))
    return tuple(values)
