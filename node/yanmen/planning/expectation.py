"""What the bound plan of an emitted statement must look like, derived from the plan it was emitted from."""

from collections.abc import Iterable
from dataclasses import replace
from math import prod

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.ports import TableShape
from yanmen.model.stages import AggregateKind
from yanmen.planning.bound_plan import Expected, Origin, Shown
from yanmen.planning.figures import Figure, GroupKey, groups_cap, is_capped
from yanmen.planning.row_source import Rows
from yanmen.planning.syntax import ColumnOf
from yanmen.planning.terms import Field, Term, parts

_TYPE_IDS = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
}
_ROWS_COUNTED = ("count_star", "sum")
_VALUES_COUNTED = ("count", "sum")
_SUMMED = ("sum", "sum")
_LARGEST = ("sum", "max")
_UNITS = ("count_star",)


def of_cells(
    rows: Rows, shapes: tuple[TableShape, ...], keys: tuple[GroupKey, ...], figures: tuple[Figure, ...]
) -> Expected:
    """Return what grouped, bounded figures over guarded rows must look like."""
    outputs = [Shown(_TYPE_IDS[key.type], _origins(rows, key.term)) for key in keys]
    outputs += [_shown(rows, figure, _calls(figure)) for figure in figures]
    if rows.joined.release is DatasetClass.EXACT:
        outputs.append(Shown("BIGINT", calls=_UNITS))
        sums = [figure for figure in figures if figure.kind is AggregateKind.SUM]
        outputs += [_shown(rows, figure, _LARGEST) for figure in sums for _ in (1, 2)]
    present = [key.term for key in keys if None not in key.domain]
    filters = [] if rows.where is None else [rows.where]
    filtered = frozenset[Origin]().union(*(_origins(rows, term) for term in (*present, *filters)))
    grid = prod(len(key.domain) for key in keys)
    ranks = [1] * len(_lookups(rows))
    if is_capped(rows.joined, grid):
        ranks.append(groups_cap(rows.joined, grid))
    return replace(_expected(rows, shapes, outputs, filtered, keys=len(keys)), ranks=tuple(ranks))


def _calls(figure: Figure) -> tuple[str, ...]:
    match figure.kind:
        case AggregateKind.UNITS:
            return _UNITS if figure.term is None else _VALUES_COUNTED
        case AggregateKind.SUM:
            return _SUMMED
        case AggregateKind.ROWS:
            return _ROWS_COUNTED if figure.term is None else _VALUES_COUNTED


def _shown(rows: Rows, figure: Figure, calls: tuple[str, ...]) -> Shown:
    """Return the reply column of `figure`, with the ranges that rows and shares must be clamped to."""
    if figure.kind is AggregateKind.UNITS:
        if figure.term is None:
            return Shown("BIGINT", calls=calls)
        return Shown("BIGINT", _origins(rows, figure.term), calls, share=(0, 1))
    most = rows.joined.rows_per_unit
    if figure.term is None:
        return Shown("BIGINT", calls=calls, share=(0, most))
    origins, facts = _origins(rows, figure.term), figure.term.facts
    if figure.kind is AggregateKind.ROWS:
        return Shown("BIGINT", origins, calls, share=(0, most))
    share = (most * min(facts.lower, 0), most * max(facts.upper, 0))
    return Shown("BIGINT", origins, calls, (facts.lower, facts.upper), share)


def of_open(rows: Rows, shapes: tuple[TableShape, ...], types: Iterable[ColumnType]) -> Expected:
    """Return what rows or groups of open data must look like."""
    return _expected(rows, shapes, [Shown(_TYPE_IDS[kind]) for kind in types], frozenset(), keys=0)


def _expected(
    rows: Rows,
    shapes: tuple[TableShape, ...],
    outputs: Iterable[Shown],
    filtered: frozenset[Origin],
    *,
    keys: int,
) -> Expected:
    guarded = rows.joined.release is not DatasetClass.OPEN
    sources = list(zip(rows.schemas, rows.scope.sources, strict=True))
    units = [(schema, unit.name) for schema, source in sources if (unit := source.unit()) is not None]
    return Expected(
        guarded=guarded,
        extremes=rows.joined.release is not DatasetClass.PERSONAL,
        tables=rows.schemas,
        columns={shape.schema: shape.columns for shape in shapes},
        lookups=frozenset(_lookups(rows)),
        units=frozenset(units),
        equalities=tuple(frozenset({_end(rows, e.left), _end(rows, e.right)}) for e in rows.joined.equalities),
        filtered=filtered,
        ranks=(),
        outputs=tuple(outputs),
        keys=keys,
    )


def _lookups(rows: Rows) -> list[str]:
    """Return the schema of each open table that guarded rows look things up in."""
    if rows.joined.release is DatasetClass.OPEN:
        return []
    sources = zip(rows.schemas, rows.scope.sources, strict=True)
    return [schema for schema, source in sources if source.unit() is None]


def _end(rows: Rows, column: ColumnOf) -> Origin:
    return rows.schemas[column.table], column.column


def _origins(rows: Rows, term: Term) -> frozenset[Origin]:
    return frozenset((rows.schemas[part.table], part.column) for part in parts(term) if isinstance(part, Field))
