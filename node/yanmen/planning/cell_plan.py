"""Plans a question over guarded data: keys over public domains, bounded figures, post-processing."""

from decimal import Decimal

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.refusal import Reason
from yanmen.planning import exact_rules, hints
from yanmen.planning.answer import Answered, answered
from yanmen.planning.blocks import Asked, Blocks, GroupSet
from yanmen.planning.domains import domain, is_open
from yanmen.planning.figure_tables import FigureTable, UniqueKey, left_by
from yanmen.planning.figures import Figures, GroupKey, grid_of
from yanmen.planning.grouping import group_list, is_grouped
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import narrowed
from yanmen.planning.places import Place, refused
from yanmen.planning.quantiles import Quantiles
from yanmen.planning.released import CellReader, InnerOf
from yanmen.planning.row_source import rows
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import QUANTILES, Apply, Expression, Question
from yanmen.planning.terms import Term
from yanmen.planning.typed import RowTyper


def plan_cells(scope: Scope, joined: Joined, question: Question, blocks: Blocks, inner: InnerOf) -> FigureTable:
    """Return what `question` shows of the guarded rows of `joined`, whose cells become part of `blocks`; or refuse."""
    _check_shape(question)
    filters = _filters(scope, joined)
    written = group_list(scope, question)
    keys = _keys(scope, joined, tuple(dict.fromkeys(written)), filters, blocks)
    figures = Figures(scope, joined, [term for term, _ in filters], blocks.names)
    quantiles = Quantiles(scope, joined, [term for term, _ in filters], keys)

    def column(call: Apply) -> tuple[str, ColumnType]:
        return (quantiles if call.op in QUANTILES else figures).column(call)

    named = [(key.name, key.expression, key.type) for key in keys]
    shown = answered(CellReader(scope, named, column, figures.made, inner), question)
    if not figures.figures and not quantiles.found:
        raise refused(Reason.ROWS_WOULD_LEAVE, question.items[0].expression.at, "", hints.ROWS)
    if any(not key.domain for key in keys):
        figures.with_units(question.at)
    terms = [key.term for key in keys] + [figure.term for figure in figures.figures if figure.term is not None]
    read = rows(scope, joined, [term for term, _ in filters], terms)
    sets = _sets(question, written, keys)
    asked = Asked(read, keys, tuple(figures.figures), tuple(figures.averages), question.at)
    if not quantiles.found:
        before = len(blocks.found)
        cells = blocks.cells(asked, sets)
        most = left_by(sum(block.cells for block in blocks.found[before:]), question.limit)
        plain = not sets and _as_it_stands(shown, keys)
        return FigureTable(shown.sql(cells), shown.outputs, most, plain, None if sets else _unique(shown, keys))
    if sets:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "ROLLUP", hints.QUANTILE_SETS)
    cells = blocks.cells(asked, ()) if figures.figures else ""
    most = left_by(grid_of(keys), question.limit)
    return FigureTable(shown.sql(quantiles.joined_to(cells, blocks)), shown.outputs, most, unique=_unique(shown, keys))


def _unique(shown: Answered, keys: tuple[GroupKey, ...]) -> tuple[UniqueKey, ...] | None:
    """Return the outputs that are the keys of the grid, None when one is not shown, or as a float is another."""
    if any(key.name not in shown.stored or not _told(key) for key in keys):
        return None
    return tuple((shown.stored.index(key.name), len(key.domain)) for key in keys)


def _told(key: GroupKey) -> bool:
    """Tell whether different values of a key stay different as 64-bit floats, as which numbers are compared."""
    if key.type not in (ColumnType.INTEGER, ColumnType.DECIMAL):
        return bool(key.domain)
    floats = {float(value) for value in key.domain if isinstance(value, int | Decimal)}
    return bool(key.domain) and len(floats) == sum(value is not None for value in key.domain)


def _sets(question: Question, written: tuple[Expression, ...], keys: tuple[GroupKey, ...]) -> tuple[GroupSet, ...]:
    """Return the keys of each part of ROLLUP, CUBE or GROUPING SETS, as positions in `keys`."""
    places = {key.expression: position for position, key in enumerate(keys)}
    sets = (tuple(dict.fromkeys(places[written[position]] for position in found)) for found in question.group_sets)
    return tuple(dict.fromkeys(sets))


def _check_shape(question: Question) -> None:
    if question.distinct:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.items[0].expression.at, "SELECT DISTINCT", hints.NO_DISTINCT)
    if not is_grouped(question) and not question.group_all:
        raise refused(Reason.ROWS_WOULD_LEAVE, question.items[0].expression.at, "SELECT", hints.ROWS)


def _filters(scope: Scope, joined: Joined) -> list[tuple[Term, Place]]:
    typer = RowTyper(scope)
    filters = [(typer.predicate(part), part.at) for part in joined.filters]
    if joined.release is DatasetClass.EXACT:
        exact_rules.check_filters(scope, filters)
    return filters


def _keys(
    scope: Scope,
    joined: Joined,
    expressions: tuple[Expression, ...],
    filters: list[tuple[Term, Place]],
    blocks: Blocks,
) -> tuple[GroupKey, ...]:
    typer = RowTyper(scope)
    found: list[GroupKey] = []
    for expression in expressions:
        term = typer.term(expression)
        terms = [filtered for filtered, _ in filters]
        values = _domain(scope, joined, term, expression, terms)
        if not values and len(expressions) > 1:
            raise refused(Reason.KEY_WITHOUT_DOMAIN, expression.at, "GROUP BY", hints.OPEN_KEY)
        values = narrowed(values, term, terms)
        found.append(GroupKey(blocks.names.key(), expression, term, term.facts.type, _typed(values, term.facts.type)))
    return tuple(found)


def _domain(scope: Scope, joined: Joined, term: Term, expression: Expression, filters: list[Term]) -> tuple[Cell, ...]:
    """Return the public values of a key; none for one whose values DP will find."""
    if joined.release is DatasetClass.EXACT and not exact_rules.is_dimension(scope, term):
        raise refused(Reason.DIMENSION_NOT_DECLARED, expression.at, "GROUP BY", hints.DIMENSION)
    if is_open(scope, term) and joined.release is DatasetClass.PERSONAL:
        return ()
    values = domain(scope, term, filters)
    if values is None:
        raise refused(Reason.KEY_WITHOUT_DOMAIN, expression.at, "GROUP BY", hints.KEY_DOMAIN)
    return values


def _typed(values: tuple[Cell, ...], kind: ColumnType) -> tuple[Cell, ...]:
    if kind is not ColumnType.DECIMAL:
        return values
    return tuple(Decimal(value) if isinstance(value, int) else value for value in values)


def _as_it_stands(shown: Answered, keys: tuple[GroupKey, ...]) -> bool:
    """Tell whether the released columns are the answer: all keys in order, bare figures, nothing after."""
    return not shown.clauses and shown.bare == tuple(key.name for key in keys)
