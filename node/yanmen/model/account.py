"""Accounts of persons who look at a node's console (用户): who they are, what they may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique


@unique
class AccountRole(Enum):
    """What a person is here."""

    HOLDER = "holder"
    OFFICER = "officer"
    AUDITOR = "auditor"


@unique
class AccountStatus(Enum):
    """Only an active account opens anything."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


SECTIONS: Mapping[AccountRole, frozenset[str]] = {
    AccountRole.HOLDER: frozenset(
        {"", "catalogue", "contracts", "uses", "budget", "receipts", "witnesses", "findings", "incidents", "bills"}
    ),
    AccountRole.OFFICER: frozenset({"", "catalogue", "contracts", "uses", "incidents", "findings"}),
    AccountRole.AUDITOR: frozenset(
        {"", "catalogue", "contracts", "budget", "receipts", "witnesses", "findings", "incidents", "bills"}
    ),
}
"""The pages of each role, by the first part of their path: an auditor follows no running use, an officer no bill."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account: `verified` says by what the name was checked, `password` what is kept of the password."""

    id: str
    name: str
    role: AccountRole
    verified: str
    status: AccountStatus
    password: str
