"""Expressions as readable SQL: labels of unnamed columns, and questions offered instead. Never executed."""

import re

from yanmen.planning.syntax import (
    Apply,
    Cast,
    CastKind,
    ColumnOf,
    Expression,
    Grouping,
    Literal,
    LiteralKind,
    Name,
    Op,
    Star,
    Subquery,
    Window,
)

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PREFIX = {Op.NOT: "NOT ", Op.NEGATE: "-", Op.PLUS: "+"}
_POSTFIX = frozenset({Op.IS_NULL, Op.IS_NOT_NULL})
_INFIX = frozenset(
    {
        *(Op.EQUAL, Op.UNEQUAL, Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL, Op.DISTINCT_FROM),
        *(Op.NOT_DISTINCT_FROM, Op.AND, Op.OR, Op.BETWEEN, Op.IN, Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE),
        *(Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE, Op.INT_DIVIDE, Op.MODULO, Op.CONCAT),
    }
)
_OPERATORS = _INFIX | _PREFIX.keys() | _POSTFIX


def name(text: str) -> str:
    """Return `text` as an identifier, quoted when it must be."""
    return text if _WORD.fullmatch(text) else '"' + text.replace('"', '""') + '"'


def show(expression: Expression, *, qualified: bool = True, inner: bool = False) -> str:
    """Return `expression` as SQL; `inner` brackets operators, `qualified` keeps table names."""
    match expression:
        case Literal():
            return _literal(expression)
        case Name(parts=parts):
            return ".".join(name(part) for part in (parts if qualified else parts[-1:]))
        case ColumnOf(written=written):
            return name(written)
        case Cast(item=item):
            return f"CAST({show(item, qualified=qualified)} AS {_type(expression)})"
        case Apply():
            return _apply(expression, qualified=qualified, inner=inner)
        case _:
            return _other(expression)


def _other(expression: Expression) -> str:
    match expression:
        case Window(function=function, args=args):
            return f"{function}({', '.join(show(arg) for arg in args)}) OVER (…)"
        case Grouping(args=args):
            return f"grouping({', '.join(show(arg) for arg in args)})"
        case Star(table=table) if table:
            return f"{name(table)}.*"
        case Subquery():
            return "(SELECT …)"
        case _:
            return "*"


def _literal(expression: Literal) -> str:
    match expression.kind:
        case LiteralKind.TEXT:
            return "'" + expression.text.replace("'", "''") + "'"
        case LiteralKind.DATE:
            return f"DATE '{expression.text}'"
        case LiteralKind.NULL:
            return "NULL"
        case LiteralKind.INTERVAL:
            return f"INTERVAL {expression.text[:-1]} {'DAY' if expression.text[-1] == 'D' else 'MONTH'}"
        case LiteralKind.NUMBER | LiteralKind.BOOLEAN:
            return expression.text


def _type(cast: Cast) -> str:
    if cast.kind is CastKind.DECIMAL:
        return f"DECIMAL({cast.precision},{cast.scale})"
    return "BIGINT" if cast.kind is CastKind.INTEGER and cast.precision == 64 else cast.kind.value


def _apply(expression: Apply, *, qualified: bool, inner: bool) -> str:
    op = expression.op
    args = [show(arg, qualified=qualified, inner=True) for arg in expression.args]
    if op is not Op.CASE and op not in _OPERATORS:
        plain = [show(arg, qualified=qualified) for arg in expression.args]
        return _call(op, plain)
    if op is Op.CASE:
        return _case([show(arg, qualified=qualified) for arg in expression.args])
    text = _operator(op, args)
    return f"({text})" if inner else text


def _call(op: Op, args: list[str]) -> str:
    if op is Op.COUNT_ROWS:
        return "count(*)"
    if op is Op.COUNT_DISTINCT:
        return f"count(DISTINCT {args[0]})"
    return f"{op.value}({', '.join(args)})"


def _case(args: list[str]) -> str:
    branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(args[0:-1:2], args[1::2], strict=False))
    return f"CASE {branches} ELSE {args[-1]} END"


def _operator(op: Op, args: list[str]) -> str:
    if op in _PREFIX:
        return _PREFIX[op] + args[0]
    if op in _POSTFIX:
        return f"{args[0]} {op.value}"
    if op is Op.BETWEEN:
        return f"{args[0]} BETWEEN {args[1]} AND {args[2]}"
    if op is Op.IN:
        return f"{args[0]} IN ({', '.join(args[1:])})"
    if len(args) == 3 and op not in (Op.AND, Op.OR):
        return f"{args[0]} {op.value} {args[1]} ESCAPE {args[2]}"
    between: str = op.value
    return f" {between} ".join(args)
