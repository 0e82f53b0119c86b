"""The finest table of an exact dataset: every question's cells are withheld by it, whatever was asked.

It groups by all declared dimensions, also those a contract does not open: they decide what is small, and
nothing of it is shown. Rows outside a domain are cells of their own (NULL).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod

from yanmen.model.catalogue import Cell, Column, ColumnType, Role
from yanmen.model.refusal import Reason
from yanmen.model.stages import AggregateKind, Frame, Key
from yanmen.planning import hints
from yanmen.planning.blocks import CellBlock
from yanmen.planning.bound_lanes import Expected
from yanmen.planning.expectation import of_cells
from yanmen.planning.figures import Figure, GroupKey, bounded, reached
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import passing
from yanmen.planning.places import NOWHERE, refused
from yanmen.planning.reach import reach
from yanmen.planning.row_source import rows, shapes
from yanmen.planning.scope import Scope
from yanmen.planning.snapshots import Snapshots
from yanmen.planning.sql_cells import Cells, emit
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import I64, Field, Operation, Term, column_facts

_MIRRORED = {
    Op.EQUAL: Op.EQUAL,
    Op.UNEQUAL: Op.UNEQUAL,
    Op.LESS: Op.GREATER,
    Op.LESS_EQUAL: Op.GREATER_EQUAL,
    Op.GREATER: Op.LESS,
    Op.GREATER_EQUAL: Op.LESS_EQUAL,
}
FRAME_CELLS_MAX = 100_000
"""All declared dimensions multiplied: the node holds this table while it answers."""
FRAME_FIGURES_MAX = 128
"""Measures of a dataset, asked about or not."""
FRAME_VALUES_MAX = 1_000_000
"""Cells times figures: who has what is looked at for each measure by itself, in seconds."""


@dataclass(frozen=True, slots=True)
class Framed:
    """The frame, and what the engine's bound plan of it must be."""

    frame: Frame
    expected: Expected


def framed_block(block: CellBlock) -> Framed:
    """Return the finest table under the question that `block` answers, or refuse."""
    where = block.rows.where
    parts = where.args if isinstance(where, Operation) and where.op is Op.AND else () if where is None else (where,)
    return framed(block.rows.scope, block.rows.joined, block.group_keys, parts)


def framed(scope: Scope, joined: Joined, keys: tuple[GroupKey, ...], filters: Iterable[Term]) -> Framed:
    """Return the finest table under a question that groups by `keys` the rows that pass `filters`, or refuse."""
    if len(scope.sources) > 1:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, scope.sources[1].at, "JOIN", hints.EXACT_JOIN)
    dimensions = _dimensions(scope)
    grid = prod(len(dimension.domain) for dimension in dimensions)
    if grid > FRAME_CELLS_MAX:
        raise refused(Reason.TOO_MANY_CELLS, NOWHERE, scope.sources[0].name, hints.EXACT_CELLS)
    whole = replace(joined, filters=())
    own = Scope(scope.sources, (), Snapshots())
    figures = tuple(_measures(scope, whole))
    if grid * len(figures) > FRAME_VALUES_MAX:
        raise refused(Reason.TOO_MANY_CELLS, NOWHERE, scope.sources[0].name, hints.EXACT_CELLS)
    far = reach(scope, whole, reached(dimensions), grid)
    aggregates = bounded(figures, whole, far)
    terms = [dimension.term for dimension in dimensions]
    terms += [figure.term for figure in figures if figure.term is not None]
    read = rows(own, whole, (), terms)
    found = own.snapshots.scans()
    places = {dimension.term: at for at, dimension in enumerate(dimensions)}
    kept = tuple(_turned(term, places) for term in filters)
    block = CellBlock(
        read, emit(Cells(read, dimensions, figures, aggregates, far)), dimensions, figures, aggregates, (), grid, far
    )
    frame = Frame(
        scans=found,
        sql=block.sql,
        keys=tuple(Key(each.name, each.type, each.domain) for each in dimensions),
        aggregates=aggregates,
        chosen=tuple(passing(each.domain, each.term, kept) for each in dimensions),
        grouped=tuple(places[key.term] for key in keys),
        alone=whole.rows_per_unit == 1,
    )
    return Framed(frame, of_cells(block, shapes(found)))


def _dimensions(scope: Scope) -> tuple[GroupKey, ...]:
    """Return every declared dimension of the dataset in its declared order, NULL being a value of it."""
    dataset = scope.sources[0].dataset
    keys = [column for column in dataset.visible() if column.role is Role.KEY and column.domain is not None]
    return tuple(
        GroupKey(f"k{at}", ColumnOf(0, column.name), _field(column), column.type, (*_typed(column), None))
        for at, column in enumerate(keys)
    )


def _typed(column: Column) -> tuple[Cell, ...]:
    values = tuple(dict.fromkeys(column.domain or ()))
    if column.type is not ColumnType.DECIMAL:
        return values
    return tuple(Decimal(value) if isinstance(value, int) else value for value in values)


def _measures(scope: Scope, joined: Joined) -> list[Figure]:
    """Return the rows, the sum of every measure that a question could sum, and the values of every other."""
    found = [Figure("a0", AggregateKind.ROWS, None)]
    for column in scope.sources[0].dataset.visible():
        if column.role is Role.MEASURE:
            term = _field(column)
            facts = term.facts
            most = max(1, abs(facts.lower), abs(facts.upper)) * joined.rows_upto
            summed = facts.numeric and facts.declared and most <= I64
            found.append(Figure(f"a{len(found)}", AggregateKind.SUM if summed else AggregateKind.ROWS, term))
    if len(found) > FRAME_FIGURES_MAX:
        raise refused(Reason.TOO_MANY_CELLS, NOWHERE, scope.sources[0].name, hints.EXACT_CELLS)
    return found


def _turned(term: Term, dimensions: Mapping[Term, int]) -> Operation:
    """Return the filter `term` with its dimension on the left, where narrowing looks for it."""
    if isinstance(term, Operation) and term.args[0] in dimensions:
        return term
    if isinstance(term, Operation) and len(term.args) == 2 and term.args[1] in dimensions and term.op in _MIRRORED:
        return replace(term, op=_MIRRORED[term.op], args=term.args[::-1])
    raise refused(Reason.DIMENSION_NOT_DECLARED, NOWHERE, "WHERE", hints.DIMENSION)


def _field(column: Column) -> Field:
    return Field(0, column.name, column_facts(column))
