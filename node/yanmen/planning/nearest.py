"""The nearest questions that can be answered when one would join tables of two nodes.

Each table gets its own question, made of the parts of the original that touch that table only. No
value is added: everything in them comes from the caller's text.
"""

from collections.abc import Sequence
from dataclasses import replace

from yanmen.planning.printing import name, show
from yanmen.planning.scope import Found
from yanmen.planning.sql_terms import select
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Expression,
    Item,
    Literal,
    Name,
    Op,
    Question,
    Star,
    Table,
    aggregates_in,
    conjuncts,
    rebuild,
    walk,
)


def one_per_table(question: Question, found: Sequence[Found]) -> tuple[Question, ...]:
    """Return a question about each table alone, in the order of FROM."""
    return tuple(_alone(question, found, position) for position in range(len(found)))


def only_count(table: Table) -> Question:
    """Return the least that can be asked of `table`: how many rows it has."""
    return _plain((Item(Apply(Op.COUNT_ROWS, ())),), table, None, ())


def _plain(items: tuple[Item, ...], table: Table, where: Expression | None, groups: tuple[Expression, ...]) -> Question:
    return Question(
        items=items,
        tables=(Table(table.path, "", table.at),),
        links=(),
        where=where,
        groups=groups,
        group_all=False,
        having=None,
        orders=(),
        limit=None,
        offset=0,
        distinct=False,
    )


def _alone(question: Question, found: Sequence[Found], position: int) -> Question:
    table = found[position].table
    conditions = [*conjuncts(question.where)]
    for link in question.links:
        conditions += conjuncts(link.condition)
    kept = [part for part in conditions if _touches_only(part, found, position)]
    where = None if not kept else kept[0] if len(kept) == 1 else Apply(Op.AND, tuple(kept))
    items = [item for item in question.items if _usable(item.expression, found, position)]
    groups = tuple(item.expression for item in items if not aggregates_in(item.expression))
    figures = tuple(item for item in items if aggregates_in(item.expression))
    shown = (*(Item(group) for group in groups), *(figures or (Item(Apply(Op.COUNT_ROWS, ())),)))
    return _plain(shown, table, where, groups)


def _usable(expression: Expression, found: Sequence[Found], position: int) -> bool:
    if isinstance(expression, Star | Literal):
        return False
    return _touches_only(expression, found, position)


def _touches_only(expression: Expression, found: Sequence[Found], position: int) -> bool:
    """Tell whether every name in `expression` is of the table at `position`; COUNT(*) is of every table."""
    names = [part for part in walk(expression) if isinstance(part, Name)]
    if not names:
        return any(isinstance(part, Apply) and part.op in AGGREGATES for part in walk(expression))
    return all(_owner(part, found) == position for part in names)


def _owner(column: Name, found: Sequence[Found]) -> int | None:
    if len(column.parts) == 2:
        wanted = column.parts[0].lower()
        owners = [at for at, item in enumerate(found) if (item.table.alias or item.table.path[-1]).lower() == wanted]
    else:
        owners = [
            at
            for at, item in enumerate(found)
            if item.version is not None and item.version.dataset.column(column.parts[0]) is not None
        ]
        # A bare name that no table here has can only be of a table elsewhere, if there is just one.
        away = [at for at, item in enumerate(found) if item.version is None]
        owners = owners or away
    return owners[0] if len(owners) == 1 else None


def written(question: Question, node: str = "") -> str:
    """Return `question` as readable SQL; `node` names where to ask it."""
    items = ", ".join(show(item.expression, qualified=False) for item in question.items)
    (table,) = question.tables
    sql = select((items,), f"FROM {name(table.path[-1] if isinstance(table, Table) else table.alias)}")
    if question.where is not None:
        sql += f" WHERE {show(question.where, qualified=False)}"
    if question.groups:
        sql += f" GROUP BY {', '.join(show(group, qualified=False) for group in question.groups)}"
    return f"{sql} -- {node}" if node else sql


def unqualified(question: Question) -> Question:
    """Return `question` with the table names taken off its columns."""

    def bare(expression: Expression) -> Expression:
        return Name(expression.parts[-1:], expression.at) if isinstance(expression, Name) else expression

    return replace(
        question,
        items=tuple(Item(rebuild(item.expression, bare), item.alias) for item in question.items),
        groups=tuple(rebuild(group, bare) for group in question.groups),
        where=None if question.where is None else rebuild(question.where, bare),
    )
