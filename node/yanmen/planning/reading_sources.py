"""FROM as DuckDB serialises it: tables of the contract, queries, CTEs by name, and how they are joined."""

from collections.abc import Callable, Mapping

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value
from yanmen.planning.places import NOWHERE, Hint, Place
from yanmen.planning.reading_expressions import ExpressionReader
from yanmen.planning.syntax import Derived, Link, Query, Table

TABLES_MAX = 12

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
_SUBQUERY = frozenset(
    {"type", "alias", "sample", "query_location", "query_location_length", "subquery", "column_name_alias"}
)


class SourceReader:
    """Reads the FROM clause of one query."""

    def __init__(
        self, expressions: ExpressionReader, inner: Callable[[Value], Query], known: Mapping[str, Derived]
    ) -> None:
        """Read queries with `inner`; `known` are the CTEs by name in lower case, filled before FROM is read."""
        self._expressions = expressions
        self._inner = inner
        self._known = known
        self._reader = Reader(Reason.CLAUSE_NOT_ADMITTED, hints.CLAUSE)

    def read(self, value: Value) -> tuple[tuple[Table | Derived, ...], tuple[Link, ...]]:
        """Return the tables of FROM in order and how each joins the ones before it (left-deep only)."""
        links: list[Link] = []
        tables: list[Table | Derived] = []
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
        condition = members["condition"]
        return Link(left, None if condition is None else self._expressions.read(condition), using, at)

    def _table(self, value: Value) -> Table | Derived:
        kind = str(value.get("type")) if isinstance(value, dict) else ""
        if kind == "SUBQUERY":
            return self._subquery(value)
        if kind != "BASE_TABLE":
            clause, hint = _SOURCES.get(kind, (kind, hints.JOIN_KIND))
            self._reader.refuse(clause, self._source_place(value), hint)
        members = self._reader.exact(value, _TABLE, "FROM")
        at = self._expressions.place(members)
        self._reader.same(members, {"sample": None}, "TABLESAMPLE", at)
        self._reader.same(members, {"at_clause": None}, "AT", at)
        self._reader.same(members, {"catalog_name": ""}, "catalog", at)
        schema, name = self._reader.text(members, "schema_name"), self._reader.text(members, "table_name")
        path = (schema, name) if schema else (name,)
        self._reader.same(members, {"qualified_name": {"path": list(path)}}, "FROM", at)
        alias, columns = self._reader.text(members, "alias"), self._reader.texts(members, "column_name_alias")
        named = self._known.get(name.lower()) if not schema else None
        if named is not None:
            return Derived(named.query, alias or name, columns or named.columns, at)
        if columns:
            self._reader.refuse("column aliases", at)
        return Table(path, alias, at)

    def _subquery(self, value: Value) -> Derived:
        members = self._reader.exact(value, _SUBQUERY, "FROM")
        at = self._expressions.place(members)
        self._reader.same(members, {"sample": None}, "TABLESAMPLE", at)
        statement = self._reader.exact(members["subquery"], frozenset({"node", "named_param_map"}), "subquery", at)
        self._reader.same(statement, {"named_param_map": []}, "parameter", at)
        columns = self._reader.texts(members, "column_name_alias")
        return Derived(self._inner(statement["node"]), self._reader.text(members, "alias"), columns, at)

    def _source_place(self, value: Value) -> Place:
        if isinstance(value, dict) and isinstance(value.get("query_location"), int):
            return self._expressions.place(value)
        return NOWHERE
