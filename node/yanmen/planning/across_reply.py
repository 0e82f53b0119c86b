"""Whether the rows of this node's part of a join fit into one reply of its engine: by public facts, before any charge.

Left to the run, a table that grew would fail it, and the failure would tell that it did.
"""

from yanmen.model.catalogue import Cell, ColumnType, Dataset
from yanmen.model.joining import Part
from yanmen.model.refusal import Reason, Refused
from yanmen.planning import hints
from yanmen.planning.places import Hint, Place, refused

UNIT_BYTES = {ColumnType.TEXT: 20, ColumnType.INTEGER: 12}
"""What a unit counts as, whose length nothing public says: an 18-digit identity number in quotes, a whole number."""
FRAME = len('{"ok":true,"rows":[]}')


def check(part: Part, dataset: Dataset, reply_bytes: int, at: Place) -> None:
    """Refuse a join for which the most rows that `dataset` may have are more than `reply_bytes`."""
    needed = size(part, dataset)
    if needed > reply_bytes:
        raise _refused(at, needed, reply_bytes)


def size(part: Part, dataset: Dataset) -> int:
    """Return how long the reply may be: JSON of as many rows as the owner declared, each as long as it may be."""
    rows = min(dataset.rows_upto, (dataset.units_upto or dataset.rows_upto) * dataset.rows_per_unit)
    cells = [UNIT_BYTES.get(part.unit, UNIT_BYTES[ColumnType.TEXT])]
    cells += [max((_length(cell) for cell in key.domain), default=0) for key in part.keys]
    cells += [max(len(str(one.lower)), len(str(one.upper))) for one in part.columns if not one.counts_rows]
    return FRAME + rows * (len("[]") + sum(cells) + len(cells))


def _length(cell: Cell) -> int:
    """Return the bytes of a cell in JSON; all but whole numbers are in quotes there."""
    return len(str(cell).encode("utf-8")) + (0 if isinstance(cell, int) and not isinstance(cell, bool) else len('""'))


def _refused(at: Place, needed: int, reply_bytes: int) -> Refused:
    told, figures = hints.ACROSS_REPLY, {"needed": f"{needed:,}", "bytes": f"{reply_bytes:,}", "set": needed}
    hint = Hint(told.en.format(**figures), told.zh.format(**figures))
    return refused(Reason.CROSS_NODE_JOIN, at, "reply_bytes", hint)
