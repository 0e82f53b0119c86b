"""多源校核: one figure from two sources, compared as released; no row is seen, and noise is allowed for.

Of two noised values the difference is noise as well: its 95 % half-width is √(a² + b²) of the two stated ones. A pair
differs when its difference is beyond what noise gives once in a hundred comparisons of this many pairs.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist

from yanmen import regular_file
from yanmen.formats import receipt, released
from yanmen.formats.malformed import Malformed
from yanmen.formats.proof import BYTES_MAX as PROOF_BYTES_MAX
from yanmen.formats.released import Table
from yanmen.model.catalogue import Cell
from yanmen.model.party import PartyRole, Register
from yanmen.verify import verify_receipt_of

TABLE = "table.json"
WITHIN_95 = NormalDist().inv_cdf(0.975)
ONCE_IN = 0.01
"""So often one pair or more of a comparison differs by noise alone."""


@dataclass(frozen=True, slots=True)
class Source:
    """A released table and the node that released it, as its receipt proves."""

    node: str
    table: Table


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both sources: `allowed` is how far noise may put them apart."""

    keys: tuple[Cell, ...]
    label: str
    first: Decimal
    second: Decimal
    allowed: float

    @property
    def differs(self) -> bool:
        """Whether the two sources say different things."""
        return abs(self.first - self.second) > Decimal(self.allowed)


def load(folder: Path, register: Register) -> Source:
    """Return the table in `folder` once its receipt proves that a node of the register released it."""
    table = regular_file.read(folder / TABLE, released.BYTES_MAX)
    receipts = sorted(folder.glob("*.sdjwt"))
    if len(receipts) != 1:
        raise Malformed(f"{folder.name}: not one receipt beside the table")
    proof = receipts[0].with_suffix(".tlog-proof")
    sdjwt = regular_file.read(receipts[0], receipt.BYTES_MAX).decode("ascii")
    for party in register.parties:
        if party.role is PartyRole.NODE and _issuer(sdjwt) == party.id:
            says = verify_receipt_of(party, sdjwt, regular_file.read(proof, PROOF_BYTES_MAX).decode("utf-8"))
            output = says.get("output")
            if not isinstance(output, dict) or output.get("sha256") != hashlib.sha256(table).hexdigest():
                raise Malformed(f"{folder.name}: the receipt is of another table")
            return Source(party.id, released.decode(table))
    raise Malformed(f"{folder.name}: no node of this space issued the receipt")


def compare(first: Source, second: Source) -> tuple[Pair, ...]:
    """Return every figure that both sources give, under the same keys."""
    if first.table.labels != second.table.labels or first.table.types != second.table.types:
        raise Malformed("the two tables are not of one shape: ask both sources the same question")
    ours, theirs = _cells(first.table), _cells(second.table)
    shared = [place for place in ours if place in theirs]
    limit = NormalDist().inv_cdf(1 - ONCE_IN / (2 * max(1, len(shared)))) / WITHIN_95
    return tuple(
        Pair(keys, label, ours[keys, label][0], theirs[keys, label][0], limit * _half(ours, theirs, (keys, label)))
        for keys, label in shared
    )


_Place = tuple[tuple[Cell, ...], str]
_Cells = dict[_Place, tuple[Decimal, float]]


def _half(ours: _Cells, theirs: _Cells, place: _Place) -> float:
    return math.hypot(ours[place][1], theirs[place][1])


def _cells(table: Table) -> _Cells:
    """Return the figures by their keys and labels: what has a width, or in an exact table the numbers."""
    return {(keys, label): (value, width) for keys, label, value, width in _figures(table)}


def _figures(table: Table) -> Iterator[tuple[tuple[Cell, ...], str, Decimal, float]]:
    noised = [any(row[place] is not None for row in table.widths) for place in range(len(table.labels))]
    keyed = any(noised)
    for row, widths in zip(table.rows, table.widths, strict=True):
        figure = [noised[place] if keyed else _number(cell) for place, cell in enumerate(row)]
        keys = tuple(cell for cell, is_figure in zip(row, figure, strict=True) if not is_figure)
        for label, cell, width, is_figure in zip(table.labels, row, widths, figure, strict=True):
            if is_figure and isinstance(cell, int | Decimal) and not isinstance(cell, bool):
                yield keys, label, Decimal(cell), width or 0.0


def _number(cell: Cell) -> bool:
    return isinstance(cell, int | Decimal) and not isinstance(cell, bool)


def _issuer(sdjwt: str) -> str:
    return receipt.decode(sdjwt).leaf.head.iss
