"""Contract templates (合约模板): signed and published by the holder, withdrawn by it, never changed."""

from dataclasses import replace
from typing import Protocol

from yanmen.crypto import agreements
from yanmen.formats import wording
from yanmen.formats.malformed import Malformed
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.signed import Paper
from yanmen.model.governance import DocumentKind
from yanmen.model.ports import Clock, Signer
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.template import PublishedTemplate, Template


class Holder(Protocol):
    """What an opened node offers this module."""

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


def publish(value: Template, holder: Holder) -> tuple[Receipt, PublishedTemplate]:
    """Sign and record a template over what this node publishes."""
    if holder.ledger.template(value.id) is not None:
        hint = Detail(value.id, hint_en="A template is published once.", hint_zh="模板只能发布一次。")
        raise Refused(Reason.REQUEST_REPLAYED, hint)
    for grant in value.grants:
        version = holder.ledger.version(grant.dataset)
        if version is None or version.retracted:
            raise Refused(Reason.DATASET_UNKNOWN, Detail(grant.dataset, hint_en="Not published.", hint_zh="尚未发布。"))
        unknown = [name for name in grant.columns if version.dataset.column(name) is None]
        if unknown:
            hint = Detail(
                f"{grant.dataset}.{unknown[0]}",
                hint_en="Name columns that the dataset's specification declares and does not hide.",
                hint_zh="请填写数据集说明中已声明且未隐藏的列。",
            )
            raise Refused(Reason.UNKNOWN_COLUMN, hint)
    if value.product:
        product = holder.ledger.product(value.product)
        if product is None or product.withdrawn:
            hint = Detail(value.product, hint_en="There is no such product.", hint_zh="没有该产品。")
            raise Refused(Reason.OPERATION_NOT_GRANTED, hint)
    wording.check(Reason.SPEC_INVALID, {"title_zh": value.title_zh, "title_en": value.title_en})
    return _record(value, holder)


def withdraw(template_id: str, decided_by: str, holder: Holder) -> tuple[Receipt, PublishedTemplate]:
    """Sign and record that a template is offered no more; contracts made from it stay as they are."""
    known = holder.ledger.template(template_id)
    if known is None or known.template.withdrawn:
        hint = Detail(
            template_id,
            hint_en="There is no such template in force: yanmen contract template list --node NODE.",
            hint_zh="没有该有效模板，请查看 yanmen contract template list --node NODE。",
        )
        raise Refused(Reason.OUTSIDE_TEMPLATE, hint)
    now_s = holder.clock.now_ms() // 1000
    return _record(replace(known.template, withdrawn=True, decided_by=decided_by, issued_s=now_s), holder)


def _record(value: Template, holder: Holder) -> tuple[Receipt, PublishedTemplate]:
    try:
        token = agreements.sign_template(value, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.SPEC_INVALID, Detail(str(error))) from error
    paper = Paper(DocumentKind.TEMPLATE, value.id, token, value.decided_by)
    receipt = holder.ledger.record_document(paper, lambda _: None)
    recorded = holder.ledger.template(value.id)
    if recorded is None or recorded.token != token:
        raise Refused(Reason.REQUEST_REPLAYED, Detail(value.id))
    return receipt, recorded
