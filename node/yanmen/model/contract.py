"""A contract (数字合约): who may ask what of which columns, for one scenario, at what price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, unique

from yanmen.model.catalogue import Channel
from yanmen.model.consent import ConsentRule
from yanmen.model.tariff import Split, Tariff
from yanmen.model.usage_control import Rules


@unique
class ContractStatus(Enum):
    """Life of a contract; only `ACTIVE` admits a question (model/negotiation.py has what leads from one to another)."""

    PENDING = "pending"
    OFFERED = "offered"
    AGREED = "agreed"
    ACTIVE = "active"
    DENIED = "denied"
    REVOKED = "revoked"
    SUSPENDED = "suspended"


MAY_BECOME: Mapping[ContractStatus, frozenset[ContractStatus]] = {
    ContractStatus.PENDING: frozenset({ContractStatus.REVOKED}),
    ContractStatus.OFFERED: frozenset({ContractStatus.REVOKED}),
    ContractStatus.AGREED: frozenset({ContractStatus.REVOKED}),
    ContractStatus.ACTIVE: frozenset({ContractStatus.REVOKED, ContractStatus.SUSPENDED}),
    ContractStatus.SUSPENDED: frozenset({ContractStatus.ACTIVE, ContractStatus.REVOKED}),
    ContractStatus.DENIED: frozenset(),
    ContractStatus.REVOKED: frozenset(),
}
"""What a contract may become without a signed decision; what is denied or revoked stays so."""
STOPPED = frozenset({ContractStatus.REVOKED, ContractStatus.SUSPENDED})
"""In force once, and not now."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """场景, the smallest unit of authorisation."""

    id: str
    text: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The columns of one dataset that a contract opens."""

    dataset: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one question may use under a contract, where that is less than the node allows; None = as the node says.

    `rows` of an answer from open data, `groups` of the grid of any other, `wall_ms` of the node's `deadline_ms`.
    """

    rows: int | None = None
    groups: int | None = None
    reply_bytes: int | None = None
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    wall_ms: int | None = None
    spill_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Operated:
    """The grant of operation (授权运营) a contract hangs on, and the products that may be asked for under it."""

    grant: str
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """The template (合约模板) that a contract fills in, with the hex SHA-256 of what its holder signed."""

    template: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Round:
    """Which round of a negotiation this is, the hex SHA-256 of the one it answers, and until when it may be answered.

    A first offer is round 1 and says nothing of it.
    """

    number: int
    answers: str
    answer_by_ms: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What the consumer signs and the holder countersigns (FORMATS.md, contract).

    Times are Unix milliseconds; `signers` are the sides that sign beside consumer and holder,
    `deletion_days` says how long after its end proof of deletion is due, `amends` is the hex SHA-256
    of the version it changes, `consent` whose rows may be used. `micro_rho` is the contract's whole privacy budget,
    `micro_rho_per_query` the default charge of one answer and `micro_rho_per_query_max` the most
    a request may choose; prices are in fen. Without a `tariff` every use costs the price of a use.
    """

    id: str
    holder: str
    consumer: str
    channel: Channel
    scenario: Scenario
    grants: tuple[Grant, ...]
    min_group: int
    micro_rho: int
    micro_rho_per_query: int
    micro_rho_per_query_max: int
    delta_e12: int
    queries: int
    queries_per_day: int
    not_before_ms: int
    not_after_ms: int
    price_per_query_fen: int
    regulator_discloses: tuple[str, ...]
    retention_days: int
    paper_sha256: str = ""
    bounds: Bounds = Bounds()
    tariff: Tariff | None = None
    split: Split | None = None
    operated: Operated | None = None
    filled: Filled | None = None
    signers: tuple[str, ...] = ()
    deletion_days: int | None = None
    amends: str = ""
    round: Round | None = None
    rules: Rules = field(default_factory=Rules)
    consent: ConsentRule = ConsentRule.UNLESS_WITHDRAWN

    @property
    def price_most_fen(self) -> int:
        """The most one use can cost."""
        return self.price_per_query_fen if self.tariff is None else self.tariff.most_fen

    def columns(self, dataset: str) -> tuple[str, ...] | None:
        """Return the granted columns of `dataset`, or None when it is not granted."""
        for grant in self.grants:
            if grant.dataset == dataset:
                return grant.columns
        return None


@dataclass(frozen=True, slots=True)
class LeftToPerson:
    """A clause for which the owner's rule leaves an offer to a person, and why."""

    clause: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Contract:
    """Terms with both signatures and their state.

    `offer` is the consumer's compact JWS over the terms, `acceptance` the holder's compact JWS
    over the offer's digest and the decision; `digest` is the hex SHA-256 of `offer`. `counter` is the holder's newest
    counter-offer, `signatures` what else was signed over this very offer, `amendment` what is to replace it. Who hands
    in an offer is told why the owner's rule left it to a person, which is no part of the contract.
    """

    terms: Terms
    offer: bytes
    acceptance: bytes
    digest: str
    status: ContractStatus
    decided_by: str = ""
    counter: bytes = b""
    signatures: tuple[bytes, ...] = ()
    amendment: "Contract | None" = None
    left_to_person: tuple[LeftToPerson, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of one contract, for its consumer's eyes only."""

    micro_rho_left: int
    delta_e12_left: int
    queries_left: int
    queries_today_left: int
    spent_fen: int
