"""How a contract comes about and ends: what each side may do at which status, and what then stands."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.contract import ContractStatus, Terms

ROUNDS_MAX = 12
"""Signed offers of one negotiation, both sides' together."""


@unique
class Move(Enum):
    """What happens to a contract, or to an amendment of one."""

    OFFER = "offer"
    COUNTER = "counter"
    APPROVE = "approve"
    DENY = "deny"
    COMPLETE = "complete"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"


_S = ContractStatus
TABLE: Mapping[ContractStatus, Mapping[Move, ContractStatus]] = {
    _S.PENDING: {Move.COUNTER: _S.OFFERED, Move.APPROVE: _S.AGREED, Move.DENY: _S.DENIED, Move.END: _S.REVOKED},
    _S.OFFERED: {Move.OFFER: _S.PENDING, Move.END: _S.REVOKED},
    _S.AGREED: {Move.COMPLETE: _S.ACTIVE, Move.END: _S.REVOKED},
    _S.ACTIVE: {Move.SUSPEND: _S.SUSPENDED, Move.END: _S.REVOKED},
    _S.SUSPENDED: {Move.RESUME: _S.ACTIVE, Move.END: _S.REVOKED},
    _S.DENIED: {},
    _S.REVOKED: {},
}
"""What each move makes of each status; what is not here cannot happen."""


@unique
class NegotiationState(Enum):
    """The states of a negotiation in the Dataspace Protocol (2025-1)."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


@unique
class ActKind(Enum):
    """What a side signs about a contract besides offers and decisions."""

    SIGN = "sign"
    VERIFY = "verify"
    END = "end"


@dataclass(frozen=True, slots=True)
class ContractAct:
    """A side's word on a contract at `node`.

    `digest` is the hex SHA-256 of the offer (to sign or end) or of the holder's acceptance (to verify).
    """

    act: ActKind
    by: str
    node: str
    contract: str
    digest: str
    text: str
    issued_s: int


def missing(terms: Terms, signed: Set[str], *, verified: bool) -> tuple[str, ...]:
    """Return the sides whose signature is missing once consumer and holder signed; a negotiated one is verified too."""
    unverified = terms.round is not None and not verified
    return tuple(each for each in terms.signers if each not in signed) + ((terms.consumer,) if unverified else ())


def state(status: ContractStatus, *, accepted: bool, verified: bool, began: bool) -> NegotiationState:
    """Return the protocol's state: `accepted` and `verified` by the consumer, `began` if it was ever in force."""
    match status:
        case ContractStatus.PENDING:
            return NegotiationState.ACCEPTED if accepted else NegotiationState.REQUESTED
        case ContractStatus.OFFERED:
            return NegotiationState.OFFERED
        case ContractStatus.AGREED:
            return NegotiationState.VERIFIED if verified else NegotiationState.AGREED
        case ContractStatus.ACTIVE | ContractStatus.SUSPENDED:
            return NegotiationState.FINALIZED
        case ContractStatus.DENIED:
            return NegotiationState.TERMINATED
        case ContractStatus.REVOKED:
            return NegotiationState.FINALIZED if began else NegotiationState.TERMINATED
