"""OVER as DuckDB serialises it: a short list of window functions, and frames counted in literal rows."""

from collections.abc import Callable

from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value
from yanmen.planning.places import Place
from yanmen.planning.syntax import Expression, Literal, Order, Window
from yanmen.planning.vocabulary import WINDOWS

ReadExpression = Callable[[Value, int], Expression]

_MEMBERS = frozenset(
    {
        *("class", "type", "alias", "query_location", "query_location_length", "function_name", "schema", "catalog"),
        *("partitions", "orders", "start", "end", "start_expr", "end_expr", "offset_expr", "default_expr"),
        *("ignore_nulls", "filter_expr", "exclude_clause", "distinct", "arg_orders", "has_ignore_nulls", "arguments"),
        "qualified_name",
    }
)
_DEFAULTS: Object = {
    "schema": "",
    "catalog": "",
    "ignore_nulls": False,
    "filter_expr": None,
    "exclude_clause": "NO_OTHER",
    "distinct": False,
    "arg_orders": [],
    "has_ignore_nulls": False,
}
_ENDS = {
    "UNBOUNDED_PRECEDING": ("", "UNBOUNDED PRECEDING"),
    "UNBOUNDED_FOLLOWING": ("", "UNBOUNDED FOLLOWING"),
    "CURRENT_ROW_RANGE": ("RANGE", "CURRENT ROW"),
    "CURRENT_ROW_ROWS": ("ROWS", "CURRENT ROW"),
    "EXPR_PRECEDING_ROWS": ("ROWS", "{} PRECEDING"),
    "EXPR_FOLLOWING_ROWS": ("ROWS", "{} FOLLOWING"),
}
_DIRECTIONS = {"ORDER_DEFAULT": False, "ASCENDING": False, "DESCENDING": True}
_NULLS = {"ORDER_DEFAULT": False, "NULLS LAST": False, "NULLS FIRST": True}


class WindowReader:
    """Reads one window function."""

    def __init__(self, expression: ReadExpression, reader: Reader) -> None:
        """Read parts with `expression`, refuse through `reader`."""
        self._expression = expression
        self._reader = reader

    def read(self, value: Object, at: Place, depth: int) -> Window:
        """Return the window function that `value` is, or refuse."""
        members = self._reader.exact(dict(value), _MEMBERS, "OVER", at)
        self._reader.same(members, _DEFAULTS, "OVER", at)
        name = self._reader.text(members, "function_name")
        self._reader.same(members, {"qualified_name": {"path": [name]}}, name, at)
        if name.lower() not in WINDOWS:
            self._reader.refuse(name, at, hints.WINDOW)
        return Window(
            name.lower(),
            self._arguments(members, at, depth),
            tuple(self._expression(part, depth + 1) for part in self._reader.items(members, "partitions")),
            tuple(self._order(part, at, depth) for part in self._reader.items(members, "orders")),
            self._frame(members, at, depth),
            at,
        )

    def _arguments(self, members: Object, at: Place, depth: int) -> tuple[Expression, ...]:
        found: list[Expression] = []
        for item in self._reader.items(members, "arguments"):
            argument = self._reader.exact(item, frozenset({"name", "expression"}), "OVER", at)
            self._reader.same(argument, {"name": ""}, "OVER", at)
            found.append(self._expression(argument["expression"], depth + 1))
        extra = [members[name] for name in ("offset_expr", "default_expr") if members[name] is not None]
        return (*found, *(self._expression(part, depth + 1) for part in extra))

    def _order(self, value: Value, at: Place, depth: int) -> Order:
        members = self._reader.exact(value, frozenset({"type", "null_order", "expression"}), "ORDER BY", at)
        descending = _DIRECTIONS.get(self._reader.text(members, "type"))
        nulls_first = _NULLS.get(self._reader.text(members, "null_order"))
        if descending is None or nulls_first is None:
            self._reader.refuse("ORDER BY", at)
        return Order(self._expression(members["expression"], depth + 1), descending, nulls_first)

    def _frame(self, members: Object, at: Place, depth: int) -> str:
        ends = [_ENDS.get(self._reader.text(members, name)) for name in ("start", "end")]
        if None in ends:
            self._reader.refuse("OVER", at, hints.FRAME)
        kinds = {end[0] for end in ends if end is not None and end[0]}
        if len(kinds) > 1:
            self._reader.refuse("OVER", at, hints.FRAME)
        kind = kinds.pop() if kinds else "ROWS"
        texts = [
            end[1].format(self._count(members[f"{name}_expr"], at, depth) if "{}" in end[1] else "")
            for name, end in zip(("start", "end"), ends, strict=True)
            if end is not None
        ]
        return f"{kind} BETWEEN {texts[0]} AND {texts[1]}"

    def _count(self, value: Value, at: Place, depth: int) -> str:
        expression = self._expression(value, depth + 1)
        if not isinstance(expression, Literal) or not expression.text.isdigit() or len(expression.text) > len("1000"):
            self._reader.refuse("OVER", at, hints.FRAME)
        return expression.text
