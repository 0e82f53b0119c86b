"""Plans a question over guarded data: keys over public domains, bounded figures, post-processing."""

from dataclasses import dataclass
from decimal import Decimal
from math import prod

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.stages import Aggregate, Average, Key, Output, Scan
from yanmen.planning import exact_rules, hints
from yanmen.planning.answer import Answered, answered
from yanmen.planning.domains import domain
from yanmen.planning.figures import Figure, Figures, GroupKey
from yanmen.planning.frame import Framed, framed
from yanmen.planning.grouping import groups, is_grouped
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import narrowed
from yanmen.planning.places import NOWHERE, Place, refused
from yanmen.planning.released import CellReader
from yanmen.planning.row_source import Rows, rows, scans
from yanmen.planning.scope import Scope
from yanmen.planning.sql_cells import Cells, emit
from yanmen.planning.syntax import Expression, Question
from yanmen.planning.terms import Term
from yanmen.planning.typed import RowTyper


@dataclass(frozen=True, slots=True)
class CellPlan:
    """What was decided about a question over guarded data."""

    rows: Rows
    sql: str
    scans: tuple[Scan, ...]
    keys: tuple[Key, ...]
    aggregates: tuple[Aggregate, ...]
    averages: tuple[Average, ...]
    outputs: tuple[Output, ...]
    post_sql: str
    cells: int
    group_keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]
    framed: Framed | None


def plan_cells(scope: Scope, joined: Joined, question: Question, limits: NodeLimits) -> CellPlan:
    """Return the plan of `question` over the guarded rows of `joined`, or refuse."""
    _check_shape(question)
    filters = _filters(scope, joined)
    keys = _keys(scope, joined, question, filters)
    cells = prod(len(key.domain) for key in keys)
    if cells > limits.cells:
        raise refused(
            Reason.TOO_MANY_CELLS, question.groups[0].at if question.groups else NOWHERE, "GROUP BY", hints.CELLS
        )
    figures = Figures(scope, joined, [term for term, _ in filters])
    reader = CellReader(scope, [(key.name, key.expression, key.type) for key in keys], figures.column, figures.made)
    shown = answered(reader, question)
    if not figures.figures:
        raise refused(Reason.ROWS_WOULD_LEAVE, question.items[0].expression.at, "", hints.ROWS)
    aggregates = figures.bounded(cells)
    terms = [key.term for key in keys] + [figure.term for figure in figures.figures if figure.term is not None]
    read = rows(scope, joined, [term for term, _ in filters], terms)
    sql = emit(Cells(read, keys, tuple(figures.figures), aggregates, cells))
    return CellPlan(
        rows=read,
        sql=sql,
        scans=scans(read),
        keys=tuple(Key(key.name, key.type, key.domain) for key in keys),
        aggregates=aggregates,
        averages=tuple(figures.averages),
        outputs=shown.outputs,
        post_sql="" if _as_it_stands(shown, keys) else shown.sql,
        cells=cells,
        group_keys=keys,
        figures=tuple(figures.figures),
        framed=_framed(scope, joined, keys, filters),
    )


def _framed(
    scope: Scope, joined: Joined, keys: tuple[GroupKey, ...], filters: list[tuple[Term, Place]]
) -> Framed | None:
    if joined.release is not DatasetClass.EXACT:
        return None
    return framed(scope, joined, keys, [term for term, _ in filters])


def _check_shape(question: Question) -> None:
    if question.distinct:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.items[0].expression.at, "SELECT DISTINCT", hints.NO_DISTINCT)
    if not is_grouped(question):
        raise refused(Reason.ROWS_WOULD_LEAVE, question.items[0].expression.at, "SELECT", hints.ROWS)


def _filters(scope: Scope, joined: Joined) -> list[tuple[Term, Place]]:
    typer = RowTyper(scope)
    filters = [(typer.predicate(part), part.at) for part in joined.filters]
    if joined.release is DatasetClass.EXACT:
        exact_rules.check_filters(scope, filters)
    return filters


def _keys(scope: Scope, joined: Joined, question: Question, filters: list[tuple[Term, Place]]) -> tuple[GroupKey, ...]:
    typer = RowTyper(scope)
    found: list[GroupKey] = []
    for position, expression in enumerate(groups(scope, question)):
        term = typer.term(expression)
        terms = [filtered for filtered, _ in filters]
        values = narrowed(_domain(scope, joined, term, expression, terms), term, terms)
        found.append(GroupKey(f"k{position}", expression, term, term.facts.type, _typed(values, term.facts.type)))
    return tuple(found)


def _domain(scope: Scope, joined: Joined, term: Term, expression: Expression, filters: list[Term]) -> tuple[Cell, ...]:
    if joined.release is DatasetClass.EXACT and not exact_rules.is_dimension(scope, term):
        raise refused(Reason.DIMENSION_NOT_DECLARED, expression.at, "GROUP BY", hints.DIMENSION)
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
