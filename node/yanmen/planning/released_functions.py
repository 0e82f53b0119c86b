"""Functions of released cells: total, in 64-bit floats, text or dates."""

from collections.abc import Callable

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints, sql_functions
from yanmen.planning.places import Place, refused
from yanmen.planning.released_terms import Shown, mismatch, number
from yanmen.planning.sql_terms import text_literal
from yanmen.planning.syntax import Op
from yanmen.planning.typed_functions import CALENDAR, SHIFT_DAYS_MAX, TEXT_PLACES_MAX


def _of(kind: ColumnType, shown: Shown, op: Op, at: Place) -> str:
    if shown.type not in (kind, None):
        raise mismatch(op, at)
    return shown.sql


def _calendar(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    sql = sql_functions.written(op, [_of(ColumnType.DATE, args[0], op, at)])
    return Shown(f"CAST({sql} AS DOUBLE)", ColumnType.INTEGER)


def _dated(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    part = [text_literal(args[0].text or "")] if op is not Op.LAST_DAY else []
    dates = [_of(ColumnType.DATE, arg, op, at) for arg in args[len(part) :]]
    sql = sql_functions.written(op, [*part, *dates])
    if op is Op.DATE_DIFF:
        return Shown(f"CAST({sql} AS DOUBLE)", ColumnType.INTEGER)
    return Shown(sql, ColumnType.DATE)


def moved(op: Op, args: tuple[Shown, ...], at: Place) -> Shown | None:
    """Return a date plus or minus literal days, or the days between two dates; None when `args` hold no date."""
    first, second = args
    if first.type is not ColumnType.DATE:
        return None
    if second.type is ColumnType.DATE and op is Op.SUBTRACT:
        days = sql_functions.written(Op.DATE_DIFF, [text_literal("day"), second.sql, first.sql])
        return Shown(f"CAST({days} AS DOUBLE)", ColumnType.INTEGER)
    if not second.sql.isdigit() or int(second.sql) > SHIFT_DAYS_MAX or op not in (Op.ADD, Op.SUBTRACT):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.DATE_SHIFT)
    count = second.sql if op is Op.ADD else f"-{second.sql}"
    return Shown(sql_functions.written(Op.DATE_SHIFT, [first.sql, count, text_literal("D")]), ColumnType.DATE)


def _text(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    sql = sql_functions.written(op, [_of(ColumnType.TEXT, arg, op, at) for arg in args])
    if op is Op.LENGTH:
        return Shown(f"CAST({sql} AS DOUBLE)", ColumnType.INTEGER)
    found = op in (Op.STARTS_WITH, Op.ENDS_WITH, Op.CONTAINS)
    return Shown(sql, ColumnType.BOOLEAN if found else ColumnType.TEXT)


def _cut(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    for place in args[1:]:
        if not place.sql.isdigit() or not 1 <= int(place.sql) <= TEXT_PLACES_MAX:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.LITERAL_LENGTH)
    sql = sql_functions.written(op, [_of(ColumnType.TEXT, args[0], op, at), *(place.sql for place in args[1:])])
    return Shown(sql, ColumnType.TEXT)


def _rounded(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    return Shown(f"{op.value}({number(args[0], op, at)})", ColumnType.INTEGER)


def _positive(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    """Write roots and logarithms: NULL where they are not defined."""
    item = number(args[0], op, at)
    least = ">=" if op is Op.SQRT else ">"
    return Shown(f"(CASE WHEN {item} {least} CAST(0 AS DOUBLE) THEN {op.value}({item}) END)", ColumnType.DECIMAL)


def _power(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    return Shown(f"{op.value}({', '.join(number(arg, op, at) for arg in args)})", ColumnType.DECIMAL)


def _divided(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    left, right = (number(arg, op, at) for arg in args)
    divisor = f"NULLIF({right}, CAST(0 AS DOUBLE))"
    sql = f"({left} % {divisor})" if op is Op.MODULO else f"trunc({left} / {divisor})"
    whole = op is Op.INT_DIVIDE or all(arg.type in (ColumnType.INTEGER, None) for arg in args)
    return Shown(sql, ColumnType.INTEGER if whole else ColumnType.DECIMAL)


RULES: dict[Op, Callable[[Op, tuple[Shown, ...], Place], Shown]] = {
    **dict.fromkeys(CALENDAR, _calendar),
    **dict.fromkeys((Op.LAST_DAY, Op.DATE_TRUNC, Op.DATE_DIFF), _dated),
    **dict.fromkeys((Op.LOWER, Op.UPPER, Op.TRIM, Op.LTRIM, Op.RTRIM, Op.CONCAT, Op.LENGTH), _text),
    **dict.fromkeys((Op.STARTS_WITH, Op.ENDS_WITH, Op.CONTAINS), _text),
    **dict.fromkeys((Op.SUBSTRING, Op.LEFT, Op.RIGHT), _cut),
    **dict.fromkeys((Op.FLOOR, Op.CEIL, Op.SIGN), _rounded),
    **dict.fromkeys((Op.SQRT, Op.LN, Op.LOG10), _positive),
    **dict.fromkeys((Op.EXP, Op.POWER), _power),
    **dict.fromkeys((Op.INT_DIVIDE, Op.MODULO), _divided),
}
"""How each function is written."""
