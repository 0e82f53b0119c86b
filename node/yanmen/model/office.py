"""Offices of a department (岗位): what each officer signs about a contract, and nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.contract import Contract, LeftToPerson
from yanmen.model.party import PartyRole


@unique
class Act(Enum):
    """What an officer signs: a first look 初审, the decision 决定, a stop 叫停 and its end 恢复."""

    REVIEW = "review"
    DECIDE = "decide"
    STOP = "stop"
    RESUME = "resume"


WHO: Mapping[Act, PartyRole] = {
    Act.REVIEW: PartyRole.STEWARD,
    Act.DECIDE: PartyRole.CHIEF_DATA_OFFICER,
    Act.STOP: PartyRole.SECURITY_OFFICER,
    Act.RESUME: PartyRole.SECURITY_OFFICER,
}
"""Whose act each is: no role has two that depend on each other, auditors have none."""


@dataclass(frozen=True, slots=True)
class OfficeStep:
    """One signed act of an officer about the offer of this hex SHA-256; its reasons are 必要性, 合法性, 安全性."""

    act: Act
    by: str
    node: str
    contract: str
    offer_sha256: str
    approve: bool
    necessity: str
    legality: str
    security: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contract that waits for a decision: whose turn it is, until when, and why the owner's rule left it."""

    contract: Contract
    important: bool
    turn: Act
    due_ms: int
    left_to_person: tuple[LeftToPerson, ...] = ()

    def overdue(self, now_ms: int) -> bool:
        """Say whether it should have been decided by now."""
        return now_ms >= self.due_ms
