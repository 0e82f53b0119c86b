"""Plans a join of tables that lie at different nodes: one table here, the others as their nodes state them.

The whole question is planned as if all tables were here, so that keys, figures, sensitivities and post-processing
are those of any join on units. What runs here is this node's part of it: of each row that passes the conditions
on this table its unit, the keys and the values that are of this table.

Where the figures are all of one table, its rows of one unit and group become one item, and of a table that only a
condition names, a unit is one: lists are as long as there are units, not rows.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

from yanmen.formats import joinable
from yanmen.model.catalogue import Dataset, DatasetClass
from yanmen.model.joining import (
    GROUPS_MAX,
    ITEMS_MAX,
    SIDES_MAX,
    VIEW_PERCENT,
    Link,
    LocalColumn,
    LocalKey,
    Part,
    view_squared,
)
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Admitted, AggregateKind
from yanmen.planning import hints
from yanmen.planning.across_reply import Placed, check_reply, emit
from yanmen.planning.across_sides import Sides, tables_of
from yanmen.planning.blocks import CellBlock
from yanmen.planning.bound_lanes import Expected
from yanmen.planning.cell_plan import plan_cells
from yanmen.planning.expectation import of_rows
from yanmen.planning.figure_tables import FigureTable
from yanmen.planning.figures import Figure
from yanmen.planning.joins import Joined
from yanmen.planning.memberships import memberships, name_of, taken_in
from yanmen.planning.places import NOWHERE, Hint, refused
from yanmen.planning.queries import Planner
from yanmen.planning.row_source import Rows, rows, shapes
from yanmen.planning.scope import Found, Scope, Source, look_up, source_of, source_of_joinable
from yanmen.planning.snapshots import Snapshots
from yanmen.planning.sql_cells import clamp
from yanmen.planning.sql_terms import units, value
from yanmen.planning.syntax import ColumnOf, Op, Query, Question, Table
from yanmen.planning.terms import Conversion, Field, Operation, Term

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Across:
    """The plan of a join across nodes: the whole question's table and block, and what runs here."""

    table: FigureTable
    block: CellBlock
    part: Part
    rows: Rows
    sql: str
    expected: Expected


def is_across(admitted: Admitted, query: Query) -> bool:
    """Tell whether `query` names a table that another node stated for this consumer."""
    if not isinstance(query, Question) or not admitted.joinables:
        return False
    tables = [entry for entry in query.tables if isinstance(entry, Table)]
    tables += [asked.table for asked in memberships(query)]
    return any(look_up(admitted, table).joinable is not None for table in tables)


def plan_across(admitted: Admitted, asked: Question, planner: Planner) -> Across:
    """Return the plan of the question `asked`, one table of which is here, or refuse."""
    question, found, sources = _tables(admitted, asked)
    if any(link.left for link in question.links):
        raise _refused(question, "LEFT JOIN", hints.ACROSS_INNER)
    scope, joined, resolved = planner.joined(question, sources)
    if len(scope.sources) != len(sources) or joined.release is not DatasetClass.PERSONAL:
        raise _refused(question, "SELECT", hints.ACROSS_PLAIN)
    if not all(pair.units for pair in joined.equalities):
        raise _refused(question, "JOIN", hints.ACROSS_UNITS)
    # Nobody sees the groups of one unit, so nobody can leave some of them out.
    joined = replace(joined, groups_per_unit=joined.rows_per_unit)
    table = plan_cells(scope, joined, resolved, planner.blocks, planner.inner)
    if len(planner.blocks.found) != 1:
        raise _refused(question, "SELECT", hints.ACROSS_PLAIN)
    block = planner.blocks.found[0]
    _check_grid(question, block)
    sides = Sides(question, found, admitted, block)
    return _local(sides, joined, table, planner)


def _tables(admitted: Admitted, asked: Question) -> tuple[Question, list[Found], list[Source]]:
    """Return the question with its tables in FROM, where each is: one here, every other at a node of its own."""
    tables, members = [entry for entry in asked.tables if isinstance(entry, Table)], tuple(memberships(asked))
    if len(tables) != len(asked.tables):
        raise _refused(asked, "FROM", hints.ACROSS_PLAIN)
    found = [look_up(admitted, table) for table in (*tables, *(member.table for member in members))]
    nodes = [one.joinable.node if one.joinable is not None else one.node for one in found]
    if not 2 <= len(found) <= SIDES_MAX or len(set(nodes)) != len(found) or nodes.count("") != 1:
        raise _refused(asked, "FROM", hints.ACROSS_TABLES)
    if any(one.version is None and one.joinable is None for one in found):
        raise _refused(asked, "FROM", hints.ACROSS_TABLES)
    sources = [_source(admitted, one) for one in found]
    question = asked
    for position, member in enumerate(members, start=len(tables)):
        source = sources[position]
        once = replace(source.dataset, rows_per_unit=1, groups_per_unit=1)
        sources[position] = replace(source, name=name_of(member), dataset=once, qualified=True)
        question = taken_in(question, member, sources[position])
    return question, found, sources


def _source(admitted: Admitted, found: Found) -> Source:
    if found.joinable is None:
        return source_of(admitted, found)
    return source_of_joinable(found.table, found.joinable)


def _check_grid(question: Question, block: CellBlock) -> None:
    if block.cells > GROUPS_MAX:
        raise refused(Reason.TOO_MANY_CELLS, question.at, "GROUP BY", hints.ACROSS_GROUPS)
    if any(not key.domain for key in block.group_keys):
        raise refused(Reason.KEY_WITHOUT_DOMAIN, question.at, "GROUP BY", hints.KEY_DOMAIN)
    if block.reach.capped:
        raise _refused(question, "GROUP BY", hints.ACROSS_PLAIN)


def _local(sides: Sides, joined: Joined, table: FigureTable, planner: Planner) -> Across:
    """Return the plan with the part of it that runs here."""
    block = sides.block
    where = block.rows.where
    conditions = (
        where.args if isinstance(where, Operation) and where.op is Op.AND else () if where is None else (where,)
    )
    # A condition on no table holds everywhere or nowhere, and each side asks it.
    filters = [moved(term) for term in conditions if not tables_of(term) or sides.of(term) == sides.own]
    link, limits = _link(sides, planner.admitted), planner.limits
    strides = _strides(block)
    keys = [
        (key, stride) for key, stride in zip(block.group_keys, strides, strict=True) if sides.of(key.term) == sides.own
    ]
    figures = [figure for figure in block.figures if sides.of_figure(figure) == sides.own]
    own = sides.source(sides.own)
    unit = own.unit()
    if unit is None or own.version is None:
        raise ValueError("a join across nodes is of tables about units")
    scope = Scope((own,), (), Snapshots())
    alone = replace(
        joined, order=(0,), left=frozenset[int](), equalities=(), filters=(), unit=ColumnOf(0, unit.name, NOWHERE)
    )
    key_terms = [moved(key.term) for key, _ in keys]
    valued = [figure for figure in figures if figure.term is not None]
    read = rows(scope, alone, filters, [*key_terms, *(moved(figure.term) for figure in valued if figure.term)])
    placed = [Placed(key, term, stride) for term, (key, stride) in zip(key_terms, keys, strict=True)]
    arguments = [(figure.name, _argument(figure)) for figure in valued]
    part = Part(
        link=link,
        place=sides.order.index(sides.own),
        unit=unit.type,
        keys=tuple(LocalKey(len(key.domain), stride) for key, stride in keys),
        columns=tuple(_column(figure) for figure in figures),
    )
    if max(link.items(at) for at in range(len(link.sides))) > ITEMS_MAX:
        raise refused(Reason.CROSS_NODE_JOIN, own.at, "JOIN", hints.ACROSS_ROWS)
    check_reply(part, own.at, limits)
    expected = of_rows(
        read, shapes(scope.snapshots.scans()), unit, key_terms, [moved(f.term) for f in valued if f.term]
    )
    return Across(table, block, part, read, emit(read, unit, placed, arguments), expected)


def _link(sides: Sides, admitted: Admitted) -> Link:
    block = sides.block
    listed = []
    for table in sides.order:
        dataset = sides.declared[table]
        digest = sides.digests[table] if table in sides.digests else _stated(admitted, dataset)
        listed.append(sides.side(table, digest))
    rows_of_unit = prod(side.items_per_unit for side in listed)
    share = Fraction(admitted.micro_rho * VIEW_PERCENT, 100 * MICRO)
    view = max(1, ceil(Fraction(view_squared(len(listed), rows_of_unit), 2) / share)) if share else 1
    ranges = tuple((aggregate.lower, aggregate.upper) for aggregate in block.aggregates)
    return Link(tuple(listed), block.cells, ranges, view)


def _stated(admitted: Admitted, dataset: Dataset) -> str:
    """Return the digest of what this node states of its own table to this consumer."""
    columns = admitted.contract.terms.columns(dataset.name) or ()
    return joinable.digest(joinable.granted(dataset, frozenset(name.lower() for name in columns)))


def _strides(block: CellBlock) -> list[int]:
    """Return by how much one step in each key moves the place in the grid: the last key is the fastest."""
    sizes = [len(key.domain) for key in block.group_keys]
    return [prod(sizes[at + 1 :]) for at in range(len(sizes))]


def _column(figure: Figure) -> LocalColumn:
    if figure.term is None:
        return LocalColumn(counts_rows=True, lower=1, upper=1)
    if figure.kind is AggregateKind.SUM:
        facts = figure.term.facts
        return LocalColumn(counts_rows=False, lower=min(0, facts.lower), upper=max(0, facts.upper))
    return LocalColumn(counts_rows=False, lower=0, upper=1)


def _argument(figure: Figure) -> str:
    """Return SQL for what one row adds to `figure`: a clamped integer, or whether there is a value."""
    if figure.term is None:
        raise ValueError("rows are counted without SQL")
    term = moved(figure.term)
    if figure.kind is not AggregateKind.SUM:
        return f"CASE WHEN {value(term)} IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END"
    return f"CAST(coalesce({clamp(units(term), term.facts.lower, term.facts.upper)}, 0) AS BIGINT)"


def moved(term: Term) -> Term:
    """Return `term`, which is of one table, over that table alone."""
    match term:
        case Field():
            return replace(term, table=0)
        case Operation(args=args):
            return replace(term, args=tuple(map(moved, args)))
        case Conversion(item=item):
            return replace(term, item=moved(item))
        case _:
            return term


def _refused(question: Question, subject: str, hint: Hint) -> Refused:
    return refused(Reason.CROSS_NODE_JOIN, question.at, subject, hint)
