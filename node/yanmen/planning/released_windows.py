"""Window functions over released rows."""

from collections.abc import Callable

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import refused
from yanmen.planning.released_terms import Shown, number
from yanmen.planning.syntax import Expression, Literal, LiteralKind, Op, Order, Window
from yanmen.planning.vocabulary import WINDOWS

ReadPart = Callable[[Expression], Shown]

_RANKS = frozenset({"row_number", "rank", "dense_rank", "ntile", "count", "count_star"})
_SHARES = frozenset({"percent_rank", "cume_dist"})
_KEPT = frozenset({"lag", "lead", "first_value", "last_value", "min", "max"})


def over(window: Window, part: ReadPart) -> Shown:
    """Return SQL for `window`, its parts read by `part`; or refuse."""
    least, most = WINDOWS[window.function]
    if not least <= len(window.args) <= most:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, window.at, window.function, hints.ARGUMENTS)
    args = [part(arg) for arg in window.args]
    clause = _clause(window, part)
    if window.function in _SHARES:
        return Shown(f"{window.function}() {clause}", ColumnType.DECIMAL)
    if window.function in _RANKS:
        return Shown(f"CAST({_ranked(window, args)} {clause} AS DOUBLE)", ColumnType.INTEGER)
    if window.function in _KEPT:
        length = max(arg.length for arg in args)
        return Shown(
            f"{window.function}({_kept(window, args)}) {clause}", args[0].type, stored=args[0].stored, length=length
        )
    floats = number(args[0], Op.SUM, window.at)
    whole = window.function == "sum" and args[0].type is ColumnType.INTEGER
    return Shown(f"{window.function}({floats}) {clause}", ColumnType.INTEGER if whole else ColumnType.DECIMAL)


def _ranked(window: Window, args: list[Shown]) -> str:
    if window.function == "ntile":
        return f"ntile({_count(window, window.args[0])})"
    if window.function in ("count", "count_star"):
        return f"count({args[0].sql if args else '*'})"
    return f"{window.function}()"


def _kept(window: Window, args: list[Shown]) -> str:
    """Write the value, and for LAG and LEAD how far away it is and what stands in for it."""
    found = [args[0].sql]
    if len(args) > 1:
        found.append(_count(window, window.args[1]))
    if len(args) > 2:
        if args[2].type not in (args[0].type, None):
            raise refused(Reason.TYPE_MISMATCH, window.at, window.function, hints.TYPE)
        found.append(args[2].sql)
    return ", ".join(found)


def _count(window: Window, expression: Expression) -> str:
    """Return a literal whole number from 1."""
    whole = isinstance(expression, Literal) and expression.kind is LiteralKind.NUMBER and expression.text.isdigit()
    if not isinstance(expression, Literal) or not whole or not 1 <= int(expression.text) <= 10_000:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, window.at, window.function, hints.FRAME)
    return expression.text


def _clause(window: Window, part: ReadPart) -> str:
    inside = []
    if window.partitions:
        inside.append(f"PARTITION BY {', '.join(part(item).sql for item in window.partitions)}")
    if window.orders:
        inside.append(
            f"ORDER BY {', '.join(f'{part(item.expression).sql} {direction(item)}' for item in window.orders)}"
        )
    if window.frame and window.function not in _RANKS - {"count", "count_star"} | _SHARES | {"lag", "lead"}:
        inside.append(window.frame)
    return f"OVER ({' '.join(inside)})"


def direction(order: Order) -> str:
    """Return the direction and null order of an ORDER BY term."""
    return f"{'DESC' if order.descending else 'ASC'} NULLS {'FIRST' if order.nulls_first else 'LAST'}"
