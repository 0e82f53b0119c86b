"""Emits the one fixed shape that guarded data is asked in.

    rows: keys, unit, arguments   ->  per key and unit: clamped counts and sums
    -> at most so many groups per unit, chosen by a hash  ->  per key: integers within a public range

Where the rows of each unit are counted, units that cannot have too many groups stand apart and are not ranked.
Clamps are written with CASE: DuckDB's LEAST and GREATEST skip NULL, so they would invent values.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from yanmen.model.catalogue import UNIT_ROWS, DatasetClass
from yanmen.model.stages import Aggregate, AggregateKind
from yanmen.planning.figures import Figure, GroupKey
from yanmen.planning.heavy import Parting
from yanmen.planning.reach import Reach
from yanmen.planning.row_source import Rows, column, source
from yanmen.planning.sql_terms import quoted, select, text_literal, units, value


@dataclass(frozen=True, slots=True)
class Cells:
    """What to count over `rows`: keys, figures with their bounds, and how far one unit reaches."""

    rows: Rows
    keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]
    aggregates: tuple[Aggregate, ...]
    reach: Reach
    parting: Parting | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """The columns of an exact reply after its figures: units, those with a value of each, two largest of each sum."""

    units: tuple[str, ...]
    valued: tuple[str, ...]
    tops: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.units, *self.valued, *self.tops))


def beside(release: DatasetClass, aggregates: Iterable[Aggregate]) -> Beside:
    """Return which columns stand beside `aggregates`: none, but for exact data."""
    if release is not DatasetClass.EXACT:
        return Beside((), (), ())
    figures = tuple(aggregates)
    sums = (aggregate.name for aggregate in figures if aggregate.kind is AggregateKind.SUM)
    tops = tuple(f"top{rank}_{name}" for name in sums for rank in (1, 2))
    return Beside(("units",), tuple(f"units_{each.name}" for each in figures if each.valued), tops)


def emit(cells: Cells) -> str:
    """Return the SQL whose reply columns are the keys, then the aggregates (for exact data: contributors too)."""
    exact = cells.rows.joined.release is DatasetClass.EXACT
    inner = _shared_rows(cells)
    if cells.parting is not None:
        inner = _apart(cells, cells.parting, inner)
    elif cells.reach.capped:
        inner = _capped(cells, inner, inner)
    return _ranged(cells, _totals(cells, inner, exact=exact), exact=exact)


def _shared_rows(cells: Cells, only: tuple[int, str] | None = None) -> str:
    """Return what each unit adds to each cell, by clamped rows and then clamped itself."""
    return _clamped_shares(cells, _shares(cells, _rows(cells, only)))


def _names(cells: Cells) -> list[str]:
    return [quoted(key.name) for key in cells.keys]


def _from(inner: str, name: str) -> str:
    return f"FROM ({inner}) AS {quoted(name)}"


def _group_by(names: list[str]) -> str:
    return f" GROUP BY {', '.join(names)}" if names else ""


def _shared(cells: Cells) -> list[tuple[Aggregate, Figure]]:
    """Return the figures a unit adds a number to; all units of a cell are counted at the end."""
    pairs = zip(cells.aggregates, cells.figures, strict=True)
    return [(aggregate, figure) for aggregate, figure in pairs if not _all_units(figure)]


def _all_units(figure: Figure) -> bool:
    return figure.kind is AggregateKind.UNITS and figure.term is None


def clamp(sql: str, lower: int, upper: int) -> str:
    """Return the integer `sql` within `lower` and `upper`; NULL stays NULL."""
    return f"CASE WHEN {sql} < {lower} THEN {lower} WHEN {sql} > {upper} THEN {upper} ELSE {sql} END"


def _argument(aggregate: Aggregate) -> str:
    return quoted(f"v{aggregate.name[1:]}")


def _valued(cells: Cells) -> list[tuple[Aggregate, str]]:
    """Return the figures whose contributors are counted apart, and the column that says who is one."""
    return [(each, quoted(f"c{each.name[1:]}")) for each in cells.aggregates if each.valued]


def _rows(cells: Cells, only: tuple[int, str] | None) -> str:
    """Return one row per row: keys, unit, arguments."""
    unit = cells.rows.joined.unit
    if unit is None:
        raise ValueError("guarded rows have a unit")
    columns = [f"{value(key.term)} AS {quoted(key.name)}" for key in cells.keys]
    columns.append(f"{column(unit)} AS {quoted('u')}")
    for aggregate, figure in _shared(cells):
        if figure.term is not None:
            argument = units(figure.term) if figure.kind is AggregateKind.SUM else value(figure.term)
            columns.append(f"{argument} AS {_argument(aggregate)}")
    return select(columns, source(cells.rows, only))


def _shares(cells: Cells, inner: str) -> str:
    """Return per key and unit the rows it has there and the sums of its clamped rows."""
    names = [*_names(cells), quoted("u")]
    columns = [f"{_share(aggregate, figure)} AS {quoted(aggregate.name)}" for aggregate, figure in _shared(cells)]
    columns += [f"count({_argument(aggregate)}) AS {name}" for aggregate, name in _valued(cells)]
    present = [f"{quoted(key.name)} IS NOT NULL" for key in cells.keys if None not in key.domain]
    where = f" WHERE {' AND '.join(present)}" if present else ""
    return select([*names, *columns], _from(inner, "r") + where + _group_by(names))


def _share(aggregate: Aggregate, figure: Figure) -> str:
    if figure.term is None:
        return "count(*)"
    if figure.kind is not AggregateKind.SUM:
        return f"count({_argument(aggregate)})"
    facts = figure.term.facts
    return f"sum({clamp(_argument(aggregate), facts.lower, facts.upper)})"


def _clamped_shares(cells: Cells, inner: str) -> str:
    """Clamp each share to what the rows that a unit can have in one cell amount to."""
    rows = cells.reach.rows_in_cell
    columns = [*_names(cells), quoted("u")]
    for aggregate, figure in _shared(cells):
        low, high = _signs(figure) if figure.kind is AggregateKind.SUM else (0, 1)
        most = 1 if figure.kind is AggregateKind.UNITS else rows
        share = clamp(quoted(aggregate.name), most * low, most * high)
        columns.append(f"CAST({share} AS BIGINT) AS {quoted(aggregate.name)}")
    columns += [f"CAST({clamp(name, 0, 1)} AS BIGINT) AS {name}" for _, name in _valued(cells)]
    return select(columns, _from(inner, "p"))


def _signs(figure: Figure) -> tuple[int, int]:
    if figure.term is None:
        raise ValueError("a sum has an argument")
    return min(figure.term.facts.lower, 0), max(figure.term.facts.upper, 0)


def _apart(cells: Cells, parting: Parting, whole: str) -> str:
    """Put light units, all of whose groups are kept, beside the kept groups of heavy ones."""
    rows = quoted(UNIT_ROWS)
    light = _shared_rows(cells, (parting.position, f"{rows} <= {parting.most}"))
    heavy = _shared_rows(cells, (parting.position, f"{rows} > {parting.most}"))
    return f"{select(_kept(cells), _from(light, 'l'))} UNION ALL {_capped(cells, heavy, whole)}"


def _kept(cells: Cells) -> list[str]:
    shares = (quoted(each.name) for each, _ in _shared(cells))
    return [*_names(cells), *shares, *(name for _, name in _valued(cells))]


def _capped(cells: Cells, inner: str, whole: str) -> str:
    """Keep at most the declared number of groups of each unit, by a hash so that no group is favoured.

    It is salted by the `whole` of what is asked: the same groups are kept in whichever way they are ranked.
    """
    most = cells.reach.cells
    names, kept = _names(cells), _kept(cells)
    salt = text_literal(hashlib.sha256(whole.encode("utf-8")).hexdigest()[:16])
    order = ", ".join([f"hash({quoted('u')}, {', '.join(names)}, {salt})", *names])
    ranked = f"row_number() OVER (PARTITION BY {quoted('u')} ORDER BY {order}) AS {quoted('n')}"
    listed = select([*kept, ranked], _from(inner, "q"))
    return select(kept, f"{_from(listed, 'c')} WHERE {quoted('n')} <= {most}")


def _totals(cells: Cells, inner: str, *, exact: bool) -> str:
    """Return per key the totals of all units (for exact data: how many, also with a value, and the largest)."""
    columns = _names(cells)
    for aggregate, figure in zip(cells.aggregates, cells.figures, strict=True):
        name = quoted(aggregate.name)
        columns.append(f"{'count(*)' if _all_units(figure) else f'sum({name})'} AS {name}")
    if exact:
        columns.append(f"count(*) AS {quoted('units')}")
        columns += [f"sum({name}) AS {_with_value(aggregate)}" for aggregate, name in _valued(cells)]
        columns += [f"max(abs({quoted(name)}), 2) AS {quoted(f'top_{name}')}" for name in _summed(cells)]
    return select(columns, _from(inner, "g") + _group_by(_names(cells)))


def _with_value(aggregate: Aggregate) -> str:
    return quoted(f"units_{aggregate.name}")


def _summed(cells: Cells) -> list[str]:
    return [aggregate.name for aggregate in cells.aggregates if aggregate.kind is AggregateKind.SUM]


def _ranged(cells: Cells, inner: str, *, exact: bool) -> str:
    """Hold every total to its public range, and an empty one to zero."""
    columns = _names(cells)
    for aggregate in cells.aggregates:
        total = clamp(quoted(aggregate.name), aggregate.lower, aggregate.upper)
        columns.append(f"CAST(coalesce({total}, 0) AS BIGINT) AS {quoted(aggregate.name)}")
    if exact:
        columns.append(quoted("units"))
        for aggregate, _ in _valued(cells):
            name = _with_value(aggregate)
            columns.append(f"CAST(coalesce({name}, 0) AS BIGINT) AS {name}")
        for name in _summed(cells):
            for rank in (1, 2):
                top = f"list_extract({quoted(f'top_{name}')}, {rank})"
                columns.append(f"CAST(coalesce({top}, 0) AS BIGINT) AS {quoted(f'top{rank}_{name}')}")
    return select(columns, _from(inner, "t"))
