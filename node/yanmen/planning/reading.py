"""DuckDB's serialised statement -> `syntax.Question`: one SELECT, every field accounted for."""

import re

from yanmen.model.refusal import Fault, FaultCode, Reason
from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value, first_place, parse
from yanmen.planning.places import NOWHERE, CallerText, Hint, Place, refused
from yanmen.planning.reading_expressions import ExpressionReader
from yanmen.planning.syntax import Expression, Item, Link, Literal, LiteralKind, Order, Question, Table

TABLES_MAX = 8
ITEMS_MAX = 200

_SELECT = frozenset(
    {
        "type", "modifiers", "cte_map", "select_list", "from_table", "where_clause", "group_expressions",
        "group_sets", "aggregate_handling", "having", "sample", "qualify",
    }
)  # fmt: skip
_TABLE = frozenset(
    {
        "type", "alias", "sample", "query_location", "query_location_length", "schema_name", "table_name",
        "column_name_alias", "catalog_name", "at_clause", "qualified_name",
    }
)  # fmt: skip
_JOIN = frozenset(
    {
        "type", "alias", "sample", "query_location", "query_location_length", "left", "right", "condition",
        "join_type", "ref_type", "using_columns", "delim_flipped", "duplicate_eliminated_columns", "is_implicit",
        "ranking_expression", "nearest_count", "nearest_order_type", "nearest_approx",
    }
)  # fmt: skip
_JOIN_DEFAULTS: Object = {
    "alias": "",
    "sample": None,
    "delim_flipped": False,
    "duplicate_eliminated_columns": [],
    "ranking_expression": None,
    "nearest_count": 1,
    "nearest_order_type": "ASCENDING",
    "nearest_approx": False,
}
_SOURCES: dict[str, tuple[str, Hint]] = {
    "TABLE_FUNCTION": ("table function", hints.CLAUSE),
    "SUBQUERY": ("subquery", hints.NO_SUBQUERY),
    "EXPRESSION_LIST": ("VALUES", hints.CLAUSE),
    "EMPTY": ("FROM", hints.CLAUSE),
    "PIVOT": ("PIVOT", hints.CLAUSE),
    "SHOW_REF": ("SHOW", hints.CLAUSE),
}
_JOIN_KINDS: dict[tuple[object, object, object], bool] = {
    ("INNER", "REGULAR", False): False,
    ("INNER", "CROSS", True): False,
    ("INNER", "CROSS", False): False,
    ("LEFT", "REGULAR", False): True,
}
_NULLS = {"ORDER_DEFAULT": False, "NULLS LAST": False, "NULLS FIRST": True}
_DIRECTIONS = {"ORDER_DEFAULT": False, "ASCENDING": False, "DESCENDING": True}
_OFFSET = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


def read(sql: str, serialised: str, ast_bytes: int) -> Question:
    """Return the question that DuckDB's serialised statement of `sql` is, or refuse."""
    text = CallerText(sql)
    reply = parse(serialised, ast_bytes)
    if not isinstance(reply, dict) or not isinstance(reply.get("error"), bool):
        raise Fault(FaultCode.SANDBOX, "the engine's reply is not a statement")
    if reply["error"]:
        raise _unparsed(text, reply)
    return _QuestionReader(text).question(reply)


def _unparsed(text: CallerText, reply: Object) -> Exception:
    if reply.get("error_type") == "not implemented":
        start = text.start()
        return refused(Reason.NOT_ONE_SELECT, text.place(start), text.word(start), hints.ONE_SELECT)
    position = reply.get("position")
    if isinstance(position, str) and _OFFSET.fullmatch(position):
        offset = int(position)
        return refused(Reason.SQL_MALFORMED, text.place(offset), text.word(offset), hints.MALFORMED)
    return refused(Reason.SQL_MALFORMED, NOWHERE, "", hints.MALFORMED)


class _QuestionReader:
    def __init__(self, text: CallerText) -> None:
        self._text = text
        self._expressions = ExpressionReader(text)
        self._reader = Reader(Reason.CLAUSE_NOT_ADMITTED, hints.CLAUSE)

    def question(self, reply: Object) -> Question:
        members = self._reader.exact(dict(reply), frozenset({"error", "statements"}), "")
        statements = self._reader.items(members, "statements")
        if len(statements) != 1:
            raise refused(Reason.NOT_ONE_SELECT, self._near(list(statements[1:])), "", hints.ONE_SELECT)
        statement = self._reader.exact(statements[0], frozenset({"node", "named_param_map"}), "statement")
        node = statement["node"]
        if not isinstance(node, dict) or node.get("type") != "SELECT_NODE":
            self._reader.refuse("set operation", self._near(node), hints.NO_SUBQUERY)
        question = self._select(self._reader.exact(node, _SELECT, "SELECT"))
        if statement["named_param_map"] != []:
            self._reader.refuse("parameter", NOWHERE, hints.NO_PARAMETERS)
        return question

    def _select(self, node: Object) -> Question:
        if node["cte_map"] != {"map": []}:
            self._reader.refuse("WITH", self._near(node["cte_map"]), hints.NO_SUBQUERY)
        self._reader.same(node, {"sample": None}, "USING SAMPLE", self._near(node["from_table"]))
        self._reader.same(node, {"qualify": None}, "QUALIFY", self._near(node["qualify"]))
        tables, links = self._source(node["from_table"])
        groups, group_all = self._groups(node)
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

    def _groups(self, node: Object) -> tuple[tuple[Expression, ...], bool]:
        handling = self._reader.text(node, "aggregate_handling")
        if handling not in ("STANDARD_HANDLING", "FORCE_AGGREGATES"):
            self._reader.refuse("GROUP BY")
        groups = tuple(self._expressions.read(value) for value in self._capped(node, "group_expressions", ITEMS_MAX))
        sets = [list(range(len(groups)))] if groups else []
        if node["group_sets"] != sets:
            self._reader.refuse("GROUPING SETS", self._near(node["group_expressions"]))
        return groups, handling == "FORCE_AGGREGATES"

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

    def _source(self, value: Value) -> tuple[tuple[Table, ...], tuple[Link, ...]]:
        """Return the tables of FROM in order and how each joins the ones before it (left-deep only)."""
        links: list[Link] = []
        tables: list[Table] = []
        while isinstance(value, dict) and value.get("type") == "JOIN":
            members = self._reader.exact(value, _JOIN, "JOIN")
            links.append(self._link(members))
            tables.append(self._table(members["right"]))
            value = members["left"]
            if len(tables) >= TABLES_MAX:
                self._reader.refuse("JOIN", links[-1].at, hints.TOO_DEEP)
        tables.append(self._table(value))
        return tuple(reversed(tables)), tuple(reversed(links))

    def _link(self, members: Object) -> Link:
        at = self._expressions.place(members)
        self._reader.same(members, _JOIN_DEFAULTS, "JOIN", at)
        left = _JOIN_KINDS.get((str(members["join_type"]), str(members["ref_type"]), members["is_implicit"] is True))
        if left is None:
            self._reader.refuse(f"{members['join_type']} {members['ref_type']} JOIN", at, hints.JOIN_KIND)
        using = self._reader.texts(members, "using_columns")
        return Link(left, self._optional(members["condition"]), using, at)

    def _table(self, value: Value) -> Table:
        if not isinstance(value, dict) or value.get("type") != "BASE_TABLE":
            kind = str(value.get("type")) if isinstance(value, dict) else ""
            clause, hint = _SOURCES.get(kind, (kind, hints.JOIN_KIND))
            self._reader.refuse(clause, self._source_place(value), hint)
        members = self._reader.exact(value, _TABLE, "FROM")
        at = self._expressions.place(members)
        self._reader.same(members, {"sample": None}, "TABLESAMPLE", at)
        self._reader.same(members, {"column_name_alias": []}, "column aliases", at)
        self._reader.same(members, {"at_clause": None}, "AT", at)
        self._reader.same(members, {"catalog_name": ""}, "catalog", at)
        schema, name = self._reader.text(members, "schema_name"), self._reader.text(members, "table_name")
        path = (schema, name) if schema else (name,)
        self._reader.same(members, {"qualified_name": {"path": list(path)}}, "FROM", at)
        return Table(path, self._reader.text(members, "alias"), at)

    def _source_place(self, value: Value) -> Place:
        if isinstance(value, dict) and isinstance(value.get("query_location"), int):
            return self._expressions.place(value)
        return NOWHERE
