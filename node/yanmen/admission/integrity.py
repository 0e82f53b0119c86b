"""Is the stored contract the one both sides signed? Asked before each use (TC609-6-2025-16, 8.1)."""

from collections.abc import Callable, Sequence

from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.negotiation import ActKind, missing
from yanmen.model.refusal import Detail, Reason, Refused

KeysOf = Callable[[str], Sequence[bytes]]
"""The keys a party of the register ever signed with; none for one that it does not list."""
_IN_FORCE = frozenset({ContractStatus.ACTIVE, ContractStatus.SUSPENDED})


def check(
    contract: Contract, consumer_keys: Sequence[bytes], holder: str, holder_keys: Sequence[bytes], keys_of: KeysOf
) -> None:
    """Return when `contract` is what its consumer offered, `holder` decided and every further side signed.

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
    waits = contract.status in (ContractStatus.PENDING, ContractStatus.OFFERED)
    if (waits or contract.status is ContractStatus.REVOKED) and not contract.acceptance:
        return
    if waits:
        raise _altered("acceptance")
    _check_acceptance(contract, holder, holder_keys)
    if contract.status in _IN_FORCE:
        _check_signatures(contract, consumer_keys, keys_of)


def _check_signatures(contract: Contract, consumer_keys: Sequence[bytes], keys_of: KeysOf) -> None:
    """Refuse a contract in force that a side did not sign over these very bytes."""
    terms, signed, verified = contract.terms, set[str](), False
    accepted = documents.digest(contract.acceptance)
    for token in contract.signatures:
        try:
            by = agreements.peek_act(token).by
            keys = consumer_keys if by == terms.consumer else keys_of(by)
            word = documents.open_with(agreements.open_act, token, keys or (b"",))
        except (Malformed, BadSignature) as error:
            raise _altered("signature") from error
        if (word.contract, word.node) != (terms.id, terms.holder):
            raise _altered("signature")
        if word.act is ActKind.SIGN and word.digest == contract.digest:
            signed.add(word.by)
        verified = verified or (word.act, word.by, word.digest) == (ActKind.VERIFY, terms.consumer, accepted)
    if missing(terms, signed, verified=verified):
        raise _altered("signature")


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
