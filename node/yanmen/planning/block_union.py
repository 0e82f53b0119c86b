"""Several blocks as one statement: the number of the block, then the columns of all, NULL where they are another's."""

from collections.abc import Sequence

from yanmen.model.catalogue import ColumnType
from yanmen.planning.blocks import CellBlock
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
    columns = [*keys, *figures]
    return " UNION ALL ".join(_side(position, block, columns) for position, block in enumerate(blocks))


def _side(position: int, block: CellBlock, columns: Sequence[tuple[str, str]]) -> str:
    own = {key.name for key in block.group_keys} | {aggregate.name for aggregate in block.aggregates}
    shown = [f"CAST({position} AS BIGINT) AS {quoted(NUMBER)}"]
    for name, kind in columns:
        value = quoted(name) if name in own else "NULL"
        shown.append(f"CAST({value} AS {kind}) AS {quoted(name)}")
    return select(shown, f"FROM ({block.sql}) AS {quoted('x')}")
