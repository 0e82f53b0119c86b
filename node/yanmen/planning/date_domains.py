"""Days, months and years that a question about dates can be about: declared ones, or those WHERE leaves.

The days come from the question's own text, so they are public.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.planning.syntax import Op
from yanmen.planning.terms import Constant, Field, Operation, Term

DAYS_MAX = 100 * 366
"""A century of days; what is grouped by must still fit the grid."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_FROM = frozenset({Op.GREATER, Op.GREATER_EQUAL, Op.EQUAL})
_UPTO = frozenset({Op.LESS, Op.LESS_EQUAL, Op.EQUAL})


def days(field: Field, filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    """Return every day of the date `field` that `filters` leave, None unless they leave a finite span."""
    if field.facts.type is not ColumnType.DATE:
        return None
    found = _span(field, filters)
    if found is None or (found[1] - found[0]).days > DAYS_MAX:
        return None
    return tuple(found[0] + timedelta(days=count) for count in range((found[1] - found[0]).days + 1))


def spans(term: Operation, filters: Sequence[Term]) -> tuple[Cell, ...] | None:
    """Return what `term`, a year or the start of one, can be when WHERE fixes the year itself."""
    years = _years(term, filters) if term.op is Op.YEAR else None
    return None if years is None else tuple(range(years[0], years[1] + 1))


def of_days(term: Operation, found: Sequence[Cell]) -> tuple[Cell, ...] | None:
    """Return what `term` makes of the dates `found`; NULL stays NULL."""
    values: dict[Cell, None] = {}
    for day in found:
        values[_value(term, day) if isinstance(day, date) else None] = None
    return tuple(values)


def _value(term: Operation, day: date) -> Cell:
    match term.op:
        case Op.YEAR:
            return day.year
        case Op.LAST_DAY:
            return _month_after(day) - timedelta(days=1)
        case _:
            return _truncated(term.args[0], day)


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _truncated(step: Term, day: date) -> date:
    word = step.value if isinstance(step, Constant) else ""
    if word == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS.get(str(word), 0)
    return day if months == 0 else date(day.year, (day.month - 1) // months * months + 1, 1)


def _span(item: Term, filters: Sequence[Term]) -> tuple[date, date] | None:
    """Return the first and the last day that `filters` leave of `item`."""
    lows, highs = [], []
    for op, value in _bounds(item, filters):
        if isinstance(value, date):
            lows += [value + timedelta(days=op is Op.GREATER)] if op in _FROM else []
            highs += [value - timedelta(days=op is Op.LESS)] if op in _UPTO else []
    if not lows or not highs or max(lows) > min(highs):
        return None
    return max(lows), min(highs)


def _years(item: Term, filters: Sequence[Term]) -> tuple[int, int] | None:
    lows, highs = [], []
    for op, value in _bounds(item, filters):
        if isinstance(value, int):
            lows += [value + (op is Op.GREATER)] if op in _FROM else []
            highs += [value - (op is Op.LESS)] if op in _UPTO else []
    if not lows or not highs or not 0 <= min(highs) - max(lows) < DAYS_MAX:
        return None
    return max(lows), min(highs)


def _bounds(item: Term, filters: Sequence[Term]) -> list[tuple[Op, Cell]]:
    """Return each comparison of `item` with a literal that every row passes."""
    found: list[tuple[Op, Cell]] = []
    for term in filters:
        if not isinstance(term, Operation) or term.args[0] != item:
            continue
        constants = [arg.value for arg in term.args[1:] if isinstance(arg, Constant)]
        if len(constants) != len(term.args) - 1:
            continue
        if term.op is Op.BETWEEN:
            found += [(Op.GREATER_EQUAL, constants[0]), (Op.LESS_EQUAL, constants[1])]
        elif term.op is Op.IN and None not in constants:
            found += [(Op.GREATER_EQUAL, _least(constants)), (Op.LESS_EQUAL, _most(constants))]
        elif len(constants) == 1:
            found.append((term.op, constants[0]))
    return found


def _least(values: Sequence[Cell]) -> Cell:
    return min((value for value in values if isinstance(value, int | date)), default=None, key=_order)


def _most(values: Sequence[Cell]) -> Cell:
    return max((value for value in values if isinstance(value, int | date)), default=None, key=_order)


def _order(value: int | date) -> int:
    return value.toordinal() if isinstance(value, date) else value
