"""Conditions that a unit is in another department's table -> tables of FROM, of which only having a row counts.

They are `p.id IN (SELECT d.id FROM diagnoses d WHERE d.event = 'htn')`, or the same said with EXISTS.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import refused
from yanmen.planning.scope import Scope, Source
from yanmen.planning.snapshots import Snapshots
from yanmen.planning.syntax import (
    Apply,
    Expression,
    Link,
    Name,
    Op,
    Question,
    Subquery,
    SubqueryKind,
    Table,
    aggregates_in,
    conjuncts,
    rebuild,
    walk,
)


@dataclass(frozen=True, slots=True)
class Membership:
    """A condition that a unit has a row in `table`."""

    found: Subquery
    inner: Question
    table: Table


def memberships(question: Question) -> Iterator[Membership]:
    """Yield the conditions of `question` that its rows' units are in a table."""
    for part in conjuncts(question.where):
        if isinstance(part, Subquery) and part.kind is not SubqueryKind.SCALAR and isinstance(part.query, Question):
            tables = part.query.tables
            if len(tables) == 1 and isinstance(tables[0], Table) and _is_plain(part.query):
                yield Membership(part, part.query, tables[0])


def taken_in(question: Question, asked: Membership, source: Source) -> Question:
    """Return `question` with the table of one of its conditions, known as `source`, joined instead."""
    called = asked.table.alias or asked.table.path[-1]
    scope = Scope((replace(source, name=called, qualified=False),), (), Snapshots())
    at = asked.found.at
    parts = [_named(part, scope, source.name) for part in conjuncts(asked.inner.where)]
    parts = [*_sought(asked, scope, source.name), *parts]
    if not parts:
        raise refused(Reason.CROSS_NODE_JOIN, at, asked.found.kind.value, hints.ACROSS_MEMBER)
    condition = parts[0] if len(parts) == 1 else Apply(Op.AND, tuple(parts), at)
    left = [part for part in conjuncts(question.where) if part is not asked.found]
    where = None if not left else left[0] if len(left) == 1 else Apply(Op.AND, tuple(left), at)
    table = replace(asked.table, alias=source.name)
    link = Link(left=False, condition=condition, using=(), at=at)
    return replace(question, tables=(*question.tables, table), links=(*question.links, link), where=where)


def name_of(asked: Membership) -> str:
    """Return what the table of a condition is called in the question: nothing that a question can leave bare."""
    return f"subquery at {asked.found.at.line}:{asked.found.at.column}"


def _is_plain(inner: Question) -> bool:
    more = (inner.groups, inner.group_all, inner.having, inner.offset, inner.qualify)
    return inner.limit is None and not any(more) and not any(aggregates_in(item.expression) for item in inner.items)


def _sought(asked: Membership, scope: Scope, name: str) -> tuple[Expression, ...]:
    """Return the equality that x IN (SELECT y …) stands for."""
    if asked.found.kind is SubqueryKind.EXISTS:
        return ()
    item, outer = [one.expression for one in asked.inner.items], asked.found.item
    if len(item) != 1 or not isinstance(item[0], Name) or not isinstance(outer, Name):
        raise refused(Reason.CROSS_NODE_JOIN, asked.found.at, asked.found.kind.value, hints.ACROSS_MEMBER)
    return (Apply(Op.EQUAL, (_named(item[0], scope, name), outer), asked.found.at),)


def _named(part: Expression, scope: Scope, name: str) -> Expression:
    """Return a condition of the inner query with the columns of its own table called by that table's `name`."""
    for one in walk(part):
        if isinstance(one, Subquery):
            raise refused(Reason.CROSS_NODE_JOIN, one.at, one.kind.value, hints.ACROSS_PLAIN)

    def leaf(expression: Expression) -> Expression:
        if isinstance(expression, Name) and scope.find(expression) is not None:
            return Name((name, expression.parts[-1]), expression.at)
        return expression

    return rebuild(part, leaf)
