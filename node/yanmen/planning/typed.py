"""Resolved expressions over rows -> terms: types checked, ranges derived, everything total."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints, typed_functions
from yanmen.planning.conversions import convert
from yanmen.planning.literals import iso_date
from yanmen.planning.places import Place, refused
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import Apply, Cast, ColumnOf, Expression, Literal, LiteralKind, Name, Op, Star
from yanmen.planning.terms import (
    Constant,
    Conversion,
    Facts,
    Field,
    Operation,
    Term,
    column_facts,
    constant,
    null,
    number,
    ranged,
)

WEIGHT_MAX = 4000
"""Terms in one emitted expression: some operations are written with copies of their argument."""
DIVISOR_PLACES = 12

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

    def term(self, expression: Expression) -> Term:
        """Return the term that the resolved `expression` is, or refuse."""
        found = self._term(expression)
        if weight(found) > WEIGHT_MAX:
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
            case Star() | Name():
                raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "*", hints.CLAUSE)

    def _column(self, found: ColumnOf) -> Field:
        if self._scope.is_unit(found):
            raise refused(Reason.UNIT_NOT_ADMITTED_HERE, found.at, found.column, hints.UNIT)
        return Field(found.table, found.column, column_facts(self._scope.column(found)))

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
        case _:
            return 1


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
        _merged(terms, at)


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


def _numeric(args: Sequence[Term], op: Op, at: Place) -> tuple[Term, ...]:
    terms = tuple(null(Facts(ColumnType.INTEGER)) if _is_null(arg) else arg for arg in args)
    if not all(term.facts.numeric for term in terms):
        raise _mismatch(op, at)
    return terms


def _kind(facts: Sequence[Facts]) -> ColumnType:
    return ColumnType.INTEGER if all(known.type is ColumnType.INTEGER for known in facts) else ColumnType.DECIMAL


def _ends(facts: Facts, scale: int) -> tuple[int, int]:
    factor: int = 10 ** (scale - facts.scale)
    return facts.lower * factor, facts.upper * factor


def _merged(terms: Sequence[Term], at: Place) -> Facts:
    """Return facts that hold for the values of any of `terms`."""
    known = [term.facts for term in terms]
    scale = max(facts.scale for facts in known)
    ends = [end for facts in known for end in _ends(facts, scale)]
    return ranged(_kind(known), scale, ends, known, at)


def _sum(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    kinds = [arg.facts.type for arg in args]
    if ColumnType.DATE in kinds:
        return _dates(op, args, at)
    terms = _numeric(args, op, at)
    known = [term.facts for term in terms]
    scale = max(facts.scale for facts in known)
    (low, high), (other_low, other_high) = (_ends(facts, scale) for facts in known)
    ends = (low + other_low, high + other_high) if op is Op.ADD else (low - other_high, high - other_low)
    return Operation(op, terms, ranged(_kind(known), scale, ends, known, at))


def _dates(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Type date - date, and a date moved by literal days."""
    item, other = (args[1], args[0]) if op is Op.ADD and args[1].facts.type is ColumnType.DATE else args
    if op is Op.SUBTRACT and other.facts.type is ColumnType.DATE:
        return typed_functions.days_between((item, other), at)
    days = other.value if isinstance(other, Constant) and other.facts.type is ColumnType.INTEGER else None
    if not isinstance(days, int):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.DATE_SHIFT)
    return typed_functions.shifted(item, days if op is Op.ADD else -days, "D", at)


def _product(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    terms = _numeric(args, op, at)
    left, right = (term.facts for term in terms)
    ends = [a * b for a in (left.lower, left.upper) for b in (right.lower, right.upper)]
    return Operation(op, terms, ranged(_kind((left, right)), left.scale + right.scale, ends, (left, right), at))


def _quotient(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Turn x / literal into a product when the literal's reciprocal is a short decimal."""
    divisor = args[1]
    units = divisor.value if isinstance(divisor, Constant) and divisor.facts.numeric else None
    if not isinstance(units, int) or units == 0:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.ROW_DIVISION)
    reciprocal = Fraction(10**divisor.facts.scale, units) * 10**DIVISOR_PLACES
    if reciprocal.denominator != 1:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.ROW_DIVISION)
    shortest = Decimal(reciprocal.numerator).scaleb(-DIVISOR_PLACES)
    text = format(shortest, "f")
    return _product(Op.MULTIPLY, (args[0], number(text.rstrip("0").rstrip(".") if "." in text else text)), at)


def _negation(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    (item,) = _numeric(args, op, at)
    if op is Op.PLUS:
        return item
    known = item.facts
    return Operation(op, (item,), ranged(known.type, known.scale, (-known.upper, -known.lower), (known,), at))


def _absolute(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    (item,) = _numeric(args, op, at)
    known = item.facts
    lowest = 0 if known.lower <= 0 <= known.upper else min(abs(known.lower), abs(known.upper))
    ends = (lowest, max(abs(known.lower), abs(known.upper)))
    return Operation(op, (item,), ranged(known.type, known.scale, ends, (known,), at))


def rounding_places(args: Sequence[Term], at: Place) -> int:
    """Return the literal number of places that ROUND was given, 0 when none."""
    if len(args) == 1:
        return 0
    places = args[1]
    value = places.value if isinstance(places, Constant) and places.facts.type is ColumnType.INTEGER else None
    if not isinstance(value, int) or not -18 <= value <= 18:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, Op.ROUND.value, hints.LITERAL_PLACES)
    return value


def _round(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    places = rounding_places(args, at)
    (item,) = _numeric(args[:1], op, at)
    known = item.facts
    if places >= known.scale:
        return item
    step: int = 10 ** (known.scale - places)
    scale = max(places, 0)
    ends = tuple(_half_away(end, step) * 10 ** (scale - places) for end in (known.lower, known.upper))
    kind = ColumnType.DECIMAL if scale else ColumnType.INTEGER
    return Operation(op, (item, number(str(places))), ranged(kind, scale, ends, (known,), at))


def _half_away(value: int, step: int) -> int:
    quotient = (2 * abs(value) + step) // (2 * step)
    return quotient if value >= 0 else -quotient


def _choice(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    conditions = tuple(_as_boolean(term, op, at) for term in args[0:-1:2])
    results = unify((*args[1::2], args[-1]), op, at)
    parts = [part for pair in zip(conditions, results, strict=False) for part in pair]
    return Operation(op, (*parts, results[-1]), _result(results, at))


def _result(results: Sequence[Term], at: Place) -> Facts:
    known = results[0].facts
    if known.numeric:
        return _merged(results, at)
    nullable = any(term.facts.nullable for term in results)
    return Facts(known.type, declared=all(term.facts.declared for term in results), nullable=nullable)


def _coalesce(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    results = unify(args, op, at)
    known = _result(results, at)
    nullable = all(term.facts.nullable for term in results)
    return Operation(op, results, Facts(known.type, known.scale, known.lower, known.upper, known.declared, nullable))


def _nullif(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    sides = unify(args, op, at)
    _aligned_range(sides, at)
    known = sides[0].facts
    return Operation(op, sides, Facts(known.type, known.scale, known.lower, known.upper, known.declared))


_Rule = Callable[[Op, tuple[Term, ...], Place], Term]
_RULES: dict[Op, _Rule] = {
    **dict.fromkeys(COMPARED, _comparison),
    **dict.fromkeys((Op.BETWEEN, Op.IN), _comparison),
    **dict.fromkeys((Op.AND, Op.OR, Op.NOT), _logic),
    **dict.fromkeys((Op.IS_NULL, Op.IS_NOT_NULL), _null_test),
    **dict.fromkeys(_LIKES, _like),
    **dict.fromkeys((Op.ADD, Op.SUBTRACT), _sum),
    **dict.fromkeys((Op.NEGATE, Op.PLUS), _negation),
    **typed_functions.RULES,
    Op.MULTIPLY: _product,
    Op.DIVIDE: _quotient,
    Op.ABS: _absolute,
    Op.ROUND: _round,
    Op.CASE: _choice,
    Op.COALESCE: _coalesce,
    Op.NULLIF: _nullif,
}
