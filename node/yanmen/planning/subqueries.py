"""Subqueries in conditions on rows -> tables of FROM, joined by what they have in common with the query around them.

What is about units may only be joined on the unit, as anywhere; so EXISTS, IN and scalar subqueries are
exactly as safe as the joins they become.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.scope import Scope, Source
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Cast,
    Derived,
    Expression,
    Item,
    Link,
    Literal,
    LiteralKind,
    Name,
    Op,
    Query,
    Question,
    Subquery,
    SubqueryKind,
    aggregates_in,
    conjuncts,
    walk,
)

MARK = " mark"
VALUE = " value"
KEY = " key {}"
"""Columns of the tables that subqueries become; no bare name in a question means them."""
Bind = Callable[[Derived], Source]
ScopeOf = Callable[[Question], Scope | None]


@dataclass(slots=True)
class _Attached:
    """The tables that subqueries became, with how each joins the ones before it."""

    sources: list[Source] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    known: dict[Subquery, Expression] = field(default_factory=dict)


class Unnesting:
    """Takes the subqueries out of the conditions of one question."""

    def __init__(self, bind: Bind, scope_of: ScopeOf) -> None:
        """Plan what a subquery becomes with `bind`; tell its own columns from outer ones by `scope_of`."""
        self._bind = bind
        self._scope_of = scope_of
        self._found = _Attached()

    def taken_out(self, question: Question, *, grouped: bool) -> tuple[Question, list[Source]]:
        """Return `question` with references to added tables, and those tables; released figures keep theirs."""
        shown = self._figures if grouped else self._rows
        asked = replace(
            question,
            where=None if question.where is None else self._rows(question.where),
            items=tuple(replace(item, expression=shown(item.expression)) for item in question.items),
            groups=tuple(self._rows(group) for group in question.groups),
            having=None if question.having is None else self._figures(question.having),
        )
        return replace(asked, links=(*question.links, *self._found.links)), self._found.sources

    def _figures(self, expression: Expression) -> Expression:
        """Take subqueries out of what is aggregated; around it they are about released figures."""
        match expression:
            case Apply(op=op) if op in AGGREGATES:
                return self._rows(expression)
            case Apply(args=args):
                return replace(expression, args=tuple(map(self._figures, args)))
            case Cast(item=item):
                return replace(expression, item=self._figures(item))
            case _:
                return expression

    def _rows(self, expression: Expression) -> Expression:
        match expression:
            case Subquery():
                if expression not in self._found.known:
                    self._found.known[expression] = self._attached(expression)
                return self._found.known[expression]
            case Apply(args=args):
                return replace(expression, args=tuple(map(self._rows, args)))
            case Cast(item=item):
                return replace(expression, item=self._rows(item))
            case _:
                return expression

    def _attached(self, found: Subquery) -> Expression:
        pairs, inner = self._apart(found)
        if found.kind is SubqueryKind.IN:
            pairs, inner = self._sought(found, inner, pairs)
        if found.kind is SubqueryKind.SCALAR and not pairs:
            return self._single(found)
        if not pairs or not isinstance(inner, Question):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, found.at, found.kind.value, hints.SUBQUERY)
        keys = tuple(Item(own, KEY.format(position)) for position, (own, _) in enumerate(pairs))
        value = self._value(found, inner)
        groups = tuple(own for own, _ in pairs)
        asked = replace(inner, items=(*keys, value), groups=groups, orders=(), distinct=False)
        name = self._join(asked, [outer for _, outer in pairs], found.at)
        if found.kind is not SubqueryKind.SCALAR:
            return Apply(Op.IS_NOT_NULL, (Name((name, MARK), found.at),), found.at)
        result = Name((name, VALUE), found.at)
        if isinstance(value.expression, Apply) and value.expression.op in (Op.COUNT_ROWS, Op.COUNT):
            return Apply(Op.COALESCE, (result, Literal(LiteralKind.NUMBER, "0", found.at)), found.at)
        return result

    def _value(self, found: Subquery, inner: Question) -> Item:
        if found.kind is not SubqueryKind.SCALAR:
            return Item(Apply(Op.COUNT_ROWS, (), found.at), MARK)
        if len(inner.items) != 1 or inner.groups or not aggregates_in(inner.items[0].expression):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, found.at, found.kind.value, hints.ONE_VALUE)
        return Item(inner.items[0].expression, VALUE)

    def _sought(
        self, found: Subquery, inner: Query, pairs: list[tuple[Expression, Expression]]
    ) -> tuple[list[tuple[Expression, Expression]], Query]:
        """Turn x IN (SELECT y …) into the equality x = y."""
        if not isinstance(found.item, Name):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, found.at, found.kind.value, hints.IN_COLUMN)
        plain = isinstance(inner, Question) and not (inner.groups or inner.having or inner.limit is not None)
        if plain and isinstance(inner, Question) and len(inner.items) == 1 and not inner.distinct:
            return [*pairs, (inner.items[0].expression, found.item)], inner
        wrapped = Derived(inner, "sought", ("y",), found.at)
        return [*pairs, (Name(("y",), found.at), found.item)], _over(wrapped, found.at)

    def _single(self, found: Subquery) -> Expression:
        """Join the one row of a query that stands for a value."""
        inner = found.query
        one = isinstance(inner, Question) and not inner.groups and not inner.group_all and inner.having is None
        if not one or not isinstance(inner, Question) or not _one_figure(inner):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, found.at, found.kind.value, hints.ONE_VALUE)
        asked = replace(inner, items=(replace(inner.items[0], alias=VALUE),))
        name = f"subquery at {found.at.line}:{found.at.column}"
        self._found.sources.append(self._bind(Derived(asked, name, (), found.at)))
        self._found.links.append(Link(left=False, condition=None, using=(), at=found.at))
        return Name((name, VALUE), found.at)

    def _join(self, asked: Question, outer: Sequence[Expression], at: Place) -> str:
        name = f"subquery at {at.line}:{at.column}"
        self._found.sources.append(self._bind(Derived(asked, name, (), at)))
        equal = tuple(
            Apply(Op.EQUAL, (Name((name, KEY.format(position)), at), side), at) for position, side in enumerate(outer)
        )
        self._found.links.append(Link(True, equal[0] if len(equal) == 1 else Apply(Op.AND, equal, at), (), at))  # noqa: FBT003
        return name

    def _apart(self, found: Subquery) -> tuple[list[tuple[Expression, Expression]], Query]:
        """Return the equalities of a subquery's own columns with outer ones, and the query without them."""
        inner = found.query
        scope = self._scope_of(inner) if isinstance(inner, Question) else None
        if scope is None or not isinstance(inner, Question):
            return [], inner
        pairs: list[tuple[Expression, Expression]] = []
        kept: list[Expression] = []
        for part in conjuncts(inner.where):
            own = [_is_own(scope, name) for name in walk(part) if isinstance(name, Name)]
            match part:
                case _ if all(own):
                    kept.append(part)
                case Apply(op=Op.EQUAL, args=(Name() as one, Name() as other)) if own == [True, False]:
                    pairs.append((one, other))
                case Apply(op=Op.EQUAL, args=(Name() as one, Name() as other)) if own == [False, True]:
                    pairs.append((other, one))
                case _:
                    raise refused(Reason.CLAUSE_NOT_ADMITTED, part.at, found.kind.value, hints.CORRELATION)
        where = None if not kept else kept[0] if len(kept) == 1 else Apply(Op.AND, tuple(kept), kept[0].at)
        return pairs, replace(inner, where=where)


def _one_figure(question: Question) -> bool:
    return len(question.items) == 1 and aggregates_in(question.items[0].expression)


def _is_own(scope: Scope, name: Name) -> bool:
    return any(
        source.find(name.parts[-1])
        for source in scope.sources
        if len(name.parts) == 1 or source.name.lower() == name.parts[0].lower()
    )


def _over(table: Derived, at: Place) -> Question:
    """Return a query over `table` alone, with nothing chosen yet."""
    return Question((), (table,), (), None, (), False, None, (), None, 0, False, at=at)  # noqa: FBT003
