"""How long the engine's reply can be, whatever the rows are: JSON, as jobs write it.

Cells that nobody is in are left out of a reply, so that a cell made large by literals would weigh one person: with the
person's own cell the reply would be too long, without it not. What could not fit is refused before anything runs.
"""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from yanmen.model.catalogue import Cell, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.stages import Plan
from yanmen.planning import hints
from yanmen.planning.blocks import CellBlock
from yanmen.planning.places import NOWHERE, refused

NULL_BYTES = 4
BETWEEN_BYTES = 1
ROW_BYTES = 3
"""The brackets around a row, and the comma after it."""
FRAME_BYTES = 32
"""What stands around all rows."""
SCALE_BYTES = 20
"""What a decimal has beside its digits and marks where several blocks give it 18 places."""


def check_cells(plan: Plan, blocks: Sequence[CellBlock], limits: NodeLimits) -> None:
    """Refuse a question about persons whose reply, over declared domains, could be longer than `reply_bytes`."""
    places = [key.at for block in blocks for key in block.group_keys]
    declared = all(key.domain for key in plan.keys)
    if plan.release is DatasetClass.PERSONAL and declared and cells_bytes_upto(blocks) > limits.reply_bytes:
        raise refused(Reason.TOO_MANY_CELLS, places[0] if places else NOWHERE, "GROUP BY", hints.CELLS_REPLY)


def cells_bytes_upto(blocks: Sequence[CellBlock]) -> int:
    """Return how many bytes a reply with every cell of `blocks` can have; several have a column with their number."""
    columns = sum(len(block.group_keys) + len(block.aggregates) for block in blocks)
    total = FRAME_BYTES
    for block in blocks:
        own = len(block.group_keys) + len(block.aggregates)
        row = sum(_widest(key.domain) for key in block.group_keys)
        row += sum(max(len(str(one.lower)), len(str(one.upper))) for one in block.aggregates)
        row += (columns - own) * NULL_BYTES + columns * BETWEEN_BYTES + ROW_BYTES + len(str(len(blocks)))
        total += block.cells * row
    return total


def _widest(domain: Sequence[Cell]) -> int:
    return max((NULL_BYTES, *map(_written, domain)))


def _written(cell: Cell) -> int:
    """Return how long `cell` is at most as a job writes it."""
    match cell:
        case str():
            return len(json.dumps(cell, ensure_ascii=False).encode("utf-8"))
        case None | bool():
            return len("false")
        case int():
            return len(str(cell))
        case Decimal():
            return len(format(cell, "f")) + SCALE_BYTES
        case date():
            return len('"2000-01-01"')
