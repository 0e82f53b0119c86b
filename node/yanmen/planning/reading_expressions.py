"""DuckDB's serialised expressions -> `syntax`: a closed list of classes, each field accounted for."""

from collections.abc import Callable

from yanmen.model.refusal import Reason
from yanmen.planning import hints, reading_intervals
from yanmen.planning.literals import cast_target, constant
from yanmen.planning.members import Object, Reader, Value
from yanmen.planning.places import NOWHERE, CallerText, Hint, Place, refused
from yanmen.planning.reading_windows import WindowReader
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Cast,
    Expression,
    Grouping,
    Literal,
    LiteralKind,
    Name,
    Op,
    Query,
    Star,
    Subquery,
    SubqueryKind,
)
from yanmen.planning.vocabulary import (
    CALENDAR_STEPS,
    COMPARISONS,
    CONJUNCTIONS,
    DATE_PARTS,
    FUNCTIONS,
    INTERVALS,
    OPERATORS,
    OTHER_QUANTILES,
    PREDICATES,
    Shape,
)

DEPTH_MAX = 48
"""Deepest expression read: hand-written questions stay under 15."""

BASE = frozenset({"class", "type", "alias", "query_location", "query_location_length"})
NO_ORDERS: Value = {"type": "ORDER_MODIFIER", "orders": []}

_CLAUSES: dict[str, tuple[str, Hint]] = {
    "PARAMETER": ("parameter", hints.NO_PARAMETERS),
    "LAMBDA": ("lambda", hints.CLAUSE),
    "COLLATE": ("COLLATE", hints.CLAUSE),
    "DEFAULT": ("DEFAULT", hints.CLAUSE),
    "POSITIONAL_REFERENCE": ("#", hints.CLAUSE),
    "TYPE": ("type", hints.CLAUSE),
}

_SUBQUERIES = {
    ("SCALAR", "INVALID"): SubqueryKind.SCALAR,
    ("EXISTS", "INVALID"): SubqueryKind.EXISTS,
    ("ANY", "COMPARE_EQUAL"): SubqueryKind.IN,
}


class ExpressionReader:
    """Reads the expressions of one question."""

    def __init__(self, text: CallerText, inner: Callable[[Value], Query]) -> None:
        """Read places from `text` and queries with `inner`."""
        self._inner = inner
        self._text = text
        self._last = NOWHERE
        self._reader = Reader(Reason.CLAUSE_NOT_ADMITTED, hints.CLAUSE)

    def place(self, members: Object) -> Place:
        """Return the place of a serialised node; what the parser made up stands where the last node stood."""
        found = self._text.place(self._reader.integer(members, "query_location"))
        self._last = found if found != NOWHERE else self._last
        return self._last

    def read(self, value: Value, depth: int = 0, *, alias: bool = False) -> Expression:
        """Return the expression `value`; an alias may stand only at the top of a select item."""
        if not isinstance(value, dict) or not isinstance(value.get("class"), str):
            self._reader.refuse("expression")
        at = self.place(value)
        if depth > DEPTH_MAX:
            self._reader.refuse("", at, hints.TOO_DEEP)
        if not alias:
            self._reader.same(value, {"alias": ""}, "alias", at)
        leaf = self._leaf(value, at)
        return leaf if leaf is not None else self._operation(value, at, depth)

    def _leaf(self, value: Object, at: Place) -> Expression | None:
        match value["class"]:
            case "CONSTANT":
                members = self._members(value, {"literal"}, at)
                self._type(members, "VALUE_CONSTANT", at)
                return constant(self._reader, members["literal"], at)
            case "COLUMN_REF":
                return self._name(value, at)
            case "STAR":
                return self._star(value, at)
            case _:
                return None

    def _operation(self, value: Object, at: Place, depth: int) -> Expression:
        match value["class"]:
            case "FUNCTION":
                return self._function(value, at, depth)
            case "CAST":
                return self._cast(value, at, depth)
            case "COMPARISON":
                return self._comparison(value, at, depth)
            case "CONJUNCTION":
                members = self._members(value, {"children"}, at)
                return Apply(self._one_of(CONJUNCTIONS, members, at), self._all(members, "children", depth), at)
            case "BETWEEN":
                return self._between(value, at, depth)
            case "OPERATOR":
                return self._operator(value, at, depth)
            case "CASE":
                return self._case(value, at, depth)
            case other:
                return self._composed(str(other), value, at, depth)

    def _composed(self, kind: str, value: Object, at: Place, depth: int) -> Expression:
        match kind:
            case "SUBQUERY":
                return self._subquery(value, at, depth)
            case "WINDOW":
                return WindowReader(self.read, self._reader).read(value, at, depth)
            case other:
                clause, hint = _CLAUSES.get(str(other), (str(other), hints.CLAUSE))
                return self._reader.refuse(clause, at, hint)

    def _between(self, value: Object, at: Place, depth: int) -> Apply:
        members = self._members(value, {"input", "lower", "upper"}, at)
        self._type(members, "COMPARE_BETWEEN", at)
        return Apply(Op.BETWEEN, tuple(self.read(members[name], depth + 1) for name in ("input", "lower", "upper")), at)

    def _subquery(self, value: Object, at: Place, depth: int) -> Expression:
        members = self._members(value, {"subquery_type", "subquery", "child", "comparison_type"}, at)
        self._type(members, "SUBQUERY", at)
        kind = _SUBQUERIES.get((str(members["subquery_type"]), str(members["comparison_type"])))
        if kind is None:
            self._reader.refuse(str(members["subquery_type"]), at, hints.SUBQUERY)
        statement = self._reader.exact(members["subquery"], frozenset({"node", "named_param_map"}), "subquery", at)
        self._reader.same(statement, {"named_param_map": []}, "parameter", at)
        item = None if members["child"] is None else self.read(members["child"], depth + 1)
        if (item is None) is (kind is SubqueryKind.IN):
            self._reader.refuse(kind.value, at, hints.SUBQUERY)
        return Subquery(kind, self._inner(statement["node"]), item, at)

    def _members(self, value: Object, names: set[str], at: Place) -> Object:
        return self._reader.exact(dict(value), BASE | names, str(value["class"]), at)

    def _type(self, members: Object, expected: str, at: Place) -> None:
        self._reader.same(members, {"type": expected}, str(members["class"]), at)

    def _one_of(self, table: dict[str, Op], members: Object, at: Place) -> Op:
        op = table.get(self._reader.text(members, "type"))
        if op is None:
            self._reader.refuse(str(members["type"]), at)
        return op

    def _all(self, members: Object, name: str, depth: int) -> tuple[Expression, ...]:
        return tuple(self.read(part, depth + 1) for part in self._reader.items(members, name))

    def _name(self, value: Object, at: Place) -> Name:
        members = self._members(value, {"column_names"}, at)
        self._type(members, "COLUMN_REF", at)
        parts = self._reader.texts(members, "column_names")
        if not 1 <= len(parts) <= 3 or "" in parts:
            self._reader.refuse("column", at)
        return Name(parts, at)

    def _star(self, value: Object, at: Place) -> Star:
        empty: tuple[str, ...] = ("exclude_list", "replace_list", "qualified_exclude_list", "rename_list")
        members = self._members(value, {"relation_name", "columns", "expr", *empty}, at)
        self._type(members, "STAR", at)
        self._reader.same(members, {name: [] for name in empty}, "*", at)
        self._reader.same(members, {"columns": False, "expr": None}, "COLUMNS", at)
        return Star(self._reader.text(members, "relation_name"), at)

    def _comparison(self, value: Object, at: Place, depth: int) -> Apply:
        members = self._members(value, {"left", "right"}, at)
        sides = (self.read(members["left"], depth + 1), self.read(members["right"], depth + 1))
        return Apply(self._one_of(COMPARISONS, members, at), sides, at)

    def _operator(self, value: Object, at: Place, depth: int) -> Expression:
        members = self._members(value, {"children"}, at)
        if members["type"] == "GROUPING_FUNCTION":
            return Grouping(self._all(members, "children", depth), at)
        shape = PREDICATES.get(self._reader.text(members, "type"))
        if shape is None:
            self._reader.refuse(str(members["type"]).removeprefix("OPERATOR_"), at)
        args = self._all(members, "children", depth)
        return Apply(self._fits(shape, len(args), shape.op.value, at), args, at)

    def _case(self, value: Object, at: Place, depth: int) -> Apply:
        members = self._members(value, {"case_checks", "else_expr"}, at)
        self._type(members, "CASE_EXPR", at)
        parts: list[Expression] = []
        for check in self._reader.items(members, "case_checks"):
            branch = self._reader.exact(check, frozenset({"when_expr", "then_expr"}), "CASE", at)
            parts += [self.read(branch["when_expr"], depth + 1), self.read(branch["then_expr"], depth + 1)]
        if not parts:
            self._reader.refuse("CASE", at)
        parts.append(self.read(members["else_expr"], depth + 1))
        return Apply(Op.CASE, tuple(parts), at)

    def _cast(self, value: Object, at: Place, depth: int) -> Expression:
        members = self._members(value, {"child", "try_cast", "type_expr"}, at)
        self._type(members, "OPERATOR_CAST", at)
        self._reader.flag(members, "try_cast")
        item = self.read(members["child"], depth + 1)
        if isinstance(item, Literal) and item.kind is LiteralKind.TEXT and _is_interval(members["type_expr"]):
            return reading_intervals.of_text(item.text, at)
        kind, precision, scale = cast_target(self._reader, members["type_expr"], at)
        return Cast(item, kind, precision, scale, at)

    def _function(self, value: Object, at: Place, depth: int) -> Expression:
        names = {"function_name", "schema", "filter", "order_bys", "distinct", "is_operator", "export_state"}
        members = self._members(value, names | {"catalog", "arguments", "qualified_name"}, at)
        self._type(members, "FUNCTION", at)
        name = self._reader.text(members, "function_name")
        self._plain(members, name, at)
        if name in INTERVALS:
            return reading_intervals.of_call(name, members["arguments"], at)
        args = tuple(self._argument(item, name, at, depth) for item in self._reader.items(members, "arguments"))
        op = self._meaning(name, len(args), at)
        if self._reader.flag(members, "distinct"):
            if op is not Op.COUNT:
                self._reader.refuse("DISTINCT", at, hints.NO_DISTINCT)
            op = Op.COUNT_DISTINCT
        if members["filter"] is not None:
            return self._filtered(op, args, self.read(members["filter"], depth + 1), at)
        return Apply(*self._part(op, args, at), at)

    def _filtered(self, op: Op, args: tuple[Expression, ...], condition: Expression, at: Place) -> Apply:
        """Turn sum(x) FILTER (WHERE c) into sum(CASE WHEN c THEN x END): rows that fail it count as absent."""
        if op not in AGGREGATES:
            self._reader.refuse("FILTER", at, hints.FILTER)
        item = Literal(LiteralKind.NUMBER, "1", at) if op is Op.COUNT_ROWS else args[0]
        kept = Apply(Op.CASE, (condition, item, Literal(LiteralKind.NULL, "", at)), at)
        return Apply(Op.COUNT if op is Op.COUNT_ROWS else op, (kept, *args[1:]), at)

    def _plain(self, members: Object, name: str, at: Place) -> None:
        """Refuse ORDER BY inside, EXPORT_STATE and a schema or catalog in front."""
        if members["order_bys"] != NO_ORDERS:
            self._reader.refuse("ORDER BY", at, hints.NO_AGGREGATE_VARIANT)
        if members["export_state"] is not False:
            self._reader.refuse("EXPORT_STATE", at, hints.NO_AGGREGATE_VARIANT)
        defaults: Object = {"schema": "", "catalog": "", "qualified_name": {"path": [name]}}
        for member, expected in defaults.items():
            if members[member] != expected:
                raise refused(Reason.FUNCTION_NOT_ADMITTED, at, name, hints.FUNCTION)
        self._reader.flag(members, "is_operator")

    def _argument(self, value: Value, name: str, at: Place, depth: int) -> Expression:
        members = self._reader.exact(value, frozenset({"name", "expression"}), name, at)
        if members["name"] != "":
            self._reader.refuse(name, at, hints.NO_AGGREGATE_VARIANT)
        return self.read(members["expression"], depth + 1)

    def _meaning(self, name: str, count: int, at: Place) -> Op:
        shape = FUNCTIONS.get(name.lower())
        if shape is not None:
            return self._fits(shape, count, name, at)
        for candidate in OPERATORS.get(name, ()):
            if candidate.least <= count <= candidate.most:
                return candidate.op
        instead = hints.QUANTILE if name.lower() in OTHER_QUANTILES else hints.FUNCTION
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, name, instead)

    def _fits(self, shape: Shape, count: int, name: str, at: Place) -> Op:
        if not shape.least <= count <= shape.most:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, at, name, hints.ARGUMENTS)
        return shape.op

    def _part(self, op: Op, args: tuple[Expression, ...], at: Place) -> tuple[Op, tuple[Expression, ...]]:
        """Turn date_part('year', x) into year(x); the first argument of it and its like must be a literal."""
        if op not in (Op.DATE_PART, Op.DATE_TRUNC, Op.DATE_DIFF):
            return op, args
        part = args[0]
        word = part.text.lower() if isinstance(part, Literal) and part.kind is LiteralKind.TEXT else ""
        if op is Op.DATE_PART and word in DATE_PARTS:
            return DATE_PARTS[word], args[1:]
        if op is Op.DATE_PART or word not in CALENDAR_STEPS:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.CALENDAR_PART)
        return op, (Literal(LiteralKind.TEXT, word, part.at), *args[1:])


def _is_interval(target: Value) -> bool:
    """Tell whether a serialised cast target is plain INTERVAL."""
    plain = isinstance(target, dict) and target.get("children") == [] and target.get("schema") == ""
    name = target.get("type_name") if isinstance(target, dict) else None
    return plain and isinstance(name, str) and name.upper() == "INTERVAL"
