"""Types of text, calendar and whole-number functions over rows: each total, with the range its result has."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Hint, Place, refused
from yanmen.planning.syntax import Op
from yanmen.planning.terms import Constant, Facts, Operation, Term, constant, null, number, ranged

TEXT_PLACES_MAX = 1000
TEXT_LENGTH_MAX = 2**32
TEXT_MADE_MAX = 4096
"""Characters that a text made in a question may have: what one unit's rows are made into stays small.

A longer one that only one unit's rows are made into would let the run fail if and only if that unit is there.
"""
SHIFT_DAYS_MAX = 100_000
MONTH_DAYS = 31

CALENDAR: dict[Op, tuple[int, int]] = {
    Op.YEAR: (-6_000_000, 6_000_000),
    Op.QUARTER: (1, 4),
    Op.MONTH: (1, 12),
    Op.DAY: (1, 31),
    Op.DAY_OF_WEEK: (0, 6),
    Op.ISO_DAY_OF_WEEK: (1, 7),
    Op.DAY_OF_YEAR: (1, 366),
    Op.WEEK: (1, 53),
}
"""Parts of a date and the whole numbers they can be."""
_DAYS_APART = 2**33


def mismatch(op: Op | str, at: Place) -> Exception:
    """Return the refusal of operands whose types do not go together."""
    return refused(Reason.TYPE_MISMATCH, at, op if isinstance(op, str) else op.value, hints.TYPE)


def _not_here(op: Op, at: Place, hint: Hint) -> Exception:
    return refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hint)


def _of(kind: ColumnType, term: Term, op: Op, at: Place) -> Term:
    if isinstance(term, Constant) and term.value is None:
        return null(Facts(kind))
    if term.facts.type is not kind:
        raise mismatch(op, at)
    return term


def calendar(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Type year, month and their like."""
    item = _of(ColumnType.DATE, args[0], op, at)
    lower, upper = CALENDAR[op]
    return Operation(op, (item,), Facts(ColumnType.INTEGER, 0, lower, upper, declared=op is not Op.YEAR))


def _month_end(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    return Operation(op, (_of(ColumnType.DATE, args[0], op, at),), Facts(ColumnType.DATE))


def _truncated(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    return Operation(op, (args[0], _of(ColumnType.DATE, args[1], op, at)), Facts(ColumnType.DATE))


def _difference(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    dates = tuple(_dated(arg, op, at) for arg in args[1:])
    return Operation(op, (args[0], *dates), Facts(ColumnType.INTEGER, 0, -_DAYS_APART, _DAYS_APART))


def _dated(term: Term, op: Op, at: Place) -> Term:
    return _of(ColumnType.DATE, term, op, at)


def days_between(args: tuple[Term, ...], at: Place) -> Term:
    """Type date - date: whole days."""
    return _difference(Op.DATE_DIFF, (constant("day"), args[1], args[0]), at)


def shifted(item: Term, count: int, unit: str, at: Place) -> Term:
    """Type a date moved by `count` days (unit D) or months (unit M); a literal date is moved at once."""
    item = _of(ColumnType.DATE, item, Op.ADD, at)
    if abs(count) * (MONTH_DAYS if unit == "M" else 1) > SHIFT_DAYS_MAX:
        raise _not_here(Op.ADD, at, hints.DATE_SHIFT)
    if isinstance(item, Constant) and isinstance(item.value, date):
        moved = _moved(item.value, count, unit)
        if moved is None:
            raise refused(Reason.TYPE_MISMATCH, at, item.value.isoformat(), hints.DATE_LITERAL)
        return constant(moved)
    return Operation(Op.DATE_SHIFT, (item, number(str(count)), constant(unit)), Facts(ColumnType.DATE))


def _moved(value: date, count: int, unit: str) -> date | None:
    try:
        if unit == "D":
            return value + timedelta(days=count)
        months = value.year * 12 + value.month - 1 + count
        year, month = divmod(months, 12)
        return date(year, month + 1, min(value.day, monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        return None


def _text(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Type what keeps a text's length, which is counted in characters as the engine folds case one by one, or adds."""
    items = tuple(_of(ColumnType.TEXT, arg, op, at) for arg in args)
    length = sum(item.facts.length for item in items)
    if length > TEXT_MADE_MAX and op is Op.CONCAT:
        raise _not_here(op, at, hints.TEXT_LENGTH)
    nullable = any(item.facts.nullable for item in items)
    return Operation(op, items, Facts(ColumnType.TEXT, nullable=nullable, length=length))


def _cut(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    item, *places = args
    values: list[int] = []
    for place in places:
        value = place.value if isinstance(place, Constant) and place.facts.type is ColumnType.INTEGER else None
        if not isinstance(value, int) or not 1 <= value <= TEXT_PLACES_MAX:
            raise _not_here(op, at, hints.LITERAL_LENGTH)
        values.append(value)
    text = _of(ColumnType.TEXT, item, op, at)
    kept = TEXT_MADE_MAX if op is Op.SUBSTRING and len(values) == 1 else values[-1]
    length = min(kept, text.facts.length)
    return Operation(op, (text, *places), Facts(ColumnType.TEXT, nullable=text.facts.nullable, length=length))


def _length(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    item = _of(ColumnType.TEXT, args[0], op, at)
    return Operation(op, (item,), Facts(ColumnType.INTEGER, 0, 0, TEXT_LENGTH_MAX, nullable=item.facts.nullable))


def _found(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    item, wanted = _of(ColumnType.TEXT, args[0], op, at), args[1]
    if not isinstance(wanted, Constant) or not isinstance(wanted.value, str):
        raise _not_here(op, at, hints.LITERAL_TEXT)
    return Operation(op, (item, wanted), Facts(ColumnType.BOOLEAN, declared=True, nullable=item.facts.nullable))


def _whole(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Type floor and ceil: whole numbers, rounded towards one side."""
    item = _number(args[0], op, at)
    known = item.facts
    step: int = 10**known.scale
    ends = [end // step if op is Op.FLOOR else -(-end // step) for end in (known.lower, known.upper)]
    return Operation(op, (item,), ranged(ColumnType.INTEGER, 0, ends, (known,), at))


def _number(term: Term, op: Op, at: Place) -> Term:
    item = null(Facts(ColumnType.INTEGER)) if isinstance(term, Constant) and term.value is None else term
    if not item.facts.numeric:
        raise mismatch(op, at)
    return item


def _sign(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    item = _number(args[0], op, at)
    ends = [(end > 0) - (end < 0) for end in (item.facts.lower, item.facts.upper)]
    known = item.facts
    facts = Facts(ColumnType.INTEGER, 0, ends[0], ends[1], declared=True, nullable=known.nullable)
    return Operation(op, (item,), facts)


def _divided(op: Op, args: tuple[Term, ...], at: Place) -> Term:
    """Type x // n and x % n of whole numbers; as in the engine, // rounds towards zero and % has the sign of x."""
    item, divisor = _number(args[0], op, at), args[1]
    by = divisor.value if isinstance(divisor, Constant) and divisor.facts.type is ColumnType.INTEGER else None
    if not isinstance(by, int) or by < 1:
        raise _not_here(op, at, hints.WHOLE_DIVISOR)
    if item.facts.type is not ColumnType.INTEGER:
        raise mismatch(op, at)
    known = item.facts
    ends = [_toward_zero(end, by) for end in (known.lower, known.upper)]
    if op is Op.MODULO:
        ends = [max(known.lower, 1 - by) if known.lower < 0 else 0, min(known.upper, by - 1) if known.upper > 0 else 0]
    facts = ranged(ColumnType.INTEGER, 0, ends, (known,), at)
    if op is Op.MODULO:
        facts = Facts(facts.type, 0, facts.lower, facts.upper, declared=True, nullable=facts.nullable)
    return Operation(op, (item, divisor), facts)


def _toward_zero(value: int, by: int) -> int:
    return value // by if value >= 0 else -(-value // by)


def _released_only(op: Op, _: tuple[Term, ...], at: Place) -> Term:
    raise _not_here(op, at, hints.RELEASED_ONLY)


RULES: dict[Op, Callable[[Op, tuple[Term, ...], Place], Term]] = {
    **dict.fromkeys(CALENDAR, calendar),
    **dict.fromkeys((Op.LOWER, Op.UPPER, Op.TRIM, Op.LTRIM, Op.RTRIM, Op.CONCAT), _text),
    **dict.fromkeys((Op.SUBSTRING, Op.LEFT, Op.RIGHT), _cut),
    **dict.fromkeys((Op.STARTS_WITH, Op.ENDS_WITH, Op.CONTAINS), _found),
    **dict.fromkeys((Op.FLOOR, Op.CEIL), _whole),
    **dict.fromkeys((Op.INT_DIVIDE, Op.MODULO), _divided),
    **dict.fromkeys((Op.SQRT, Op.LN, Op.LOG10, Op.EXP, Op.POWER), _released_only),
    Op.LAST_DAY: _month_end,
    Op.DATE_TRUNC: _truncated,
    Op.DATE_DIFF: _difference,
    Op.LENGTH: _length,
    Op.SIGN: _sign,
}
"""How each function is typed."""
