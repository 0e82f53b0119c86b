"""Answers as Arrow tables and data frames; the only place that needs pyarrow or pandas."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from yanmen.model.catalogue import Cell, ColumnType

if TYPE_CHECKING:
    import pandas as pd

    from yanmen.client.released import Released

_DIGITS_MAX = 76
"""Of Arrow's widest decimal."""
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def to_arrow(answer: "Released") -> pa.Table:
    """Return `answer` as an Arrow table."""
    columns = [
        pa.array([row[place] for row in answer.table.rows], _type(kind, [row[place] for row in answer.table.rows]))
        for place, kind in enumerate(answer.table.types)
    ]
    return pa.table(columns, names=list(answer.labels)).replace_schema_metadata(_beside(answer))


def to_pandas(answer: "Released") -> "pd.DataFrame":
    """Return `answer` as a data frame."""
    frame = to_arrow(answer).to_pandas()
    frame.attrs.update(_beside(answer))
    return frame


def _beside(answer: "Released") -> dict[str, str]:
    return {
        "yanmen.notice": answer.notice,
        "yanmen.mechanism": answer.table.mechanism,
        "yanmen.receipt": answer.receipt.jti,
        "yanmen.receipt_index": str(answer.receipt.index),
    }


def _type(kind: ColumnType, cells: list[Cell]) -> pa.DataType:
    match kind:
        case ColumnType.INTEGER:
            large = any(isinstance(cell, int) and not _INT64_MIN <= cell <= _INT64_MAX for cell in cells)
            return pa.decimal256(_DIGITS_MAX, 0) if large else pa.int64()
        case ColumnType.DECIMAL:
            places = [-int(cell.as_tuple().exponent) for cell in cells if isinstance(cell, Decimal)]
            scale = max((0, *places))
            return pa.decimal128(38, scale) if scale <= 18 else pa.decimal256(_DIGITS_MAX, scale)
        case ColumnType.TEXT:
            return pa.string()
        case ColumnType.BOOLEAN:
            return pa.bool_()
        case ColumnType.DATE:
            return pa.date32()
