"""Checks that a bound plan ranks the groups of every unit that could have too many: one half of it, or all."""

from collections.abc import Sequence

from yanmen.planning.bound_clamps import compared
from yanmen.planning.bound_expressions import READER, Seen
from yanmen.planning.bound_lanes import Kind, Lane
from yanmen.planning.members import Value
from yanmen.planning.relation import Origin

_LIGHT, _HEAVY = "COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHAN"


class Parts:
    """Notes in each half of a plan which units it is about, and whether their groups are ranked."""

    def __init__(self, parted: tuple[Origin, int] | None) -> None:
        """Look for halves as `parted`: the column of a unit's rows, and how many light ones have at most."""
        self._parted = parted
        self._kept: list[tuple[str, int]] = []
        self._ranked: list[int] = []
        self._halves: list[tuple[list[tuple[str, int]], list[int]]] = []

    @property
    def wanted(self) -> bool:
        """Whether there must be halves."""
        return self._parted is not None

    def filtered(self, lanes: Sequence[Lane], seen: Seen, expression: Value) -> None:
        """Note a filter on how many rows a unit has; nothing else may be done with that number."""
        if self._parted is not None and any(self._parted[0] in lanes[ref].origins for ref in seen.refs):
            self._kept.append(compared(expression, _LIGHT, _HEAVY))

    def ranked(self, lanes: Sequence[Lane], most: int) -> None:
        """Note that at most so many groups of a unit are kept; rows of open tables are ranked elsewhere."""
        if any(lane.kind in (Kind.OWNER, Kind.KEY, Kind.SHARE) for lane in lanes):
            self._ranked.append(most)

    def half(self) -> None:
        """Close the half that was read."""
        self._halves.append((self._kept, self._ranked))
        self._kept, self._ranked = [], []

    def check(self) -> None:
        """Refuse unless light units are in the first half, heavy ones in the second, and these are ranked."""
        if self._parted is None:
            return
        most = self._parted[1]
        if self._halves != [([(_LIGHT, most)], []), ([(_HEAVY, most)], [most])] or self._kept or self._ranked:
            READER.refuse("units apart")
