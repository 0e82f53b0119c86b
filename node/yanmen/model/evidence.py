"""Evidence that a node reports to the platform (存证上报): how far its log is, what happened since the last report."""

from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.model.party import PartyRole
from yanmen.model.receipt import Stage

PLATFORM = frozenset({PartyRole.AUTHORITY, PartyRole.REGULATOR})
"""Who may take a node's reports in and sign for them."""


@dataclass(frozen=True, slots=True)
class ContractUses:
    """How many questions under one contract ("" = the contracts that are not named) began, and how they ended."""

    contract: str
    asked: int
    answered: int
    aborted: int


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """One report: `number` counts from 1, `previous` is the hex SHA-256 of the report before ("" = none).

    `head` is the log's signed checkpoint; `growth` proves that it grew out of that of the report before, which had
    `since` leaves (0: a log that began since). `stages` and `uses` count what the leaves from `since` on say.
    """

    node: str
    number: int
    previous: str
    head: str
    since: int
    growth: tuple[bytes, ...]
    stages: Mapping[Stage, int]
    uses: tuple[ContractUses, ...]
    issued_s: int


@dataclass(frozen=True, slots=True)
class EvidenceReceipt:
    """The platform's word that it has a report: who has it, the report's hex SHA-256 and number."""

    by: str
    node: str
    report_sha256: str
    number: int
    issued_s: int
