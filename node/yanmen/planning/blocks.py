"""The blocks of cells one answer rests on: each a grid of its own, all under one charge, all released together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.stages import Aggregate, Average, Block, Key
from yanmen.planning import hints
from yanmen.planning.figure_tables import cells_of
from yanmen.planning.figures import FIGURES_MAX, Figure, GroupKey, Names, bounded, grid_of, reached
from yanmen.planning.heavy import Parting, parting
from yanmen.planning.places import Place, refused
from yanmen.planning.reach import Reach, reach
from yanmen.planning.released_terms import width_column
from yanmen.planning.row_source import Rows
from yanmen.planning.sql_cells import Cells, emit
from yanmen.planning.sql_terms import quoted, select

GroupSet = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one grouped query asks of its rows."""

    rows: Rows
    keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]
    averages: tuple[Average, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class CellBlock:
    """One grid: the SQL that fills it, its keys and what is counted and summed in each cell."""

    rows: Rows
    sql: str
    group_keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]
    aggregates: tuple[Aggregate, ...]
    averages: tuple[Average, ...]
    cells: int
    reach: Reach
    parting: Parting | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys as the plan states them."""
        return tuple(Key(key.name, key.type, key.domain) for key in self.group_keys)

    @property
    def stated(self) -> Block:
        """Which of the plan's columns are of this block."""
        return Block(
            tuple(key.name for key in self.group_keys),
            tuple(aggregate.name for aggregate in self.aggregates),
            tuple(average.name for average in self.averages),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the released table that are of this block, widths included."""
        figures = [*(aggregate.name for aggregate in self.aggregates), *(average.name for average in self.averages)]
        return (*(key.name for key in self.group_keys), *figures, *(f"w_{name}" for name in figures))


class Blocks:
    """Collects the blocks of one answer."""

    def __init__(self, limits: NodeLimits) -> None:
        """Start with none."""
        self.names = Names()
        self.found: list[CellBlock] = []
        self._limits = limits

    def cells(self, asked: Asked, sets: Sequence[GroupSet]) -> str:
        """Return SQL for the cells `asked` for: one block, or one for each of the grouping `sets`."""
        if not sets:
            return self._add(asked)
        parts = []
        for position, kept in enumerate(sets):
            part = asked if position == 0 else self._renamed(asked)
            found = self._add(replace(part, keys=tuple(part.keys[place] for place in kept)))
            parts.append(select(_aligned(asked, part, kept), f"FROM {found}"))
        return f"({' UNION ALL '.join(parts)}) AS {quoted('g')}"

    def _renamed(self, asked: Asked) -> Asked:
        """Return `asked` with new names for every column: no two blocks share one."""
        keys = tuple(replace(key, name=self.names.key()) for key in asked.keys)
        figures = tuple(replace(figure, name=self.names.figure()) for figure in asked.figures)
        new = {old.name: figure.name for old, figure in zip(asked.figures, figures, strict=True)}
        averages = tuple(Average(self.names.average(), new[a.sum], new[a.count]) for a in asked.averages)
        return replace(asked, keys=keys, figures=figures, averages=averages)

    def _add(self, asked: Asked) -> str:
        joined = asked.rows.joined
        first = self.found[0].rows.joined if self.found else joined
        if self.found and DatasetClass.EXACT in (joined.release, first.release) and not self._same_table(asked):
            raise refused(Reason.DIMENSION_NOT_DECLARED, asked.at, "SELECT", hints.EXACT_DIRECT)
        if (first.release, first.subject_space) != (joined.release, joined.subject_space):
            raise refused(Reason.JOIN_NOT_ON_UNIT, asked.at, "SELECT", hints.JOIN_SPACES)
        cells = grid_of(asked.keys)
        if self.found and any(not key.domain for key in (*asked.keys, *self.found[0].group_keys)):
            raise refused(Reason.KEY_WITHOUT_DOMAIN, asked.at, "GROUP BY", hints.OPEN_KEY)
        if any(not key.domain for key in asked.keys):
            cells = min(cells, joined.rows_upto)
        elif cells + sum(block.cells for block in self.found) > self._limits.cells:
            raise refused(Reason.TOO_MANY_CELLS, asked.keys[0].at, "GROUP BY", hints.CELLS)
        if len(asked.figures) + sum(len(block.figures) for block in self.found) > FIGURES_MAX:
            raise refused(Reason.TOO_MANY_CELLS, asked.at, "SELECT", hints.CELLS)
        far = reach(asked.rows.scope, joined, reached(asked.keys), cells)
        aggregates = bounded(asked.figures, joined, far)
        apart = parting(asked.rows, far)
        if apart is not None:
            asked.rows.scope.snapshots.count(asked.rows.schemas[apart.position])
        sql = emit(Cells(asked.rows, asked.keys, asked.figures, aggregates, far, apart))
        self.found.append(
            CellBlock(asked.rows, sql, asked.keys, asked.figures, aggregates, asked.averages, cells, far, apart)
        )
        return cells_of(len(self.found) - 1)

    def _same_table(self, asked: Asked) -> bool:
        """Tell whether `asked` reads what the first block does: one finest table says what all may show."""
        read = [
            [source.version.version if source.version is not None else "" for source in rows.scope.sources]
            for rows in (asked.rows, self.found[0].rows)
        ]
        return read[0] == read[1]


def _aligned(asked: Asked, part: Asked, kept: GroupSet) -> list[str]:
    """Return the columns of one grouping set under the names of the first: a key that it leaves out is NULL."""
    columns = []
    for position, (key, own) in enumerate(zip(asked.keys, part.keys, strict=True)):
        columns.append(f"{quoted(own.name) if position in kept else 'NULL'} AS {quoted(key.name)}")
        columns.append(f"{0 if position in kept else 1} AS {quoted(f'left_{key.name}')}")
    names = [*(figure.name for figure in asked.figures), *(average.name for average in asked.averages)]
    owns = [*(figure.name for figure in part.figures), *(average.name for average in part.averages)]
    for name, held in zip(names, owns, strict=True):
        columns += [f"{quoted(held)} AS {quoted(name)}", f"{width_column(held)} AS {width_column(name)}"]
    return columns
