"""What a contract grants the regulator to see (监管方披露): a named disclosure that is withheld is a finding."""

from collections.abc import Iterator, Set
from functools import lru_cache

from yanmen.formats.receipt import Slot
from yanmen.model.contract import Terms
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import QUESTION

_ASKED = frozenset({*QUESTION, Slot.DECISION, Slot.SERIES})
_STANDS = frozenset({Slot.CONTRACT, Slot.CONTRACT_DIGEST, Slot.CONSUMER, Slot.SUBJECT, Slot.SERIES})
SAID: dict[Stage, frozenset[Slot]] = {
    Stage.CONTRACT: _STANDS,
    Stage.APPROVAL: _STANDS,
    Stage.EXPLAINED: _ASKED | {Slot.SUBJECT},
    Stage.INTENT: _ASKED,
    Stage.OUTCOME: _ASKED | {Slot.OUTPUT},
    Stage.ABORTED: _ASKED | {Slot.SUBJECT, Slot.USAGE},
    Stage.REFUSED: frozenset({Slot.CONSUMER, Slot.CNF, Slot.QUERY, Slot.DECISION, Slot.SUBJECT, Slot.SERIES}),
}
"""What every leaf of a contract says at its stage; what only some say cannot be told from a decoy."""


def withheld(index: int, stage: Stage, disclosed: Set[Slot], terms: Terms | None) -> Iterator[Finding]:
    """Yield every slot that the contract grants the regulator and the receipt of this leaf does not disclose."""
    granted = frozenset[Slot]() if terms is None else _granted(stage, terms.regulator_discloses)
    if granted <= disclosed:
        return
    for name in sorted(slot.value for slot in granted - disclosed):
        yield finding(Code.GRANT_WITHHELD, index, stage, name)


@lru_cache(maxsize=256)
def _granted(stage: Stage, names: tuple[str, ...]) -> frozenset[Slot]:
    return frozenset(map(Slot, names)) & SAID.get(stage, frozenset())
