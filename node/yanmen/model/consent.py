"""授权 and its withdrawal by a person or enterprise in the data, and what follows for snapshots."""

from dataclasses import dataclass
from enum import Enum, unique

EVERY_CONTRACT = ""
"""The scope of a consent that is about all uses."""


@unique
class ConsentRule(Enum):
    """Whose rows may be used: everybody's who did not withdraw, or theirs alone who consented beforehand (授权在先)."""

    UNLESS_WITHDRAWN = "unless-withdrawn"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Consent:
    """What one unit decided about being used: `unit` is a keyed hash, `scope` a contract's id or every contract.

    `given` false is a withdrawal; `evidence` says by what paper or channel, never who it is.
    """

    by: str
    space: str
    unit: str
    scope: str
    given: bool
    evidence: str
    recorded_by: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class Exclusion:
    """The units, as keyed hashes in hex, whose rows a snapshot leaves out, and the key they were hashed with.

    With `others` it is the other way round: every other unit's rows are left out.
    """

    key: bytes
    units: tuple[str, ...]
    others: bool = False


@dataclass(frozen=True, slots=True)
class PersonsUse:
    """One answer that may have included a unit: no row was looked at to say so."""

    index: int
    iat_s: int
    consumer: str
    contract: str
    scenario: str
    datasets: tuple[str, ...]
