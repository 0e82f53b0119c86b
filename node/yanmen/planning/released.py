"""Everything after release: select list, HAVING, ORDER BY and LIMIT over the table `cells`.

It sees released figures only, so nothing here can disclose; it must still be total. Arithmetic is
in 64-bit floats, a zero divisor gives NULL, and computed columns are cast back by TRY_CAST.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints, released_functions, released_terms
from yanmen.planning.domains import cell
from yanmen.planning.places import Place, refused
from yanmen.planning.released_terms import Shown
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import literal as sql_literal
from yanmen.planning.sql_terms import quoted, text_literal
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Cast,
    CastKind,
    ColumnOf,
    Expression,
    Literal,
    LiteralKind,
    Name,
    Op,
    Star,
)
from yanmen.planning.typed import COMPARED, WEIGHT_MAX, dated, literal

FigureOf = Callable[[Apply], tuple[str, ColumnType]]
MadeOf = Callable[[Apply], Expression | None]


class CellReader:
    """Reads expressions over the released columns of one question."""

    def __init__(
        self, scope: Scope, keys: Sequence[tuple[str, Expression, ColumnType]], figure: FigureOf, made: MadeOf
    ) -> None:
        """Take keys as (released name, resolved expression, type) and figures from `figure`.

        `made` says how an aggregate is computed from others, None when it is a figure itself.
        """
        self._scope = scope
        self._keys = tuple(keys)
        self._figure = figure
        self._made = made
        self.aliases: Mapping[str, Expression] = {}

    def resolve(self, expression: Expression) -> Expression:
        """Return `expression` with names resolved; in HAVING and ORDER BY an alias may stand for its column."""
        return self._substitute(expression, self.aliases)

    def _substitute(self, expression: Expression, aliases: Mapping[str, Expression]) -> Expression:
        match expression:
            case Name(parts=parts):
                found = self._key_or_alias(expression, aliases.get(parts[0].lower()) if len(parts) == 1 else None)
                return found if found is not None else self._scope.name(expression)
            case Apply(op=op, args=args, at=at):
                # Inside an aggregate a name means rows, never an alias.
                inner: Mapping[str, Expression] = {} if op in AGGREGATES else aliases
                return Apply(op, tuple(self._substitute(arg, inner) for arg in args), at)
            case Cast():
                return replace(expression, item=self._substitute(expression.item, aliases))
            case _:
                return expression

    def _key_or_alias(self, name: Name, alias: Expression | None) -> Expression | None:
        if alias is None:
            return None
        column = self._scope.find(name) if _findable(self._scope, name) else None
        if column is not None and any(column == key for _, key, _ in self._keys):
            return column
        return alias

    def read(self, expression: Expression) -> Shown:
        """Return SQL over `cells` for the resolved `expression`, or refuse."""
        shown = self._read(expression)
        if shown.weight > WEIGHT_MAX:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "", hints.TOO_DEEP)
        return shown

    def _read(self, expression: Expression) -> Shown:
        found = next((key for key in self._keys if key[1] == expression), None)
        return self._part(expression) if found is None else Shown(quoted(found[0]), found[2], stored=True)

    def _part(self, expression: Expression) -> Shown:
        match expression:
            case Literal():
                return _constant(expression)
            case Cast():
                return _cast(self._read(expression.item), expression)
            case Apply():
                return self._operation(expression)
            case ColumnOf(column=column, at=at):
                if self._scope.is_unit(expression):
                    raise refused(Reason.UNIT_NOT_ADMITTED_HERE, at, column, hints.UNIT)
                raise refused(Reason.ROWS_WOULD_LEAVE, at, column, hints.UNGROUPED)
            case Name() | Star():
                raise refused(Reason.ROWS_WOULD_LEAVE, expression.at, "*", hints.ROWS)

    def _operation(self, expression: Apply) -> Shown:
        made = self._made(expression)
        if made is not None:
            return self._read(made)
        if expression.op in AGGREGATES:
            name, kind = self._figure(expression)
            return Shown(quoted(name), kind, stored=True, source=name)
        return _apply(expression.op, tuple(self._read(arg) for arg in expression.args), expression.at)


def _findable(scope: Scope, name: Name) -> bool:
    return sum(source.column(name.parts[-1]) is not None for source in scope.sources) == 1


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


def _constant(expression: Literal) -> Shown:
    if expression.kind is LiteralKind.NULL:
        return Shown("NULL", None, stored=True)
    if expression.kind is LiteralKind.NUMBER:
        whole = "." not in expression.text
        return Shown(expression.text, ColumnType.INTEGER if whole else ColumnType.DECIMAL, stored=True)
    constant = literal(expression)
    text = expression.text if expression.kind is LiteralKind.TEXT else None
    return Shown(sql_literal(cell(constant)), constant.facts.type, stored=True, text=text)


def _cast(item: Shown, cast: Cast) -> Shown:
    if cast.kind is CastKind.DATE and item.text is not None:
        return Shown(sql_literal(cell(dated(item.text, cast.at))), ColumnType.DATE, stored=True)
    if cast.kind is CastKind.BOOLEAN and item.type is ColumnType.BOOLEAN:
        return item
    if cast.kind not in (CastKind.INTEGER, CastKind.DECIMAL, CastKind.DOUBLE):
        raise refused(Reason.TYPE_MISMATCH, cast.at, f"CAST {cast.kind.value}", hints.TYPE)
    number = released_terms.number(item, Op.ROUND, cast.at)
    if cast.kind is CastKind.DOUBLE:
        return Shown(number, ColumnType.DECIMAL, source=item.source, places=item.places, weight=item.weight)
    places = cast.scale if cast.kind is CastKind.DECIMAL else 0
    kind = ColumnType.DECIMAL if cast.kind is CastKind.DECIMAL else ColumnType.INTEGER
    return Shown(f"round({number}, {places})", kind, source=item.source, places=places, weight=item.weight + 1)


def _weight(op: Op, args: Sequence[Shown]) -> int:
    copies = args[0].weight if op in (Op.NULLIF, Op.BETWEEN) else 0
    return 1 + copies + sum(arg.weight for arg in args)


def _apply(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
    rule = _RULES.get(op)
    if rule is None:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, at, op.value, hints.CLAUSE)
    return replace(rule(op, args, at), weight=_weight(op, args))


def _arithmetic(op: Op, args: tuple[Shown, ...], at: Place) -> Shown:
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
        f"round({released_terms.number(args[0], op, at)}, {places})", kind, source=args[0].source, places=shown
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
