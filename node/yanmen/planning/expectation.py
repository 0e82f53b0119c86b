"""What the bound plan of an emitted statement must look like, derived from the plan it was emitted from."""

from collections.abc import Iterable
from dataclasses import replace

from yanmen.model.catalogue import UNIT_ROWS, Column, ColumnType, DatasetClass
from yanmen.model.ports import TableShape
from yanmen.model.stages import AggregateKind
from yanmen.planning.blocks import CellBlock
from yanmen.planning.bound_lanes import Expected, Shown
from yanmen.planning.figures import Figure
from yanmen.planning.proof import origins_of, proof_of
from yanmen.planning.relation import Origin, Proof, together
from yanmen.planning.row_relations import unit_origins
from yanmen.planning.row_source import Rows
from yanmen.planning.sql_cells import beside
from yanmen.planning.terms import Term

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


def of_cells(block: CellBlock, shapes: tuple[TableShape, ...]) -> Expected:
    """Return what grouped, bounded figures over guarded rows must look like."""
    rows, keys, figures = block.rows, block.group_keys, block.figures
    outputs = [Shown(_TYPE_IDS[key.type], origins_of(rows, key.term)) for key in keys]
    most = block.reach.rows_in_cell
    outputs += [_shown(rows, figure, _calls(figure), most) for figure in figures]
    if rows.joined.release is DatasetClass.EXACT:
        outputs.append(Shown("BIGINT", calls=_UNITS))
        valued = [figure.term for figure in figures if figure.term is not None]
        outputs += [Shown("BIGINT", origins_of(rows, term), _VALUES_COUNTED, share=(0, 1)) for term in valued]
        sums = [figure for figure in figures if figure.kind is AggregateKind.SUM]
        outputs += [_shown(rows, figure, _LARGEST, most) for figure in sums for _ in (1, 2)]
    present = [key.term for key in keys if None not in key.domain]
    inside, parted = proof_of(rows), None
    if block.parting is not None:
        # Light units and heavy ones are read apart, each with all joins.
        parted = (rows.schemas[block.parting.position], UNIT_ROWS), block.parting.most
        inside = replace(together((inside, inside)), filtered=inside.filtered | {parted[0]})
    filtered = inside.filtered.union(*(origins_of(rows, term) for term in present))
    capped = (block.reach.cells,) if block.reach.capped else ()
    proof = replace(inside, filtered=filtered, ranks=(*inside.ranks, *capped))
    stand = beside(rows.joined.release, block.aggregates)
    expected = _expected(rows, shapes, outputs, proof, keys=len(keys))
    return replace(expected, parted=parted, beside=(len(stand.valued), len(stand.tops)))


def _calls(figure: Figure) -> tuple[str, ...]:
    match figure.kind:
        case AggregateKind.UNITS:
            return _UNITS if figure.term is None else _VALUES_COUNTED
        case AggregateKind.SUM:
            return _SUMMED
        case AggregateKind.ROWS:
            return _ROWS_COUNTED if figure.term is None else _VALUES_COUNTED


def _shown(rows: Rows, figure: Figure, calls: tuple[str, ...], most: int) -> Shown:
    """Return the reply column of `figure`, with the ranges that rows and shares (of `most` rows) are clamped to."""
    if figure.kind is AggregateKind.UNITS:
        if figure.term is None:
            return Shown("BIGINT", calls=calls)
        return Shown("BIGINT", origins_of(rows, figure.term), calls, share=(0, 1))
    if figure.term is None:
        return Shown("BIGINT", calls=calls, share=(0, most))
    origins, facts = origins_of(rows, figure.term), figure.term.facts
    if figure.kind is AggregateKind.ROWS:
        return Shown("BIGINT", origins, calls, share=(0, most))
    share = (most * min(facts.lower, 0), most * max(facts.upper, 0))
    return Shown("BIGINT", origins, calls, (facts.lower, facts.upper), share)


def of_open(rows: Rows, shapes: tuple[TableShape, ...], types: Iterable[ColumnType]) -> Expected:
    """Return what rows or groups of open data must look like."""
    return _expected(rows, shapes, [Shown(_TYPE_IDS[kind]) for kind in types], proof_of(rows), keys=0)


def of_rows(
    rows: Rows, shapes: tuple[TableShape, ...], unit: Column, keys: Iterable[Term], values: Iterable[Term]
) -> Expected:
    """Return what this node's rows of a join across nodes must look like: units, what keys come to, values."""
    outputs = [Shown(_TYPE_IDS[unit.type], unit_origins(rows))]
    grouped = [origins_of(rows, key) for key in keys]
    outputs += [Shown("BIGINT", frozenset[Origin]().union(*grouped))] if grouped else []
    outputs += [Shown("BIGINT", origins_of(rows, term)) for term in values]
    return replace(_expected(rows, shapes, outputs, proof_of(rows), keys=0), apart=True)


def _expected(
    rows: Rows, shapes: tuple[TableShape, ...], outputs: Iterable[Shown], proof: Proof, *, keys: int
) -> Expected:
    guarded = rows.joined.release is not DatasetClass.OPEN
    scans = rows.scope.snapshots.scans()
    datasets = [(scan.schema, scan.version.dataset) for scan in scans]
    units = [(schema, item.unit()) for schema, item in datasets if item.cls is not DatasetClass.OPEN]
    return Expected(
        guarded=guarded,
        extremes=rows.joined.release is not DatasetClass.PERSONAL,
        columns={shape.schema: shape.columns for shape in shapes},
        lookups=frozenset(schema for schema, item in datasets if guarded and item.cls is DatasetClass.OPEN),
        units=frozenset((schema, unit.name) for schema, unit in units if unit is not None),
        proof=proof,
        outputs=tuple(outputs),
        keys=keys,
    )
