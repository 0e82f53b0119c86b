"""The rows a question is about: its tables, their joins, its WHERE, and exactly which columns are read."""

from collections.abc import Iterable
from dataclasses import dataclass

from yanmen.model.catalogue import ColumnType
from yanmen.model.ports import TableShape
from yanmen.model.stages import Scan
from yanmen.planning.joins import Joined
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import alias, column_type, quoted, value
from yanmen.planning.syntax import ColumnOf, Op
from yanmen.planning.terms import Facts, Field, Operation, Term, parts


@dataclass(frozen=True, slots=True)
class Rows:
    """Joined and filtered rows: `schemas[i]` is where the engine finds the table at position i."""

    scope: Scope
    joined: Joined
    where: Term | None
    schemas: tuple[str, ...]


def rows(scope: Scope, joined: Joined, filters: Iterable[Term]) -> Rows:
    """Return the rows of `joined` that pass `filters`."""
    terms = tuple(filters)
    known: dict[str, str] = {}
    schemas = tuple(known.setdefault(source.version.version, f"s{len(known)}") for source in scope.sources)
    if not terms:
        return Rows(scope, joined, None, schemas)
    where = terms[0] if len(terms) == 1 else Operation(Op.AND, terms, Facts(ColumnType.BOOLEAN))
    return Rows(scope, joined, where, schemas)


def column(found: ColumnOf) -> str:
    """Return SQL for a resolved column."""
    return f"{quoted(alias(found.table))}.{quoted(found.column)}"


def source(read: Rows) -> str:
    """Return the FROM and WHERE clauses."""
    joined = read.joined
    first, *rest = joined.order
    sql = f"FROM {_table(read, first)}"
    placed = {first}
    pending = list(joined.equalities)
    for position in rest:
        placed.add(position)
        here = [equality for equality in pending if set(equality.tables) <= placed]
        pending = [equality for equality in pending if equality not in here]
        condition = " AND ".join(f"{column(pair.left)} = {column(pair.right)}" for pair in here)
        kind = "LEFT JOIN" if position in joined.left else "INNER JOIN"
        sql += f" {kind} {_table(read, position)} ON {condition}"
    return sql if read.where is None else f"{sql} WHERE {value(read.where)}"


def _table(read: Rows, position: int) -> str:
    return f"{quoted(read.schemas[position])}.{quoted('data')} AS {quoted(alias(position))}"


def scans(read: Rows, terms: Iterable[Term]) -> tuple[Scan, ...]:
    """Return the dataset versions read, each with the columns that `terms`, joins and WHERE touch."""
    used: set[tuple[int, str]] = set()
    for term in (*terms, *(() if read.where is None else (read.where,))):
        used |= {(part.table, part.column) for part in parts(term) if isinstance(part, Field)}
    ends = [end for pair in read.joined.equalities for end in (pair.left, pair.right)]
    if read.joined.unit is not None:
        ends.append(read.joined.unit)
    used |= {(end.table, end.column) for end in ends}
    found: dict[str, Scan] = {}
    for position, (schema, table) in enumerate(zip(read.schemas, read.scope.sources, strict=True)):
        before = found[schema].columns if schema in found else ()
        names = {name for where, name in used if where == position} | set(before)
        ordered = tuple(item.name for item in table.version.dataset.visible() if item.name in names)
        found[schema] = Scan(schema, table.version, ordered)
    return tuple(found.values())


def shapes(read: tuple[Scan, ...]) -> tuple[TableShape, ...]:
    """Return tables with only the planned columns, so that no other column can bind."""
    return tuple(TableShape(scan.schema, _columns(scan)) for scan in read)


def _columns(scan: Scan) -> tuple[tuple[str, str], ...]:
    visible = scan.version.dataset.visible()
    planned = [item for item in visible if item.name in scan.columns]
    # A table needs a column even when only its rows are counted.
    return tuple((item.name, column_type(item)) for item in planned or visible[:1])
