"""Expressions over released cells: their SQL, type and, where they are a released figure itself, its ±."""

from dataclasses import dataclass

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.sql_terms import quoted
from yanmen.planning.syntax import Op
from yanmen.planning.typed_functions import TEXT_MADE_MAX

PLACES = 9
"""Decimal places of a computed figure that was not rounded."""


@dataclass(frozen=True, slots=True)
class Shown:
    """SQL over `cells`: `stored` when it is a released column or a literal in its natural type, else a float.

    `source` is the released column whose ± this carries and `width` the SQL of that ±, `text` the value
    of a text literal, `length` the most characters of a text.
    """

    sql: str
    type: ColumnType | None
    stored: bool = False
    source: str = ""
    width: str = ""
    places: int = PLACES
    weight: int = 1
    text: str | None = None
    length: int = TEXT_MADE_MAX

    @property
    def numeric(self) -> bool:
        """Whether this is a number."""
        return self.type in (ColumnType.INTEGER, ColumnType.DECIMAL)


def mismatch(op: Op, at: Place) -> Exception:
    """Return the refusal of operands whose types do not go together."""
    return refused(Reason.TYPE_MISMATCH, at, op.value, hints.TYPE)


def number(shown: Shown, op: Op, at: Place) -> str:
    """Return `shown` as a 64-bit float, or refuse what is no number."""
    if shown.type is None:
        return "CAST(NULL AS DOUBLE)"
    if not shown.numeric:
        raise mismatch(op, at)
    return f"CAST({shown.sql} AS DOUBLE)" if shown.stored else shown.sql


def width_column(name: str) -> str:
    """Return the column of the table `cells` that holds the ± of the released column `name`."""
    return quoted(f"w_{name}")
