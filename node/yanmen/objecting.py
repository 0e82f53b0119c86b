"""Objections (数据异议) by members and complaints (投诉举报) by anyone: taken in as they are, answered by the holder.

A member's objection is signed, and its receipt is the node's word that it was taken in; the holder cannot refuse one.
Each is to be answered within a time that the leaf itself says, so that any auditor sees what was left unanswered.
"""

from typing import Protocol

from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.formats.objection import ANSWER_DAYS, DAY_S, TEXT_MAX
from yanmen.ledger.cases import COMPLAINT, OBJECTION, Filed
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import Config
from yanmen.model.party import Party
from yanmen.model.ports import Clock
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Reason, Refused

OPEN_MAX = 20
"""Unanswered objections of one member; more wait until the holder answered some."""
NAME_MAX = 200


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
    def clock(self) -> Clock:
        """The node's clock."""
        ...


def take(token: bytes, party: Party, holder: Holder) -> Receipt:
    """Record the objection that `party` signed; the same again is the same leaf."""
    try:
        found = governance.open_objection(token, party.signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail("signature", hint_en="Sign it in your own name.", hint_zh="请以本成员密钥签署。")
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    if found.by != party.id:
        hint = Detail("by", hint_en="Object in your own name.", hint_zh="只能以本成员名义提出。")
        raise Refused(Reason.SIGNATURE_INVALID, hint)
    if found.node != holder.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请向该节点提出。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    if found.contract:
        held = holder.ledger.contract(found.contract)
        if held is None or held.terms.consumer != party.id:
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(found.contract))
    text = token.decode("ascii")
    _check_room(party, text, holder.ledger)
    return holder.ledger.file_case(
        Filed(OBJECTION, found.text, _due_s(holder.clock), party.id, found.contract, document=text)
    )


def complain(text: str, by: str, holder: Holder) -> Receipt:
    """Record what anyone complains of, under whatever name they give, none included."""
    if not text.strip() or len(text) > TEXT_MAX or len(by) > NAME_MAX or not by.isprintable():
        hint = Detail(
            "text", hint_en=f"Say it in 1 to {TEXT_MAX} characters.", hint_zh=f"请以 1 至 {TEXT_MAX} 字说明。"
        )
        raise Refused(Reason.REQUEST_MALFORMED, hint)
    return holder.ledger.file_case(Filed(COMPLAINT, text, _due_s(holder.clock), actor=by.strip() or "anonymous 匿名"))


def _due_s(clock: Clock) -> int:
    return clock.now_ms() // 1000 + ANSWER_DAYS * DAY_S


def _check_room(party: Party, document: str, ledger: Ledger) -> None:
    waiting = [one for one in ledger.cases(Stage.OBJECTION) if one.by == party.id and one.closed is None]
    if len(waiting) >= OPEN_MAX and all(one.document != document for one in waiting):
        hint = Detail(
            str(OPEN_MAX),
            hint_en="So many of your objections wait for an answer already.",
            hint_zh="您待答复的异议已达上限。",
        )
        raise Refused(Reason.RATE_LIMITED, hint)
