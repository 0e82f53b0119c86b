"""What an erasure leaf says: which leaves' disclosures were destroyed, and which slots of them.

What the account of a use is made of stays, so that bills and budgets can be recomputed for as long as there is a log.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from yanmen.formats import json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage

DESTROYED = frozenset(
    {
        Slot.CNF,
        Slot.ACTOR,
        Slot.SCENARIO,
        Slot.DATASETS,
        Slot.POLICY,
        Slot.REQUEST,
        Slot.QUERY,
        Slot.PLAN,
        Slot.RELEASE,
        Slot.USAGE,
        Slot.SANDBOX,
        Slot.SUBJECT,
    }
)
"""Slots destroyed: what was asked, of what, signed by whom, and how it ran."""
STAGES = frozenset({Stage.EXPLAINED, Stage.INTENT, Stage.OUTCOME, Stage.REFUSED, Stage.ABORTED, Stage.ACKNOWLEDGED})
"""Leaves of uses; those of contracts, decisions, keys, members and accounts are kept."""
DAY_S = 24 * 60 * 60
_MEMBERS = frozenset({"erased", "leaves"})
_RANGES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """Ranges of leaf indices, both ends included, in order and apart."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, positions: Iterable[int]) -> "Erasure":
        """Return the erasure of the leaves at `positions`, which ascend."""
        ranges: list[tuple[int, int]] = []
        for position in positions:
            if ranges and ranges[-1][1] == position - 1:
                ranges[-1] = (ranges[-1][0], position)
            else:
                ranges.append((position, position))
        return cls(tuple(ranges))

    def indices(self) -> tuple[int, ...]:
        """Return every index."""
        return tuple(index for first, last in self.ranges for index in range(first, last + 1))

    def json(self) -> Json:
        """Return the value of the leaf's slot `subject`."""
        return {
            "erased": sorted(slot.value for slot in DESTROYED),
            "leaves": [[first, last] for first, last in self.ranges],
        }

    @classmethod
    def read(cls, value: Json, below: int) -> "Erasure":
        """Return what the slot's `value` of the leaf with the index `below` holds."""
        members = json_members.exact(value, _MEMBERS)
        json_members.texts(members, "erased", len(Slot))
        ranges: list[tuple[int, int]] = []
        before = -1
        for item in json_members.items(members, "leaves", _RANGES_MAX):
            match item:
                case [int(first), int(last)] if before < first <= last < below:
                    ranges.append((first, last))
                    before = last + 1
                case _:
                    raise Malformed("erasure: ranges that are not in order, or of leaves to come")
        return cls(tuple(ranges))
