"""Tells what was destroyed after its term from what is withheld: an erasure leaf names it, and the term was over."""

from collections import Counter
from collections.abc import Iterable, Iterator

from yanmen.formats.erasure import DAY_S, DESTROYED, STAGES, Erasure
from yanmen.formats.malformed import Malformed
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import Standing
from yanmen.verify.uses import Use

_DESTROYED = frozenset(slot.value for slot in DESTROYED)


ABOUT_ERASING = STAGES | {Stage.ERASURE}
"""Stages of leaves whose disclosures may be destroyed, and of those that say so."""


def destroyed(found: Finding) -> bool:
    """Say whether what is not disclosed is what an erasure destroys."""
    return found.code in {Code.SLOT_WITHHELD, Code.GRANT_WITHHELD} and found.subject in _DESTROYED


class Erasures:
    """The leaves so far, and those whose disclosures a leaf says were destroyed."""

    __slots__ = ("_erased", "_past", "_standing")

    def __init__(self, standing: Standing) -> None:
        """Take the terms of contracts from `standing`."""
        self._standing = standing
        self._past: dict[int, Use] = {}
        self._erased: dict[int, int] = {}

    def check(self, use: Use) -> Iterable[Finding]:
        """Return what is wrong with the erasure `use`, if it is one."""
        if use.head.stage in STAGES:
            self._past[use.index] = use
        return () if use.head.stage is not Stage.ERASURE or use.subject is None else self._wrong(use)

    def _wrong(self, use: Use) -> Iterator[Finding]:
        try:
            said = Erasure.read(use.subject, use.index)
        except Malformed as error:
            yield finding(Code.SLOT_MALFORMED, use.index, use.head.stage, f"subject: {error}")
            return
        for index in said.indices():
            if self._was_due(index, use.head.iat_s):
                self._erased[index] = use.index
            else:
                yield finding(Code.ERASED_EARLY, use.index, use.head.stage, str(index))

    def excused(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return `findings` without what is not disclosed because it was destroyed, which notes tell instead."""
        kept = [found for found in findings if not self._excuses(found)]
        counted = Counter(self._erased.values())
        return kept + [finding(Code.ERASED, index, Stage.ERASURE, str(counted[index])) for index in sorted(counted)]

    def _excuses(self, found: Finding) -> bool:
        return found.index in self._erased and destroyed(found)

    def _was_due(self, index: int, now_s: int) -> bool:
        """Say whether the leaf is that of a use whose contract's term was over."""
        past = self._past.get(index)
        if past is None:
            return False
        agreement = self._standing.agreements.get(past.contract)
        return agreement is not None and past.head.iat_s + agreement.terms.retention_days * DAY_S <= now_s
