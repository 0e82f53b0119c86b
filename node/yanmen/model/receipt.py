"""A receipt (使用回执): a signed log leaf, its disclosures and its place in the log."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Stage(Enum):
    """What a log leaf records."""

    __hash__ = object.__hash__  # members are single objects

    GENESIS = "genesis"
    KEY = "key"
    MEMBER = "member"
    DATASET = "dataset"
    CONTRACT = "contract"
    APPROVAL = "approval"
    EXPLAINED = "explained"
    INTENT = "intent"
    OUTCOME = "outcome"
    REFUSED = "refused"
    ABORTED = "aborted"
    ACKNOWLEDGED = "acknowledged"
    OBJECTION = "objection"
    INCIDENT = "incident"
    ERASURE = "erasure"
    STATEMENT = "statement"
    NOISE = "noise"
    SET = "set"
    OPENED = "opened"
    INSPECTION = "inspection"
    DOCUMENT = "document"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed leaf with its disclosures and its place in the log.

    `sdjwt` is the SD-JWT with what its reader may see, `proof` a C2SP tlog-proof of inclusion.
    """

    index: int
    jti: str
    stage: Stage
    sdjwt: str
    proof: str
