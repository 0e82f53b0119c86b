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
    "dayofmonth": Shape(Op.DAY, 1, 1),
    "dayofweek": Shape(Op.DAY_OF_WEEK, 1, 1),
    "weekday": Shape(Op.DAY_OF_WEEK, 1, 1),
    "isodow": Shape(Op.ISO_DAY_OF_WEEK, 1, 1),
    "dayofyear": Shape(Op.DAY_OF_YEAR, 1, 1),
    "week": Shape(Op.WEEK, 1, 1),
    "weekofyear": Shape(Op.WEEK, 1, 1),
    "last_day": Shape(Op.LAST_DAY, 1, 1),
    "date_trunc": Shape(Op.DATE_TRUNC, 2, 2),
    "datetrunc": Shape(Op.DATE_TRUNC, 2, 2),
    "date_diff": Shape(Op.DATE_DIFF, 3, 3),
    "datediff": Shape(Op.DATE_DIFF, 3, 3),
    "lower": Shape(Op.LOWER, 1, 1),
    "lcase": Shape(Op.LOWER, 1, 1),
    "upper": Shape(Op.UPPER, 1, 1),
    "ucase": Shape(Op.UPPER, 1, 1),
    "trim": Shape(Op.TRIM, 1, 1),
    "ltrim": Shape(Op.LTRIM, 1, 1),
    "rtrim": Shape(Op.RTRIM, 1, 1),
    "substring": Shape(Op.SUBSTRING, 2, 3),
    "substr": Shape(Op.SUBSTRING, 2, 3),
    "left": Shape(Op.LEFT, 2, 2),
    "right": Shape(Op.RIGHT, 2, 2),
    "length": Shape(Op.LENGTH, 1, 1),
    "char_length": Shape(Op.LENGTH, 1, 1),
    "character_length": Shape(Op.LENGTH, 1, 1),
    "starts_with": Shape(Op.STARTS_WITH, 2, 2),
    "prefix": Shape(Op.STARTS_WITH, 2, 2),
    "ends_with": Shape(Op.ENDS_WITH, 2, 2),
    "suffix": Shape(Op.ENDS_WITH, 2, 2),
    "contains": Shape(Op.CONTAINS, 2, 2),
    "floor": Shape(Op.FLOOR, 1, 1),
    "ceil": Shape(Op.CEIL, 1, 1),
    "ceiling": Shape(Op.CEIL, 1, 1),
    "sign": Shape(Op.SIGN, 1, 1),
    "mod": Shape(Op.MODULO, 2, 2),
    "sqrt": Shape(Op.SQRT, 1, 1),
    "ln": Shape(Op.LN, 1, 1),
    "log10": Shape(Op.LOG10, 1, 1),
    "exp": Shape(Op.EXP, 1, 1),
    "pow": Shape(Op.POWER, 2, 2),
    "power": Shape(Op.POWER, 2, 2),
    "var_pop": Shape(Op.VAR_POP, 1, 1),
    "var_samp": Shape(Op.VAR_SAMP, 1, 1),
    "variance": Shape(Op.VAR_SAMP, 1, 1),
    "stddev_pop": Shape(Op.STDDEV_POP, 1, 1),
    "stddev_samp": Shape(Op.STDDEV_SAMP, 1, 1),
    "stddev": Shape(Op.STDDEV_SAMP, 1, 1),
    "covar_pop": Shape(Op.COVAR_POP, 2, 2),
    "covar_samp": Shape(Op.COVAR_SAMP, 2, 2),
    "corr": Shape(Op.CORR, 2, 2),
    "regr_count": Shape(Op.REGR_COUNT, 2, 2),
    "regr_avgx": Shape(Op.REGR_AVGX, 2, 2),
    "regr_avgy": Shape(Op.REGR_AVGY, 2, 2),
    "regr_sxx": Shape(Op.REGR_SXX, 2, 2),
    "regr_syy": Shape(Op.REGR_SYY, 2, 2),
    "regr_sxy": Shape(Op.REGR_SXY, 2, 2),
    "regr_slope": Shape(Op.REGR_SLOPE, 2, 2),
    "regr_intercept": Shape(Op.REGR_INTERCEPT, 2, 2),
    "regr_r2": Shape(Op.REGR_R2, 2, 2),
    "median": Shape(Op.MEDIAN, 1, 1),
    "quantile": Shape(Op.QUANTILE, 2, 2),
    "quantile_disc": Shape(Op.QUANTILE, 2, 2),
    "approx_quantile": Shape(Op.QUANTILE, 2, 2),
}
"""Functions by the name DuckDB's parser gives them, in lower case."""

OTHER_QUANTILES = frozenset({"quantile_cont", "percentile_cont", "percentile_disc"})
"""Not admitted; who writes one is told of those that are."""
OPERATORS: dict[str, tuple[Shape, ...]] = {
    "+": (Shape(Op.PLUS, 1, 1), Shape(Op.ADD, 2, 2)),
    "-": (Shape(Op.NEGATE, 1, 1), Shape(Op.SUBTRACT, 2, 2)),
    "*": (Shape(Op.MULTIPLY, 2, 2),),
    "/": (Shape(Op.DIVIDE, 2, 2),),
    "~~": (Shape(Op.LIKE, 2, 2),),
    "!~~": (Shape(Op.NOT_LIKE, 2, 2),),
    "~~*": (Shape(Op.ILIKE, 2, 2),),
    "!~~*": (Shape(Op.NOT_ILIKE, 2, 2),),
    "//": (Shape(Op.INT_DIVIDE, 2, 2),),
    "%": (Shape(Op.MODULO, 2, 2),),
    "||": (Shape(Op.CONCAT, 2, 2),),
    "^@": (Shape(Op.STARTS_WITH, 2, 2),),
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

DATE_PARTS: dict[str, Op] = {
    "year": Op.YEAR,
    "quarter": Op.QUARTER,
    "month": Op.MONTH,
    "day": Op.DAY,
    "dow": Op.DAY_OF_WEEK,
    "isodow": Op.ISO_DAY_OF_WEEK,
    "doy": Op.DAY_OF_YEAR,
    "week": Op.WEEK,
}
"""First arguments that EXTRACT and date_part may have."""

CALENDAR_STEPS = ("day", "week", "month", "quarter", "year")
"""First arguments that date_trunc and date_diff may have."""

INTERVALS: dict[str, tuple[str, int]] = {
    "to_days": ("D", 1),
    "to_weeks": ("D", 7),
    "to_months": ("M", 1),
    "to_quarters": ("M", 3),
    "to_years": ("M", 12),
}
"""INTERVAL as DuckDB's parser writes it: days or months, and how many of them one is."""

WINDOWS: dict[str, tuple[int, int]] = {
    "row_number": (0, 0),
    "rank": (0, 0),
    "dense_rank": (0, 0),
    "percent_rank": (0, 0),
    "cume_dist": (0, 0),
    "ntile": (1, 1),
    "lag": (1, 3),
    "lead": (1, 3),
    "first_value": (1, 1),
    "last_value": (1, 1),
    "count": (0, 1),
    "count_star": (0, 0),
    "sum": (1, 1),
    "avg": (1, 1),
    "min": (1, 1),
    "max": (1, 1),
}
"""Window functions over released rows, with how many arguments each takes."""
