"""What the engine must be seen to do for the rows of one query: its own joins and filters, and those inside it."""

from yanmen.planning.relation import End, Origin, Origins, Proof, together
from yanmen.planning.row_source import Rows, is_lookup
from yanmen.planning.syntax import ColumnOf
from yanmen.planning.terms import Field, Term, parts


def origins_of(rows: Rows, term: Term) -> Origins:
    """Return the snapshot columns that `term` is made of."""
    found = (_origins(rows, part.table, part.column) for part in parts(term) if isinstance(part, Field))
    return frozenset[Origin]().union(*found)


def column_origins(rows: Rows, found: ColumnOf) -> Origins:
    """Return the snapshot columns that a column of FROM is made of."""
    return _origins(rows, found.table, found.column)


def _origins(rows: Rows, position: int, name: str) -> Origins:
    relation = rows.scope.sources[position].relation
    if relation is None:
        return frozenset({(rows.schemas[position], name)})
    made = relation.column(name)
    return relation.unit if made is None else made.origins


def proof_of(rows: Rows) -> Proof:
    """Return what `rows` demand of the engine."""
    inside = [source.relation.proof for source in rows.scope.sources if source.relation is not None]
    filtered = frozenset[Origin]() if rows.where is None else origins_of(rows, rows.where)
    lookups = [position for position in range(len(rows.schemas)) if is_lookup(rows, position)]
    own = Proof(
        tables=tuple(schema for schema in rows.schemas if schema),
        equalities=tuple(frozenset({_end(rows, e.left), _end(rows, e.right)}) for e in rows.joined.equalities),
        filtered=filtered,
        ranks=(1,) * len(lookups),
    )
    return together((own, *inside))


def _end(rows: Rows, column: ColumnOf) -> End:
    return column_origins(rows, column), rows.scope.is_unit(column)
