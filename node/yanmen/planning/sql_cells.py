"""Emits the one fixed shape that guarded data is asked in.

    rows: keys, unit, arguments   ->  per key and unit: clamped counts and sums
    -> at most so many groups per unit, chosen by a hash  ->  per key: integers within a public range

Clamps are written with CASE: DuckDB's LEAST and GREATEST skip NULL, so they would invent values.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.model.catalogue import DatasetClass
from yanmen.model.stages import Aggregate, AggregateKind
from yanmen.planning.figures import Figure, GroupKey, groups_cap
from yanmen.planning.row_source import Rows, column, source
from yanmen.planning.sql_terms import quoted, select, text_literal, units, value


@dataclass(frozen=True, slots=True)
class Cells:
    """What to count over `rows`: keys, figures with their bounds, and the size of the public grid."""

    rows: Rows
    keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]
    aggregates: tuple[Aggregate, ...]
    grid: int


def emit(cells: Cells) -> str:
    """Return the SQL whose reply columns are the keys, then the aggregates (for exact data: units and tops)."""
    exact = cells.rows.joined.release is DatasetClass.EXACT
    inner = _per_unit(cells)
    joined = cells.rows.joined
    if not exact and joined.groups_per_unit < min(joined.rows_per_unit, cells.grid):
        inner = _capped(cells, inner)
    columns = [_key(key) for key in cells.keys]
    for aggregate, figure in zip(cells.aggregates, cells.figures, strict=True):
        columns.append(f"{_total(aggregate, figure)} AS {quoted(aggregate.name)}")
    if exact:
        columns += _contributors(cells)
    return select(columns, f"FROM ({inner}) AS {quoted('p')}{_group_by(cells.keys)}")


def _key(key: GroupKey) -> str:
    return quoted(key.name)


def _group_by(keys: Sequence[GroupKey], *more: str) -> str:
    names = [*(_key(key) for key in keys), *more]
    return f" GROUP BY {', '.join(names)}" if names else ""


def _arguments(cells: Cells) -> dict[str, str]:
    """Return the row-level arguments, one column each: SQL by name of their figure."""
    found: dict[str, str] = {}
    for figure in cells.figures:
        if figure.term is not None:
            summed = figure.kind is AggregateKind.SUM
            found[figure.name.replace("a", "v")] = units(figure.term) if summed else value(figure.term)
    return found


def _per_unit(cells: Cells) -> str:
    """Return keys, unit and what that unit adds to each figure, clamped to its declared share."""
    rows = cells.rows
    unit = rows.joined.unit
    if unit is None:
        raise ValueError("guarded rows have a unit")
    read = [f"{value(key.term)} AS {_key(key)}" for key in cells.keys]
    read.append(f"{column(unit)} AS {quoted('u')}")
    read += [f"{sql} AS {quoted(name)}" for name, sql in _arguments(cells).items()]
    named = [key for key in cells.keys if None not in key.domain]
    where = " AND ".join(f"{_key(key)} IS NOT NULL" for key in named)
    columns = [*(_key(key) for key in cells.keys), quoted("u")]
    for aggregate, figure in zip(cells.aggregates, cells.figures, strict=True):
        if figure.kind is not AggregateKind.UNITS:
            share = _share(aggregate, figure, rows.joined.rows_per_unit)
            columns.append(f"{share} AS {quoted(aggregate.name)}")
    inner = f"FROM ({select(read, source(rows))}) AS {quoted('r')}{f' WHERE {where}' if where else ''}"
    return select(columns, inner + _group_by(cells.keys, quoted("u")))


def _share(aggregate: Aggregate, figure: Figure, rows: int) -> str:
    """Return what one unit adds to one cell: each row clamped, then their sum or count clamped."""
    argument = quoted(aggregate.name.replace("a", "v"))
    if figure.kind is not AggregateKind.SUM or figure.term is None:
        counted = "count(*)" if figure.term is None else f"count({argument})"
        return _clamped(counted, 0, rows)
    facts = figure.term.facts
    row = _clamped(argument, facts.lower, facts.upper)
    return _clamped(f"sum({row})", rows * min(facts.lower, 0), rows * max(facts.upper, 0))


def _clamped(sql: str, lower: int, upper: int) -> str:
    """Return the integer `sql` within `lower` and `upper`; NULL stays NULL."""
    least, most = f"CAST({lower} AS BIGINT)", f"CAST({upper} AS BIGINT)"
    return f"CAST(CASE WHEN {sql} < {least} THEN {least} WHEN {sql} > {most} THEN {most} ELSE {sql} END AS BIGINT)"


def _capped(cells: Cells, inner: str) -> str:
    """Keep at most the declared number of groups of each unit, by a hash so that no group is favoured."""
    most = groups_cap(cells.rows.joined, cells.grid)
    names = [_key(key) for key in cells.keys]
    kept = [*names, *(quoted(a.name) for a in cells.aggregates if a.kind is not AggregateKind.UNITS)]
    salt = text_literal(hashlib.sha256(inner.encode("utf-8")).hexdigest()[:16])
    order = ", ".join([f"hash({quoted('u')}, {', '.join(names)}, {salt})", *names])
    ranked = f"row_number() OVER (PARTITION BY {quoted('u')} ORDER BY {order}) AS {quoted('n')}"
    listed = select([*kept, ranked], f"FROM ({inner}) AS {quoted('q')}")
    return select(kept, f"FROM ({listed}) AS {quoted('c')} WHERE {quoted('n')} <= CAST({most} AS BIGINT)")


def _total(aggregate: Aggregate, figure: Figure) -> str:
    name = quoted(aggregate.name)
    summed = "count(*)" if figure.kind is AggregateKind.UNITS else f"coalesce(sum({name}), CAST(0 AS HUGEINT))"
    return _clamped(summed, aggregate.lower, aggregate.upper)


def _contributors(cells: Cells) -> list[str]:
    """Return the number of units in a cell and the two largest shares of each sum, by size."""
    columns = [f"count(*) AS {quoted('units')}"]
    for aggregate in cells.aggregates:
        if aggregate.kind is AggregateKind.SUM:
            largest = f"max(abs({quoted(aggregate.name)}), 2)"
            for rank in (1, 2):
                top = f"list_extract({largest}, CAST({rank} AS BIGINT))"
                columns.append(f"coalesce({top}, CAST(0 AS BIGINT)) AS {quoted(f'top{rank}_{aggregate.name}')}")
    return columns
