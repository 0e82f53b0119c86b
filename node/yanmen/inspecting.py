"""An inspection's findings at the node they are about: taken in as the inspector signed them, rectified by the holder.

    open (检查, 问题, 整改期限) -> rectify (整改) -> recheck (复查): passed -> close (销号), or a new deadline

Every step is a signed document and a leaf; the log records them in their turn or not at all.
"""

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.holder import Holder
from yanmen.model.inspection import Act, Issue, IssueState, Step
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused

_INSPECTORS = frozenset({PartyRole.AUDITOR, PartyRole.REGULATOR})


def record(token: bytes, holder: Holder) -> tuple[Receipt, Issue]:
    """Record an inspector's step and return its receipt and how the finding stands; the same step again is the same.

    The inspector must be an active auditor or regulator of the register, and the step must be about this node.
    """
    try:
        claimed = documents.peek_step(token)
        step = documents.open_step(token, _inspector(claimed, holder.register.current()).signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail(
            "signature",
            hint_en="Not signed, as a step of an inspection, by the inspector's key in the register.",
            hint_zh="并非由登记的检查方密钥签署。",
        )
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    if step.node != holder.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请交由该节点存证。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    return holder.ledger.record_step(step, token)


def rectify(finding: str, text: str, holder: Holder) -> tuple[Receipt, Issue, bytes]:
    """Sign and record what was done about the finding; return the signed step too, for the inspector."""
    issue = holder.ledger.issue(finding)
    if issue is None or issue.state is not IssueState.OPEN:
        hint = Detail(finding, hint_en="There is no open finding of this id.", hint_zh="没有此待整改问题。")
        raise Refused(Reason.REQUEST_MALFORMED, hint)
    node = holder.config.id
    step = Step(finding, Act.RECTIFIED, node, node, issue.last, holder.clock.now_ms() // 1000, text)
    try:
        token = documents.sign_step(step, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    return (*holder.ledger.record_step(step, token), token)


def _inspector(step: Step, members: Register) -> Party:
    party = members.find(step.by)
    if party is None or party.role not in _INSPECTORS or party.status is not PartyStatus.ACTIVE:
        hint = Detail(
            step.by,
            hint_en="Auditors and regulators of this space inspect.",
            hint_zh="仅本空间有效的审计方与主管部门可以检查。",
        )
        raise Refused(Reason.ROLE_NOT_ALLOWED, hint)
    return party
