"""DuckDB's serialised statement -> `syntax.Query`: SELECT and UNION ALL, every field accounted for."""

import re
from collections.abc import Mapping

from yanmen.model.refusal import Fault, FaultCode, Reason
from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value, first_place, parse
from yanmen.planning.places import NOWHERE, CallerText, Place, refused
from yanmen.planning.reading_expressions import ExpressionReader
from yanmen.planning.reading_sources import SourceReader
from yanmen.planning.syntax import (
    Derived,
    Expression,
    Item,
    Literal,
    LiteralKind,
    Order,
    Query,
    Question,
    Union,
)

ITEMS_MAX = 200
CTES_MAX = 16
UNION_MAX = 16
SETS_MAX = 16
QUERY_DEPTH_MAX = 12
"""Queries inside queries: hand-written questions stay under 5."""

_SELECT = frozenset(
    {
        "type", "modifiers", "cte_map", "select_list", "from_table", "where_clause", "group_expressions",
        "group_sets", "aggregate_handling", "having", "sample", "qualify",
    }
)  # fmt: skip
_UNION = frozenset({"type", "modifiers", "cte_map", "setop_type", "left", "right", "setop_all", "children"})
_CTE = frozenset({"aliases", "materialized", "key_targets", "payload_aggregates", "query_node"})
_NULLS = {"ORDER_DEFAULT": False, "NULLS LAST": False, "NULLS FIRST": True}
_DIRECTIONS = {"ORDER_DEFAULT": False, "ASCENDING": False, "DESCENDING": True}
_OFFSET = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


def read(sql: str, serialised: str, ast_bytes: int) -> Query:
    """Return the query that DuckDB's serialised statement of `sql` is, or refuse."""
    text = CallerText(sql)
    reply = parse(serialised, ast_bytes)
    if not isinstance(reply, dict) or not isinstance(reply.get("error"), bool):
        raise Fault(FaultCode.SANDBOX, "the engine's reply is not a statement")
    if reply["error"]:
        raise unparsed(text, reply)
    return QueryReader(text, {}).statement(reply)


def unparsed(text: CallerText, reply: Object) -> Exception:
    """Return the refusal that a reply of the parser which is no statement is."""
    if reply.get("error_type") == "not implemented":
        start = text.start()
        return refused(Reason.NOT_ONE_SELECT, text.place(start), text.word(start), hints.ONE_SELECT)
    position = reply.get("position")
    if isinstance(position, str) and _OFFSET.fullmatch(position):
        offset = int(position)
        return refused(Reason.SQL_MALFORMED, text.place(offset), text.word(offset), hints.MALFORMED)
    return refused(Reason.SQL_MALFORMED, NOWHERE, "", hints.MALFORMED)


class QueryReader:
    """Reads one query and those inside it; `known` are the CTEs its FROM may name."""

    def __init__(self, text: CallerText, known: Mapping[str, Derived], depth: int = 0) -> None:
        """Read places from `text`."""
        self._text = text
        self._known = dict(known)
        self._depth = depth
        self._reader = Reader(Reason.CLAUSE_NOT_ADMITTED, hints.CLAUSE)
        self._expressions = ExpressionReader(text, self._inner)
        self._from = SourceReader(self._expressions, self._inner, self._known)

    def statement(self, reply: Object) -> Query:
        """Return the one query that a serialised reply holds."""
        members = self._reader.exact(dict(reply), frozenset({"error", "statements"}), "")
        statements = self._reader.items(members, "statements")
        if len(statements) != 1:
            raise refused(Reason.NOT_ONE_SELECT, self._near(list(statements[1:])), "", hints.ONE_SELECT)
        statement = self._reader.exact(statements[0], frozenset({"node", "named_param_map"}), "statement")
        query = self.query(statement["node"])
        if statement["named_param_map"] != []:
            self._reader.refuse("parameter", NOWHERE, hints.NO_PARAMETERS)
        return query

    def query(self, node: Value) -> Query:
        """Return the query that a serialised node is."""
        kind = node.get("type") if isinstance(node, dict) else None
        if self._depth > QUERY_DEPTH_MAX:
            self._reader.refuse("SELECT", self._near(node), hints.TOO_DEEP)
        if kind == "SELECT_NODE":
            return self._select(self._reader.exact(node, _SELECT, "SELECT"))
        if kind == "SET_OPERATION_NODE":
            return self._union(self._reader.exact(node, _UNION, "UNION"))
        if kind == "RECURSIVE_CTE_NODE":
            self._reader.refuse("WITH RECURSIVE", self._near(node), hints.NO_RECURSION)
        return self._reader.refuse(str(kind), self._near(node))

    def _inner(self, node: Value) -> Query:
        return QueryReader(self._text, self._known, self._depth + 1).query(node)

    def _with(self, node: Object) -> None:
        members = self._reader.exact(node["cte_map"], frozenset({"map"}), "WITH")
        for entry in self._capped(members, "map", CTES_MAX):
            pair = self._reader.exact(entry, frozenset({"key", "value"}), "WITH")
            value = self._reader.exact(pair["value"], _CTE, "WITH")
            at = self._near(value["query_node"])
            self._reader.same(value, {"key_targets": [], "payload_aggregates": []}, "USING KEY", at)
            name = self._reader.text(pair, "key")
            aliases = self._reader.texts(value, "aliases")
            self._known[name.lower()] = Derived(self._inner(value["query_node"]), name, aliases, at)

    def _union(self, node: Object) -> Union:
        at = self._near(node["children"])
        if node["setop_type"] != "UNION" or node["setop_all"] is not True:
            self._reader.refuse(str(node["setop_type"]), at, hints.UNION_ALL)
        self._reader.same(node, {"left": None, "right": None}, "UNION", at)
        self._with(node)
        parts = tuple(self._inner(part) for part in self._capped(node, "children", UNION_MAX))
        orders, limit, offset, distinct = self._modifiers(node)
        if distinct:
            self._reader.refuse("UNION", at, hints.UNION_ALL)
        return Union(parts, orders, limit, offset, at)

    def _select(self, node: Object) -> Question:
        self._with(node)
        self._reader.same(node, {"sample": None}, "USING SAMPLE", self._near(node["from_table"]))
        tables, links = self._from.read(node["from_table"])
        groups, sets, group_all = self._groups(node)
        orders, limit, offset, distinct = self._modifiers(node)
        return Question(
            items=tuple(self._item(value) for value in self._capped(node, "select_list", ITEMS_MAX)),
            tables=tables,
            links=links,
            where=self._optional(node["where_clause"]),
            groups=groups,
            group_all=group_all,
            having=self._optional(node["having"]),
            orders=orders,
            limit=limit,
            offset=offset,
            distinct=distinct,
            group_sets=sets,
            qualify=self._optional(node["qualify"]),
            at=self._near(node["select_list"]),
        )

    def _near(self, value: Value) -> Place:
        return first_place(value, self._text)

    def _capped(self, members: Object, name: str, most: int) -> list[Value]:
        values = list(self._reader.items(members, name))
        if len(values) > most:
            self._reader.refuse(name, NOWHERE, hints.TOO_DEEP)
        return values

    def _optional(self, value: Value) -> Expression | None:
        return None if value is None else self._expressions.read(value)

    def _item(self, value: Value) -> Item:
        expression = self._expressions.read(value, alias=True)
        alias = self._reader.text(value, "alias") if isinstance(value, dict) else ""
        return Item(expression, alias)

    def _groups(self, node: Object) -> tuple[tuple[Expression, ...], tuple[tuple[int, ...], ...], bool]:
        handling = self._reader.text(node, "aggregate_handling")
        if handling not in ("STANDARD_HANDLING", "FORCE_AGGREGATES"):
            self._reader.refuse("GROUP BY")
        groups = tuple(self._expressions.read(value) for value in self._capped(node, "group_expressions", ITEMS_MAX))
        plain = [list(range(len(groups)))] if groups else []
        force = handling == "FORCE_AGGREGATES"
        if node["group_sets"] == plain:
            return groups, (), force
        return (
            groups,
            tuple(self._set(value, len(groups)) for value in self._capped(node, "group_sets", SETS_MAX)),
            force,
        )

    def _set(self, value: Value, count: int) -> tuple[int, ...]:
        positions = value if isinstance(value, list) else self._reader.refuse("GROUPING SETS")
        found = tuple(position for position in positions if type(position) is int and 0 <= position < count)
        if len(found) != len(positions):
            self._reader.refuse("GROUPING SETS")
        return found

    def _modifiers(self, node: Object) -> tuple[tuple[Order, ...], int | None, int, bool]:
        orders: tuple[Order, ...] = ()
        limit: int | None = None
        offset, distinct, seen = 0, False, set()
        for value in self._reader.items(node, "modifiers"):
            kind = value.get("type") if isinstance(value, dict) else None
            if kind in seen:
                self._reader.refuse(str(kind))
            seen.add(kind)
            match kind:
                case "ORDER_MODIFIER":
                    orders = self._orders(value)
                case "LIMIT_MODIFIER":
                    limit, offset = self._limit(value)
                case "DISTINCT_MODIFIER":
                    distinct = self._distinct(value)
                case _:
                    self._reader.refuse(str(kind))
        return orders, limit, offset, distinct

    def _distinct(self, value: Value) -> bool:
        members = self._reader.exact(value, frozenset({"type", "distinct_on_targets"}), "DISTINCT")
        self._reader.same(members, {"distinct_on_targets": []}, "DISTINCT ON", self._near(value))
        return True

    def _orders(self, value: Value) -> tuple[Order, ...]:
        members = self._reader.exact(value, frozenset({"type", "orders"}), "ORDER BY")
        return tuple(self._order(order) for order in self._capped(members, "orders", ITEMS_MAX))

    def _order(self, value: Value) -> Order:
        members = self._reader.exact(value, frozenset({"type", "null_order", "expression"}), "ORDER BY")
        descending = _DIRECTIONS.get(self._reader.text(members, "type"))
        nulls_first = _NULLS.get(self._reader.text(members, "null_order"))
        if descending is None or nulls_first is None:
            self._reader.refuse("ORDER BY")
        return Order(self._expressions.read(members["expression"]), descending, nulls_first)

    def _limit(self, value: Value) -> tuple[int | None, int]:
        members = self._reader.exact(value, frozenset({"type", "limit", "offset", "limit_type"}), "LIMIT")
        self._reader.same(members, {"limit_type": "ROW_COUNT"}, "LIMIT %", self._near(value))
        return self._count(members["limit"]), self._count(members["offset"]) or 0

    def _count(self, value: Value) -> int | None:
        expression = self._optional(value)
        if expression is None or (isinstance(expression, Literal) and expression.kind is LiteralKind.NULL):
            return None
        if not isinstance(expression, Literal) or not expression.text.isdigit():
            self._reader.refuse("LIMIT", expression.at, hints.LITERAL_COUNT)
        return int(expression.text)
