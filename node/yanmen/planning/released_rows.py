"""How many rows a query over released tables can have, by public facts alone: sizes of grids and equated keys.

Released tables may be joined on anything. A table adds as many rows as those of its keys have values that are not
equated with anything counted before. What could be too many is refused when planned: a run that fails is charged.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from yanmen.planning.figure_tables import FigureTable, UniqueKey
from yanmen.planning.syntax import Apply, Expression, Link, Name, Op, Question, Subquery, conjuncts, walk

Place = tuple[int, int]
"""A column: the position of its table in FROM, and its own there."""
Named = tuple[str, FigureTable]
"""A query in FROM and how it is called."""


@dataclass(frozen=True, slots=True)
class _Tie:
    """`column` has the value of something made of `others`; it decides rows of `only` alone, of any when None."""

    column: Place
    others: frozenset[int]
    only: int | None


@dataclass(frozen=True, slots=True)
class Met:
    """Rows before LIMIT at most, and the columns that tell them apart, each with how many values it has.

    None where no columns are known to.
    """

    most: int
    keys: tuple[tuple[Place, int], ...] | None


def met(question: Question, named: Sequence[Named]) -> Met:
    """Return how many rows of the tables in FROM can meet."""
    ties = [*_written(question, _Columns(named, question.links))]
    ties += [tie for at, link in enumerate(question.links, start=1) for tie in _using(link, at, named)]
    optional = {at for at, link in enumerate(question.links, start=1) if link.left}
    tables = [table for _, table in named]
    starts = (at for at in range(len(tables)) if at not in optional)
    return min((_counted(first, tables, ties) for first in starts), key=lambda found: found.most)


class _Columns:
    """Finds the column that a name means."""

    def __init__(self, named: Sequence[Named], links: Sequence[Link]) -> None:
        """Look in the tables `named`; a name in USING is one column of all."""
        self._named = named
        self._using = frozenset(name.lower() for link in links for name in link.using)

    def place(self, name: Name) -> Place | None:
        """Return where the column is, None when none or several are called so."""
        called = name.parts[0].lower() if len(name.parts) > 1 else None
        found = [
            (at, position)
            for at, (alias, table) in enumerate(self._named)
            if called in (None, alias.lower())
            for position in _labelled(table, name.parts[-1])
        ]
        return found[0] if len(found) == 1 or (found and name.parts[-1].lower() in self._using) else None


def place_of(name: Name, named: Sequence[Named], links: Sequence[Link]) -> Place | None:
    """Return where the column is that `name` means, None when that is not one."""
    return _Columns(named, links).place(name)


def _labelled(table: FigureTable, name: str) -> list[int]:
    return [position for position, output in enumerate(table.outputs) if output.label.lower() == name.lower()]


def _counted(first: int, tables: Sequence[FigureTable], ties: Sequence[_Tie]) -> Met:
    """Count beginning with the table `first`, and go on with the one that adds least."""
    most, keys, counted = 1, list[tuple[Place, int]](), set[int]()
    told = True
    waiting = list(range(len(tables)))
    while waiting:
        left = {at: _left(at, tables[at], counted, ties) for at in waiting}
        chosen = first if not counted else min(waiting, key=lambda at: _added(tables[at], left[at]))
        most *= _added(tables[chosen], left[chosen])
        told = told and left[chosen] is not None
        keys += [((chosen, key), size) for key, size in left[chosen] or ()]
        counted.add(chosen)
        waiting.remove(chosen)
    return Met(most, tuple(keys) if told else None)


def _added(table: FigureTable, left: Sequence[UniqueKey] | None) -> int:
    return max(1, table.rows if left is None else min(table.rows, prod(size for _, size in left)))


def _left(at: int, table: FigureTable, counted: Collection[int], ties: Sequence[_Tie]) -> tuple[UniqueKey, ...] | None:
    """Return the keys of `table` that rows of the `counted` tables do not fix, None when it has none."""
    if table.unique is None:
        return () if table.rows <= 1 else None
    known = frozenset(counted)
    held = {tie.column[1] for tie in ties if tie.column[0] == at and tie.only in (None, at) and tie.others <= known}
    return tuple(key for key in table.unique if key[0] not in held)


def _written(question: Question, columns: _Columns) -> Iterator[_Tie]:
    for at, link in enumerate(question.links, start=1):
        for part in conjuncts(link.condition):
            yield from _equated(part, columns, at if link.left else None)
    for part in conjuncts(question.where):
        yield from _equated(part, columns, None)


def _using(link: Link, at: int, named: Sequence[Named]) -> Iterator[_Tie]:
    """Yield what USING equates: the column of the table at `at` with the first before it of that name."""
    only = at if link.left else None
    for name in link.using:
        before = [(far, position) for far in range(at) for position in _labelled(named[far][1], name)]
        for position in _labelled(named[at][1], name):
            if before:
                yield _Tie((at, position), frozenset({before[0][0]}), only)
                yield _Tie(before[0], frozenset({at}), only)


def _equated(part: Expression, columns: _Columns, only: int | None) -> Iterator[_Tie]:
    if not isinstance(part, Apply) or part.op is not Op.EQUAL:
        return
    for own, other in (part.args, part.args[::-1]):
        column = columns.place(own) if isinstance(own, Name) else None
        others = _tables_of(other, columns)
        if column is not None and others is not None and column[0] not in others:
            yield _Tie(column, others, only)


def _tables_of(expression: Expression, columns: _Columns) -> frozenset[int] | None:
    """Return the tables whose columns `expression` is made of, None when that is not known."""
    found = set[int]()
    for part in walk(expression):
        if isinstance(part, Subquery):
            return None
        if isinstance(part, Name):
            held = columns.place(part)
            if held is None:
                return None
            found.add(held[0])
    return frozenset(found)
