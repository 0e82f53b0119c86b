"""What the checker of a bound plan knows of each column, and what the plan says it must find."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.planning.bound_clamps import Range
from yanmen.planning.bound_expressions import Seen
from yanmen.planning.members import Value
from yanmen.planning.relation import Origin, Proof

Call = tuple[Seen, str, Value]
"""An aggregate: what it refers to, its name, and how the engine wrote it."""


@unique
class Kind(Enum):
    """What a column of an operator holds."""

    ROW = "row"
    PUBLIC = "public"
    """Of an open table that guarded rows look things up in."""
    UNIT = "unit"
    OWNER = "owner"
    """The unit once rows are grouped by it."""
    KEY = "key"
    SHARE = "share"
    RANK = "rank"
    GROUP = "group"
    TOTAL = "total"


ROWS = frozenset({Kind.ROW, Kind.PUBLIC})
"""What is known of a row besides whose it is."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One column: its kind and type, and the snapshot columns it derives from.

    `calls` are the aggregates on its way, innermost first; `row` and `share` the ranges to which each
    row, and what one unit adds, were clamped.
    """

    kind: Kind
    type: str
    origins: frozenset[Origin] = frozenset()
    calls: tuple[str, ...] = ()
    row: Range | None = None
    share: Range | None = None


def types(lanes: tuple[Lane, ...]) -> tuple[str, ...]:
    """Return the types of `lanes`."""
    return tuple(lane.type for lane in lanes)


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the reply: its type, and over guarded data where it comes from and how."""

    type: str
    origins: frozenset[Origin] = frozenset()
    calls: tuple[str, ...] = ()
    row: Range | None = None
    share: Range | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan says the engine will do.

    `extremes` admits min and max; `columns` are the planned columns and types of each schema, `lookups`
    the schemas of open tables beside guarded ones; `proof` holds what happens anywhere inside: scans,
    equalities, filters, how many rows or groups each ranking keeps, and groupings by unit that a query
    makes before the last; of the reply's `outputs` the first `keys` group. With `apart` nothing is grouped: the
    reply is a unit, then what is of one row of its. `beside` is how many
    columns of exact data say who has a value, and how many the largest. `parted` says by what column
    and number units are told apart whose groups are ranked and not.
    """

    guarded: bool
    extremes: bool
    columns: dict[str, tuple[tuple[str, str], ...]]
    lookups: frozenset[str]
    units: frozenset[Origin]
    proof: Proof
    outputs: tuple[Shown, ...]
    keys: int
    apart: bool = False
    beside: tuple[int, int] = (0, 0)
    parted: tuple[Origin, int] | None = None

    @property
    def exact(self) -> bool:
        """Whether units, and what is beside them, follow the figures."""
        return self.guarded and self.extremes
