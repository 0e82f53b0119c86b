"""Which units can have more groups than count: those with more rows, as a snapshot holds their number.

Only their groups need ranking; those of all others are kept whatever they are. How many are heavy is not public, so
the statement is the same for any data: it takes light and heavy units apart, and ranks the groups of the heavy.
"""

from dataclasses import dataclass

from yanmen.planning.reach import Reach
from yanmen.planning.row_source import Rows, is_lookup


@dataclass(frozen=True, slots=True)
class Parting:
    """Units are told apart by their rows in the table at `position`: at most `most`, or more."""

    position: int
    most: int


def parting(rows: Rows, reach: Reach) -> Parting | None:
    """Return how units of `rows` are told apart, None where none are ranked or their rows are not counted.

    They are where one table alone has several rows of a unit, so that a unit has no more joined rows than there.
    """
    if not reach.capped:
        return None
    sources = rows.scope.sources
    guarded = [position for position, source in enumerate(sources) if source.unit() is not None]
    several = [position for position in guarded if sources[position].dataset.rows_per_unit > 1]
    others = [position for position in range(len(sources)) if position not in guarded]
    if len(several) != 1 or several[0] in rows.joined.left or not all(is_lookup(rows, each) for each in others):
        return None
    versions = [sources[position].version for position in guarded]
    counted = sources[several[0]].version
    if any(version is None for version in versions) or counted is None or not counted.counted:
        return None
    return Parting(several[0], reach.cells)
