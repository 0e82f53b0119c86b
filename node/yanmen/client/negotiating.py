"""What a side signs in a negotiation: answers to counter-offers, amendments, and words on a contract."""

from collections.abc import Sequence
from dataclasses import replace

from yanmen.client.identity import Identity
from yanmen.crypto import agreements, documents
from yanmen.formats import deletion
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.deletion import DeletionProof, ReleasedAnswer
from yanmen.model.negotiation import ActKind, ContractAct
from yanmen.model.party import Register
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Reason, Refused

DAY_MS = 24 * 60 * 60 * 1000


def answer(contract: Contract, terms: Terms | None, days: int, clock: Clock) -> Terms:
    """Return the next round: the holder's counter-offer accepted as it is, or other `terms`, to be answered in time."""
    waits = contract.amendment or contract
    if waits.status is not ContractStatus.OFFERED:
        hint = Detail(waits.status.value, hint_en="The holder made no counter-offer.", hint_zh="提供方没有反要约。")
        raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, hint)
    countered = agreements.peek_terms(waits.counter)
    number = 2 if countered.round is None else countered.round.number + 1
    said = Round(number, documents.digest(waits.counter), clock.now_ms() + days * DAY_MS)
    return replace(countered if terms is None else terms, amends=countered.amends, round=said)


def amendment(contract: Contract, terms: Terms) -> Terms:
    """Return `terms` as an amendment of the version of `contract` in force."""
    return replace(terms, amends=contract.digest, round=None)


def word(kind: ActKind, contract: Contract, text: str, identity: Identity, clock: Clock) -> bytes:
    """Return the member's signed word on a contract: on the version in force, or on what waits for signatures."""
    waits = contract.amendment if kind is not ActKind.END and contract.amendment is not None else contract
    digest = documents.digest(waits.acceptance) if kind is ActKind.VERIFY else waits.digest
    now_s = clock.now_ms() // 1000
    said = ContractAct(kind, identity.id, contract.terms.holder, contract.terms.id, digest, text, now_s)
    return agreements.sign_act(said, identity.signer)


def proof(contract: Contract, answers: Sequence[ReleasedAnswer], how: str, identity: Identity, clock: Clock) -> bytes:
    """Return the member's signed statement that all `answers` under a contract are destroyed by now."""
    now_s = clock.now_ms() // 1000
    said = DeletionProof(
        by=identity.id,
        node=contract.terms.holder,
        contract=contract.terms.id,
        digest=contract.digest,
        answers=len(answers),
        answers_sha256=deletion.answers_sha256(answers),
        destroyed_s=now_s,
        text=how,
        issued_s=now_s,
    )
    return agreements.sign_deletion(said, identity.signer)


def side(name: str, register: Register) -> str:
    """Return the id of the party that the register lists under the id or alias `name`."""
    for party in register.parties:
        if name in (party.id, party.alias):
            return party.id
    raise Refused(Reason.IDENTITY_UNKNOWN, Detail(name))
