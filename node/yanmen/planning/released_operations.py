"""Operations on released cells: nothing here can disclose, but all of it must be total.

Arithmetic is in 64-bit floats, a zero divisor gives NULL, computed columns are cast back by TRY_CAST.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints, released_functions, released_terms
from yanmen.planning.domains import cell
from yanmen.planning.places import Place, refused
from yanmen.planning.released_terms import Shown
from yanmen.planning.sql_terms import literal as sql_literal
from yanmen.planning.sql_terms import text_literal
from yanmen.planning.syntax import Cast, CastKind, Literal, LiteralKind, Op
from yanmen.planning.typed import COMPARED, dated, literal


def output(shown: Shown) -> tuple[str, ColumnType]:
    """Return SQL and type of `shown` as a column of the answer."""
    if shown.type is None:
        return "CAST(NULL AS VARCHAR)", ColumnType.TEXT
    if shown.stored or not shown.numeric:
        return shown.sql, shown.type
    if shown.type is ColumnType.INTEGER:
        return f"TRY_CAST({shown.sql} AS BIGINT)", shown.type
    return f"TRY_CAST({shown.sql} AS DECIMAL(38,{shown.places}))", shown.type


def condition(shown: Shown, at: Place) -> str:
    """Return SQL for a boolean over `cells`."""
    if shown.type not in (ColumnType.BOOLEAN, None):
        raise released_terms.mismatch(Op.AND, at)
    return shown.sql


def constant(expression: Literal) -> Shown:
    """Return a literal."""
    if expression.kind is LiteralKind.NULL:
        return Shown("NULL", None, stored=True)
    if expression.kind is LiteralKind.NUMBER:
        whole = "." not in expression.text
        return Shown(expression.text, ColumnType.INTEGER if whole else ColumnType.DECIMAL, stored=True)
    if expression.kind is LiteralKind.INTERVAL:
        raise refused(Reason.TYPE_MISMATCH, expression.at, "INTERVAL", hints.DATE_SHIFT)
    known = literal(expression)
    text = expression.text if expression.kind is LiteralKind.TEXT else None
    return Shown(sql_literal(cell(known)), known.facts.type, stored=True, text=text, length=len(text or ""))


def converted(item: Shown, cast: Cast) -> Shown:
    """Return `item` as the type `cast` names; what does not fit is NULL."""
    if cast.kind is CastKind.DATE and item.text is not None:
        return Shown(sql_literal(cell(dated(item.text, cast.at))), ColumnType.DATE, stored=True)
    if cast.kind is CastKind.BOOLEAN and item.type is ColumnType.BOOLEAN:
        return item
    if cast.kind not in (CastKind.INTEGER, CastKind.DECIMAL, CastKind.DOUBLE):
        raise refused(Reason.TYPE_MISMATCH, cast.at, f"CAST {cast.kind.value}", hints.TYPE)
    number = released_terms.number(item, Op.ROUND, cast.at)
    if cast.kind is CastKind.DOUBLE:
        return Shown(
            number, ColumnType.DECIMAL, source=item.source, width=item.width, places=item.places, weight=item.weight
        )
    places = cast.scale if cast.kind is CastKind.DECIMAL else 0
    kind = ColumnType.DECIMAL if cast.kind is CastKind.DECIMAL else ColumnType.INTEGER
    return Shown(
        f"round({number}, {places})", kind, source=item.source, width=item.width, places=places, weight=item.weight + 1
    )


def _weight(op: Op, args: Sequence[Shown]) -> int:
    copies = args[0].weight if op in (Op.NULLIF, Op.BETWEEN) or args[0].type is ColumnType.DATE else 0
    return 1 + copies + sum(arg.weight for arg in args)


def applied(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    """Return the operation `op` of `args`, or refuse."""
    rule = _RULES.get(op)
    if rule is None:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, at, op.value, hints.CLAUSE)
    return replace(rule(op, args, at), weight=_weight(op, args), length=_length(op, args, at))


def _length(op: Op, args: Sequence[Shown], at: Place) -> int:
    """Return the most characters of a text made of `args`, or refuse: queries around queries could make it endless."""
    lengths = [arg.length for arg in args if arg.type is ColumnType.TEXT]
    if op in (Op.LEFT, Op.RIGHT) or (op is Op.SUBSTRING and len(args) == 3):
        return min([*lengths, int(args[-1].sql)])
    if op is not Op.CONCAT:
        return max(lengths, default=0)
    if sum(lengths) > TEXT_SHOWN_MAX:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.TEXT_SHOWN_LENGTH)
    return sum(lengths)


def _arithmetic(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    moved = released_functions.moved(op, args, at)
    if moved is not None:
        return moved
    left, right = (released_terms.number(arg, op, at) for arg in args)
    if op is Op.DIVIDE:
        return Shown(f"({left} / NULLIF({right}, CAST(0 AS DOUBLE)))", ColumnType.DECIMAL)
    whole = all(arg.type in (ColumnType.INTEGER, None) for arg in args)
    return Shown(f"({left} {op.value} {right})", ColumnType.INTEGER if whole else ColumnType.DECIMAL)


def _signed(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    (item,) = args
    number = released_terms.number(item, op, at)
    if op is Op.PLUS:
        return item
    kind = item.type or ColumnType.INTEGER
    return Shown(f"abs({number})" if op is Op.ABS else f"(- {number})", kind, places=item.places)


def _round(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    places = args[1].sql if len(args) == 2 else "0"
    if not places.lstrip("-").isdigit() or not -18 <= int(places) <= 18:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.LITERAL_PLACES)
    shown = max(0, int(places))
    kind = ColumnType.DECIMAL if shown else ColumnType.INTEGER
    return Shown(
        f"round({released_terms.number(args[0], op, at)}, {places})",
        kind,
        source=args[0].source,
        width=args[0].width,
        places=shown,
    )


def _alike(args: Sequence[Shown], op: Op, at: Place) -> tuple[list[str], ColumnType | None]:
    """Return `args` as comparable SQL and their common type."""
    known = [arg.type for arg in args if arg.type is not None]
    if not known:
        return [arg.sql for arg in args], None
    if any(arg.numeric for arg in args):
        whole = all(kind is ColumnType.INTEGER for kind in known)
        return [released_terms.number(arg, op, at) for arg in args], ColumnType.INTEGER if whole else ColumnType.DECIMAL
    kind = ColumnType.DATE if ColumnType.DATE in known else known[0]
    return [_adapted(arg, kind, op, at) for arg in args], kind


def _adapted(shown: Shown, kind: ColumnType, op: Op, at: Place) -> str:
    if kind is ColumnType.DATE and shown.text is not None:
        return sql_literal(cell(dated(shown.text, at)))
    if shown.type not in (kind, None):
        raise released_terms.mismatch(op, at)
    return shown.sql


def _comparison(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    sides, _ = _alike(args, op, at)
    if op is Op.BETWEEN:
        return Shown(f"({sides[0]} BETWEEN {sides[1]} AND {sides[2]})", ColumnType.BOOLEAN)
    if op is Op.IN:
        return Shown(f"({sides[0]} IN ({', '.join(sides[1:])}))", ColumnType.BOOLEAN)
    return Shown(f"({sides[0]} {op.value} {sides[1]})", ColumnType.BOOLEAN)


def _logic(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    sides = [condition(arg, at) for arg in args]
    if op is Op.NOT:
        return Shown(f"(NOT {sides[0]})", ColumnType.BOOLEAN)
    return Shown("(" + f" {op.value} ".join(sides) + ")", ColumnType.BOOLEAN)


def _null_test(op: Op, args: tuple[Shown, ...], _: Place) -> Shown:
    return Shown(f"({args[0].sql} {op.value})", ColumnType.BOOLEAN)


def _like(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    item, pattern = args[0], args[1].text
    if item.type is not ColumnType.TEXT:
        raise released_terms.mismatch(op, at)
    if pattern is None or len(args) != 2:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, op.value, hints.LITERAL_PATTERN)
    return Shown(f"({item.sql} {op.value} {text_literal(pattern)})", ColumnType.BOOLEAN)


def _choice(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    conditions = [condition(arg, at) for arg in args[0:-1:2]]
    results, kind = _alike((*args[1::2], args[-1]), op, at)
    branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(conditions, results, strict=False))
    return Shown(f"(CASE {branches} ELSE {results[-1]} END)", kind)


def _coalesce(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    sides, kind = _alike(args, op, at)
    if op is Op.NULLIF:
        return Shown(f"NULLIF({sides[0]}, {sides[1]})", kind)
    return Shown(f"coalesce({', '.join(sides)})", kind)


TEXT_SHOWN_MAX = 65_536
"""Characters that a text made of released cells may have."""
_Rule = Callable[[Op, tuple[Shown, ...], Place], Shown]
_RULES: dict[Op, _Rule] = {
    **dict.fromkeys(COMPARED, _comparison),
    **dict.fromkeys((Op.BETWEEN, Op.IN), _comparison),
    **dict.fromkeys((Op.AND, Op.OR, Op.NOT), _logic),
    **dict.fromkeys((Op.IS_NULL, Op.IS_NOT_NULL), _null_test),
    **dict.fromkeys((Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE), _like),
    **dict.fromkeys((Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE), _arithmetic),
    **dict.fromkeys((Op.NEGATE, Op.PLUS, Op.ABS), _signed),
    **dict.fromkeys((Op.COALESCE, Op.NULLIF), _coalesce),
    **released_functions.RULES,
    Op.ROUND: _round,
    Op.CASE: _choice,
}
