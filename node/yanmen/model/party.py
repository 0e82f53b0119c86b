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


LOG_KEEPERS = frozenset({PartyRole.NODE, PartyRole.AGGREGATOR})
"""Parties that serve at an address and keep a log of their own."""


@unique
class PartyStatus(Enum):
    """Only `ACTIVE` may do anything."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Party:
    """One entry of the register.

    `id` is the 32-character NDI connector id, `signing_key` the raw 32-byte Ed25519 member or
    receipt key, `log_key` the raw 32-byte Ed25519 log key (nodes only, else empty),
    `certificate_sha256` the hex digest of the DER certificate now in force, `alias` a short name
    usable as an SQL schema, `datasets` the table names a node has listed, `name` for people,
    `envelope_key` the raw key shares are sealed with (aggregators only, else empty).
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
