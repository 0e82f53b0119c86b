"""Approval by officers (审批): each signs with a key of their own, in their turn, and only what their office is.

general data     the owner's rule, or one decision of the chief data officer 首席数据官
important data   the steward 数据专管员 first, then the chief data officer, with three reasons each
a stop           the security officer 安全员, any time
"""

from collections.abc import Iterator

from yanmen import contracting
from yanmen.admission import offers, officers
from yanmen.admission.policies import Policies
from yanmen.contracting import Approval, Office
from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id
from yanmen.formats.contract import Reasons
from yanmen.formats.malformed import Malformed
from yanmen.ledger import contracts
from yanmen.ledger.signed import Paper
from yanmen.model.catalogue import Grade
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.governance import DocumentKind
from yanmen.model.office import Act, OfficeStep, Waiting
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.node.holder import Holder
from yanmen.node.overdue import LOOK_MS, alert

HOUR_MS = 3_600_000
SKEW_S = 60
"""How far the clock of who signs may be ahead of the node's."""
_CARRIED_OUT_OF = {
    Act.STOP: frozenset({ContractStatus.ACTIVE, ContractStatus.SUSPENDED}),
    Act.RESUME: frozenset({ContractStatus.SUSPENDED}),
}
"""How a contract must stand for an act to be recorded: what has no effect now is to have none later."""
_SIGNED = frozenset({ContractStatus.AGREED, ContractStatus.ACTIVE, ContractStatus.SUSPENDED})


def require_own(party: Party, holder: Holder) -> None:
    """Refuse an officer of another department."""
    if connector_id.decode(party.id).subject != connector_id.decode(holder.config.id).subject:
        raise Refused(Reason.ROLE_NOT_ALLOWED, Detail(party.role.value))


def record(
    token: bytes, holder: Holder, sender: str = "", policies: Policies | None = None
) -> tuple[Receipt, Contract]:
    """Record an officer's signed act and carry it out; return its receipt and how the contract stands.

    Who hands it in over the wire, the `sender`, is who signed it. A serving node has its `policies` in force.
    """
    step, officer = _opened(token, holder)
    if sender and step.by != sender:
        hint = Detail("by", hint_en="Each officer hands in their own act.", hint_zh="须由签署人本人提交。")
        raise Refused(Reason.SIGNATURE_INVALID, hint)
    office = Office.of(holder, policies)
    known = contracting.show(step.contract, office)
    contract = contracting.found(known, step.offer_sha256)
    if contract is None:
        raise _refused("offer_sha256", "Signed over another offer.", "签署的不是该要约。", Reason.CONTRACT_MALFORMED)
    _require_turn(step, contract, holder)

    recorded: list[bytes | None] = []

    def follows(before: bytes | None) -> None:
        once = contract.status is ContractStatus.PENDING and step.act is Act.REVIEW
        signed = once and before is not None
        if before is not None and signed and governance.peek_office(before).offer_sha256 == step.offer_sha256:
            raise _refused(step.act.value, "It was signed already.", "该步骤已签署。", Reason.REQUEST_REPLAYED)
        if step.act in _CARRIED_OUT_OF and contract.status not in _CARRIED_OUT_OF[step.act]:
            raise contracts.cannot(step.contract, contract.status, Reason.CONTRACT_MALFORMED)
        recorded.append(before)

    receipt = holder.ledger.record_document(Paper(DocumentKind.OFFICE, _subject(step), token), follows)
    if not recorded and _is_past(step, receipt.index, holder):
        return receipt, contracting.standing(step.contract, step.offer_sha256, office)
    return receipt, _carried_out(step, officer, contract, office)


def queue(holder: Holder) -> tuple[Waiting, ...]:
    """Return what waits for an officer, oldest first."""
    hours, office = holder.config.approve_hours, Office.of(holder)
    found = []
    for contract, offered_ms in holder.ledger.pending():
        important = _important(contract, holder)
        reviewed = _is_reviewed(contract, holder)
        turn = Act.REVIEW if important and not reviewed else Act.DECIDE
        left = contracting.why_left(contract, office)
        found.append(Waiting(contract, important, turn, offered_ms + hours * HOUR_MS, left))
    found.extend(_graded_since(holder, hours * HOUR_MS))
    return tuple(found)


def _graded_since(holder: Holder, hours_ms: int) -> Iterator[Waiting]:
    """Yield what was signed on data of grade general that was published again as important: no use is admitted."""
    newest = {version.dataset.name: version for version in holder.ledger.versions()}
    raised = {name: each for name, each in newest.items() if each.dataset.grade is not Grade.GENERAL}
    if not raised:
        return
    for contract in holder.ledger.contracts():
        granted = [raised[grant.dataset] for grant in contract.terms.grants if grant.dataset in raised]
        if granted and _reopened(contract, holder):
            turn = Act.DECIDE if _is_reviewed(contract, holder) else Act.REVIEW
            yield Waiting(contract, True, turn, max(each.published_ms for each in granted) + hours_ms)  # noqa: FBT003 - its field


def _is_reviewed(contract: Contract, holder: Holder) -> bool:
    return holder.ledger.office_over(contract.terms.id, Act.REVIEW, contract.digest) is not None


class Deadlines:
    """Alerts once for each contract that was not decided in time: a line in the node's log and a file in its outbox."""

    def __init__(self, holder: Holder) -> None:
        """Hold the node."""
        self._holder = holder
        self._looked_ms = 0

    def look(self) -> None:
        """Look, every ten seconds."""
        now_ms = self._holder.clock.now_ms()
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        for waiting in queue(self._holder):
            if waiting.overdue(now_ms):
                terms, turn = waiting.contract.terms, waiting.turn.value
                alert(self._holder, terms.id, turn, f"{terms.scenario.id}: {turn}", "approval overdue 审批逾期")


def _opened(token: bytes, holder: Holder) -> tuple[OfficeStep, Party]:
    """Return the act and the officer who signed it."""
    try:
        step = governance.peek_office(token)
        officer = officers.officer(step, holder.config.id, holder.register.current())
        return governance.open_office(token, officer.signing_key), officer
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        raise Refused(Reason.SIGNATURE_INVALID, Detail("office")) from error


def _require_turn(step: OfficeStep, contract: Contract, holder: Holder) -> None:
    """Refuse an act that is not due: a decision on important data before its review, or by the reviewer's own hand."""
    if step.issued_s > holder.clock.now_ms() // 1000 + SKEW_S:
        en, zh = (
            "It is dated later than the node's clock: set yours right and sign again.",
            "签署时间晚于节点时钟：请校准时钟后重新签署。",
        )
        raise _refused(step.act.value, en, zh, Reason.REQUEST_EXPIRED)
    if step.act in (Act.STOP, Act.RESUME):
        later = [_newest(contract.terms.id, act, holder) for act in (Act.STOP, Act.RESUME)]
        if step.act is Act.RESUME and any(each is not None and step.issued_s < each[1].issued_s for each in later):
            en, zh = "It was signed before the act it would undo.", "其签署早于所要撤销的行为。"
            raise _refused(step.act.value, en, zh, Reason.REQUEST_REPLAYED)
        return
    if contract.status is not ContractStatus.PENDING and not _reopened(contract, holder):
        raise _refused(contract.terms.id, "It was decided already.", "该合约已有决定。", Reason.CONTRACT_MALFORMED)
    if step.act is Act.DECIDE and step.approve and _important(contract, holder):
        acts, register = holder.ledger.office_over, holder.register.current()
        officers.require_review(contract, step.by, holder.config.id, acts, register)


def _reopened(contract: Contract, holder: Holder) -> bool:
    """Say whether officers have to sign what was signed without them: its data is graded important by now."""
    if contract.status not in _SIGNED or not _important(contract, holder):
        return False
    try:
        officers.require_approved(contract, holder.config.id, holder.ledger.office_over, holder.register.current())
    except Refused:
        return True
    return False


def require_not_stopped(contract_id: str, holder: Holder) -> None:
    """Refuse to resume by a name what the security officer stopped by a signature."""
    stop, resumed = (_newest(contract_id, act, holder) for act in (Act.STOP, Act.RESUME))
    if stop is not None and (resumed is None or resumed[0] < stop[0]):
        en = "The security officer stopped it and resumes it: yanmen approval resume."
        zh = "由安全员叫停，须由安全员签署恢复：yanmen approval resume。"
        raise _refused(contract_id, en, zh, Reason.ROLE_NOT_ALLOWED)


def _newest(contract_id: str, act: Act, holder: Holder) -> tuple[int, OfficeStep] | None:
    found = holder.ledger.office(contract_id, act)
    return None if found is None else (found[0], governance.peek_office(found[1]))


def _is_past(step: OfficeStep, index: int, holder: Holder) -> bool:
    """Say whether an act that stands recorded at `index` has had its effect: a stop once it was resumed."""
    if step.act is Act.STOP:
        resumed = _newest(step.contract, Act.RESUME, holder)
        return resumed is not None and resumed[0] > index
    return step.act is Act.RESUME


def _carried_out(step: OfficeStep, officer: Party, contract: Contract, office: Office) -> Contract:
    if contract.status is not ContractStatus.PENDING and step.act in (Act.REVIEW, Act.DECIDE):
        return contracting.standing(
            step.contract, step.offer_sha256, office
        )  # in force already; its uses wait for this
    name = f"{officer.name} {officer.id}"[: contracting.NAME_MAX]
    match step.act:
        case Act.REVIEW:
            return contracting.standing(step.contract, step.offer_sha256, office)
        case Act.DECIDE if step.approve:
            reasons = Reasons(step.necessity, step.legality, step.security)
            return contracting.approve(step.contract, Approval(name, reasons=reasons), office)
        case Act.DECIDE:
            return contracting.deny(step.contract, name, office)
        case Act.STOP if contract.status is ContractStatus.SUSPENDED:
            return contracting.standing(step.contract, step.offer_sha256, office)  # from now on by signature
        case Act.STOP:
            return contracting.suspend(step.contract, name, office)
        case Act.RESUME:
            return contracting.resume(step.contract, name, office)


def _important(contract: Contract, holder: Holder) -> bool:
    found = {grant.dataset: holder.ledger.version(grant.dataset) for grant in contract.terms.grants}
    versions = {name: version for name, version in found.items() if version is not None}
    return len(versions) < len(found) or offers.is_important(contract.terms, versions)


def _subject(step: OfficeStep) -> str:
    return f"{step.contract}/{step.act.value}"


def _refused(subject: str, en: str, zh: str, reason: Reason) -> Refused:
    return Refused(reason, Detail(subject, hint_en=en, hint_zh=zh))
