"""Which columns WHERE has already proven present, so that AVG and COUNT(column) need no count of their own.

Every figure takes an even share of the charge; one figure less is a narrower ± for the others.
"""

from collections.abc import Iterable

from yanmen.planning.syntax import Op
from yanmen.planning.terms import Field, Operation, Term

_STRICT = frozenset(
    {Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.NEGATE, Op.ABS, Op.ROUND, Op.FLOOR, Op.CEIL, Op.SIGN, Op.INT_DIVIDE}
)
"""NULL in, NULL out."""
_REJECTING = frozenset(
    {
        *(Op.EQUAL, Op.UNEQUAL, Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL, Op.IS_NOT_NULL),
        *(Op.BETWEEN, Op.IN, Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE),
    }
)
"""Never true when their first argument is NULL."""
_BOTH = _REJECTING - {Op.BETWEEN, Op.IN}
"""Never true when any argument is NULL."""


def present_fields(filters: Iterable[Term]) -> frozenset[Field]:
    """Return the columns that cannot be NULL in a row that passes every one of `filters`."""
    found: set[Field] = set()
    for term in filters:
        if isinstance(term, Operation) and term.op in _REJECTING:
            for arg in term.args if term.op in _BOTH else term.args[:1]:
                found |= _needed(arg)
    return frozenset(found)


def _needed(term: Term) -> set[Field]:
    if isinstance(term, Field):
        return {term}
    if isinstance(term, Operation) and term.op in _STRICT:
        return {field for arg in term.args for field in _needed(arg)}
    return set()


def counted(term: Term) -> Term:
    """Return the least term that is NULL where `term` is: how many values x - 5 has is how many x has."""
    if not isinstance(term, Operation) or term.op not in _STRICT:
        return term
    absent = [arg for arg in term.args if arg.facts.nullable]
    return counted(absent[0]) if len(set(absent)) == 1 else term


def is_present(term: Term, known: frozenset[Field]) -> bool:
    """Tell whether `term` cannot be NULL where the `known` columns are not."""
    if not term.facts.nullable:
        return True
    match term:
        case Field():
            return term in known
        case Operation(op=Op.COALESCE):
            return any(is_present(arg, known) for arg in term.args)
        case Operation(op=Op.CASE):
            return all(is_present(arg, known) for arg in (*term.args[1::2], term.args[-1]))
        case Operation(op=op) if op in _STRICT:
            return all(is_present(arg, known) for arg in term.args)
        case _:
            return False
