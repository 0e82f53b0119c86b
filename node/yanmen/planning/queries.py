"""Queries inside a question -> relations: each is planned from the inside out, and keeps whose its rows are."""

from dataclasses import replace

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted, Output
from yanmen.planning import hints, released_query
from yanmen.planning.blocks import Blocks
from yanmen.planning.cell_plan import plan_cells
from yanmen.planning.figure_tables import FigureTable
from yanmen.planning.grouping import is_grouped
from yanmen.planning.joins import Joined, join
from yanmen.planning.open_plan import OpenPlan, plan_open
from yanmen.planning.places import refused
from yanmen.planning.proof import proof_of
from yanmen.planning.relation import Made, Relation, made_column
from yanmen.planning.released_query import query_tables
from yanmen.planning.released_rows import Named
from yanmen.planning.released_terms import Shown
from yanmen.planning.row_relations import chosen_rows, one_after_another, proved, relabelled
from yanmen.planning.scope import Scope, Source, look_up, resolved, source_of, source_of_relation
from yanmen.planning.snapshots import Snapshots
from yanmen.planning.sql_terms import quoted, select
from yanmen.planning.subqueries import Unnesting
from yanmen.planning.syntax import Derived, Query, Question, Table, Union
from yanmen.planning.terms import DECIMAL_MAX, I64, Facts
from yanmen.planning.unit_relations import UnitGrouping, groups_by_unit

SOURCES_MAX = 48
"""Entries of FROM in one question, with those of its CTEs each time they are used."""
OPEN_PLACES = 6


class Planner:
    """Plans the queries of one question."""

    def __init__(self, admitted: Admitted, limits: NodeLimits) -> None:
        """Read only what `admitted` grants."""
        self.admitted = admitted
        self.limits = limits
        self.snapshots = Snapshots()
        self.blocks = Blocks(limits)
        self._bound = 0
        self._results: dict[Query, Relation | FigureTable] = {}

    def bound(self, question: Question) -> list[Source | Named]:
        """Return what FROM names: tables and queries of rows, or queries of released figures."""
        return [self._entry(entry) for entry in question.tables]

    def _entry(self, entry: Table | Derived) -> Source | Named:
        self._bound += 1
        if self._bound > SOURCES_MAX:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, entry.at, "FROM", hints.TOO_DEEP)
        if isinstance(entry, Table):
            return source_of(self.admitted, look_up(self.admitted, entry))
        called = entry.alias or f"subquery {self._bound}"
        found = self.result(entry.query)
        changed = _renamed(found, entry.columns)
        if changed is None:
            raise refused(Reason.UNKNOWN_COLUMN, entry.at, entry.columns[-1], hints.COLUMN_ALIASES)
        if isinstance(changed, FigureTable):
            return called, changed
        return source_of_relation(changed, called, entry.at)

    def result(self, query: Query) -> Relation | FigureTable:
        """Return what `query` makes: rows, or figures to be released; the same query is planned once."""
        if query not in self._results:
            self._results[query] = self._union(query) if isinstance(query, Union) else self._question(query)
        return self._results[query]

    def _question(self, question: Question) -> Relation | FigureTable:
        entries = self.bound(question)
        tables = [entry for entry in entries if not isinstance(entry, Source)]
        sources = [entry for entry in entries if isinstance(entry, Source)]
        if tables and sources:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, sources[0].at, sources[0].name, hints.RELEASED_WITH_ROWS)
        if tables:
            return query_tables(question, tables, self.inner)
        return self._rows(*self.joined(question, sources))

    def joined(self, question: Question, sources: list[Source]) -> tuple[Scope, Joined, Question]:
        """Return the scope of `question` over `sources`, how they meet, and its names resolved."""
        unnesting = Unnesting(self._rows_of, self._scope_of)
        plain, added = unnesting.taken_out(question, grouped=is_grouped(question) or question.group_all)
        scope = Scope((*sources, *added), plain.links, self.snapshots)
        asked = resolved(scope, plain)
        return scope, join(scope, asked), asked

    def _rows_of(self, entry: Derived) -> Source:
        """Return the rows of a query that a condition rests on."""
        found = self._entry(entry)
        if not isinstance(found, Source):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, entry.at, "SELECT", hints.RELEASED_WITH_ROWS)
        return found

    def _scope_of(self, question: Question) -> Scope | None:
        """Return the tables of a subquery, None when they are released figures."""
        entries = self.bound(question)
        sources = tuple(entry for entry in entries if isinstance(entry, Source))
        return Scope(sources, question.links, self.snapshots) if len(sources) == len(entries) else None

    def _rows(self, scope: Scope, joined: Joined, question: Question) -> Relation | FigureTable:
        grouped = is_grouped(question) or question.group_all
        if joined.release is DatasetClass.OPEN:
            limited = question.distinct or question.limit is not None or question.offset
            return self._open(scope, joined, question) if grouped or limited else chosen_rows(scope, joined, question)
        if groups_by_unit(scope, question):
            return self._grouped(scope, joined, question)
        if grouped:
            return plan_cells(scope, joined, question, self.blocks, self.inner)
        return chosen_rows(scope, joined, question)

    def inner(self, query: Query) -> tuple[str, Shown]:
        """Return the SQL and the only column of a query inside an expression over released figures."""
        found = self.result(query)
        if not isinstance(found, FigureTable):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, query.at, "SELECT", hints.SUBQUERY)
        if len(found.outputs) != 1:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, query.at, "SELECT", hints.ONE_VALUE)
        return found.sql, found.column(0, "s")

    def _union(self, query: Union) -> Relation | FigureTable:
        parts = [self.result(part) for part in query.parts]
        tables = [part for part in parts if isinstance(part, FigureTable)]
        if len(tables) == len(parts):
            return released_query.one_after_another(query, tables)
        found = one_after_another([part for part in parts if isinstance(part, Relation)]) if not tables else None
        if found is None:
            raise refused(Reason.TYPE_MISMATCH, query.at, "UNION ALL", hints.UNION_PARTS)
        if query.limit is not None or query.offset:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, query.at, "LIMIT", hints.LIMIT_ROWS)
        return found

    def _grouped(self, scope: Scope, joined: Joined, question: Question) -> Relation:
        grouping = UnitGrouping(scope, joined, question)
        rest = grouping.rest()
        inner = Scope((source_of_relation(grouping.relation(), "unit", question.at),), (), self.snapshots)
        return chosen_rows(inner, join(inner, rest), rest)

    def _open(self, scope: Scope, joined: Joined, question: Question) -> Relation:
        """Return rows or groups of open data with its own LIMIT and order."""
        found = plan_open(scope, joined, question, replace(self.limits, open_rows=joined.rows_upto))
        one = is_grouped(question) and not question.groups and not question.group_all
        return _open_relation(scope, joined, found, rows_upto=1 if one else found.rows_max)


def _renamed(found: Relation | FigureTable, names: tuple[str, ...]) -> Relation | FigureTable | None:
    if isinstance(found, FigureTable):
        return released_query.renamed(found, names)
    return relabelled(found, names) if names else found


def _open_relation(scope: Scope, joined: Joined, found: OpenPlan, rows_upto: int) -> Relation:
    made: list[Made] = []
    columns: list[str] = []
    for position, output in enumerate(found.outputs):
        name, facts = f"c{position}", _facts(output)
        made.append(Made(output.label, made_column(name, facts, None), facts, frozenset()))
        columns.append(f"{_fixed(quoted(f'o{position}'), facts)} AS {quoted(name)}")
    proven = replace(proved(scope, joined, tuple(item.column for item in made)), rows_upto=rows_upto)
    sql = select(columns, f"FROM ({found.sql}) AS {quoted('o')}")
    return Relation(proven, tuple(made), frozenset(), sql, proof_of(found.rows))


def _facts(output: Output) -> Facts:
    kind = output.type
    match kind:
        case ColumnType.INTEGER:
            return Facts(kind, 0, -I64 - 1, I64)
        case ColumnType.DECIMAL:
            return Facts(kind, OPEN_PLACES, -DECIMAL_MAX, DECIMAL_MAX)
        case _:
            return Facts(kind, length=output.length, weight=output.weight)


def _fixed(sql: str, facts: Facts) -> str:
    """Return a computed figure of open data as integers in units of 10^-scale; what does not fit is NULL."""
    if not facts.numeric:
        return sql
    if facts.type is ColumnType.INTEGER:
        return f"TRY_CAST({sql} AS BIGINT)"
    places = f"TRY_CAST({sql} AS DECIMAL(18,{OPEN_PLACES}))"
    return f"CAST(CAST({places} AS DECIMAL(38,{OPEN_PLACES})) * CAST({10**OPEN_PLACES} AS DECIMAL(38,0)) AS BIGINT)"
