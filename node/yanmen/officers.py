"""Officers of a department: who may sign which act about a contract, and what they signed."""

from collections.abc import Callable

from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id
from yanmen.formats.contract import Reasons
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract
from yanmen.model.office import WHO, Act, OfficeStep
from yanmen.model.party import Party, PartyStatus, Register
from yanmen.model.refusal import Detail, Reason, Refused

Acts = Callable[[str, Act], bytes | None]
"""The newest act of an officer about a contract, as signed."""
NAME_MAX = 90


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


def require_review(contract: Contract, decides: str, node_id: str, acts: Acts, register: Register) -> OfficeStep:
    """Return the steward's review that lets `decides` decide: approving, of this very offer, by another member."""
    review = _act(contract, Act.REVIEW, node_id, acts, register)
    if review is None or not review.approve or review.by == decides:
        raise _unsigned(contract, "review 专管员初审")
    return review


def signed_approval(contract: Contract, node_id: str, acts: Acts, register: Register) -> tuple[str, str, Reasons]:
    """Return the approval that steward and chief data officer signed, two members with two keys; names do not do."""
    decision = _act(contract, Act.DECIDE, node_id, acts, register)
    if decision is None or not decision.approve:
        missing = ("decide 首席数据官决定",)
        raise _unsigned(
            contract, *missing, *(() if _act(contract, Act.REVIEW, node_id, acts, register) else ("review 专管员初审",))
        )
    review = require_review(contract, decision.by, node_id, acts, register)
    names = [officer(step, node_id, register).name for step in (review, decision)]
    reasons = Reasons(decision.necessity, decision.legality, decision.security)
    reviewed, decided = (f"{name} {step.by}"[:NAME_MAX] for name, step in zip(names, (review, decision), strict=True))
    return decided, reviewed, reasons


def _act(contract: Contract, act: Act, node_id: str, acts: Acts, register: Register) -> OfficeStep | None:
    """Return the recorded act, verified again; one over another offer, or by who may not sign it, counts as none."""
    token = acts(contract.terms.id, act)
    if token is None:
        return None
    try:
        party = officer(governance.peek_office(token), node_id, register)
        step = governance.open_office(token, party.signing_key)
    except (Malformed, BadSignature, Refused):
        return None
    return step if (step.contract, step.offer_sha256, step.act) == (contract.terms.id, contract.digest, act) else None


def _unsigned(contract: Contract, *missing: str) -> Refused:
    hint = Detail(
        contract.terms.id,
        hint_en="Important data takes two signatures: the steward's review, then the chief data officer's decision"
        " (yanmen approval review, then yanmen approval decide).",
        hint_zh="重要数据须由数据专管员初审、首席数据官决定，各以本人密钥签署"
        "（yanmen approval review，yanmen approval decide）。",
        clauses=missing,
    )
    return Refused(Reason.POLICY_FORBIDS, hint)
