"""Is the stored contract the one both sides signed? Asked before each use (TC609-6-2025-16, 8.1)."""

from collections.abc import Sequence

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import Detail, Reason, Refused


def check(contract: Contract, consumer_keys: Sequence[bytes], holder: str, holder_keys: Sequence[bytes]) -> None:
    """Return when `contract` is what its consumer offered and `holder` decided, byte for byte; refuse otherwise.

    Each may have signed with any key it ever had: what was signed before a key was exchanged stays valid, and the
    log tells when it was.
    """
    try:
        terms = documents.open_with(documents.open_offer, contract.offer, consumer_keys)
    except (Malformed, BadSignature) as error:
        raise _altered("offer") from error
    if terms != contract.terms or documents.digest(contract.offer) != contract.digest:
        raise _altered("offer")
    if terms.holder != holder:
        raise _altered("holder")
    # An offer may be revoked before anybody decided on it; it then has no acceptance either.
    undecided = contract.status in (ContractStatus.PENDING, ContractStatus.REVOKED) and not contract.acceptance
    if undecided:
        return
    if contract.status is ContractStatus.PENDING:
        raise _altered("acceptance")
    _check_acceptance(contract, holder, holder_keys)


def _check_acceptance(contract: Contract, holder: str, holder_keys: Sequence[bytes]) -> None:
    try:
        acceptance = documents.open_with(documents.open_acceptance, contract.acceptance, holder_keys)
    except (Malformed, BadSignature) as error:
        raise _altered("acceptance") from error
    denied = contract.status is ContractStatus.DENIED
    decided = ContractStatus.DENIED if denied else ContractStatus.ACTIVE
    chain = (acceptance.contract_id, acceptance.holder, acceptance.offer_sha256, acceptance.decision)
    if chain != (contract.terms.id, holder, contract.digest, decided):
        raise _altered("acceptance")


def _altered(subject: str) -> Refused:
    return Refused(
        Reason.CONTRACT_ALTERED,
        Detail(
            subject,
            hint_en="Ask its holder to look into it.",
            hint_zh="请数据提供方核查。",
        ),
    )
