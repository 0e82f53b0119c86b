"""The life of a contract (数字合约): offered by a consumer, decided by the owner's rule or a person, ended.

    request: signed offer -> pending, or active if the owner's rule approves      approve | deny -> signed decision
    revoke, suspend, resume: the holder alone, at any time; questions under way are stopped at release

Every step is a leaf of the usage log. A decision is signed by the node's receipt key and names the
offer by its digest, so that admission can check both before each use.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from yanmen.admission import controls, entries, identity, integrity, offers, operated, templated
from yanmen.admission.identity import RegisterFile
from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.contract_constraints import MalformedTerms
from yanmen.formats.former_keys import every, receipt_keys
from yanmen.formats.malformed import Malformed
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Version
from yanmen.model.config import Config
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.office import WHO, Act, OfficeStep
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Clock, Signer
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

RULE = "owner's rule 数源部门规则"
"""Who decided, when the owner's rule did."""
GRANT = "grant of operation 授权运营"
"""Who decided, when the holder's grant to an operator did."""
NAME_MAX = 90
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


@dataclass(frozen=True, slots=True)
class Office:
    """Where contracts are made: the owner's rules, the ledger and the key that signs for the holder."""

    config: Config
    ledger: Ledger
    signer: Signer
    clock: Clock
    register: Callable[[], Register]

    @classmethod
    def of(cls, holder: Holder) -> "Office":
        """Return the office of an opened node."""
        return cls(holder.config, holder.ledger, holder.receipt_signer, holder.clock, holder.register.current)


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval; for important data also who looked at it first (专管员) and the three reasons."""

    decided_by: str
    reviewed_by: str = ""
    reasons: Reasons = field(default_factory=Reasons)


def request(offer: bytes, peer: Party, office: Office) -> Contract:
    """Take in `offer` by `peer`; the same offer again returns the same contract as it stands now."""
    terms = _open(offer, peer, office.config.id)
    known = office.ledger.contract(terms.id)
    if known is not None and known.digest != documents.digest(offer):
        hint = Detail("@id", hint_en="Give the new terms an id of their own.", hint_zh="请为新合约使用新的标识。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint)
    if known is not None and known.status is not ContractStatus.PENDING:
        return known
    versions = _check(terms, office)
    if known is None:
        office.ledger.add_offer(Contract(terms, offer, b"", documents.digest(offer), ContractStatus.PENDING))
    operates = terms.operated is not None  # the operator's word comes first, and then the grant decides
    if not operates and offers.rule_approves(terms, versions, office.config) and _affordable(terms, versions, office):
        return _decide(terms.id, offer, ContractStatus.ACTIVE, Approval(RULE), office)
    return show(terms.id, office)


def approve(contract_id: str, approval: Approval, office: Office) -> Contract:
    """Sign the pending contract on behalf of its holder; everything is checked again, as it is now."""
    contract = _pending(contract_id, office)
    consumer = _consumer(identity.active(contract.terms.consumer, office.register()))
    holder_keys = receipt_keys(office.register().find(office.config.id), office.signer.public)
    integrity.check(contract, every(consumer, KeyUse.MEMBER), office.config.id, holder_keys)
    versions = _check(contract.terms, office)
    operated.check_endorsed(contract, office.ledger.operations(), office.ledger.endorsement(contract_id))
    _check_approval(approval)
    if offers.is_important(contract.terms, versions):
        approval = _signed_approval(contract, office)
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
    contract = _pending(contract_id, office)
    versions = _check(contract.terms, office)
    operated.check_endorsed(contract, office.ledger.operations(), office.ledger.endorsement(contract_id))
    if offers.is_important(contract.terms, versions) or not _affordable(contract.terms, versions, office):
        return contract
    return _decide(contract_id, contract.offer, ContractStatus.ACTIVE, Approval(GRANT), office)


def deny(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Deny the pending contract; the refusal is signed like an approval."""
    approval = Approval(decided_by)
    _check_approval(approval)
    return _decide(contract_id, _pending(contract_id, office).offer, ContractStatus.DENIED, approval, office)


def revoke(contract_id: str, decided_by: str, office: Office) -> Contract:
    """End the contract for good."""
    return _change(contract_id, ContractStatus.REVOKED, decided_by, office)


def suspend(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Stop the contract until it is resumed or revoked."""
    return _change(contract_id, ContractStatus.SUSPENDED, decided_by, office)


def resume(contract_id: str, decided_by: str, office: Office) -> Contract:
    """Let a suspended contract admit questions again."""
    if show(contract_id, office).status is not ContractStatus.SUSPENDED:
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


def _check(terms: Terms, office: Office) -> dict[str, Version]:
    """Return the versions granted once these terms may be signed now."""
    found = {grant.dataset: office.ledger.version(grant.dataset) for grant in terms.grants}
    versions = {name: version for name, version in found.items() if version is not None}
    offers.check_offer(terms, versions, office.config, office.clock.now_ms())
    controls.check(terms, office.ledger.contracts(terms.consumer))
    entries.check_listed((version.dataset for version in versions.values()), office.register(), office.ledger.review)
    entries.check_grantable(terms, versions, office.ledger.negative_lists())
    operated.check_terms(terms, office.ledger.operations(), office.ledger.product, office.clock.now_ms())
    templated.check(terms, office.ledger.template)
    return versions


def _affordable(terms: Terms, versions: dict[str, Version], office: Office) -> bool:
    """Say whether every subject space has this much left; for the holder, since it tells what others spent."""
    for name in offers.subject_spaces(terms, versions):
        left = office.ledger.space_left(name)
        if left is None or terms.micro_rho > left.lifetime_micro_rho or terms.delta_e12 > left.lifetime_delta_e12:
            return False
    return True


def officer(step: OfficeStep, node_id: str, register: Register) -> Party:
    """Return the officer of this department whose act `step` claims to be, or refuse one who may not sign it."""
    party = register.find(step.by)
    same = connector_id.decode(step.by).subject == connector_id.decode(node_id).subject
    if party is None or party.status is not PartyStatus.ACTIVE or party.role is not WHO[step.act] or not same:
        hint = Detail(
            step.act.value,
            hint_en=f"This act is signed by this department's {WHO[step.act].value}, with a key of their own.",
            hint_zh="该步骤须由本部门相应岗位的人员以本人密钥签署。",
        )
        raise Refused(Reason.ROLE_NOT_ALLOWED, hint)
    if step.node != node_id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请交由该节点登记。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    return party


def require_review(contract: Contract, decides: str, office: Office) -> OfficeStep:
    """Return the steward's review that lets `decides` decide: approving, of this very offer, by another member."""
    review = _act(contract, Act.REVIEW, office)
    if review is None or not review.approve or review.by == decides:
        raise _unsigned(contract, "review 专管员初审")
    return review


def _signed_approval(contract: Contract, office: Office) -> Approval:
    """Return the approval that steward and chief data officer signed, two members with two keys; names do not do."""
    decision = _act(contract, Act.DECIDE, office)
    if decision is None or not decision.approve:
        missing = ("decide 首席数据官决定",)
        raise _unsigned(contract, *missing, *(() if _act(contract, Act.REVIEW, office) else ("review 专管员初审",)))
    review = require_review(contract, decision.by, office)
    register = office.register()
    names = [officer(step, office.config.id, register).name for step in (review, decision)]
    reasons = Reasons(decision.necessity, decision.legality, decision.security)
    reviewed, decided = (f"{name} {step.by}"[:NAME_MAX] for name, step in zip(names, (review, decision), strict=True))
    return Approval(decided, reviewed, reasons)


def _act(contract: Contract, act: Act, office: Office) -> OfficeStep | None:
    """Return the recorded act, verified again; one over another offer, or by who may not sign it, counts as none."""
    token = office.ledger.office(contract.terms.id, act)
    if token is None:
        return None
    try:
        party = officer(governance.peek_office(token), office.config.id, office.register())
        step = governance.open_office(token, party.signing_key)
    except (Malformed, BadSignature, Refused):
        return None
    return step if (step.contract, step.offer_sha256, step.act) == (contract.terms.id, contract.digest, act) else None


def _unsigned(contract: Contract, *missing: str) -> Refused:
    hint = Detail(
        contract.terms.id,
        hint_en="Important data takes two signatures: the steward's review, then the chief data officer's decision"
        " (yanmen approval sign).",
        hint_zh="重要数据须由数据专管员初审、首席数据官决定，各以本人密钥签署（yanmen approval sign）。",
        clauses=missing,
    )
    return Refused(Reason.POLICY_FORBIDS, hint)


def _check_approval(approval: Approval) -> None:
    for name in (approval.decided_by, approval.reviewed_by):
        if len(name) > NAME_MAX or not name.isprintable():
            raise Refused(Reason.CONTRACT_MALFORMED, Detail("decided_by", hint_en="Too long.", hint_zh="姓名过长。"))
    if not approval.decided_by.strip():
        hint = Detail("decided_by", hint_en="Say who decides.", hint_zh="请写明决定人。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint)


def _pending(contract_id: str, office: Office) -> Contract:
    contract = show(contract_id, office)
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
    return show(contract_id, office)


def _change(contract_id: str, status: ContractStatus, decided_by: str, office: Office) -> Contract:
    _check_approval(Approval(decided_by))
    office.ledger.set_status(contract_id, status, decided_by.strip())
    return show(contract_id, office)
