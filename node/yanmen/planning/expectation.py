"""What the bound plan of an emitted statement must look like, derived from the plan it was emitted from."""

from collections.abc import Iterable

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.ports import TableShape
from yanmen.model.stages import AggregateKind
from yanmen.planning.bound_plan import Expected, Origin
from yanmen.planning.figures import Figure, GroupKey
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
_COUNT = ("BIGINT", frozenset[Origin]())


def of_cells(
    rows: Rows, shapes: tuple[TableShape, ...], keys: tuple[GroupKey, ...], figures: tuple[Figure, ...]
) -> Expected:
    """Return what grouped, bounded figures over guarded rows must look like."""
    exact = rows.joined.release is DatasetClass.EXACT
    outputs = [(_TYPE_IDS[key.type], _origins(rows, key.term)) for key in keys]
    outputs += [("BIGINT", frozenset() if fig.term is None else _origins(rows, fig.term)) for fig in figures]
    if exact:
        outputs.append(_COUNT)
        for figure in figures:
            if figure.kind is AggregateKind.SUM and figure.term is not None:
                outputs += [("BIGINT", _origins(rows, figure.term))] * 2
    return _expected(rows, shapes, outputs, keys=len(keys))


def of_open(rows: Rows, shapes: tuple[TableShape, ...], types: Iterable[ColumnType]) -> Expected:
    """Return what rows or groups of open data must look like."""
    return _expected(rows, shapes, [(_TYPE_IDS[kind], None) for kind in types], keys=0)


def _expected(
    rows: Rows,
    shapes: tuple[TableShape, ...],
    outputs: Iterable[tuple[str, frozenset[Origin] | None]],
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
        lookups=frozenset(schema for schema, source in sources if guarded and source.unit() is None),
        units=frozenset(units),
        equalities=tuple(frozenset({_end(rows, e.left), _end(rows, e.right)}) for e in rows.joined.equalities),
        outputs=tuple(outputs),
        keys=keys,
    )


def _end(rows: Rows, column: ColumnOf) -> Origin:
    return rows.schemas[column.table], column.column


def _origins(rows: Rows, term: Term) -> frozenset[Origin]:
    return frozenset((rows.schemas[part.table], part.column) for part in parts(term) if isinstance(part, Field))
