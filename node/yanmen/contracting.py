"""The life of a contract (数字合约): offered by a consumer, decided by the owner's rule or a person, ended.

    request: signed offer -> pending, or active if the owner's rule approves      approve | deny -> signed decision
    an offer under a known id answers a counter-offer, or amends what is in force (yanmen/negotiating.py has the rest)
    revoke, suspend, resume: the holder alone, at any time; questions under way are stopped at release

Every step is a leaf of the usage log. A decision is signed by the node's receipt key and names the
offer by its digest, so that admission can check both before each use.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from yanmen.admission import (
    controls,
    entries,
    guarded,
    identity,
    integrity,
    offers,
    officers,
    operated,
    ruling,
    templated,
)
from yanmen.admission.admit import keys_in
from yanmen.admission.identity import RegisterFile
from yanmen.admission.policies import Policies, Rails
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import weakening
from yanmen.formats.contract import AUTOMATIC, GRANT, RULE, Acceptance, Reasons
from yanmen.formats.contract_constraints import MalformedTerms
from yanmen.formats.former_keys import every, receipt_keys
from yanmen.formats.malformed import Malformed
from yanmen.formats.weakening import SignedVersion
from yanmen.ledger import contracts
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Version
from yanmen.model.config import Config
from yanmen.model.contract import Contract, ContractStatus, LeftToPerson, Terms
from yanmen.model.party import KeyUse, Party, PartyRole, Register
from yanmen.model.ports import Clock, Signer
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

NAME_MAX = officers.NAME_MAX
_CONSUMERS = frozenset({PartyRole.DEVELOPER, PartyRole.OPERATOR})


class Holder(Protocol):
    """What an opened node offers this module."""

    @property
    def config(self) -> Config:
        """The node's configuration."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The node's ledger."""
        ...

    @property
    def receipt_signer(self) -> Signer:
        """The node's receipt key."""
        ...

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        ...

    @property
    def register(self) -> RegisterFile:
        """The space's register."""
        ...

    def policies(self) -> Policies:
        """Read the guard rails in the node's folder."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """Where contracts are made: the owner's rules, the ledger, the key that signs for the holder, the guard rails."""

    config: Config
    ledger: Ledger
    signer: Signer
    clock: Clock
    register: Callable[[], Register]
    rails: Callable[[], Rails]

    @classmethod
    def of(cls, holder: Holder, policies: Policies | None = None) -> "Office":
        """Return the office of an opened node: a serving one has its `policies` in force, another reads its folder."""

        def rails() -> Rails:
            return (policies or holder.policies()).in_force

        return cls(holder.config, holder.ledger, holder.receipt_signer, holder.clock, holder.register.current, rails)


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval; for important data also who looked at it first (专管员) and the three reasons."""

    decided_by: str
    reviewed_by: str = ""
    reasons: Reasons = field(default_factory=Reasons)


def request(offer: bytes, peer: Party, office: Office) -> Contract:
    """Take in `offer` by `peer`; the same offer again returns the same contract as it stands now."""
    terms = _open(offer, peer, office.config.id)
    known, digest = office.ledger.contract(terms.id), documents.digest(offer)
    same = found(known, digest)
    if same is not None and same.status is not ContractStatus.PENDING:
        return same
    if same is None:
        office.ledger.check_place(terms)
    versions = check(terms, office)
    if same is None:
        office.ledger.add_offer(Contract(terms, offer, b"", digest, ContractStatus.PENDING))
    draft = pending(terms.id, office)
    if draft.digest != digest:  # withdrawn meanwhile, and another in its place
        return standing(terms.id, digest, office)
    left = left_to_person(draft, versions, office)
    decided_by = _countered_by(draft, versions) if draft.counter else "" if left else RULE
    if decided_by and terms.operated is None and _affordable(terms, versions, office):
        return _decide(terms.id, offer, ContractStatus.ACTIVE, Approval(decided_by), office)
    return replace(draft, left_to_person=left or (_A_LOOK,))


_A_LOOK = LeftToPerson("yanmen:microRho", "a person looks at it first", "须先经人工审阅")
"""Said where the rest would tell what others spent, or an operator's word comes first and then the grant decides."""


def left_to_person(draft: Contract, versions: dict[str, Version], office: Office) -> tuple[LeftToPerson, ...]:
    """Return why the owner's rule does not sign by itself what waits."""
    found = ruling.beyond(draft.terms, versions, office.config)
    return (*found, *ruling.answers(draft), *weakening.shed(draft.terms, _history(draft.terms, office), RULE))


def why_left(contract: Contract, office: Office) -> tuple[LeftToPerson, ...]:
    """Return why what waits for a person does, as far as its datasets are still there."""
    versions = _granted(contract.terms, office)
    if not all(grant.dataset in versions for grant in contract.terms.grants):
        return ()
    return left_to_person(contract, versions, office) or (_A_LOOK,)


def _history(terms: Terms, office: Office) -> tuple[SignedVersion, ...]:
    """Return the versions that these terms follow, the one in force first."""
    if not terms.amends:
        return ()
    keys = receipt_keys(office.register().find(office.config.id), office.signer.public)
    return ruling.history(office.ledger.signed_versions(terms.id), keys)


def found(known: Contract | None, digest: str) -> Contract | None:
    """Return the contract, or what is to replace it, whichever has this digest."""
    both = (known, None if known is None else known.amendment)
    return next((each for each in both if each is not None and each.digest == digest), None)


def standing(contract_id: str, digest: str, office: Office) -> Contract:
    """Return how the offer of this digest stands now; once it is in force, or over, that is the contract."""
    known = show(contract_id, office)
    return found(known, digest) or known


def _countered_by(draft: Contract, versions: dict[str, Version]) -> str:
    """Return who made the holder's counter-offer that this accepts, "" when it accepts none, or cannot alone."""
    if not draft.counter or ruling.answers(draft) or offers.is_important(draft.terms, versions):
        return ""
    return draft.decided_by


def approve(contract_id: str, approval: Approval, office: Office) -> Contract:
    """Sign the pending contract, or amendment, on behalf of its holder; everything is checked again, as it is now."""
    contract = pending(contract_id, office)
    consumer = _consumer(identity.active(contract.terms.consumer, office.register()))
    holder_keys = receipt_keys(office.register().find(office.config.id), office.signer.public)
    consumer_keys = every(consumer, KeyUse.MEMBER)
    integrity.check(contract, consumer_keys, office.config.id, holder_keys, keys_in(office.register()))
    versions = check(contract.terms, office)
    operated.check_endorsed(contract, office.ledger.operations(), office.ledger.endorsement(contract_id))
    check_approval(approval)
    if offers.is_important(contract.terms, versions):
        approval = Approval(
            *officers.signed_approval(contract, office.config.id, office.ledger.office_over, office.register())
        )
    if not _affordable(contract.terms, versions, office):
        hint = Detail(
            "yanmen:microRho",
            hint_en="What is left of the subject space's lifetime budget does not cover this contract.",
            hint_zh="主体空间剩余的终身预算不足以覆盖该合约。",
        )
        raise Refused(Reason.BUDGET_SPENT, hint)
    return _decide(contract_id, contract.offer, ContractStatus.ACTIVE, approval, office)


def accept_endorsed(contract_id: str, office: Office) -> Contract:
    """Sign a contract its operator endorsed, by the holder's grant itself; important data waits for persons."""
    contract = pending(contract_id, office)
    versions = check(contract.terms, office)
    operated.check_endorsed(contract, office.ledger.operations(), office.ledger.endorsement(contract_id))
    if contract.counter or contract.terms.amends:
        return contract  # a person negotiates, or did
    if offers.is_important(contract.terms, versions) or not _affordable(contract.terms, versions, office):
        return contract
    return _decide(contract_id, contract.offer, ContractStatus.ACTIVE, Approval(GRANT), office)


def deny(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Deny the pending contract, or amendment; the refusal is signed like an approval."""
    approval = Approval(decided_by)
    check_approval(approval)
    return _decide(contract_id, pending(contract_id, office).offer, ContractStatus.DENIED, approval, office)


def revoke(contract_id: str, decided_by: str, office: Office) -> Contract:
    """End the contract for good."""
    return _change(contract_id, ContractStatus.REVOKED, decided_by, office)


def suspend(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Stop the contract until it is resumed or revoked."""
    return _change(contract_id, ContractStatus.SUSPENDED, decided_by, office)


def resume(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Let a suspended contract admit questions again."""
    status = show(contract_id, office).status
    if status in contracts.ENDED:
        raise contracts.cannot(contract_id, status, Reason.CONTRACT_MALFORMED)
    if status is not ContractStatus.SUSPENDED:
        hint = Detail(contract_id, hint_en="The contract is not suspended.", hint_zh="该合约未处于暂停状态。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint)
    return _change(contract_id, ContractStatus.ACTIVE, decided_by, office)


def show(contract_id: str, office: Office) -> Contract:
    """Return the contract as it stands now."""
    contract = office.ledger.contract(contract_id)
    if contract is None:
        hint = Detail(contract_id, hint_en="See yanmen contract list.", hint_zh="请查看 yanmen contract list。")
        raise Refused(Reason.CONTRACT_UNKNOWN, hint)
    return contract


def listed(office: Office, consumer: str = "") -> tuple[Contract, ...]:
    """Return the contracts of `consumer`, or all, oldest first."""
    return office.ledger.contracts(consumer)


def _open(offer: bytes, peer: Party, node_id: str) -> Terms:
    """Return the terms that `peer` offers to this node in its own name."""
    _consumer(peer)
    try:
        terms = documents.open_offer(offer, peer.signing_key)
    except BadSignature as error:
        hint = Detail(
            "signature",
            hint_en="Not signed, as an offer, by the member key in the register.",
            hint_zh="并非由登记的成员密钥以合约要约签署。",
        )
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    except Malformed as error:
        path = error.path if isinstance(error, MalformedTerms) else ""
        hint = Detail(path, hint_en=f"{error}. See docs/FORMATS.md, contract.", hint_zh="合约不符合规定的格式。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint) from error
    if terms.consumer != peer.id:
        hint = Detail("assignee", hint_en="Offer in your own name.", hint_zh="只能以本成员名义提出合约。")
        raise Refused(Reason.SIGNATURE_INVALID, hint)
    if terms.holder != node_id:
        hint = Detail("assigner", hint_en="Offer it to that node.", hint_zh="请向该节点提出。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    return terms


def _consumer(party: Party) -> Party:
    if party.role not in _CONSUMERS:
        hint = Detail(party.role.value, hint_en="Developers and operators make contracts.", hint_zh="该角色不能签约。")
        raise Refused(Reason.ROLE_NOT_ALLOWED, hint)
    return party


def check(terms: Terms, office: Office) -> dict[str, Version]:
    """Return the versions granted once these terms may be signed now."""
    versions = _granted(terms, office)
    offers.check_offer(terms, versions, office.config, office.clock.now_ms())
    controls.check(terms, office.ledger.contracts(terms.consumer))
    entries.check_listed((version.dataset for version in versions.values()), office.register(), office.ledger.review)
    entries.check_grantable(terms, versions, office.ledger.negative_lists())
    operated.check_terms(terms, office.ledger.operations(), office.ledger.product, office.clock.now_ms())
    templated.check(terms, office.ledger.template)
    check_guarded(terms, versions, office)
    return versions


def check_signature(contract: Contract, office: Office) -> None:
    """Refuse one more signature under terms that rails or grades, which may have changed meanwhile, forbid now."""
    terms = contract.terms
    versions = _granted(terms, office)
    for grant in terms.grants:
        if grant.dataset not in versions:
            raise Refused(Reason.DATASET_UNKNOWN, Detail(grant.dataset))
    if offers.is_important(terms, versions):
        officers.require_approved(contract, office.config.id, office.ledger.office_over, office.register())
    check_guarded(terms, versions, office)


def check_guarded(terms: Terms, versions: dict[str, Version], office: Office) -> None:
    """Refuse terms of which the guard rails forbid anything to their consumer."""
    consumer = identity.active(terms.consumer, office.register())
    guarded.check(terms, versions, consumer, office.rails(), office.clock.now_ms())


def _granted(terms: Terms, office: Office) -> dict[str, Version]:
    """Return the newest versions of the datasets granted that there are."""
    found = {grant.dataset: office.ledger.version(grant.dataset) for grant in terms.grants}
    return {name: version for name, version in found.items() if version is not None}


def _affordable(terms: Terms, versions: dict[str, Version], office: Office) -> bool:
    """Say whether every subject space has this much left; for the holder, since it tells what others spent."""
    micro_rho, delta_e12 = _unspent(terms, office)
    for name in offers.subject_spaces(terms, versions):
        left = office.ledger.space_left(name)
        if left is None or micro_rho > left.lifetime_micro_rho or delta_e12 > left.lifetime_delta_e12:
            return False
    return True


def _unspent(terms: Terms, office: Office) -> tuple[int, int]:
    """Return what these terms may still spend; an amendment does not spend again what was spent before it."""
    if not terms.amends:
        return terms.micro_rho, terms.delta_e12
    known, left = show(terms.id, office).terms, office.ledger.balance(terms.id)
    spent = (known.micro_rho - left.micro_rho_left, known.delta_e12 - left.delta_e12_left)
    return terms.micro_rho - spent[0], terms.delta_e12 - spent[1]


def check_approval(approval: Approval) -> None:
    """Refuse an approval that names nobody, or what decides without a person."""
    for name in (approval.decided_by, approval.reviewed_by):
        if name.strip() in AUTOMATIC:
            hint = Detail("decided_by", hint_en="Name the person who decides.", hint_zh="请写明作出决定的人员。")
            raise Refused(Reason.CONTRACT_MALFORMED, hint)
        if len(name) > NAME_MAX or not name.isprintable():
            raise Refused(Reason.CONTRACT_MALFORMED, Detail("decided_by", hint_en="Too long.", hint_zh="姓名过长。"))
    if not approval.decided_by.strip():
        hint = Detail("decided_by", hint_en="Say who decides.", hint_zh="请写明决定人。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint)


def pending(contract_id: str, office: Office) -> Contract:
    """Return what waits for the holder under this id: the contract, or what is to replace it."""
    known = show(contract_id, office)
    contract = known.amendment or known
    if contract.status is not ContractStatus.PENDING:
        hint = Detail(
            contract_id,
            hint_en=f"The contract is {contract.status.value}; it was decided already.",
            hint_zh=f"该合约当前状态为 {contract.status.value}，已有决定。",
        )
        raise Refused(Reason.CONTRACT_MALFORMED, hint)
    return contract


def _decide(contract_id: str, offer: bytes, status: ContractStatus, approval: Approval, office: Office) -> Contract:
    """Sign and record the decision; the signed bytes must read back under the node's own key."""
    names = [name.strip() for name in (approval.reviewed_by, approval.decided_by) if name.strip()]
    acceptance = Acceptance(
        contract_id=contract_id,
        holder=office.config.id,
        offer_sha256=documents.digest(offer),
        decision=status,
        decided_by=" → ".join(names),
        reasons=approval.reasons,
        time_ms=office.clock.now_ms(),
    )
    try:
        signed = documents.sign_acceptance(acceptance, office.signer)
        documents.open_acceptance(signed, office.signer.public)
    except Malformed as error:
        raise Refused(Reason.CONTRACT_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        raise Fault(FaultCode.KEYS, "the receipt key does not sign as its public half says") from error
    office.ledger.decide(contract_id, status, signed, acceptance.decided_by)
    return standing(contract_id, acceptance.offer_sha256, office)


def _change(contract_id: str, status: ContractStatus, decided_by: str, office: Office) -> Contract:
    check_approval(Approval(decided_by))
    office.ledger.set_status(contract_id, status, decided_by.strip())
    return show(contract_id, office)
