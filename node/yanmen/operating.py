"""授权运营 at the node that holds the data: grants, products approved under them, endorsements, and their end.

A grant has scope, term, mode, ceiling and exit; a product is a template that passed 合规审查, and 算法审查 where it
fits a model. A developer's offer names both, the operator endorses it, and the holder signs: the grant decides for
general data, persons for important data. The end of a grant revokes every contract that hangs on it, at once.
"""

from dataclasses import replace

from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import wording
from yanmen.formats.malformed import Malformed
from yanmen.holder import Holder
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.signed import Paper
from yanmen.model.contract import Grant
from yanmen.model.governance import DocumentKind
from yanmen.model.operation import Endorsement, OperatingGrant, Product
from yanmen.model.party import PartyRole, PartyStatus
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused


def grant(value: OperatingGrant, holder: Holder) -> tuple[Receipt, bytes]:
    """Sign and record a grant of operation to an active operator over what this node publishes."""
    if holder.ledger.operation(value.id) is not None:
        hint = Detail(value.id, hint_en="A grant is made once.", hint_zh="授权只能作出一次。")
        raise Refused(Reason.REQUEST_REPLAYED, hint)
    party = holder.register.current().find(value.operator)
    if party is None or party.role is not PartyRole.OPERATOR or party.status is not PartyStatus.ACTIVE:
        hint = Detail(
            value.operator, hint_en="Operators of this space operate.", hint_zh="被授权方须为有效的运营机构。"
        )
        raise Refused(Reason.ROLE_NOT_ALLOWED, hint)
    for scope in value.grants:
        _check_scope(scope, holder.ledger)
    wording.check(Reason.REQUEST_MALFORMED, {"exit": value.exit})
    return _record(value, holder)


def end(grant_id: str, reason: str, decided_by: str, holder: Holder) -> tuple[Receipt, int, bytes]:
    """End a grant: return the receipt, how many contracts ended with it, and the signed document."""
    known = holder.ledger.operation(grant_id)
    if known is None or known.ended:
        hint = Detail(grant_id, hint_en="There is no such grant in force.", hint_zh="没有该有效授权。")
        raise Refused(Reason.OPERATION_NOT_GRANTED, hint)
    now_s = holder.clock.now_ms() // 1000
    token = _signed(replace(known, ended=True, reason=reason, decided_by=decided_by, issued_s=now_s), holder)
    paper = Paper(DocumentKind.OPERATION, grant_id, token, decided_by)
    receipt, count = holder.ledger.end_operation(paper, grant_id, decided_by)
    return receipt, count, token


def offer(value: Product, holder: Holder) -> tuple[Receipt, bytes]:
    """Sign and record a product under a grant in force, or its withdrawal; its price is within the grant's ceiling."""
    known = holder.ledger.operation(value.operation)
    if known is None or known.ended:
        hint = Detail(value.operation, hint_en="There is no such grant in force.", hint_zh="没有该有效授权。")
        raise Refused(Reason.OPERATION_NOT_GRANTED, hint)
    if value.price_fen > known.ceiling_fen:
        hint_en, hint_zh = f"The grant's ceiling is {known.ceiling_fen} fen.", f"授权的上限为 {known.ceiling_fen} 分。"
        raise Refused(Reason.PRICE_ABOVE_CEILING, Detail(value.id, hint_en=hint_en, hint_zh=hint_zh))
    before = holder.ledger.product(value.id)
    if before is not None and not _withdraws(value, before):
        hint = Detail(value.id, hint_en="A product is withdrawn, never changed.", hint_zh="产品可撤回，不得更改。")
        raise Refused(Reason.REQUEST_REPLAYED, hint)
    if before is None:
        said = {"title_zh": value.title_zh, "title_en": value.title_en}
        wording.check(Reason.SPEC_INVALID, {**said, **{each.kind.value: each.text for each in value.reviews}})
    try:
        token = governance.sign_product(value, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.SPEC_INVALID, Detail(str(error))) from error
    paper = Paper(DocumentKind.PRODUCT, value.id, token, value.decided_by)
    return holder.ledger.record_document(paper, lambda _: None), token


def endorse(token: bytes, holder: Holder) -> tuple[Receipt, Endorsement]:
    """Record the operator's signature under a developer's offer at this node."""
    try:
        claimed = governance.peek_endorsement(token)
        known = holder.ledger.operation(claimed.operation)
        party = holder.register.current().find(claimed.by)
        if known is None or known.operator != claimed.by or party is None or party.status is not PartyStatus.ACTIVE:
            hint = Detail(claimed.by, hint_en="Not the operator of this grant.", hint_zh="并非该授权的运营机构。")
            raise Refused(Reason.OPERATION_NOT_GRANTED, hint)
        found = governance.open_endorsement(token, party.signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail("signature", hint_en="Not signed by the operator.", hint_zh="并非由运营机构签署。")
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    contract = holder.ledger.contract(found.contract)
    if found.node != holder.config.id or contract is None or contract.digest != found.offer_sha256:
        hint = Detail(found.contract, hint_en="There is no such offer here.", hint_zh="本节点没有该要约。")
        raise Refused(Reason.CONTRACT_UNKNOWN, hint)
    paper = Paper(DocumentKind.ENDORSEMENT, found.contract, token)
    return holder.ledger.record_document(paper, lambda _: None), found


def _withdraws(value: Product, before: Product) -> bool:
    """Say whether `value` is the withdrawal of `before`, and nothing else."""
    gone = replace(before, withdrawn=True, decided_by=value.decided_by, issued_s=value.issued_s)
    return not before.withdrawn and value == gone


def _check_scope(scope: Grant, ledger: Ledger) -> None:
    version = ledger.version(scope.dataset)
    if version is None or version.retracted:
        raise Refused(Reason.DATASET_UNKNOWN, Detail(scope.dataset, hint_en="Not published.", hint_zh="尚未发布。"))
    for column in scope.columns:
        if version.dataset.column(column) is None:
            hint = Detail(
                f"{scope.dataset}.{column}",
                hint_en="Name columns that the dataset's specification declares.",
                hint_zh="请填写数据集说明中已声明的列。",
            )
            raise Refused(Reason.UNKNOWN_COLUMN, hint)


def _record(value: OperatingGrant, holder: Holder) -> tuple[Receipt, bytes]:
    token = _signed(value, holder)
    paper = Paper(DocumentKind.OPERATION, value.id, token, value.decided_by)
    return holder.ledger.record_document(paper, lambda _: None), token


def _signed(value: OperatingGrant, holder: Holder) -> bytes:
    try:
        return governance.sign_grant(value, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
