"""Queries whose rows are released figures: each stands on blocks of cells, and SQL over those."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yanmen.model.catalogue import ColumnType
from yanmen.model.stages import Output
from yanmen.planning.released_terms import Shown
from yanmen.planning.sql_terms import quoted, select

ALL_CELLS = '"cells"'
"""The released table that post-processing reads."""


UniqueKey = tuple[int, int]
"""An output by its position, and how many values it has at most."""


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A query over released figures: `sql` yields `o0`, `o1`… and, for outputs that carry a ±, `w0`, `w1`…

    `rows` is how many rows it has at most. `as_it_stands` when it is one block's keys and figures, in order and with
    nothing after. No two rows have equal values in all the outputs `unique`, also as 64-bit floats; None: not known.
    """

    sql: str
    outputs: tuple[Output, ...]
    rows: int
    as_it_stands: bool = False
    unique: tuple[UniqueKey, ...] | None = None

    def column(self, position: int, table: str) -> Shown:
        """Return the output at `position` as a column of `table`."""
        output = self.outputs[position]
        prefix = f"{quoted(table)}."
        width = f"{prefix}{quoted(f'w{position}')}" if output.source else ""
        sql = f"{prefix}{quoted(f'o{position}')}"
        shown = Shown(sql, output.type, stored=True, source=output.source, width=width)
        return replace(shown, length=output.length, weight=output.weight)


def left_by(rows: int, limit: int | None) -> int:
    """Return how many of at most `rows` rows a LIMIT leaves at most."""
    return rows if limit is None else min(rows, limit)


def cells_of(block: int) -> str:
    """Return the name under which post-processing finds the cells of a block; no caller's text can hold it."""
    return f'"\0{block}"'


def finished(sql: str, blocks: Sequence[Sequence[str]]) -> str:
    """Return `sql` with the cells of each block defined: `blocks` holds the columns of each, in order."""
    if len(blocks) == 1:
        return sql.replace(cells_of(0), ALL_CELLS)
    named = []
    for position, columns in enumerate(blocks):
        chosen = select([quoted(column) for column in columns], f"FROM {ALL_CELLS} WHERE {quoted('b')} = {position}")
        named.append(f"{quoted(f'cells{position}')} AS ({chosen})")
        sql = sql.replace(cells_of(position), quoted(f"cells{position}"))
    return f"WITH {', '.join(named)} {sql}"


def common_type(kinds: Sequence[ColumnType]) -> ColumnType | None:
    """Return the type that holds values of all `kinds`, None when there is none."""
    if len(set(kinds)) == 1:
        return kinds[0]
    numbers = {ColumnType.INTEGER, ColumnType.DECIMAL}
    return ColumnType.DECIMAL if set(kinds) <= numbers else None
