"""Types of numbers in rows: exact arithmetic, with the range each result is proven to stay in."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.syntax import Op
from yanmen.planning.terms import Constant, Facts, Operation, Term, null, number, ranged
from yanmen.planning.typed_functions import days_between, mismatch, shifted

DIVISOR_PLACES = 12


def _numeric(args: Sequence[Term], op: Op, at: Place) -> tuple[Term, ...]:
    terms = tuple(
        null(Facts(ColumnType.INTEGER)) if isinstance(arg, Constant) and arg.value is None else arg for arg in args
    )
    if not all(term.facts.numeric for term in terms):
        raise mismatch(op, at)
    return terms


def _kind(facts: Sequence[Facts]) -> ColumnType:
    return ColumnType.INTEGER if all(known.type is ColumnType.INTEGER for known in facts) else ColumnType.DECIMAL


def _ends(facts: Facts, scale: int) -> tuple[int, int]:
    factor: int = 10 ** (scale - facts.scale)
    return facts.lower * factor, facts.upper * factor


def common(terms: Sequence[Term], at: Place) -> Facts:
    """Return facts that hold for the values of any of `terms`, refusing what could overflow."""
    found = merged([term.facts for term in terms])
    return ranged(found.type, found.scale, (found.lower, found.upper), [term.facts for term in terms], at)


def merged(known: Sequence[Facts]) -> Facts:
    """Return facts that hold for the values of any of `known`, which are of one kind of type."""
    if not known[0].numeric:
        length = max(facts.length for facts in known)
        heaviest = max(facts.weight for facts in known)
        return Facts(known[0].type, nullable=any(facts.nullable for facts in known), length=length, weight=heaviest)
    scale = max(facts.scale for facts in known)
    ends = [end for facts in known for end in _ends(facts, scale)]
    declared, nullable = all(facts.declared for facts in known), any(facts.nullable for facts in known)
    heaviest = max(facts.weight for facts in known)
    return Facts(_kind(known), scale, min(ends), max(ends), declared, nullable, weight=heaviest)


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
        return days_between((item, other), at)
    days = other.value if isinstance(other, Constant) and other.facts.type is ColumnType.INTEGER else None
    if not isinstance(days, int):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.DATE_SHIFT)
    return shifted(item, days if op is Op.ADD else -days, "D", at)


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


RULES: dict[Op, Callable[[Op, tuple[Term, ...], Place], Term]] = {
    **dict.fromkeys((Op.ADD, Op.SUBTRACT), _sum),
    **dict.fromkeys((Op.NEGATE, Op.PLUS), _negation),
    Op.MULTIPLY: _product,
    Op.DIVIDE: _quotient,
    Op.ABS: _absolute,
    Op.ROUND: _round,
}
"""How each operation is typed."""
