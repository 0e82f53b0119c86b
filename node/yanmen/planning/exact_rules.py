"""Questions over exact figures: declared dimensions only, so that each answer is one of a countable set of tables."""

from collections.abc import Iterable

from yanmen.model.catalogue import Role
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import NOWHERE, Place, refused
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import Constant, Field, Operation, Term

_FILTERS = frozenset({Op.EQUAL, Op.UNEQUAL, Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL, Op.IN, Op.BETWEEN})


def check_filters(scope: Scope, filters: Iterable[tuple[Term, Place]]) -> None:
    """Refuse unless every filter compares one declared dimension with literals; they are joined by AND."""
    for term, at in filters:
        if not _admitted(scope, term):
            raise refused(Reason.DIMENSION_NOT_DECLARED, at, "WHERE", hints.DIMENSION)


def _admitted(scope: Scope, term: Term) -> bool:
    if not isinstance(term, Operation) or term.op not in _FILTERS:
        return False
    first, *others = term.args
    if isinstance(first, Constant) and len(others) == 1:
        first, others = others[0], [first]
    return is_dimension(scope, first) and all(isinstance(other, Constant) for other in others)


def is_dimension(scope: Scope, term: Term) -> bool:
    """Tell whether `term` is a key column with a declared domain."""
    if not isinstance(term, Field):
        return False
    column = scope.column(ColumnOf(term.table, term.column, NOWHERE))
    return column.role is Role.KEY and bool(column.domain)
