"""Members and nodes of a space, as the signed register lists them."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class PartyRole(Enum):
    """What a party may be; the per-method table (wire/authorisation) speaks of these."""

    NODE = "node"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    REGULATOR = "regulator"
    AGGREGATOR = "aggregator"
    AUTHORITY = "authority"
    STEWARD = "steward"
    CHIEF_DATA_OFFICER = "chief-data-officer"
    SECURITY_OFFICER = "security-officer"


OFFICERS = frozenset({PartyRole.STEWARD, PartyRole.CHIEF_DATA_OFFICER, PartyRole.SECURITY_OFFICER})
"""Officers of one department: their connector ids have its subject code."""
LOG_KEEPERS = frozenset({PartyRole.NODE, PartyRole.AGGREGATOR})
"""Parties that serve at an address and keep a log of their own."""


@unique
class PartyStatus(Enum):
    """Only `ACTIVE` may do anything."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


@unique
class KeyUse(Enum):
    """What a key signs."""

    RECEIPT = "receipt"
    LOG = "log"
    MEMBER = "member"


@unique
class KeyEnd(Enum):
    """How a key ended: `ROTATED` keys signed their own exchange, `REVOKED` ones may have been copied or lost."""

    ROTATED = "rotated"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that a party no longer signs with.

    A node's ended at the leaf `index` of its log `origin`; a member's (`origin` "") with the register whose serial
    is `index`. What it signed before stays valid.
    """

    use: KeyUse
    key: bytes
    origin: str
    index: int
    end: KeyEnd


@dataclass(frozen=True, slots=True)
class Party:
    """One entry of the register.

    `id` is the 32-character NDI connector id, `signing_key` the raw 32-byte Ed25519 member or
    receipt key, `log_key` the raw 32-byte Ed25519 log key (nodes only, else empty),
    `certificate_sha256` the hex digest of the DER certificate now in force, `alias` a short name
    usable as an SQL schema, `datasets` the table names a node has listed, `name` for people,
    `envelope_key` the raw key shares are sealed with (aggregators only, else empty), `former_keys`
    the keys it signed with before, oldest first, `region` the six digits of GB/T 2260 whose data
    authority it is (authorities only, else empty), `abilities` the hex SHA-256 of the ability record it handed in
    (nodes only, "" = none).
    """

    id: str
    alias: str
    name: str
    role: PartyRole
    status: PartyStatus
    signing_key: bytes
    log_key: bytes
    certificate_sha256: str
    address: str = ""
    datasets: tuple[str, ...] = ()
    envelope_key: bytes = b""
    former_keys: tuple[FormerKey, ...] = ()
    region: str = ""
    abilities: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """The space's members at `serial`; a node never goes back to a lower serial, nor goes on after `expires_ms`."""

    space: str
    serial: int
    issued_ms: int
    expires_ms: int
    parties: tuple[Party, ...]

    def find(self, party_id: str) -> Party | None:
        """Return the party with `party_id`, whatever its status."""
        for party in self.parties:
            if party.id == party_id:
                return party
        return None
