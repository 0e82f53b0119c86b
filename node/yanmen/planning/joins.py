"""FROM and its equalities: which rows of one unit may meet, and how many of them at most."""

from dataclasses import dataclass
from math import prod

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import NOWHERE, refused
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import Apply, ColumnOf, Expression, Link, Op, Question, conjuncts

ROWS_OF_A_UNIT_MAX = 10_000
"""Combined rows of one unit after joining: without a ceiling one person could make a run fail, which is a bit."""


@dataclass(frozen=True, slots=True)
class Equality:
    """`left` = `right`, columns of two tables; `units` when both are unit columns."""

    left: ColumnOf
    right: ColumnOf
    units: bool

    @property
    def tables(self) -> tuple[int, int]:
        """The positions of the two tables."""
        return self.left.table, self.right.table


@dataclass(frozen=True, slots=True)
class Joined:
    """Tables in the order they are joined, each with its equalities; `filters` are what is left of ON and WHERE.

    `unit` is the unit column every row belongs to (None on open data), `rows_per_unit` and
    `groups_per_unit` bound what one unit contributes, `rows_upto` the number of joined rows.
    """

    order: tuple[int, ...]
    left: frozenset[int]
    equalities: tuple[Equality, ...]
    filters: tuple[Expression, ...]
    unit: ColumnOf | None
    release: DatasetClass
    subject_space: str
    rows_per_unit: int
    groups_per_unit: int
    rows_upto: int


def join(scope: Scope, question: Question) -> Joined:
    """Return how the tables of the resolved `question` meet, or refuse."""
    left = scope.left
    release, space = _release(scope)
    equalities, filters = _conditions(scope, question)
    if release is not DatasetClass.OPEN:
        _check_units(scope, equalities, left)
    order = _order(scope, equalities, left)
    unit = _unit(scope, order, left)
    guarded = [source.dataset for source in scope.sources if source.unit() is not None]
    rows = _rows_per_unit(scope, equalities) * _crossed(scope, equalities)
    crossed = _crossed(scope, equalities) > 1
    if release is not DatasetClass.OPEN and (len(guarded) > 1 or crossed) and rows > ROWS_OF_A_UNIT_MAX:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, scope.sources[-1].at, "JOIN", hints.JOIN_ROWS)
    groups = prod(max(1, dataset.groups_per_unit) for dataset in guarded)
    upto = _rows_upto(scope, left, equalities)
    return Joined(
        order, left, equalities, filters, unit, release, space, min(rows, upto), max(1, min(rows, groups)), upto
    )


def _release(scope: Scope) -> tuple[DatasetClass, str]:
    """Return the strictest class and the one subject space, refusing mixtures."""
    guarded = [source for source in scope.sources if source.dataset.cls is not DatasetClass.OPEN]
    if not guarded:
        return DatasetClass.OPEN, ""
    first = guarded[0].dataset
    alone = first.cls is DatasetClass.EXACT and len(guarded) > 1
    for source in reversed(guarded):
        dataset = source.dataset
        # Exact data names no subject space: nothing says that two units are the same firm.
        if alone or dataset.cls is not first.cls or dataset.subject_space != first.subject_space:
            raise refused(Reason.JOIN_NOT_ON_UNIT, source.at, source.name, hints.JOIN_SPACES)
        if dataset.unit() is None:
            raise refused(Reason.JOIN_NOT_ON_UNIT, source.at, source.name, hints.JOIN_UNIT)
    return first.cls, first.subject_space


def _conditions(scope: Scope, question: Question) -> tuple[tuple[Equality, ...], tuple[Expression, ...]]:
    equalities: list[Equality] = []
    filters: list[Expression] = []
    outer = {position for position, link in enumerate(question.links, start=1) if link.left}
    for position, link in enumerate(question.links, start=1):
        equalities += _using(scope, link, position)
        for part in conjuncts(link.condition):
            found = _equality(scope, part)
            if found is not None and (position in found.tables or not (link.left or outer.intersection(found.tables))):
                equalities.append(found)
            elif link.left:
                raise refused(Reason.CLAUSE_NOT_ADMITTED, part.at, "LEFT JOIN", hints.JOIN_LEFT)
            else:
                filters.append(part)
    for part in conjuncts(question.where):
        found = _equality(scope, part)
        # A WHERE equality on the optional side of a LEFT JOIN is a filter, not part of the join.
        if found is not None and not outer.intersection(found.tables):
            equalities.append(found)
        else:
            filters.append(part)
    return tuple(equalities), tuple(filters)


def _using(scope: Scope, link: Link, position: int) -> list[Equality]:
    found: list[Equality] = []
    for name in link.using:
        right = scope.in_table(position, name, link.at)
        lefts = [scope.in_table(before, name, link.at) for before in range(position)]
        left = next((column for column in lefts if column is not None), None)
        if left is None or right is None:
            raise refused(Reason.UNKNOWN_COLUMN, link.at, name, hints.COLUMN)
        found.append(_paired(scope, left, right))
    return found


def _equality(scope: Scope, expression: Expression) -> Equality | None:
    match expression:
        case Apply(op=Op.EQUAL, args=(ColumnOf() as left, ColumnOf() as right)) if left.table != right.table:
            return None if _computed(scope, left, right) else _paired(scope, left, right)
        case _:
            return None


def _computed(scope: Scope, left: ColumnOf, right: ColumnOf) -> bool:
    """Tell whether one side is a figure of a query that the engine holds in another way: then it only filters."""
    relations = [scope.sources[end.table].relation for end in (left, right)]
    return any(relation is not None for relation in relations) and _kind(scope, left) != _kind(scope, right)


def _paired(scope: Scope, left: ColumnOf, right: ColumnOf) -> Equality:
    units = (scope.is_unit(left), scope.is_unit(right))
    if any(units) and not all(units):
        raise refused(Reason.JOIN_NOT_ON_UNIT, left.at if units[0] else right.at, left.written, hints.JOIN_UNIT)
    kinds = [_kind(scope, column) for column in (left, right)]
    if kinds[0] != kinds[1]:
        raise refused(Reason.TYPE_MISMATCH, left.at, f"{left.written} = {right.written}", hints.TYPE)
    return Equality(left, right, all(units))


def _kind(scope: Scope, found: ColumnOf) -> tuple[ColumnType, int, bool]:
    """Return how the engine holds a column: only equal kinds are equated, so that no cast stands between."""
    column = scope.column(found)
    return column.type, column.scale, scope.sources[found.table].facts(found.column).wide


def _check_units(scope: Scope, equalities: tuple[Equality, ...], left: frozenset[int]) -> None:
    """Refuse unless all tables about units are connected through equalities of their unit columns."""
    guarded = [position for position, source in enumerate(scope.sources) if source.unit() is not None]
    reached = {guarded[0]}
    pending = [equality.tables for equality in equalities if equality.units]
    while any(len(reached.intersection(pair)) == 1 for pair in pending):
        for pair in pending:
            if reached.intersection(pair):
                reached.update(pair)
    for position in guarded:
        source = scope.sources[position]
        if position not in reached:
            raise refused(Reason.JOIN_NOT_ON_UNIT, source.at, source.name, hints.JOIN_UNIT)
    if guarded[0] in left or all(position in left for position in guarded):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, scope.sources[guarded[0]].at, "LEFT JOIN", hints.JOIN_LEFT)


def _order(scope: Scope, equalities: tuple[Equality, ...], left: frozenset[int]) -> tuple[int, ...]:
    """Return an order in which each table has an equality with one before it, a guarded table first.

    Inner joins may be taken in any order and before the LEFT JOINs, unless one of them looks into the
    optional side of a LEFT JOIN: then the written order is kept.
    """
    waiting = list(range(len(scope.sources)))
    written = any(min(pair.tables) in left and max(pair.tables) not in left for pair in equalities)
    inner = [position for position in waiting if position not in left]
    first = next((position for position in inner if scope.sources[position].unit() is not None), 0)
    order = [first]
    waiting.remove(first)
    while waiting:
        chosen = _next(scope, order, waiting[:1] if written else waiting, equalities)
        if chosen is None:
            source = scope.sources[waiting[0]]
            raise refused(Reason.CLAUSE_NOT_ADMITTED, source.at, source.name, hints.JOIN_EQUALITY)
        order.append(chosen)
        waiting.remove(chosen)
    return tuple(order)


def _next(scope: Scope, order: list[int], waiting: list[int], equalities: tuple[Equality, ...]) -> int | None:
    """Return which table of `waiting` to join next: one tied by an equality, LEFT JOINs last, else any open one."""
    tied = [position for position in waiting if _linked(position, order, equalities)]
    inner = [position for position in tied if position not in scope.left]
    free = [place for place in waiting if place not in scope.left and scope.sources[place].unit() is None]
    found = inner or [place for place in free if place not in tied] or tied
    return found[0] if found else None


def _linked(position: int, order: list[int], equalities: tuple[Equality, ...]) -> bool:
    return any(position in pair.tables and set(pair.tables) - {position} <= set(order) for pair in equalities)


def _unit(scope: Scope, order: tuple[int, ...], left: frozenset[int]) -> ColumnOf | None:
    for position in order:
        unit = scope.sources[position].unit()
        if unit is not None and position not in left:
            return ColumnOf(position, unit.name, NOWHERE)
    return None


def _rows_per_unit(scope: Scope, equalities: tuple[Equality, ...]) -> int:
    """Return how many joined rows one unit can have: tables multiply, unless their unique columns are all given.

    A table counts once where everything it is unique by is equated with tables counted before it.
    """
    guarded = [position for position, source in enumerate(scope.sources) if source.unit() is not None]
    counts = {position: max(1, scope.sources[position].dataset.rows_per_unit) for position in guarded}
    return min((_from(scope, first, counts, equalities) for first in guarded), default=1)


def _from(scope: Scope, first: int, counts: dict[int, int], equalities: tuple[Equality, ...]) -> int:
    """Return the product of rows when counting begins with the table `first`."""
    product, counted = counts[first], {first}
    waiting = [position for position in counts if position != first]
    while waiting:
        given = next((place for place in waiting if _is_given(scope, place, counted, equalities)), None)
        chosen = waiting[0] if given is None else given
        product *= counts[chosen] if given is None else 1
        counted.add(chosen)
        waiting.remove(chosen)
    return product


def _is_given(scope: Scope, position: int, counted: set[int], equalities: tuple[Equality, ...]) -> bool:
    """Tell whether rows of the `counted` tables fix at most one row of the one at `position`."""
    relation = scope.sources[position].relation
    if relation is None or not relation.unique:
        return False
    pairs = [(pair.left, pair.right) for pair in equalities]
    ends = {
        own.column
        for one, other in pairs
        for own, far in ((one, other), (other, one))
        if own.table == position and far.table in counted
    }
    return relation.unique <= ends


def _crossed(scope: Scope, equalities: tuple[Equality, ...]) -> int:
    """Return how often a row can meet the open tables that no equality joins: all their rows."""
    joined = {position for pair in equalities for position in pair.tables}
    alone = [source for position, source in enumerate(scope.sources) if position not in joined]
    return prod(max(1, source.dataset.rows_upto) for source in alone if source.unit() is None)


def _rows_upto(scope: Scope, left: frozenset[int], equalities: tuple[Equality, ...]) -> int:
    """Return a public bound on the number of joined rows.

    Over guarded data an open table is a lookup (row_source), so only the rows of one unit multiply.
    """
    datasets = [source.dataset for source in scope.sources]
    guarded = [position for position, source in enumerate(scope.sources) if source.unit() is not None]
    if not guarded:
        return prod(max(1, dataset.rows_upto) for dataset in datasets)
    return _crossed(scope, equalities) * min(
        max(1, datasets[base].rows_upto)
        * prod(max(1, datasets[other].rows_per_unit) for other in guarded if other != base)
        for base in guarded
        if base not in left
    )
