"""Queries in FROM that group by the unit: one row for each unit, or for each unit and value, of bounded figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.answer import label
from yanmen.planning.domains import domain
from yanmen.planning.grouping import groups
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import narrowed
from yanmen.planning.places import Place, refused
from yanmen.planning.proof import origins_of, proof_of
from yanmen.planning.relation import UNIT, Made, Origins, Relation, Step, made_column, stated
from yanmen.planning.row_relations import emitted, proved, unit_made, unit_origins
from yanmen.planning.row_source import Rows, column, rows, source
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import quoted, select, value
from yanmen.planning.syntax import AGGREGATES, Apply, Cast, ColumnOf, Expression, Item, Literal, Op, Question
from yanmen.planning.terms import I128, Facts, Term
from yanmen.planning.typed import RowTyper, inlined

COUNT_DOMAIN_MAX = 1000
"""Numbers of rows that may be grouped by again."""
AVERAGE_PLACES = 6


def groups_by_unit(scope: Scope, question: Question) -> bool:
    """Tell whether `question` groups by the unit of its rows."""
    if all(entry.unit() is None for entry in scope.sources):
        return False
    return any(isinstance(key, ColumnOf) and scope.is_unit(key) for key in groups(scope, question))


@dataclass(frozen=True, slots=True)
class _Figure:
    """One column of the grouped rows: SQL over the plain aggregates, and what it can be."""

    sql: str
    facts: Facts
    domain: tuple[Cell, ...] | None
    term: Term | None


class UnitGrouping:
    """Groups the rows of a query by their unit, and says what is left to ask of the result."""

    def __init__(self, scope: Scope, joined: Joined, question: Question) -> None:
        """Refuse a unit that may be absent, and ROLLUP."""
        self._scope = scope
        self._joined = joined
        self._question = question
        self._typer = RowTyper(scope)
        self._known: dict[Expression, Expression] = {}
        self._plain: dict[tuple[str, Term | None], str] = {}
        self._arguments: dict[Term, str] = {}
        self._figures: list[_Figure] = []
        if joined.release is DatasetClass.EXACT:
            raise refused(Reason.DIMENSION_NOT_DECLARED, question.at, "SELECT", hints.EXACT_DIRECT)
        if question.group_sets:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "ROLLUP", hints.UNIT_GROUPS)
        self._keys = self._read_keys()

    def _read_keys(self) -> list[Term]:
        terms: list[Term] = []
        for key in groups(self._scope, self._question):
            if isinstance(key, ColumnOf) and self._scope.is_unit(key):
                if key.table in self._joined.left:
                    raise refused(Reason.UNIT_NOT_ADMITTED_HERE, key.at, key.written, hints.JOIN_LEFT)
                self._known[key] = ColumnOf(0, UNIT, key.at)
            else:
                self._known[key] = ColumnOf(0, f"c{len(terms)}", key.at)
                terms.append(self._typer.term(key))
        return terms

    def rest(self) -> Question:
        """Return the question over the grouped rows: HAVING becomes WHERE."""
        asked = self._question
        items = tuple(Item(self._replaced(item.expression), label(item)) for item in asked.items)
        where = None if asked.having is None else self._replaced(asked.having)
        return replace(asked, items=items, tables=(), links=(), where=where, groups=(), group_all=False, having=None)

    def _replaced(self, expression: Expression) -> Expression:
        return self._walked(self._scope.resolve(expression))

    def _walked(self, expression: Expression) -> Expression:
        if expression in self._known:
            return self._known[expression]
        match expression:
            case Apply(op=op) if op in AGGREGATES:
                made = ColumnOf(0, f"c{len(self._keys) + len(self._figures)}", expression.at)
                self._figures.append(self._figure(expression))
                self._known[expression] = made
                return made
            case Apply(args=args):
                return replace(expression, args=tuple(self._walked(arg) for arg in args))
            case Cast(item=item):
                return replace(expression, item=self._walked(item))
            case Literal():
                return expression
            case ColumnOf(written=column):
                raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, column, hints.UNGROUPED)
            case _:
                raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "", hints.UNIT_GROUPS)

    def _figure(self, call: Apply) -> _Figure:
        rule = _FIGURES.get(call.op)
        if rule is None:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.UNIT_GROUPS)
        return rule(self, call)

    def argument(self, call: Apply) -> Term:
        """Return the term that `call` aggregates."""
        return self._typer.term(call.args[0])

    def number(self, call: Apply) -> Term:
        """Return the number that `call` aggregates."""
        term = self.argument(call)
        if not term.facts.numeric:
            raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
        return term

    def plain(self, name: str, term: Term | None) -> str:
        """Return the column of the plain aggregate `name` of `term`, computed once."""
        if term is not None:
            self._arguments.setdefault(term, f"v{len(self._arguments)}")
        return quoted(self._plain.setdefault((name, term), f"p{len(self._plain)}"))

    def counted(self, name: str, term: Term | None) -> _Figure:
        """Return a count: at most as many as one unit has rows."""
        most = self._joined.rows_per_unit
        values = tuple(range(most + 1)) if most <= COUNT_DOMAIN_MAX else None
        facts = Facts(ColumnType.INTEGER, 0, 0, most, declared=True, nullable=False)
        return _Figure(self.plain(name, term), facts, values, term)

    def summed(self, term: Term, at: Place) -> _Figure:
        """Return a sum: at most as many times the bounds as one unit has rows."""
        most, known = self._joined.rows_per_unit, term.facts
        facts = Facts(known.type, known.scale, most * min(known.lower, 0), most * max(known.upper, 0), known.declared)
        if max(abs(facts.lower), facts.upper) > I128:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, at, Op.SUM.value, hints.TOO_WIDE)
        return _Figure(_typed(self.plain("sum", term), facts), facts, None, term)

    def averaged(self, term: Term, at: Place) -> _Figure:
        """Return an average, cut after a few places: between the bounds."""
        known, step = term.facts, int(10 ** min(AVERAGE_PLACES, max(0, 18 - term.facts.scale)))
        total = self.summed(term, at)
        if max(abs(total.facts.lower), total.facts.upper) * step > I128:
            raise refused(Reason.MEASURE_WITHOUT_BOUNDS, at, Op.AVG.value, hints.TOO_WIDE)
        scale = known.scale + len(str(step)) - 1
        facts = Facts(ColumnType.DECIMAL, scale, known.lower * step, known.upper * step, known.declared)
        wide = f"CAST({self.plain('sum', term)} AS HUGEINT)"
        count = f"NULLIF(CAST({self.plain('count', term)} AS HUGEINT), CAST(0 AS HUGEINT))"
        sql = f"(({wide} * CAST({step} AS HUGEINT)) // {count})"
        return _Figure(sql if facts.wide else f"CAST({sql} AS BIGINT)", facts, None, term)

    def extreme(self, name: str, term: Term) -> _Figure:
        """Return the least or greatest value of the unit's own rows."""
        return _Figure(
            self.plain(name, term), replace(term.facts, nullable=True, weight=1), domain(self._scope, term), term
        )

    def relation(self) -> Relation:
        """Return the grouped rows; everything asked of them must have been read before."""
        filters = [self._typer.predicate(part) for part in self._joined.filters]
        read = rows(self._scope, self._joined, filters, [*self._keys, *self._arguments])
        keys = [quoted(f"c{position}") for position in range(len(self._keys))]
        by = ", ".join([quoted(UNIT), *keys])
        plain = [f"{_call(name, self._arguments, term)} AS {quoted(to)}" for (name, term), to in self._plain.items()]
        grouped = select([quoted(UNIT), *keys, *plain], f"FROM ({self._rows(read)}) AS {quoted('r')} GROUP BY {by}")
        figures = [
            f"{figure.sql} AS {quoted(f'c{len(keys) + position}')}" for position, figure in enumerate(self._figures)
        ]
        sql = select([quoted(UNIT), *keys, *figures], f"FROM ({grouped}) AS {quoted('g')}")
        made = self._columns(read, filters)
        step = Step(
            tuple(origins_of(read, key) for key in self._keys),
            tuple((_engine_name(name, term), _origins(read, term)) for name, term in self._plain),
        )
        inside = proof_of(read)
        proven = proved(self._scope, self._joined, tuple(item.column for item in made), self._rows_per_unit(made))
        unique = frozenset({UNIT, *(f"c{position}" for position in range(len(self._keys)))})
        unit = unit_origins(read)
        proof = stated(replace(inside, steps=(*inside.steps, step)), unit, made)
        return Relation(proven, made, unit, sql, proof, unique)

    def _rows_per_unit(self, made: tuple[Made, ...]) -> int:
        """Return how many groups one unit can have: as many as it has rows, or as its keys have values and NULL."""
        domains = [item.column.domain for item in made[1 : 1 + len(self._keys)]]
        if None in domains:
            return self._joined.rows_per_unit
        return min(self._joined.rows_per_unit, prod(len({*known, None}) for known in domains if known is not None))

    def _rows(self, read: Rows) -> str:
        unit = self._joined.unit
        if unit is None:
            raise ValueError("rows have a unit")
        columns = [f"{column(unit)} AS {quoted(UNIT)}"]
        columns += [f"{emitted(key)} AS {quoted(f'c{position}')}" for position, key in enumerate(self._keys)]
        columns += [f"{_argument(term)} AS {quoted(name)}" for term, name in self._arguments.items()]
        return select(columns, source(read))

    def _columns(self, read: Rows, filters: list[Term]) -> tuple[Made, ...]:
        found = [unit_made(read, UNIT)]
        for position, key in enumerate(self._keys):
            name = f"c{position}"
            values = domain(self._scope, key, filters)
            kept = None if values is None else narrowed(values, key, filters)
            facts = inlined(key)
            found.append(Made(name, made_column(name, facts, kept), facts, origins_of(read, key)))
        for position, figure in enumerate(self._figures, start=len(self._keys)):
            name = f"c{position}"
            known = made_column(name, figure.facts, figure.domain)
            found.append(Made(name, known, figure.facts, _origins(read, figure.term)))
        return tuple(found)


def _argument(term: Term) -> str:
    return emitted(term) if term.facts.numeric else value(term)


def _origins(read: Rows, term: Term | None) -> Origins:
    return frozenset() if term is None else origins_of(read, term)


def _typed(sql: str, facts: Facts) -> str:
    return f"CAST({sql} AS {'HUGEINT' if facts.wide else 'BIGINT'})"


def _call(name: str, arguments: dict[Term, str], term: Term | None) -> str:
    if term is None:
        return "count(*)"
    argument = quoted(arguments[term])
    return f"count(DISTINCT {argument})" if name == "distinct" else f"{name}({argument})"


def _engine_name(name: str, term: Term | None) -> str:
    """Return what the engine's bound plan calls an aggregate."""
    if term is None:
        return "count_star"
    return "count" if name == "distinct" else name


def _distinct(grouping: UnitGrouping, call: Apply) -> _Figure:
    return grouping.counted("distinct", grouping.argument(call))


_FIGURES: dict[Op, Callable[[UnitGrouping, Apply], _Figure]] = {
    Op.COUNT_ROWS: lambda grouping, _: grouping.counted("count", None),
    Op.COUNT: lambda grouping, call: grouping.counted("count", grouping.argument(call)),
    Op.COUNT_DISTINCT: _distinct,
    Op.SUM: lambda grouping, call: grouping.summed(grouping.number(call), call.at),
    Op.AVG: lambda grouping, call: grouping.averaged(grouping.number(call), call.at),
    Op.MIN: lambda grouping, call: grouping.extreme("min", grouping.argument(call)),
    Op.MAX: lambda grouping, call: grouping.extreme("max", grouping.argument(call)),
}
"""What may be computed of one unit's rows: each stays about that unit, and is bounded."""
