"""The admitted words: functions, operators and types. Whatever is not here is refused.

A deny-list cannot keep up with an engine that gains two hundred functions in one release.
"""

from dataclasses import dataclass

from yanmen.planning.syntax import CastKind, Op


@dataclass(frozen=True, slots=True)
class Shape:
    """An admitted function: what it means and how many arguments it takes."""

    op: Op
    least: int
    most: int


FUNCTIONS: dict[str, Shape] = {
    "count_star": Shape(Op.COUNT_ROWS, 0, 0),
    "count": Shape(Op.COUNT, 1, 1),
    "sum": Shape(Op.SUM, 1, 1),
    "avg": Shape(Op.AVG, 1, 1),
    "mean": Shape(Op.AVG, 1, 1),
    "min": Shape(Op.MIN, 1, 1),
    "max": Shape(Op.MAX, 1, 1),
    "abs": Shape(Op.ABS, 1, 1),
    "round": Shape(Op.ROUND, 1, 2),
    "nullif": Shape(Op.NULLIF, 2, 2),
    "year": Shape(Op.YEAR, 1, 1),
    "quarter": Shape(Op.QUARTER, 1, 1),
    "month": Shape(Op.MONTH, 1, 1),
    "day": Shape(Op.DAY, 1, 1),
    "date_part": Shape(Op.DATE_PART, 2, 2),
    "datepart": Shape(Op.DATE_PART, 2, 2),
}
"""Functions by the name DuckDB's parser gives them, in lower case."""

OPERATORS: dict[str, tuple[Shape, ...]] = {
    "+": (Shape(Op.PLUS, 1, 1), Shape(Op.ADD, 2, 2)),
    "-": (Shape(Op.NEGATE, 1, 1), Shape(Op.SUBTRACT, 2, 2)),
    "*": (Shape(Op.MULTIPLY, 2, 2),),
    "/": (Shape(Op.DIVIDE, 2, 2),),
    "~~": (Shape(Op.LIKE, 2, 2),),
    "!~~": (Shape(Op.NOT_LIKE, 2, 2),),
    "~~*": (Shape(Op.ILIKE, 2, 2),),
    "!~~*": (Shape(Op.NOT_ILIKE, 2, 2),),
    "like_escape": (Shape(Op.LIKE, 3, 3),),
    "not_like_escape": (Shape(Op.NOT_LIKE, 3, 3),),
}
"""Operators that DuckDB's parser writes as function calls."""

COMPARISONS: dict[str, Op] = {
    "COMPARE_EQUAL": Op.EQUAL,
    "COMPARE_NOTEQUAL": Op.UNEQUAL,
    "COMPARE_LESSTHAN": Op.LESS,
    "COMPARE_LESSTHANOREQUALTO": Op.LESS_EQUAL,
    "COMPARE_GREATERTHAN": Op.GREATER,
    "COMPARE_GREATERTHANOREQUALTO": Op.GREATER_EQUAL,
    "COMPARE_DISTINCT_FROM": Op.DISTINCT_FROM,
    "COMPARE_NOT_DISTINCT_FROM": Op.NOT_DISTINCT_FROM,
}
"""Expression types of class COMPARISON."""

CONJUNCTIONS: dict[str, Op] = {"CONJUNCTION_AND": Op.AND, "CONJUNCTION_OR": Op.OR}
"""Expression types of class CONJUNCTION."""

PREDICATES: dict[str, Shape] = {
    "OPERATOR_NOT": Shape(Op.NOT, 1, 1),
    "OPERATOR_IS_NULL": Shape(Op.IS_NULL, 1, 1),
    "OPERATOR_IS_NOT_NULL": Shape(Op.IS_NOT_NULL, 1, 1),
    "OPERATOR_COALESCE": Shape(Op.COALESCE, 1, 64),
    "COMPARE_IN": Shape(Op.IN, 2, 1001),
}
"""Expression types of class OPERATOR."""

CASTS: dict[str, CastKind] = {
    "tinyint": CastKind.INTEGER,
    "smallint": CastKind.INTEGER,
    "integer": CastKind.INTEGER,
    "bigint": CastKind.INTEGER,
    "decimal": CastKind.DECIMAL,
    "float": CastKind.DOUBLE,
    "double": CastKind.DOUBLE,
    "varchar": CastKind.TEXT,
    "boolean": CastKind.BOOLEAN,
    "date": CastKind.DATE,
}
"""Cast targets by the name DuckDB's parser gives them, in lower case."""

INTEGER_BITS: dict[str, int] = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
"""How wide the integer cast targets are."""

DATE_PARTS: dict[str, Op] = {"year": Op.YEAR, "quarter": Op.QUARTER, "month": Op.MONTH, "day": Op.DAY}
"""First arguments that EXTRACT and date_part may have."""
