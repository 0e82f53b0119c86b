"""Everything after release: expressions over released columns, and over the cells of one grouped query.

It sees released figures only, so nothing here can disclose.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from typing_extensions import override

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import refused
from yanmen.planning.released_operations import applied, constant, converted
from yanmen.planning.released_terms import Shown, number, width_column
from yanmen.planning.released_windows import over
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import quoted, select
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Cast,
    ColumnOf,
    Expression,
    Grouping,
    Literal,
    Name,
    Op,
    Query,
    Subquery,
    SubqueryKind,
    Window,
)
from yanmen.planning.typed import WEIGHT_MAX

FigureOf = Callable[[Apply], tuple[str, ColumnType]]
MadeOf = Callable[[Apply], Expression | None]
InnerOf = Callable[[Query], tuple[str, Shown]]
"""How a query inside an expression is written: its SQL, and its only column `o0`."""


class ReleasedReader(ABC):
    """Reads expressions over released columns; what names and aggregates mean is for those who derive from it."""

    def __init__(self, inner: InnerOf) -> None:
        """Plan queries inside expressions with `inner`."""
        self._inner = inner
        self.aliases: Mapping[str, Expression] = {}

    @abstractmethod
    def resolve(self, expression: Expression) -> Expression:
        """Return `expression` with names resolved; in HAVING and ORDER BY an alias may stand for its column."""
        ...

    @abstractmethod
    def leaf(self, expression: Expression) -> Shown:
        """Return SQL for a column or whatever else has no rule of its own, or refuse."""
        ...

    @abstractmethod
    def aggregate(self, expression: Apply) -> Shown:
        """Return SQL for an aggregate, or refuse."""
        ...

    def read(self, expression: Expression) -> Shown:
        """Return SQL for the resolved `expression`, or refuse."""
        shown = self.part(expression)
        if shown.weight > WEIGHT_MAX:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "", hints.TOO_DEEP)
        return shown

    def part(self, expression: Expression) -> Shown:
        """Return SQL for the resolved `expression`, whatever its weight."""
        match expression:
            case Literal():
                return constant(expression)
            case Cast():
                return converted(self.part(expression.item), expression)
            case Apply(op=op) if op in AGGREGATES:
                return self.aggregate(expression)
            case Apply(op=op, args=args, at=at):
                return applied(op, tuple(self.part(arg) for arg in args), at)
            case Window():
                return over(expression, self.part)
            case Subquery():
                return self._subquery(expression)
            case _:
                return self.leaf(expression)

    def _subquery(self, expression: Subquery) -> Shown:
        if expression.kind is SubqueryKind.EXISTS:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, expression.kind.value, hints.SUBQUERY)
        sql, shown = self._inner(expression.query)
        table = f"FROM ({sql}) AS {quoted('s')}"
        if expression.item is None:
            return replace(shown, sql=f"({select([shown.sql], table)} LIMIT 1)", source="", width="")
        item = self.part(expression.item)
        if item.type is not shown.type and not (item.numeric and shown.numeric):
            raise refused(Reason.TYPE_MISMATCH, expression.at, expression.kind.value, hints.TYPE)
        sides = [number(side, Op.IN, expression.at) if item.numeric else side.sql for side in (item, shown)]
        return Shown(f"({sides[0]} IN ({select([sides[1]], table)}))", ColumnType.BOOLEAN)


class CellReader(ReleasedReader):
    """Reads expressions over the released cells of one grouped query."""

    def __init__(
        self,
        scope: Scope,
        keys: Sequence[tuple[str, Expression, ColumnType]],
        figure: FigureOf,
        made: MadeOf,
        inner: InnerOf,
    ) -> None:
        """Take keys as (released name, resolved expression, type) and figures from `figure`.

        `made` says how an aggregate is computed from others, None when it is a figure itself.
        """
        super().__init__(inner)
        self._scope = scope
        self._keys = tuple(keys)
        self._figure = figure
        self._made = made

    @override
    def resolve(self, expression: Expression) -> Expression:
        """Return `expression` with names resolved; in HAVING and ORDER BY an alias may stand for its column."""
        return self._substitute(expression, self.aliases)

    def _substitute(self, expression: Expression, aliases: Mapping[str, Expression]) -> Expression:
        match expression:
            case Name(parts=parts):
                found = self._key_or_alias(expression, aliases.get(parts[0].lower()) if len(parts) == 1 else None)
                return found if found is not None else self._scope.name(expression)
            case Apply(op=op, args=args):
                # Inside an aggregate a name means rows, never an alias.
                inner: Mapping[str, Expression] = {} if op in AGGREGATES else aliases
                return replace(expression, args=tuple(self._substitute(arg, inner) for arg in args))
            case Cast():
                return replace(expression, item=self._substitute(expression.item, aliases))
            case Window() | Grouping() | Subquery():
                return _within(expression, lambda part: self._substitute(part, aliases))
            case _:
                return expression

    def _key_or_alias(self, name: Name, alias: Expression | None) -> Expression | None:
        if alias is None:
            return None
        column = self._scope.find(name) if _findable(self._scope, name) else None
        if column is not None and any(column == key for _, key, _ in self._keys):
            return column
        return alias

    @override
    def part(self, expression: Expression) -> Shown:
        """Return SQL over `cells`: a key as it stands, else part by part."""
        found = next((key for key in self._keys if key[1] == expression), None)
        return super().part(expression) if found is None else Shown(quoted(found[0]), found[2], stored=True)

    @override
    def leaf(self, expression: Expression) -> Shown:
        """Return GROUPING of keys; rows do not leave."""
        match expression:
            case Grouping(args=args):
                return self._grouping(args, expression)
            case ColumnOf(written=column, at=at):
                if self._scope.is_unit(expression):
                    raise refused(Reason.UNIT_NOT_ADMITTED_HERE, at, column, hints.UNIT)
                raise refused(Reason.ROWS_WOULD_LEAVE, at, column, hints.UNGROUPED)
            case _:
                raise refused(Reason.ROWS_WOULD_LEAVE, expression.at, "*", hints.ROWS)

    def _grouping(self, args: Sequence[Expression], at: Expression) -> Shown:
        names = [next((name for name, key, _ in self._keys if key == arg), "") for arg in args]
        if "" in names:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, at.at, "GROUPING", hints.GROUPING)
        bits = [f"{2**shift} * {quoted(f'left_{name}')}" for shift, name in enumerate(reversed(names))]
        return Shown(f"CAST({' + '.join(bits)} AS DOUBLE)", ColumnType.INTEGER)

    @override
    def aggregate(self, expression: Apply) -> Shown:
        """Return the released figure that `expression` is, or what it is computed of."""
        made = self._made(expression)
        if made is not None:
            return self.part(made)
        name, kind = self._figure(expression)
        return Shown(quoted(name), kind, stored=True, source=name, width=width_column(name))


def _within(expression: Window | Grouping | Subquery, change: Callable[[Expression], Expression]) -> Expression:
    """Return `expression` with its parts changed, each as a whole."""
    match expression:
        case Window(args=args, partitions=partitions, orders=orders):
            return replace(
                expression,
                args=tuple(map(change, args)),
                partitions=tuple(map(change, partitions)),
                orders=tuple(replace(order, expression=change(order.expression)) for order in orders),
            )
        case Grouping(args=args):
            return replace(expression, args=tuple(map(change, args)))
        case Subquery(item=item):
            return replace(expression, item=None if item is None else change(item))


def _findable(scope: Scope, name: Name) -> bool:
    return sum(len(source.find(name.parts[-1])) for source in scope.sources) == 1
