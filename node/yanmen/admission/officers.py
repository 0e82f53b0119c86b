"""Officers of a department: who may sign which act about a contract, and what they signed."""

from collections.abc import Callable
from dataclasses import dataclass

from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id
from yanmen.formats.contract import Reasons
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract
from yanmen.model.office import WHO, Act, OfficeStep
from yanmen.model.party import KeyUse, Party, PartyStatus, Register
from yanmen.model.refusal import Detail, Reason, Refused

Acts = Callable[[str, Act, str], tuple[int, bytes] | None]
"""The newest act of an officer about the offer of this digest, as signed, and its place in the log."""
NAME_MAX = 90


def officer(step: OfficeStep, node_id: str, register: Register) -> Party:
    """Return the officer of this department whose act `step` claims to be, or refuse one who may not sign it."""
    party = _held(step, node_id, register)
    if party.status is not PartyStatus.ACTIVE:
        raise _no_officer(step)
    if step.node != node_id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请交由该节点登记。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    return party


def _held(step: OfficeStep, node_id: str, register: Register) -> Party:
    """Return whom the register lists in this office of this department, in it still or not."""
    party = register.find(step.by)
    same = connector_id.decode(step.by).subject == connector_id.decode(node_id).subject
    if party is None or party.role is not WHO[step.act] or not same:
        raise _no_officer(step)
    return party


def _no_officer(step: OfficeStep) -> Refused:
    hint = Detail(
        step.act.value,
        hint_en=f"This act is signed by this department's {WHO[step.act].value}, with a key of their own.",
        hint_zh="该步骤须由本部门相应岗位的人员以本人密钥签署。",
    )
    return Refused(Reason.ROLE_NOT_ALLOWED, hint)


def require_review(contract: Contract, decides: str, node_id: str, acts: Acts, register: Register) -> OfficeStep:
    """Return the steward's review that lets `decides` decide: approving, of this very offer, by another member."""
    return _review(contract, decides, _Files(node_id, acts, register))[1]


def signed_approval(contract: Contract, node_id: str, acts: Acts, register: Register) -> tuple[str, str, Reasons]:
    """Return the approval that steward and chief data officer signed, two members with two keys; names do not do."""
    review, decision = _approval(contract, _Files(node_id, acts, register))
    names = [officer(step, node_id, register).name for step in (review, decision)]
    reasons = Reasons(decision.necessity, decision.legality, decision.security)
    reviewed, decided = (f"{name} {step.by}"[:NAME_MAX] for name, step in zip(names, (review, decision), strict=True))
    return decided, reviewed, reasons


def require_approved(contract: Contract, node_id: str, acts: Acts, register: Register) -> None:
    """Refuse a contract whose offer steward and chief data officer never approved, in this order.

    Whoever signed may have exchanged keys, or left, since: what they signed in office stays signed.
    """
    _approval(contract, _Files(node_id, acts, register, in_office=False))


@dataclass(frozen=True, slots=True)
class _Files:
    """Where acts are found, and who may have signed them."""

    node_id: str
    acts: Acts
    register: Register
    in_office: bool = True


def _approval(contract: Contract, files: _Files) -> tuple[OfficeStep, OfficeStep]:
    decided = _act(contract, Act.DECIDE, files)
    if decided is None or not decided[1].approve:
        missing = ("decide 首席数据官决定",)
        raise _unsigned(contract, *missing, *(() if _act(contract, Act.REVIEW, files) else ("review 专管员初审",)))
    reviewed = _review(contract, decided[1].by, files)
    if reviewed[0] > decided[0]:
        raise _unsigned(contract, "decide 首席数据官决定")  # what was decided before it was reviewed was not decided
    return reviewed[1], decided[1]


def _review(contract: Contract, decides: str, files: _Files) -> tuple[int, OfficeStep]:
    found = _act(contract, Act.REVIEW, files)
    if found is None or not found[1].approve or found[1].by == decides:
        raise _unsigned(contract, "review 专管员初审")
    return found


def _act(contract: Contract, act: Act, files: _Files) -> tuple[int, OfficeStep] | None:
    """Return the recorded act, verified again; one over another offer, or by who may not sign it, counts as none."""
    recorded = files.acts(contract.terms.id, act, contract.digest)
    if recorded is None:
        return None
    position, token = recorded
    try:
        claimed = governance.peek_office(token)
        if files.in_office:
            keys: tuple[bytes, ...] = (officer(claimed, files.node_id, files.register).signing_key,)
        else:
            keys = every(_held(claimed, files.node_id, files.register), KeyUse.MEMBER)
        step = documents.open_with(governance.open_office, token, keys)
    except (Malformed, BadSignature, Refused):
        return None
    fits = (step.contract, step.offer_sha256, step.act) == (contract.terms.id, contract.digest, act)
    return (position, step) if fits else None


def _unsigned(contract: Contract, *missing: str) -> Refused:
    hint = Detail(
        contract.terms.id,
        hint_en="Important data takes two signatures over this very contract: the steward's review, then the chief data"
        " officer's decision (yanmen approval review, decide); a contract in force too, once its data is graded so.",
        hint_zh="重要数据须由数据专管员初审、首席数据官决定，各以本人密钥签署该合约（yanmen approval review、decide）；"
        "数据在合约生效后升级为重要的，同样补签。",
        clauses=missing,
    )
    return Refused(Reason.POLICY_FORBIDS, hint)
