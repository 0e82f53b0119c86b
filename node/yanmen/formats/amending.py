"""What an amendment may not change of a contract in force, and when two rounds of a negotiation say the same."""

from collections.abc import Iterator
from dataclasses import replace

from yanmen.model.contract import Terms


def forbidden(former: Terms, terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yield each clause that makes `terms` another contract and no amendment, with the rule in English and Chinese."""
    if (former.id, former.holder, former.consumer) != (terms.id, terms.holder, terms.consumer):
        yield "assignee", "is between other parties", "当事方不同"
    if former.scenario != terms.scenario:
        yield "purpose", "is for another scenario: make a contract of its own", "场景不同，请另订合约"
    if former.channel is not terms.channel:
        yield "yanmen:channel", "goes through another channel: make a contract of its own", "渠道不同，请另订合约"
    if former.not_before_ms != terms.not_before_ms:
        yield "dateTime gteq", "begins at another time", "起始时间不得更改"
    if _grant(former) != _grant(terms):
        yield "yanmen:operation", "hangs on another grant of operation", "授权依据不得更改"
    if former.filled is not None and former.filled != terms.filled:
        yield "yanmen:template", "leaves the template it was made from", "不得脱离原合约模板"
    yield from _left_out(former, terms)


def _left_out(former: Terms, terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yield what was agreed once and for all: who signs, and that the end is proved."""
    if not set(former.signers) <= set(terms.signers):
        yield "yanmen:signers", "leaves out a side that signed", "不得减少签署方"
    if former.deletion_days is not None and terms.deletion_days is None:
        yield "yanmen:deletionDays", "leaves out the proof of deletion that was agreed", "不得取消已约定的删除证明"


def same(one: Terms, other: Terms) -> bool:
    """Say whether two rounds of a negotiation have the same terms."""
    return replace(one, round=None) == replace(other, round=None)


def _grant(terms: Terms) -> str:
    return "" if terms.operated is None else terms.operated.grant
