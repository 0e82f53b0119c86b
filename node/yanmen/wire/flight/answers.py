"""A released answer as Arrow: what the columns are, and what must stand beside the figures."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from threading import Lock

from yanmen.formats.arrow_fields import DIGITS_128, DIGITS_256, Field, Kind, Value
from yanmen.formats.released import unique
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.stages import Answer, Output
from yanmen.wire.flight.streams import Stream, stream

WIDTH = "yanmen.half_width_95"
"""Metadata of a column: half of its 95 % interval, where that is one number for all its cells."""
KEPT_BYTES = 64 * 1024 * 1024
KEPT_MS = 120_000
"""So long an answer waits for its DoGet; later, or a second time, it is read from the ledger."""
_INT64_MAX = 2**63 - 1
_SCALE = 6
"""Places of a decimal that is not known yet; the answer says how many it has."""


def answered(answer: Answer) -> Stream:
    """Return `answer` as a stream; its receipt and notice are in the schema's metadata and the first app_metadata."""
    fields, columns = [], []
    for place, (label, kind) in enumerate(zip(unique(answer.labels), answer.types, strict=True)):
        cells = [row[place] for row in answer.rows]
        item = _field(label, kind, cells, [row[place] for row in answer.widths])
        fields.append(item)
        columns.append(_values(item, kind, cells))
    said = beside(answer)
    return stream(fields, columns, tuple(said.items()), json.dumps(said, ensure_ascii=False).encode())


def beside(answer: Answer) -> dict[str, str]:
    """Return what goes with the figures wherever they go, by the names the SDK uses too."""
    return {
        "yanmen.notice": answer.notice,
        "yanmen.mechanism": answer.mechanism,
        "yanmen.receipt": answer.receipt.jti,
        "yanmen.receipt_index": str(answer.receipt.index),
        "yanmen.job": answer.job_id,
        "yanmen.suppressed": str(answer.suppressed),
        "yanmen.micro_rho": str(answer.micro_rho),
        "yanmen.micro_rho_left": str(answer.micro_rho_left),
        "yanmen.price_fen": str(answer.price_fen),
        "yanmen.repeated": "true" if answer.repeated else "false",
    }


def expected(columns: Sequence[Output]) -> tuple[Field, ...]:
    """Return the fields of a question that was described and not asked: a decimal's places are a guess."""
    labels = unique(tuple(column.label for column in columns))
    return tuple(
        Field(label, _KINDS[column.type], digits=DIGITS_128, scale=_SCALE if column.type is ColumnType.DECIMAL else 0)
        for label, column in zip(labels, columns, strict=True)
    )


_KINDS: Mapping[ColumnType, Kind] = {
    ColumnType.INTEGER: Kind.INT64,
    ColumnType.DECIMAL: Kind.DECIMAL,
    ColumnType.TEXT: Kind.UTF8,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
    ColumnType.DATE: Kind.DATE,
}


def _field(label: str, kind: ColumnType, cells: Sequence[Cell], widths: Sequence[float | None]) -> Field:
    same = set(widths)
    said = ((WIDTH, repr(widths[0])),) if len(same) == 1 and None not in same else ()
    match kind:
        case ColumnType.DECIMAL:
            return _decimal(label, said, *_places(cells))
        case ColumnType.INTEGER if any(isinstance(cell, int) and abs(cell) > _INT64_MAX for cell in cells):
            return _decimal(label, said, max(len(str(cell)) for cell in cells), 0)
        case _:
            return Field(label, _KINDS[kind], metadata=said)


def _decimal(label: str, said: tuple[tuple[str, str], ...], digits: int, scale: int) -> Field:
    """Return a decimal column of `digits` in all; wider ones than Arrow has are text."""
    if digits > DIGITS_256:
        return Field(label, Kind.UTF8, metadata=said)
    held = DIGITS_128 if digits <= DIGITS_128 else DIGITS_256
    return Field(label, Kind.DECIMAL, digits=held, scale=scale, metadata=said)


def _places(cells: Sequence[Cell]) -> tuple[int, int]:
    """Return how many digits every one of `cells` fits in, and how many of them are behind the point."""
    scale = whole = 0
    for cell in cells:
        if isinstance(cell, Decimal):
            exponent = cell.as_tuple().exponent
            scale = max(scale, -exponent if isinstance(exponent, int) else 0)
            whole = max(whole, cell.adjusted() + 1)
    return whole + scale, scale


def _values(item: Field, kind: ColumnType, cells: list[Cell]) -> list[Value]:
    if item.kind is Kind.UTF8 and kind is not ColumnType.TEXT:
        return [
            None if cell is None else format(cell, "f") if isinstance(cell, Decimal) else str(cell) for cell in cells
        ]
    return [*cells]


class Waiting:
    """Answers encoded and not fetched yet, each its owner's alone: a bounded number of bytes for a short while."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = Lock()
        self._kept: dict[tuple[str, str], tuple[Stream, int]] = {}

    def keep(self, owner: str, job_id: str, answer: Stream, now_ms: int) -> None:
        """Keep `answer` for its DoGet, letting go of the oldest when there are too many."""
        with self._lock:
            self._kept.pop((owner, job_id), None)
            self._kept[owner, job_id] = answer, now_ms
            self._let_go(now_ms)

    def find(self, owner: str, job_id: str, now_ms: int) -> Stream | None:
        """Return the answer of `owner`'s job if it is still kept."""
        with self._lock:
            self._let_go(now_ms)
            found = self._kept.get((owner, job_id))
            return None if found is None else found[0]

    def fetched(self, owner: str, job_id: str) -> None:
        """Let go of an answer that was sent whole."""
        with self._lock:
            self._kept.pop((owner, job_id), None)

    def _let_go(self, now_ms: int) -> None:
        size = sum(kept.size for kept, _ in self._kept.values())
        for key, (kept, since_ms) in list(self._kept.items()):
            if size <= KEPT_BYTES and now_ms - since_ms <= KEPT_MS:
                break
            del self._kept[key]
            size -= kept.size
