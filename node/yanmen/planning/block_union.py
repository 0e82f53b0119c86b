"""Several blocks as one statement: the number of the block, then the columns of all, NULL where they are another's."""

from collections.abc import Sequence

from yanmen.model.catalogue import ColumnType
from yanmen.planning.blocks import CellBlock
from yanmen.planning.sql_cells import beside
from yanmen.planning.sql_terms import quoted, select

NUMBER = "b"
"""The column that says which block a row is of."""
_TYPES = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(38,18)",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
}


def emit(blocks: Sequence[CellBlock]) -> str:
    """Return the SQL whose reply holds the cells of all `blocks`."""
    if len(blocks) == 1:
        return blocks[0].sql
    keys = [(key.name, _TYPES[key.type]) for block in blocks for key in block.group_keys]
    figures = [(aggregate.name, "BIGINT") for block in blocks for aggregate in block.aggregates]
    columns = [*keys, *figures, *_beside(blocks)]
    return " UNION ALL ".join(_side(position, block, columns) for position, block in enumerate(blocks))


def _beside(blocks: Sequence[CellBlock]) -> list[tuple[str, str]]:
    """Return the contributors beside exact figures: of the row's own cell, then of each figure."""
    parts = [beside(block.rows.joined.release, block.aggregates) for block in blocks]
    ordered = [name for part in parts for name in part.valued] + [name for part in parts for name in part.tops]
    return [(name, "BIGINT") for name in (*parts[0].units, *ordered)]


def _side(position: int, block: CellBlock, columns: Sequence[tuple[str, str]]) -> str:
    own = {key.name for key in block.group_keys} | {aggregate.name for aggregate in block.aggregates}
    own |= beside(block.rows.joined.release, block.aggregates).names
    shown = [f"CAST({position} AS BIGINT) AS {quoted(NUMBER)}"]
    for name, kind in columns:
        value = quoted(name) if name in own else "NULL"
        shown.append(f"CAST({value} AS {kind}) AS {quoted(name)}")
    return select(shown, f"FROM ({block.sql}) AS {quoted('x')}")
