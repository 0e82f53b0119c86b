"""The caller's question as a small closed tree: what DuckDB parsed, with every field accounted for.

Places never take part in comparison, so two expressions are equal when they mean the same names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, unique

from yanmen.planning.places import NOWHERE, Place


@unique
class Op(Enum):
    """Everything an expression may do; the value is how it is written in labels and refusals."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    DISTINCT_FROM = "IS DISTINCT FROM"
    NOT_DISTINCT_FROM = "IS NOT DISTINCT FROM"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"
    BETWEEN = "BETWEEN"
    IN = "IN"
    LIKE = "LIKE"
    NOT_LIKE = "NOT LIKE"
    ILIKE = "ILIKE"
    NOT_ILIKE = "NOT ILIKE"
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    NEGATE = "negate"
    PLUS = "plus"
    ABS = "abs"
    ROUND = "round"
    COALESCE = "coalesce"
    NULLIF = "nullif"
    CASE = "CASE"
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    DATE_PART = "date_part"
    DAY_OF_WEEK = "dayofweek"
    ISO_DAY_OF_WEEK = "isodow"
    DAY_OF_YEAR = "dayofyear"
    WEEK = "week"
    LAST_DAY = "last_day"
    DATE_TRUNC = "date_trunc"
    DATE_DIFF = "date_diff"
    DATE_SHIFT = "INTERVAL"
    LOWER = "lower"
    UPPER = "upper"
    TRIM = "trim"
    LTRIM = "ltrim"
    RTRIM = "rtrim"
    SUBSTRING = "substring"
    LEFT = "left"
    RIGHT = "right"
    LENGTH = "length"
    CONCAT = "||"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    FLOOR = "floor"
    CEIL = "ceil"
    SIGN = "sign"
    INT_DIVIDE = "//"
    MODULO = "%"
    SQRT = "sqrt"
    LN = "ln"
    LOG10 = "log10"
    EXP = "exp"
    POWER = "power"
    COUNT_ROWS = "count(*)"
    COUNT = "count"
    COUNT_DISTINCT = "count(DISTINCT)"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    VAR_POP = "var_pop"
    VAR_SAMP = "var_samp"
    STDDEV_POP = "stddev_pop"
    STDDEV_SAMP = "stddev_samp"
    COVAR_POP = "covar_pop"
    COVAR_SAMP = "covar_samp"
    CORR = "corr"
    REGR_COUNT = "regr_count"
    REGR_AVGX = "regr_avgx"
    REGR_AVGY = "regr_avgy"
    REGR_SXX = "regr_sxx"
    REGR_SYY = "regr_syy"
    REGR_SXY = "regr_sxy"
    REGR_SLOPE = "regr_slope"
    REGR_INTERCEPT = "regr_intercept"
    REGR_R2 = "regr_r2"
    MEDIAN = "median"
    QUANTILE = "quantile_disc"


ONE_MEASURE = frozenset({Op.VAR_POP, Op.VAR_SAMP, Op.STDDEV_POP, Op.STDDEV_SAMP})
"""Moments of one column."""
TWO_MEASURES = frozenset(
    {
        *(Op.COVAR_POP, Op.COVAR_SAMP, Op.CORR, Op.REGR_COUNT, Op.REGR_AVGX, Op.REGR_AVGY, Op.REGR_SXX, Op.REGR_SYY),
        *(Op.REGR_SXY, Op.REGR_SLOPE, Op.REGR_INTERCEPT, Op.REGR_R2),
    }
)
"""Moments of the pairs of two columns in which neither is NULL."""
MOMENTS = ONE_MEASURE | TWO_MEASURES
"""Aggregates made of counts and sums."""
QUANTILES = frozenset({Op.MEDIAN, Op.QUANTILE})
"""Aggregates read off a histogram."""
AGGREGATES = MOMENTS | QUANTILES | {Op.COUNT_ROWS, Op.COUNT, Op.COUNT_DISTINCT, Op.SUM, Op.AVG, Op.MIN, Op.MAX}
"""Operations over many rows."""


@unique
class LiteralKind(Enum):
    """What a literal was written as."""

    NULL = "NULL"
    BOOLEAN = "BOOLEAN"
    NUMBER = "NUMBER"
    TEXT = "TEXT"
    DATE = "DATE"
    INTERVAL = "INTERVAL"
    """Whole days or months: `text` is the number and then D or M."""


@unique
class CastKind(Enum):
    """Types a cast may name."""

    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    DOUBLE = "DOUBLE"
    TEXT = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant as text, checked for its form and size when it was read."""

    kind: LiteralKind
    text: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A column name not yet resolved: `column`, or `table.column`."""

    parts: tuple[str, ...]
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A resolved name: the position of its table in FROM and what the engine calls the column.

    `written` is how the question wrote it.
    """

    table: int
    column: str
    at: Place = field(default=NOWHERE, compare=False)
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Star:
    """`*` or `table.*`."""

    table: str = ""
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """A conversion; `precision` and `scale` are of DECIMAL. It never raises: what does not fit is NULL."""

    item: "Expression"
    kind: CastKind
    precision: int = 0
    scale: int = 0
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation over arguments; CASE holds condition, result, ..., and the ELSE result last."""

    op: Op
    args: tuple["Expression", ...]
    at: Place = field(default=NOWHERE, compare=False)


@unique
class SubqueryKind(Enum):
    """How a subquery stands in an expression; the value is how refusals call it."""

    SCALAR = "scalar subquery"
    IN = "IN (SELECT …)"
    EXISTS = "EXISTS (SELECT …)"


@dataclass(frozen=True, slots=True)
class Subquery:
    """A query inside an expression; `item` is what IN looks for."""

    kind: SubqueryKind
    query: "Query"
    item: "Expression | None" = None
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Window:
    """A window function over the answer's rows; `frame` is admitted text or empty."""

    function: str
    args: tuple["Expression", ...]
    partitions: tuple["Expression", ...]
    orders: tuple["Order", ...]
    frame: str = ""
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUPING(x, …): which of the expressions a grouping set leaves out, as bits."""

    args: tuple["Expression", ...]
    at: Place = field(default=NOWHERE, compare=False)


Expression = Literal | Name | ColumnOf | Star | Cast | Apply | Subquery | Window | Grouping


@dataclass(frozen=True, slots=True)
class Item:
    """One column of the select list."""

    expression: Expression
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY term."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table named in FROM: one or two name parts and the alias it was given."""

    path: tuple[str, ...]
    alias: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Derived:
    """A query in FROM, written there or by the name of a CTE; `columns` rename its columns."""

    query: "Query"
    alias: str
    columns: tuple[str, ...] = ()
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Link:
    """How the table at the same position joins the ones before it; the first table has none."""

    left: bool
    condition: Expression | None
    using: tuple[str, ...]
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """One SELECT. `links[i]` joins `tables[i + 1]`; `limit` is None when there is none.

    `group_sets` are positions in `groups`, one set for each part of ROLLUP, CUBE or GROUPING SETS,
    and empty for a plain GROUP BY.
    """

    items: tuple[Item, ...]
    tables: tuple[Table | Derived, ...]
    links: tuple[Link, ...]
    where: Expression | None
    groups: tuple[Expression, ...]
    group_all: bool
    having: Expression | None
    orders: tuple[Order, ...]
    limit: int | None
    offset: int
    distinct: bool
    group_sets: tuple[tuple[int, ...], ...] = ()
    qualify: Expression | None = None
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Union:
    """Queries one after another, with UNION ALL between them."""

    parts: tuple["Query", ...]
    orders: tuple[Order, ...]
    limit: int | None
    offset: int
    at: Place = field(default=NOWHERE, compare=False)


Query = Question | Union


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct parts of `expression`."""
    match expression:
        case Apply(args=args):
            return args
        case Cast(item=item):
            return (item,)
        case Window(args=args, partitions=partitions, orders=orders):
            return (*args, *partitions, *(order.expression for order in orders))
        case Grouping(args=args):
            return args
        case Subquery(item=item) if item is not None:
            return (item,)
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield `expression` and everything inside it."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def rebuild(expression: Expression, leaf: Callable[[Expression], Expression]) -> Expression:
    """Return `expression` with every leaf replaced by what `leaf` returns for it."""
    match expression:
        case Apply(op=op, args=args, at=at):
            return Apply(op, tuple(rebuild(arg, leaf) for arg in args), at)
        case Cast(item=item, kind=kind, precision=precision, scale=scale, at=at):
            return Cast(rebuild(item, leaf), kind, precision, scale, at)
        case Window(args=args, partitions=partitions, orders=orders):
            return replace(
                expression,
                args=tuple(rebuild(arg, leaf) for arg in args),
                partitions=tuple(rebuild(part, leaf) for part in partitions),
                orders=tuple(replace(order, expression=rebuild(order.expression, leaf)) for order in orders),
            )
        case Grouping(args=args):
            return replace(expression, args=tuple(rebuild(arg, leaf) for arg in args))
        case Subquery(item=item) if item is not None:
            return replace(expression, item=rebuild(item, leaf))
        case _:
            return leaf(expression)


def aggregates_in(expression: Expression) -> bool:
    """Tell whether `expression` contains an aggregate."""
    return any(isinstance(part, Apply) and part.op in AGGREGATES for part in walk(expression))


def conjuncts(expression: Expression | None) -> tuple[Expression, ...]:
    """Return the parts of `expression` that are joined by AND at the top."""
    if expression is None:
        return ()
    if isinstance(expression, Apply) and expression.op is Op.AND:
        return tuple(part for arg in expression.args for part in conjuncts(arg))
    return (expression,)


def everything(query: Query) -> Question:
    """Return SELECT * with the order and limit of `query`."""
    star = (Item(Star()),)
    plain = Question(star, (), (), None, (), False, None, (), None, 0, False)  # noqa: FBT003 - a plain SELECT
    return replace(plain, orders=query.orders, limit=query.limit, offset=query.offset)
