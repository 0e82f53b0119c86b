"""How far one unit reaches into a grid: in how many cells it can count, and with how many rows in each."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from yanmen.model.catalogue import DatasetClass
from yanmen.planning.joins import Joined
from yanmen.planning.relation import UNIT
from yanmen.planning.scope import Scope
from yanmen.planning.terms import Field, Term, parts


@dataclass(frozen=True, slots=True)
class Reach:
    """One unit has at most `rows` rows, counts in at most `cells` cells and has at most `rows_in_cell` in each.

    `capped` when it could reach more cells, so that some of its groups must be left out.
    """

    rows: int
    cells: int
    rows_in_cell: int
    capped: bool

    @property
    def total(self) -> int:
        """The rows of a unit that can count at all."""
        return min(self.rows, self.cells * self.rows_in_cell)

    @property
    def squares(self) -> int:
        """The largest sum of squared numbers of rows over all cells: as many full cells as possible, then the rest."""
        full, left = divmod(self.total, self.rows_in_cell)
        return full * self.rows_in_cell**2 + left**2


def reach(scope: Scope, joined: Joined, keys: Iterable[tuple[Term, int]], grid: int) -> Reach:
    """Return the reach over a `grid` of cells by `keys`, each with how many values it can have."""
    known = tuple(keys)
    settled = _settled(scope, joined)
    free = prod(size for term, size in known if not {table for table, _ in _fields(term)} <= settled)
    most = max(1, min(joined.rows_per_unit, grid, free))
    guarded = joined.release is DatasetClass.PERSONAL
    alone = _one_row_in_cell(scope, joined, [term for term, _ in known])
    return Reach(
        rows=joined.rows_per_unit,
        cells=min(most, joined.groups_per_unit),
        rows_in_cell=1 if alone else joined.rows_per_unit,
        capped=guarded and joined.groups_per_unit < most,
    )


def _fields(term: Term) -> set[tuple[int, str]]:
    return {(part.table, part.column) for part in parts(term) if isinstance(part, Field)}


def _settled(scope: Scope, joined: Joined) -> set[int]:
    """Return the tables whose columns are the same in all rows of a unit.

    These are tables with one row for each unit, and the open tables that are looked up by nothing but their columns.
    """
    found = {
        position
        for position, source in enumerate(scope.sources)
        if source.unit() is not None and source.dataset.rows_per_unit == 1 and position not in joined.left
    }
    waiting = [position for position, source in enumerate(scope.sources) if source.unit() is None]
    for _ in waiting:
        found |= {position for position in waiting if _looked_up(joined, position, found)}
    return found


def _looked_up(joined: Joined, position: int, known: set[int]) -> bool:
    """Tell whether the open table at `position` is joined by equalities with `known` tables only."""
    ties = [set(pair.tables) - {position} for pair in joined.equalities if position in pair.tables]
    return bool(ties) and all(tied <= known for tied in ties)


def _one_row_in_cell(scope: Scope, joined: Joined, keys: Iterable[Term]) -> bool:
    """Tell whether keys and unit together tell apart the rows of the only table about units; lookups add no rows."""
    owned = [position for position, source in enumerate(scope.sources) if source.unit() is not None]
    tied = {position for pair in joined.equalities for position in pair.tables}
    relation = scope.sources[owned[0]].relation if owned else None
    if len(owned) != 1 or relation is None or UNIT not in relation.unique:
        return False
    if not {position for position in range(len(scope.sources)) if position != owned[0]} <= tied:
        return False
    named = {term.column for term in keys if isinstance(term, Field) and term.table == owned[0]}
    return relation.unique - {UNIT} <= named
