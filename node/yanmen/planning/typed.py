"""Resolved expressions over rows -> terms: types checked, ranges derived, everything total."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints, typed_functions, typed_numbers
from yanmen.planning.conversions import convert
from yanmen.planning.literals import iso_date
from yanmen.planning.places import Place, refused
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import (
    Apply,
    Cast,
    ColumnOf,
    Expression,
    Grouping,
    Literal,
    LiteralKind,
    Op,
    Subquery,
    Window,
)
from yanmen.planning.terms import (
    Constant,
    Conversion,
    Facts,
    Field,
    Operation,
    Term,
    constant,
    null,
    number,
)
from yanmen.planning.typed_numbers import common

WEIGHT_MAX = 4000
"""Terms in one emitted expression: some operations are written with copies of their argument.

A column of a query inside counts as what it is made of: the engine writes that in its place.
"""
QUERY_WEIGHT_MAX = 20_000
"""Terms in all expressions of one query."""

_ORDERED = frozenset({Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL, Op.EQUAL, Op.UNEQUAL})
COMPARED = _ORDERED | {Op.DISTINCT_FROM, Op.NOT_DISTINCT_FROM}
_COPYING = frozenset({Op.NULLIF, Op.BETWEEN, Op.FLOOR, Op.CEIL, Op.DATE_SHIFT, Op.LAST_DAY, Op.DATE_TRUNC})
_BOOLEAN = Facts(ColumnType.BOOLEAN, declared=True)
_CERTAIN = Facts(ColumnType.BOOLEAN, declared=True, nullable=False)
_LIKES = frozenset({Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE})


class RowTyper:
    """Types expressions over the rows of one question's tables."""

    def __init__(self, scope: Scope) -> None:
        """Take columns from `scope`."""
        self._scope = scope
        self._weight = 0

    def term(self, expression: Expression) -> Term:
        """Return the term that the resolved `expression` is, or refuse."""
        found = self._term(expression)
        heavy = weight(found)
        self._weight += heavy
        if heavy > WEIGHT_MAX or self._weight > QUERY_WEIGHT_MAX:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "", hints.TOO_DEEP)
        return found

    def predicate(self, expression: Expression) -> Term:
        """Return the boolean term that the resolved `expression` is, or refuse."""
        return _as_boolean(self.term(expression), "WHERE", expression.at)

    def _term(self, expression: Expression) -> Term:
        match expression:
            case Literal():
                return literal(expression)
            case ColumnOf():
                return self._column(expression)
            case Cast():
                return convert(self._term(expression.item), expression)
            case Apply():
                return self._apply(expression)
            case _:
                raise _not_of_rows(expression)

    def _column(self, found: ColumnOf) -> Field:
        if self._scope.is_unit(found):
            raise refused(Reason.UNIT_NOT_ADMITTED_HERE, found.at, found.written, hints.UNIT)
        source = self._scope.sources[found.table]
        facts = source.facts(found.column)
        if found.table in self._scope.left:
            facts = replace(facts, nullable=True)
        return Field(found.table, found.column, facts)

    def _apply(self, expression: Apply) -> Term:
        moved = self._shift(expression)
        if moved is not None:
            return moved
        rule = _RULES.get(expression.op)
        if rule is None:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, expression.op.value, hints.UNGROUPED)
        return rule(expression.op, tuple(self._term(arg) for arg in expression.args), expression.at)

    def _shift(self, expression: Apply) -> Term | None:
        """Return a date plus or minus an INTERVAL, None when `expression` is something else."""
        if expression.op not in (Op.ADD, Op.SUBTRACT) or len(expression.args) != 2:
            return None
        item, step = expression.args
        if expression.op is Op.ADD and _is_interval(item):
            item, step = step, item
        if not isinstance(step, Literal) or step.kind is not LiteralKind.INTERVAL:
            return None
        count = int(step.text[:-1]) * (1 if expression.op is Op.ADD else -1)
        return typed_functions.shifted(self._term(item), count, step.text[-1], expression.at)


def _not_of_rows(expression: Expression) -> Exception:
    match expression:
        case Window():
            return refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "OVER", hints.WINDOW_ROWS)
        case Grouping():
            return refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "GROUPING", hints.GROUPING)
        case Subquery():
            return refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, expression.kind.value, hints.SUBQUERY)
        case _:
            return refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "*", hints.CLAUSE)


def _is_interval(expression: Expression) -> bool:
    return isinstance(expression, Literal) and expression.kind is LiteralKind.INTERVAL


def literal(expression: Literal) -> Constant:
    """Return the constant that `expression` is."""
    match expression.kind:
        case LiteralKind.NULL:
            return null()
        case LiteralKind.BOOLEAN:
            return constant(expression.text == "true")
        case LiteralKind.NUMBER:
            return number(expression.text)
        case LiteralKind.TEXT:
            return constant(expression.text)
        case LiteralKind.DATE:
            return dated(expression.text, expression.at)
        case LiteralKind.INTERVAL:
            raise refused(Reason.TYPE_MISMATCH, expression.at, "INTERVAL", hints.DATE_SHIFT)


def dated(text: str, at: Place) -> Constant:
    """Return the date constant `text`, which must be exactly YYYY-MM-DD."""
    value = iso_date(text)
    if value is None:
        raise refused(Reason.TYPE_MISMATCH, at, text, hints.DATE_LITERAL)
    return constant(value)


def weight(term: Term) -> int:
    """Return how many terms the emitted SQL of `term` holds, counting copies."""
    match term:
        case Operation(op=op, args=args) if op in _COPYING:
            weights = [weight(arg) for arg in args]
            return 1 + sum(weights) + max(weights)
        case Operation(args=args):
            return 1 + sum(weight(arg) for arg in args)
        case Conversion(item=item):
            return 1 + 3 * weight(item)
        case Field(facts=facts):
            return facts.weight
        case _:
            return 1


def inlined(term: Term) -> Facts:
    """Return the facts of `term` as a column of a query: whoever reads it may be written with a copy of the term."""
    return replace(term.facts, weight=weight(term))


_mismatch = typed_functions.mismatch


def _is_null(term: Term) -> bool:
    return isinstance(term, Constant) and term.value is None


def _as_boolean(term: Term, op: Op | str, at: Place) -> Term:
    if _is_null(term):
        return null(_BOOLEAN)
    if term.facts.type is not ColumnType.BOOLEAN:
        raise _mismatch(op, at)
    return term


def unify(terms: Sequence[Term], op: Op, at: Place) -> tuple[Term, ...]:
    """Return `terms` made comparable: one type, NULL and text literals of dates adapted to it."""
    known = [term.facts for term in terms if not _is_null(term)]
    if not known:
        return tuple(terms)
    wanted = next((facts for facts in known if facts.type is ColumnType.DATE), known[0])
    return tuple(_adapt(term, wanted, op, at) for term in terms)


def _adapt(term: Term, wanted: Facts, op: Op, at: Place) -> Term:
    if _is_null(term):
        return null(wanted)
    if wanted.type is ColumnType.DATE and isinstance(term, Constant) and isinstance(term.value, str):
        return dated(term.value, at)
    if term.facts.type is wanted.type or (term.facts.numeric and wanted.numeric):
        return term
    raise _mismatch(op, at)


def _nullable(terms: Sequence[Term]) -> Facts:
    return _BOOLEAN if any(term.facts.nullable for term in terms) else _CERTAIN


def _comparison(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    sides = unify(args, op, at)
    _aligned_range(sides, at)
    certain = op in (Op.DISTINCT_FROM, Op.NOT_DISTINCT_FROM)
    return Operation(op, sides, _CERTAIN if certain else _nullable(sides))


def _aligned_range(terms: Sequence[Term], at: Place) -> None:
    """Refuse comparisons whose common scale could overflow."""
    if any(term.facts.numeric for term in terms):
        common(terms, at)


def _logic(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    terms = tuple(_as_boolean(arg, op, at) for arg in args)
    return Operation(op, terms, _nullable(terms))


def _null_test(op: Op, args: tuple[Term, ...], _: Place) -> Term:
    return Operation(op, args, _CERTAIN)


def _like(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    item, *patterns = args
    if item.facts.type is not ColumnType.TEXT:
        raise _mismatch(op, at)
    texts = [term.value for term in patterns if isinstance(term, Constant) and isinstance(term.value, str)]
    if len(texts) != len(patterns) or len(texts[0]) > 100 or any(len(escape) != 1 for escape in texts[1:]):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.LITERAL_PATTERN)
    if texts[1:] and _dangling(texts[0], texts[1]):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.LITERAL_PATTERN)
    return Operation(op, args, _nullable((item,)))


def _dangling(pattern: str, escape: str) -> bool:
    """Tell whether `pattern` ends in an unfinished escape, which the engine answers with an error."""
    return len(pattern) - len(pattern.rstrip(escape)) & 1 == 1


def _choice(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    conditions = tuple(_as_boolean(term, op, at) for term in args[0:-1:2])
    results = unify((*args[1::2], args[-1]), op, at)
    parts = [part for pair in zip(conditions, results, strict=False) for part in pair]
    return Operation(op, (*parts, results[-1]), _clamped(conditions, results, _result(results, at)))


def _clamped(conditions: Sequence[Term], results: Sequence[Term], known: Facts) -> Facts:
    """Return facts of CASE WHEN x > c THEN c ELSE x END, which bounds x from above (or with < from below)."""
    if len(results) != 2 or not known.numeric:
        return known
    test, (bound, item) = conditions[0], results
    above = isinstance(test, Operation) and test.op in (Op.GREATER, Op.GREATER_EQUAL)
    below = isinstance(test, Operation) and test.op in (Op.LESS, Op.LESS_EQUAL)
    if not isinstance(test, Operation) or not (above or below) or test.args[0] != item or test.args[1] != bound:
        return known
    if not isinstance(bound, Constant) or not isinstance(bound.value, int):
        return known
    limit: int = bound.value * int(10 ** (known.scale - bound.facts.scale))
    if above and known.lower <= limit:
        return replace(known, upper=limit)
    return replace(known, lower=limit) if below and limit <= known.upper else known


def _result(results: Sequence[Term], at: Place) -> Facts:
    known = results[0].facts
    if known.numeric:
        return common(results, at)
    nullable = any(term.facts.nullable for term in results)
    declared, length = all(term.facts.declared for term in results), max(term.facts.length for term in results)
    return Facts(known.type, declared=declared, nullable=nullable, length=length)


def _coalesce(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    results = unify(args, op, at)
    known = _result(results, at)
    nullable = all(term.facts.nullable for term in results)
    return Operation(op, results, replace(known, nullable=nullable))


def _nullif(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    sides = unify(args, op, at)
    _aligned_range(sides, at)
    return Operation(op, sides, replace(sides[0].facts, nullable=True, weight=1))


_Rule = Callable[[Op, tuple[Term, ...], Place], Term]
_RULES: dict[Op, _Rule] = {
    **dict.fromkeys(COMPARED, _comparison),
    **dict.fromkeys((Op.BETWEEN, Op.IN), _comparison),
    **dict.fromkeys((Op.AND, Op.OR, Op.NOT), _logic),
    **dict.fromkeys((Op.IS_NULL, Op.IS_NOT_NULL), _null_test),
    **dict.fromkeys(_LIKES, _like),
    **typed_numbers.RULES,
    **typed_functions.RULES,
    Op.CASE: _choice,
    Op.COALESCE: _coalesce,
    Op.NULLIF: _nullif,
}
