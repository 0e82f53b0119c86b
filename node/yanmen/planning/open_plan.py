"""Plans a question over open data: rows or groups as asked, at most so many of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.stages import Output, Scan
from yanmen.planning import hints
from yanmen.planning.answer import answered, label, limited, unique_label
from yanmen.planning.grouping import aliased, groups, is_grouped, ordinal
from yanmen.planning.joins import Joined
from yanmen.planning.places import NOWHERE, refused
from yanmen.planning.released import CellReader
from yanmen.planning.released_terms import Shown
from yanmen.planning.released_windows import direction
from yanmen.planning.row_source import Rows, rows, source
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import quoted, select, units, unscaled, value
from yanmen.planning.syntax import (
    MOMENTS,
    QUANTILES,
    Apply,
    Expression,
    Item,
    Literal,
    LiteralKind,
    Name,
    Op,
    Order,
    Query,
    Question,
    Star,
)
from yanmen.planning.terms import Term
from yanmen.planning.typed import RowTyper, weight

I128 = 2**127


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """What was decided about a question over open data; `terms[i]` are what output i is made of."""

    rows: Rows
    sql: str
    scans: tuple[Scan, ...]
    outputs: tuple[Output, ...]
    rows_max: int


def plan_open(scope: Scope, joined: Joined, question: Question, limits: NodeLimits) -> OpenPlan:
    """Return the plan of `question` over open rows, or refuse."""
    most = limits.open_rows if question.limit is None else min(question.limit, limits.open_rows)
    tail = limited(most, question.offset)
    if is_grouped(question) or question.group_all:
        return _grouped(scope, joined, question, most, tail)
    return _listed(scope, joined, question, most, tail)


def _read(scope: Scope, joined: Joined, terms: Iterable[Term]) -> Rows:
    typer = RowTyper(scope)
    return rows(scope, joined, [typer.predicate(part) for part in joined.filters], terms)


def _listed(scope: Scope, joined: Joined, question: Question, most: int, tail: str) -> OpenPlan:
    typer = RowTyper(scope)
    items = _expanded(scope, question.items)
    terms = [typer.term(scope.resolve(item.expression)) for item in items]
    taken: set[str] = set()
    outputs = tuple(
        Output(unique_label(label(item), taken), term.facts.type, "", term.facts.length, weight(term))
        for item, term in zip(items, terms, strict=True)
    )
    columns = [f"{value(term)} AS {quoted(f'o{position}')}" for position, term in enumerate(terms)]
    sorted_by = [_sort_term(scope, items, order) for order in question.orders]
    if question.distinct and not all(term in terms for term in sorted_by):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.orders[0].expression.at, "ORDER BY", hints.NO_DISTINCT)
    order = _order_by([f"{quoted(f'z{position}')}" for position in range(len(sorted_by))], question.orders)
    extra = [f"{value(term)} AS {quoted(f'z{position}')}" for position, term in enumerate(sorted_by)]
    read = _read(scope, joined, [*terms, *sorted_by])
    sql = select([*columns, *extra], source(read))
    if question.distinct:
        sql = "SELECT DISTINCT" + sql.removeprefix("SELECT")
    names = [quoted(f"o{position}") for position in range(len(columns))]
    return OpenPlan(
        read,
        select(names, f"FROM ({sql}) AS {quoted('r')}{order}{tail}"),
        scope.snapshots.scans(),
        outputs,
        most,
    )


def _order_by(columns: list[str], orders: tuple[Order, ...]) -> str:
    terms = [f"{column} {direction(order)}" for column, order in zip(columns, orders, strict=True)]
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _expanded(scope: Scope, items: Iterable[Item]) -> tuple[Item, ...]:
    found: list[Item] = []
    for item in items:
        if isinstance(item.expression, Star):
            found += [Item(column, name) for name, column in scope.expand(item.expression)]
        else:
            found.append(item)
    return tuple(found)


def _sort_term(scope: Scope, items: tuple[Item, ...], order: Order) -> Term:
    expression = order.expression
    if isinstance(expression, Literal) and expression.kind is LiteralKind.NUMBER:
        expression = ordinal(items, expression)
    elif isinstance(expression, Name) and len(expression.parts) == 1:
        expression = aliased(items, expression.parts[0]) or expression
    return RowTyper(scope).term(scope.resolve(expression))


class _OpenFigures:
    """Collects the aggregates of one question over open data."""

    def __init__(self, scope: Scope, joined: Joined) -> None:
        self._joined = joined
        self._typer = RowTyper(scope)
        self._known: dict[Apply, tuple[str, ColumnType]] = {}
        self.columns: list[str] = []
        self.terms: list[Term] = []

    def column(self, call: Apply) -> tuple[str, ColumnType]:
        """Return the inner column and type of the resolved aggregate `call`."""
        if call not in self._known:
            sql, kind = self._sql(call)
            name = f"a{len(self._known)}"
            self.columns.append(f"{sql} AS {quoted(name)}")
            self._known[call] = (name, kind)
        return self._known[call]

    def made(self, _: Apply) -> Expression | None:
        """Return None: the engine computes every aggregate of open data itself."""
        return None

    def _sql(self, call: Apply) -> tuple[str, ColumnType]:
        if call.op is Op.COUNT_ROWS:
            return "count(*)", ColumnType.INTEGER
        term = self._typer.term(call.args[0])
        self.terms.append(term)
        match call.op:
            case Op.COUNT:
                return f"count({value(term)})", ColumnType.INTEGER
            case Op.COUNT_DISTINCT:
                return f"count(DISTINCT {value(term)})", ColumnType.INTEGER
            case Op.MIN | Op.MAX:
                return f"{call.op.value}({value(term)})", term.facts.type
            case op if op in QUANTILES:
                raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, op.value, hints.QUANTILE)
            case op if op in MOMENTS:
                return self._moment(call, term)
            case Op.SUM:
                return self._sum(call, term)
            case _:
                total, _ = self._sum(call, term)
                floats = f"CAST({total} AS DOUBLE) / NULLIF(CAST(count({units(term)}) AS DOUBLE), CAST(0 AS DOUBLE))"
                return f"TRY_CAST({floats} AS DECIMAL(38,9))", ColumnType.DECIMAL

    def _moment(self, call: Apply, term: Term) -> tuple[str, ColumnType]:
        others = [self._typer.term(arg) for arg in call.args[1:]]
        self.terms += others
        if not all(item.facts.numeric for item in (term, *others)):
            raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
        floats = ", ".join(f"CAST({value(item)} AS DOUBLE)" for item in (term, *others))
        return f"TRY_CAST({call.op.value}({floats}) AS DECIMAL(38,9))", ColumnType.DECIMAL

    def _sum(self, call: Apply, term: Term) -> tuple[str, ColumnType]:
        if not term.facts.numeric:
            raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
        if max(abs(term.facts.lower), abs(term.facts.upper)) * self._joined.rows_upto >= I128:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, call.at, call.op.value, hints.TOO_WIDE)
        if term.facts.scale > 18:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, call.at, call.op.value, hints.TOO_WIDE)
        total = f"sum({units(term)})"
        if term.facts.type is ColumnType.INTEGER:
            return f"TRY_CAST({total} AS BIGINT)", ColumnType.INTEGER
        return unscaled(total, term.facts.scale), ColumnType.DECIMAL


def _no_query(_: Query) -> tuple[str, Shown]:
    raise refused(Reason.CLAUSE_NOT_ADMITTED, NOWHERE, "SELECT", hints.SUBQUERY)


def _grouped(scope: Scope, joined: Joined, question: Question, most: int, tail: str) -> OpenPlan:
    if question.distinct:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "SELECT DISTINCT", hints.NO_DISTINCT)
    typer = RowTyper(scope)
    expressions = groups(scope, question)
    keys = [typer.term(expression) for expression in expressions]
    figures = _OpenFigures(scope, joined)
    named = [
        (f"k{position}", expression, key.facts.type)
        for position, (expression, key) in enumerate(zip(expressions, keys, strict=True))
    ]
    shown = answered(CellReader(scope, named, figures.column, figures.made, _no_query), question)
    inner = [f"{value(key)} AS {quoted(f'k{position}')}" for position, key in enumerate(keys)]
    by = f" GROUP BY {', '.join(value(key) for key in keys)}" if keys else ""
    if not inner and not figures.columns:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "HAVING", hints.UNGROUPED)
    read = _read(scope, joined, [*keys, *figures.terms])
    cells = select([*inner, *figures.columns], source(read) + by)
    sql = select(shown.columns, f"FROM ({cells}) AS {quoted('cells')}{shown.filtered}{tail}")
    outputs = tuple(replace(output, source="") for output in shown.outputs)
    return OpenPlan(read, sql, scope.snapshots.scans(), outputs, most)
