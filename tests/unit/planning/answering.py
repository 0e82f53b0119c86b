"""Runs a plan without noise: what an answer would be if nothing were hidden, to compare with the engine's own."""

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Any

from yanmen.disclosure import blocks, grid, table
from yanmen.disclosure.blocks import Part
from yanmen.disclosure.table import Estimate, Figures
from yanmen.model.catalogue import UNIT_ROWS, Cell, ColumnType, Dataset
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Usage
from yanmen.model.stages import AggregateKind, Plan, Raw
from yanmen.planning.plan import plan
from yanmen.planning.sql_terms import column_type, held_type

from tests.unit.planning.engine import InProcessRunner, Rows, admitted, create, shared

Data = dict[str, Rows]


def runner(datasets: Sequence[Dataset], data: Data) -> InProcessRunner:
    """Return a runner holding `data` by dataset name, rows in the order of the visible columns."""
    versions = {
        f"v-{item.name}": (held_columns(item), held(item, data[item.name])) for item in datasets if item.name in data
    }
    return InProcessRunner(versions)


def held_columns(item: Dataset) -> tuple[tuple[str, str], ...]:
    """Return the columns of a snapshot and their types."""
    columns = tuple((column.name, held_type(column)) for column in item.visible())
    return (*columns, (UNIT_ROWS, "BIGINT")) if item.counted() else columns


def held(item: Dataset, rows: Rows) -> Rows:
    """Return `rows` as a snapshot holds them: decimals as integers of 10^-scale, and how many rows their unit has."""
    plain, unit = _held(item, rows), item.unit()
    if unit is None or not item.counted():
        return plain
    place = item.visible().index(unit)
    count = Counter(row[place] for row in plain)
    return [(*row, count[row[place]]) for row in plain]


def _held(item: Dataset, rows: Rows) -> Rows:
    scales = [column.scale if column.type is ColumnType.DECIMAL else None for column in item.visible()]
    return [
        tuple(
            cell if scale is None or cell is None else int(Decimal(cell).scaleb(scale))
            for cell, scale in zip(row, scales, strict=True)
        )
        for row in rows
    ]


def scans(found: Plan) -> tuple[tuple[str, str], ...]:
    return tuple((scan.schema, scan.version.version) for scan in found.scans)


def vectors(found: Plan, engine: InProcessRunner) -> dict[tuple[Cell, ...], tuple[int, ...]]:
    """Return the integers of every cell of the grid, zeros where the engine returns no row."""
    width = len(found.keys)
    reply = {tuple(row[:width]): tuple(row[width:]) for row in engine.rows(scans(found), found.sql)}
    grid = list(product(*(key.domain for key in found.keys)))
    assert set(reply) <= set(grid), "a cell outside the public grid"
    nothing = (0,) * len(found.aggregates)
    return {cell: reply.get(cell, nothing) for cell in grid}


def parts(found: Plan, engine: InProcessRunner) -> list[Part]:
    """Return each block of the reply as a reply of its own."""
    return list(blocks.parts(Raw(found, tuple(engine.rows(scans(found), found.sql)), Usage())))


def totals(found: Plan, engine: InProcessRunner) -> dict[str, dict[tuple[Cell, ...], int]]:
    """Return for each aggregate the number in every cell of its grid, whatever block it is of."""
    filled: dict[str, dict[tuple[Cell, ...], int]] = {}
    for part in parts(found, engine):
        cells = list(zip(grid.keys(part.raw.plan), grid.cells(part.raw, ()), strict=True))
        for position, aggregate in enumerate(part.raw.plan.aggregates):
            filled[aggregate.name] = {key: values[position] for key, values in cells}
    return filled


def blocks_answer(found: Plan, engine: InProcessRunner) -> list[tuple[Any, ...]]:
    """Return the answer of a plan with several blocks, with no noise."""
    cells: list[tuple[Any, ...]] = []
    for part in parts(found, engine):
        plan = part.raw.plan
        values = [[Estimate(value) for value in row] for row in grid.cells(part.raw, ())]
        figures = Figures(grid.keys(plan), [tuple(row) for row in values], noisy=True)
        cells += blocks.placed(found, part, table.rows(plan, figures))
    wanted = (*(output.type for output in found.outputs), *(None for output in found.outputs if output.source))
    shown = engine.post(blocks.columns(found), tuple(cells), found.post_sql, wanted)
    return [tuple(row[: len(found.outputs)]) for row in shown]


def answer(found: Plan, engine: InProcessRunner) -> list[tuple[Any, ...]]:
    """Return the answer's rows with no noise, widths zero."""
    if found.blocks:
        return blocks_answer(found, engine)
    names = [aggregate.name for aggregate in found.aggregates]
    rows: list[tuple[Any, ...]] = []
    for cell, values in vectors(found, engine).items():
        for aggregate, value in zip(found.aggregates, values, strict=True):
            assert aggregate.lower <= value <= aggregate.upper
        figures = [
            Decimal(value).scaleb(-a.scale) if a.kind is AggregateKind.SUM and a.scale else value
            for a, value in zip(found.aggregates, values, strict=True)
        ]
        averages = []
        for average in found.averages:
            total, count = (figures[names.index(name)] for name in (average.sum, average.count))
            averages.append(round(Decimal(total) / count, 9) if count else None)
        rows.append((*cell, *figures, *averages, *(0.0 for _ in [*figures, *averages])))
    columns: list[tuple[str, ColumnType | None]] = [(key.name, key.type) for key in found.keys]
    columns += [
        (a.name, ColumnType.DECIMAL if a.kind is AggregateKind.SUM and a.scale else ColumnType.INTEGER)
        for a in found.aggregates
    ]
    columns += [(average.name, ColumnType.DECIMAL) for average in found.averages]
    columns += [(f"w_{name}", None) for name in [*names, *(average.name for average in found.averages)]]
    if not found.post_sql:
        sources = [output.source or f"k{position}" for position, output in enumerate(found.outputs)]
        places = [[name for name, _ in columns].index(source) for source in sources]
        return [tuple(row[place] for place in places) for row in rows]
    wanted = (*(output.type for output in found.outputs), *(None for output in found.outputs if output.source))
    shown = engine.post(tuple(columns), tuple(rows), found.post_sql, wanted)
    return [tuple(row[: len(found.outputs)]) for row in shown]


def direct(datasets: Sequence[Dataset], data: Data, sql: str) -> list[tuple[Any, ...]]:
    """Return what DuckDB itself answers to the caller's text over the same rows."""
    held = [item for item in datasets if item.name in data]
    try:
        for item in held:
            columns = tuple((column.name, column_type(column)) for column in item.visible())
            create(shared(), f'"{item.name}"', columns, data[item.name])
        return shared().execute(sql).fetchall()
    finally:
        for item in held:
            shared().execute(f'DROP TABLE IF EXISTS "{item.name}"')


def both(datasets: tuple[Dataset, ...], data: Data, sql: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return our answer without noise and DuckDB's own."""
    engine = runner(datasets, data)
    found = plan(admitted(sql, datasets=datasets), engine, NodeLimits())
    return answer(found, engine), direct(datasets, data, sql)


def same(left: Any, right: Any) -> bool:
    """Compare cells: numbers as numbers, a SUM over nothing is 0 here and NULL in SQL."""
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return math.isclose(float(left), float(right), rel_tol=1e-9, abs_tol=1e-6)
    return bool(left == right) or (left == 0 and right is None and not isinstance(left, bool))
