"""供需清单: a need filed to a data bureau, and the steps by which it came to use and effect."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.contract import Scenario


@unique
class NeedAct(Enum):
    """提出需求, 匹配目录, 使用, 成效, 办结: who needs files, reports use and effect; the authority does the others."""

    FILED = "filed"
    MATCHED = "matched"
    USED = "used"
    EFFECT = "effect"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class NeedStep:
    """One signed step: `previous` is the hex SHA-256 of the step before, "" for the first.

    `scenario` is the smallest unit, the same in every step; `wanted` says what is looked for, `entries` names what
    was found (NDI id, or node/dataset), `receipts` are uses, each an SD-JWT that shows its scenario.
    """

    need: str
    act: NeedAct
    by: str
    previous: str
    scenario: Scenario
    text: str
    wanted: str
    entries: tuple[str, ...]
    receipts: tuple[str, ...]
    issued_s: int
