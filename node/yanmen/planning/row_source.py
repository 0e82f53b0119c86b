"""The rows a question is about: its tables, their joins, its WHERE, and exactly which columns are read."""

from collections.abc import Iterable
from dataclasses import dataclass

from yanmen.model.catalogue import UNIT_ROWS, ColumnType
from yanmen.model.ports import TableShape
from yanmen.model.stages import Scan
from yanmen.planning.joins import Equality, Joined
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import alias, held_type, quoted, select, value
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import Facts, Field, Operation, Term, parts


@dataclass(frozen=True, slots=True)
class Rows:
    """Joined and filtered rows.

    `schemas[i]` is where the engine finds the table at position i ("" when it is a query), `columns[i]`
    what is read of it.
    """

    scope: Scope
    joined: Joined
    where: Term | None
    schemas: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]


def rows(scope: Scope, joined: Joined, filters: Iterable[Term], read: Iterable[Term]) -> Rows:
    """Return the rows of `joined` that pass `filters`, of which the terms `read` are wanted."""
    terms = tuple(filters)
    columns = _used(scope, joined, (*terms, *read))
    schemas = tuple(
        "" if source.version is None else scope.snapshots.read(source.version, names)
        for source, names in zip(scope.sources, columns, strict=True)
    )
    if not terms:
        return Rows(scope, joined, None, schemas, columns)
    where = terms[0] if len(terms) == 1 else Operation(Op.AND, terms, Facts(ColumnType.BOOLEAN))
    return Rows(scope, joined, where, schemas, columns)


def column(found: ColumnOf) -> str:
    """Return SQL for a resolved column."""
    return f"{quoted(alias(found.table))}.{quoted(found.column)}"


def source(read: Rows, only: tuple[int, str] | None = None) -> str:
    """Return the FROM and WHERE clauses; `only` says which rows of the table at a position are read."""
    joined = read.joined
    first, *rest = joined.order
    sql = f"FROM {_table(read, first, (), only)}"
    placed = {first}
    pending = list(joined.equalities)
    for position in rest:
        placed.add(position)
        here = [equality for equality in pending if set(equality.tables) <= placed]
        pending = [equality for equality in pending if equality not in here]
        condition = " AND ".join(f"{column(pair.left)} = {column(pair.right)}" for pair in here)
        if not condition:
            sql += f" CROSS JOIN {_table(read, position, (), only)}"
            continue
        kind = "LEFT JOIN" if position in joined.left else "INNER JOIN"
        sql += f" {kind} {_table(read, position, here, only)} ON {condition}"
    return sql if read.where is None else f"{sql} WHERE {value(read.where)}"


def _table(read: Rows, position: int, here: Iterable[Equality], only: tuple[int, str] | None) -> str:
    relation = read.scope.sources[position].relation
    name = f"{quoted(read.schemas[position])}.{quoted('data')}" if relation is None else f"({relation.sql})"
    ends = [end for pair in here for end in (pair.left, pair.right) if end.table == position]
    if only is not None and only[0] == position:
        name = f"({select(map(quoted, read.columns[position]), f'FROM {name} WHERE {only[1]}')})"
    if not ends or not is_lookup(read, position):
        return f"{name} AS {quoted(alias(position))}"
    # Open rows met by a unit's row could multiply it: keep one for each value that is joined on.
    columns = [quoted(item) for item in read.columns[position]]
    by = ", ".join(dict.fromkeys(quoted(end.column) for end in ends))
    rank = f"row_number() OVER (PARTITION BY {by} ORDER BY {', '.join(columns)}) AS {quoted('n')}"
    named = f" AS {quoted('b')}" if relation is not None else ""
    ranked = select([*columns, rank], f"FROM {name}{named}")
    lookup = select(columns, f"FROM ({ranked}) AS {quoted('d')} WHERE {quoted('n')} <= 1")
    return f"({lookup}) AS {quoted(alias(position))}"


def is_lookup(read: Rows, position: int) -> bool:
    """Tell whether guarded rows look things up in the open table at `position`: it is joined by equalities."""
    if read.joined.unit is None or read.scope.sources[position].unit() is not None:
        return False
    return any(position in pair.tables for pair in read.joined.equalities)


def _used(scope: Scope, joined: Joined, terms: Iterable[Term]) -> tuple[tuple[str, ...], ...]:
    """Return for each table the columns that `terms` and joins touch, in declared order."""
    used = {(part.table, part.column) for term in terms for part in parts(term) if isinstance(part, Field)}
    ends = [end for pair in joined.equalities for end in (pair.left, pair.right)]
    used |= {(end.table, end.column) for end in (*ends, *(() if joined.unit is None else (joined.unit,)))}
    return tuple(
        tuple(item.name for item in table.dataset.visible() if (position, item.name) in used)
        for position, table in enumerate(scope.sources)
    )


def shapes(read: tuple[Scan, ...]) -> tuple[TableShape, ...]:
    """Return tables with only the planned columns, so that no other column can bind."""
    return tuple(TableShape(scan.schema, _columns(scan)) for scan in read)


def _columns(scan: Scan) -> tuple[tuple[str, str], ...]:
    visible = scan.version.dataset.visible()
    planned = [item for item in visible if item.name in scan.columns]
    counted = ((UNIT_ROWS, "BIGINT"),) if scan.counted else ()
    # A table needs a column even when only its rows are counted.
    return (*((item.name, held_type(item)) for item in planned or visible[:1]), *counted)
