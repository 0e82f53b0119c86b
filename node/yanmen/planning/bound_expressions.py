"""Expressions of DuckDB's bound plan: a closed list of classes and system functions, with what each refers to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.members import Members, Object, Reader, Value
from yanmen.planning.syntax import MOMENTS

DEPTH_MAX = 200
"""Our own emitted nesting stays under this: 48 levels of the question, a few wrappers each."""

READER = Reader(Reason.PLAN_CHANGED, hints.PLAN)

SCALARS = frozenset(
    {
        *("+", "-", "*", "/", "//", "%", "abs", "round", "list_extract"),
        *("year", "quarter", "month", "day", "dayofweek", "isodow", "dayofyear", "week", "last_day", "date_trunc"),
        *(
            "date_diff",
            "to_days",
            "to_months",
            "lower",
            "upper",
            "trim",
            "ltrim",
            "rtrim",
            "substring",
            "left",
            "right",
        ),
        *("length", "||", "prefix", "suffix", "contains"),
        *("~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"),
    }
)
"""Scalar functions of `system.main` that emitted SQL uses."""
RANKING = SCALARS | {"hash"}
"""With the hash that orders one unit's groups."""
DIGEST = "sha256"
DIGESTING = SCALARS | {DIGEST}
"""With what a unit is known by in a join across nodes."""
AGGREGATES = frozenset({"count_star", "count", "sum", "max", "min"})
OPEN_AGGREGATES = AGGREGATES | {op.value for op in MOMENTS}
"""With what the engine computes itself over open data."""

_BASE = frozenset({"expression_class", "type", "alias", "query_location", "query_location_length"})
_REFERENCE = _BASE | {"return_type", "index"}
_CONSTANT = _BASE | {"value"}
_FUNCTION = _BASE | {"return_type", "children", "arguments", "qname", "has_serialize", "is_operator"}
_CARRYING = _FUNCTION | {"function_data"}
_OPERATOR = _BASE | {"return_type", "children"}
_CONJUNCTION = _BASE | {"children"}
_CASE = _BASE | {"return_type", "case_checks", "else_expr"}
_BRANCH = frozenset({"when_expr", "then_expr"})
_AGGREGATE = _BASE | {
    *("return_type", "children", "arguments", "qname", "has_serialize", "filter", "order_bys"),
    *("aggregate_type", "state_export"),
}
_PLAIN_AGGREGATE: Object = {
    "expression_class": "BOUND_AGGREGATE",
    "type": "BOUND_AGGREGATE",
    "filter": None,
    "order_bys": None,
    "state_export": "NONE",
    "has_serialize": False,
}
_PATH = frozenset({"path"})
_CAST = frozenset({"try_cast", "is_default_cast"})
_COMPARISONS: dict[str, tuple[str, ...]] = {
    "COMPARE_EQUAL": ("=",),
    "COMPARE_NOTEQUAL": ("!=",),
    "COMPARE_LESSTHAN": ("<",),
    "COMPARE_LESSTHANOREQUALTO": ("<=",),
    "COMPARE_GREATERTHAN": (">",),
    "COMPARE_GREATERTHANOREQUALTO": (">=",),
    "COMPARE_DISTINCT_FROM": ("IS DISTINCT FROM",),
    "COMPARE_NOT_DISTINCT_FROM": ("IS NOT DISTINCT FROM",),
}
_OPERATORS = frozenset({"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "COMPARE_IN"})
_DECIMAL = frozenset({"type", "alias", "extension_info", "width", "scale"})
_LIST = frozenset({"type", "alias", "extension_info", "child_type"})
_TYPE = frozenset({"id", "type_info"})
_DECIMAL_DEFAULTS: Object = {"type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": None}
_LIST_DEFAULTS: Object = {"type": "LIST_TYPE_INFO", "alias": "", "extension_info": None}
_NUMERIC = frozenset(
    {"NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "DOUBLE", "INTEGER_LITERAL"}
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an expression refers to: input columns, which one when it is nothing but that column, and its type."""

    refs: frozenset[int]
    bare: int | None
    type: str
    constant: bool = False


class Expressions:
    """Checks expressions over input columns of `types`, admitting only `functions`."""

    def __init__(self, types: Sequence[str], functions: frozenset[str] = SCALARS) -> None:
        """Refuse references outside the input."""
        self._types = types
        self._functions = functions
        self._readings: dict[str, Callable[[Members, int], Seen]] = {
            "BOUND_REF": self._reference,
            "BOUND_CONSTANT": self._constant,
            "BOUND_FUNCTION": self._function,
            "BOUND_OPERATOR": self._operator,
            "BOUND_CONJUNCTION": self._conjunction,
            "BOUND_CASE": self._case,
        }

    def see(self, value: Value, depth: int = 0) -> Seen:
        """Return what the serialised expression `value` refers to, or refuse."""
        if not isinstance(value, dict) or depth > DEPTH_MAX:
            READER.refuse("expression")
        reading = self._readings.get(str(value.get("expression_class")))
        if reading is None:
            READER.refuse(str(value.get("expression_class")))
        return reading(value, depth)

    def _all(self, values: Value, depth: int) -> list[Seen]:
        if not isinstance(values, list):
            READER.refuse("children")
        return [self.see(value, depth + 1) for value in values]

    def _reference(self, value: Members, _: int) -> Seen:
        members = READER.exact(value, _REFERENCE, "BOUND_REF")
        if members["type"] != "BOUND_REF":
            READER.refuse("BOUND_REF")
        index, kind = READER.integer(members, "index"), type_id(members["return_type"])
        if index >= len(self._types) or self._types[index] != kind:
            READER.refuse("BOUND_REF")
        return Seen(frozenset({index}), index, kind)

    def _constant(self, value: Members, _: int) -> Seen:
        members = READER.exact(value, _CONSTANT, "BOUND_CONSTANT")
        if members["type"] != "VALUE_CONSTANT":
            READER.refuse("BOUND_CONSTANT")
        constant = members["value"]
        kind = type_id(constant.get("type")) if isinstance(constant, dict) else READER.refuse("BOUND_CONSTANT")
        return Seen(frozenset(), None, kind, constant=True)

    def _function(self, value: Members, depth: int) -> Seen:
        carries = value.get("has_serialize") is True
        members = READER.exact(value, _CARRYING if carries else _FUNCTION, "BOUND_FUNCTION")
        inside = self._all(members["children"], depth)
        path = READER.texts(READER.exact(members["qname"], _PATH, "qname"), "path")
        kind = type_id(members["return_type"])
        if members["type"] == "OPERATOR_CAST":
            self._check_cast(members, path, inside, kind)
        elif members["type"] == "BOUND_FUNCTION":
            if path[:2] != ("system", "main") or len(path) != 3 or path[2] not in self._functions:
                READER.refuse(".".join(path))
        elif path != _COMPARISONS.get(str(members["type"])):
            READER.refuse(str(members["type"]))
        return _joined(inside, kind)

    def _check_cast(self, members: Object, path: tuple[str, ...], inside: list[Seen], kind: str) -> None:
        """Admit TRY_CAST, and CAST only where it cannot fail on a value: between numbers, and of constants."""
        data = READER.exact(members["function_data"], _CAST, "CAST")
        if path != ("__cast",) or len(inside) != 1:
            READER.refuse("CAST")
        numbers = _is_number(inside[0].type) and _is_number(kind)
        if not (READER.flag(data, "try_cast") or inside[0].constant or numbers or inside[0].type == kind):
            READER.refuse(f"CAST {inside[0].type} {kind}")

    def _operator(self, value: Members, depth: int) -> Seen:
        members = READER.exact(value, _OPERATOR, "BOUND_OPERATOR")
        if members["type"] not in _OPERATORS:
            READER.refuse(str(members["type"]))
        return _joined(self._all(members["children"], depth), type_id(members["return_type"]))

    def _conjunction(self, value: Members, depth: int) -> Seen:
        members = READER.exact(value, _CONJUNCTION, "BOUND_CONJUNCTION")
        if members["type"] not in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
            READER.refuse(str(members["type"]))
        return _joined(self._all(members["children"], depth), "BOOLEAN")

    def _case(self, value: Members, depth: int) -> Seen:
        members = READER.exact(value, _CASE, "BOUND_CASE")
        READER.same(members, {"type": "CASE_EXPR"}, "BOUND_CASE")
        inside = [self.see(members["else_expr"], depth + 1)]
        for check in READER.items(members, "case_checks"):
            branch = READER.exact(check, _BRANCH, "CASE")
            inside += [self.see(branch["when_expr"], depth + 1), self.see(branch["then_expr"], depth + 1)]
        return _joined(inside, type_id(members["return_type"]))

    def aggregate(self, value: Value, *, guarded: bool) -> tuple[Seen, str]:
        """Return what the arguments of a serialised aggregate refer to, and its name; or refuse."""
        known = AGGREGATES if guarded else OPEN_AGGREGATES
        members = READER.exact(value, _AGGREGATE, "BOUND_AGGREGATE")
        READER.same(members, _PLAIN_AGGREGATE, "BOUND_AGGREGATE")
        path = READER.texts(READER.exact(members["qname"], _PATH, "qname"), "path")
        if path[:2] != ("system", "main") or len(path) != 3 or path[2] not in known:
            READER.refuse(".".join(path))
        if members["aggregate_type"] not in (("NON_DISTINCT",) if guarded else ("NON_DISTINCT", "DISTINCT")):
            READER.refuse("DISTINCT")
        return _joined(self._all(members["children"], 0), type_id(members["return_type"])), path[2]


def type_id(value: Value) -> str:
    """Return the name of a serialised type, with the digits of a decimal and the elements of a list."""
    members = READER.exact(value, _TYPE, "type")
    name, detail = READER.text(members, "id"), members["type_info"]
    match name:
        case "DECIMAL":
            known = READER.exact(detail, _DECIMAL, "type")
            READER.same(known, _DECIMAL_DEFAULTS, "type")
            return f"DECIMAL({READER.integer(known, 'width')},{READER.integer(known, 'scale')})"
        case "LIST":
            known = READER.exact(detail, _LIST, "type")
            READER.same(known, _LIST_DEFAULTS, "type")
            return f"LIST({type_id(known['child_type'])})"
        case _:
            return name if detail is None else READER.refuse("type")


def digest_of(value: Value) -> int | None:
    """Return the input column that `value`, an expression that was seen, is the digest of; None for any other."""
    if not isinstance(value, dict) or value.get("expression_class") != "BOUND_FUNCTION":
        return None
    name, children = value.get("qname"), value.get("children")
    if not isinstance(name, dict) or name.get("path") != ["system", "main", DIGEST] or not isinstance(children, list):
        return None
    index = children[0].get("index") if len(children) == 1 and isinstance(children[0], dict) else None
    return index if isinstance(index, int) else None


def _is_number(kind: str) -> bool:
    return kind.partition("(")[0] in _NUMERIC


def _joined(inside: list[Seen], kind: str) -> Seen:
    refs = frozenset[int]().union(*[seen.refs for seen in inside]) if len(inside) != 1 else inside[0].refs
    return Seen(refs, None, kind, constant=not refs and all(seen.constant for seen in inside))
