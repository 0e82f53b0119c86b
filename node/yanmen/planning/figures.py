"""Aggregates of a question over guarded data: what each unit may add, and how far it can move the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass, Role
from yanmen.model.refusal import Reason
from yanmen.model.stages import Aggregate, AggregateKind, Average
from yanmen.planning import hints, moments
from yanmen.planning.joins import Joined
from yanmen.planning.places import Place, refused
from yanmen.planning.presence import counted, is_present, present_fields
from yanmen.planning.reach import Reach
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import MOMENTS, Apply, ColumnOf, Expression, Literal, LiteralKind, Op
from yanmen.planning.terms import I64, Constant, Field, Operation, Term, parts
from yanmen.planning.typed import RowTyper

SCALE_MAX = 18
FIGURES_MAX = 32
"""Aggregates in one answer: the charge is split evenly, so more would be noise only."""

OPEN_KEYS_MAX = 100_000
"""Different values of an open key domain that one run bears; with more of them it fails."""

_EXACT_OPS = frozenset({Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.NEGATE})


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A grouping expression: how the question writes it, its term and its public domain."""

    name: str
    expression: Expression
    term: Term
    type: ColumnType
    domain: tuple[Cell, ...]

    @property
    def at(self) -> Place:
        """Where the question writes it."""
        return self.expression.at


class Names:
    """Gives every released column of one answer a name of its own."""

    def __init__(self) -> None:
        """Count from zero."""
        self._given: dict[str, int] = {}

    def _next(self, letter: str) -> str:
        count = self._given.get(letter, 0)
        self._given[letter] = count + 1
        return f"{letter}{count}"

    def key(self) -> str:
        """Return the name of another key."""
        return self._next("k")

    def figure(self) -> str:
        """Return the name of another count or sum."""
        return self._next("a")

    def average(self) -> str:
        """Return the name of another average."""
        return self._next("m")


@dataclass(frozen=True, slots=True)
class Figure:
    """One aggregate before its bounds are known.

    `term` is None where whole rows or units are counted; units with a term count when a row of
    theirs has it.
    """

    name: str
    kind: AggregateKind
    term: Term | None


class Figures:
    """Collects the distinct aggregates of one question; each costs a share of the charge."""

    def __init__(self, scope: Scope, joined: Joined, filters: Iterable[Term], names: Names) -> None:
        """Collect over the rows of `joined` that pass `filters`."""
        self._scope = scope
        self._present = present_fields(filters)
        self._joined = joined
        self._typer = RowTyper(scope)
        self._names = names
        self.figures: list[Figure] = []
        self.averages: list[Average] = []

    def column(self, call: Apply) -> tuple[str, ColumnType]:
        """Return the released column and its type for the resolved aggregate `call`."""
        match call.op:
            case Op.COUNT_ROWS:
                return self._figure(AggregateKind.ROWS, None, call.at), ColumnType.INTEGER
            case Op.COUNT:
                return self._count(call), ColumnType.INTEGER
            case Op.COUNT_DISTINCT:
                return self._units(call), ColumnType.INTEGER
            case Op.SUM:
                name, term = self._sum(call)
                return name, ColumnType.DECIMAL if term.facts.scale else ColumnType.INTEGER
            case Op.AVG:
                return self._average(call), ColumnType.DECIMAL
            case _:
                raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.EXTREMES)

    def made(self, call: Apply) -> Expression | None:
        """Return how `call` is computed from other figures, None when it is one itself."""
        if call.op not in MOMENTS:
            return None
        if self._joined.release is DatasetClass.EXACT:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.EXACT_SUMS)
        return moments.made_of(call, lambda part: self._typer.term(part).facts, self._joined.rows_upto)

    def _figure(self, kind: AggregateKind, term: Term | None, at: Place) -> str:
        for figure in self.figures:
            if (figure.kind, figure.term) == (kind, term):
                return figure.name
        if len(self.figures) >= FIGURES_MAX:
            raise refused(Reason.TOO_MANY_CELLS, at, kind.value, hints.CELLS)
        self.figures.append(Figure(self._names.figure(), kind, term))
        return self.figures[-1].name

    def with_units(self, at: Place) -> None:
        """Count the units of each cell too: keys are found by them."""
        self._figure(AggregateKind.UNITS, None, at)

    def _argument(self, call: Apply) -> Term:
        term = self._typer.term(call.args[0])
        if self._joined.release is DatasetClass.EXACT:
            if not _plain(self._scope, term):
                raise refused(Reason.DIMENSION_NOT_DECLARED, call.at, call.op.value, hints.DIMENSION)
            if _degree(term) > 1:
                raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.EXACT_SUMS)
            if len({part for part in parts(term) if isinstance(part, Field)}) > 1:
                raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.EXACT_ONE_MEASURE)
        return term

    def _count(self, call: Apply) -> str:
        term = self._argument(call)
        return self._figure(AggregateKind.ROWS, None if is_present(term, self._present) else counted(term), call.at)

    def _units(self, call: Apply) -> str:
        condition, argument = _conditional(call.args[0])
        if not isinstance(argument, ColumnOf) or not self._scope.is_unit(argument):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, call.at, "DISTINCT", hints.NO_DISTINCT)
        if argument.table in self._joined.left:
            raise refused(Reason.UNIT_NOT_ADMITTED_HERE, call.at, argument.written, hints.JOIN_LEFT)
        if condition is None:
            return self._figure(AggregateKind.UNITS, None, call.at)
        counted = Apply(Op.CASE, (condition, Literal(LiteralKind.NUMBER, "1"), Literal(LiteralKind.NULL, "")), call.at)
        return self._figure(AggregateKind.UNITS, self._argument(replace(call, args=(counted,))), call.at)

    def _sum(self, call: Apply) -> tuple[str, Term]:
        term = self._argument(call)
        if not term.facts.numeric:
            raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
        if not term.facts.declared:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, call.at, call.op.value, hints.MEASURE_BOUNDS)
        if term.facts.scale > SCALE_MAX or _most(term) * self._joined.rows_upto > I64:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, call.at, call.op.value, hints.TOO_WIDE)
        return self._figure(AggregateKind.SUM, term, call.at), term

    def _average(self, call: Apply) -> str:
        total, term = self._sum(call)
        present = is_present(term, self._present)
        count = self._figure(AggregateKind.ROWS, None if present else counted(term), call.at)
        for average in self.averages:
            if (average.sum, average.count) == (total, count):
                return average.name
        self.averages.append(Average(self._names.average(), total, count))
        return self.averages[-1].name


def bounded(figures: Sequence[Figure], joined: Joined, reach: Reach) -> tuple[Aggregate, ...]:
    """Return `figures` with their public ranges and, given how far a unit reaches, their sensitivities."""
    aggregates = tuple(_bounded(figure, joined.rows_upto, reach) for figure in figures)
    if joined.release is not DatasetClass.EXACT:
        return aggregates
    pairs = zip(figures, aggregates, strict=True)
    return tuple(replace(aggregate, valued=figure.term is not None) for figure, aggregate in pairs)


def _conditional(argument: Expression) -> tuple[Expression | None, Expression]:
    """Take CASE WHEN condition THEN x END, which is also what FILTER becomes, apart."""
    match argument:
        case Apply(op=Op.CASE, args=(condition, item, Literal(kind=LiteralKind.NULL))):
            return condition, item
        case _:
            return None, argument


def _plain(scope: Scope, term: Term) -> bool:
    """Tell whether `term` is arithmetic on measures only, so that no condition on rows hides in it.

    Dimensions are conditions too: size * (size - 1) is zero for all but some sizes.
    """
    return all(
        isinstance(part, Constant)
        or (isinstance(part, Operation) and part.op in _EXACT_OPS)
        or (isinstance(part, Field) and scope.column(ColumnOf(part.table, part.column)).role is Role.MEASURE)
        for part in parts(term)
    )


def _degree(term: Term) -> int:
    """Return how many measures are multiplied in `term`, which is plain.

    The finest table shows where a measure is dominated, not where its square is: a total of squares that is withheld
    would follow from the totals around it.
    """
    match term:
        case Field():
            return 1
        case Operation(op=Op.MULTIPLY, args=args):
            return sum(map(_degree, args))
        case Operation(args=args):
            return max(map(_degree, args))
        case _:
            return 0


def _most(term: Term) -> int:
    return max(1, abs(term.facts.lower), abs(term.facts.upper))


def grid_of(keys: Iterable[GroupKey]) -> int:
    """Return how many cells there can be; of a key found by DP only the number a run bears is public."""
    return prod(size for _, size in reached(keys))


def reached(keys: Iterable[GroupKey]) -> tuple[tuple[Term, int], ...]:
    """Return each key's term and how many values it can have."""
    return tuple((key.term, len(key.domain) or OPEN_KEYS_MAX) for key in keys)


def _bounded(figure: Figure, upto: int, reach: Reach) -> Aggregate:
    if figure.kind is AggregateKind.UNITS:
        return Aggregate(figure.name, figure.kind, 0, 0, upto, reach.cells, reach.cells)
    if figure.kind is AggregateKind.ROWS or figure.term is None:
        return Aggregate(figure.name, figure.kind, 0, 0, upto, reach.total, reach.squares)
    facts, most = figure.term.facts, _most(figure.term)
    lower, upper = upto * min(facts.lower, 0), upto * max(facts.upper, 0)
    far = reach.total * most
    return Aggregate(figure.name, figure.kind, facts.scale, lower, upper, far, reach.squares * most**2)
