"""A need runs from filing to effect for one scenario; the receipt of another is no use of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.bureau.needs import SHOWN, NeedBook, NeedLedger
from yanmen.crypto import governance
from yanmen.formats import need, receipt
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.contract import Scenario
from yanmen.model.need import NeedAct, NeedStep
from yanmen.model.refusal import Reason, Refused

from tests.unit.catalogue.hall import AUTHORITIES, KEYS, NOW_S, Hall, hall
from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, RIVAL

NEED = "cd" * 16
BUREAU = AUTHORITIES["city"]
SCENARIO = Scenario("S1", "慢病管理", "卫生健康法")
SIGNERS = {**MEMBER_KEYS, **KEYS}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, "city") as opened:
        yield opened


@pytest.fixture
def book(node: Hall, tmp_path: Path) -> NeedBook:
    return NeedBook(tmp_path / "needs", node.current())


def step(book: NeedBook, act: NeedAct, by: str = CONSUMER, **other: Any) -> bytes:
    newest = book.newest(NEED)
    previous = "" if newest is None else hashlib.sha256(newest).hexdigest()
    made = NeedStep(NEED, act, by, previous, SCENARIO, "说明", "", (), (), NOW_S)
    return governance.sign_need(replace(made, **other), SIGNERS[by])


def filed(book: NeedBook) -> NeedStep:
    return book.record(step(book, NeedAct.FILED, wanted="医疗费用"))


def matched(book: NeedBook) -> None:
    filed(book)
    book.record(step(book, NeedAct.MATCHED, BUREAU, entries=("7X",)))


def use_of(node: Hall, **terms: Any) -> str:
    answer = node.scene.ask(node.ledger, node.scene.furnish(node.ledger, **terms))
    return receipt.present(answer.receipt.sdjwt, SHOWN)


def test_a_need_is_followed_from_filing_to_effect(node: Hall, book: NeedBook) -> None:
    matched(book)
    ledger: NeedLedger = book
    shown = use_of(node)
    assert Slot.QUERY not in receipt.decode(shown).slots
    ledger.record(step(book, NeedAct.USED, receipts=(shown,)))
    ledger.record(step(book, NeedAct.EFFECT, text="识别高风险人群三千人"))
    last = step(book, NeedAct.CLOSED, BUREAU)
    ledger.record(last)
    assert ledger.record(last).act is NeedAct.CLOSED
    assert [each.act.value for each in ledger.follow(NEED)] == ["filed", "matched", "used", "effect", "closed"]
    assert book.needs() == (NEED,)
    with pytest.raises(Refused):
        book.record(step(book, NeedAct.EFFECT))


def test_a_receipt_of_another_scenario_consumer_or_node_is_no_use(node: Hall, book: NeedBook) -> None:
    matched(book)
    other = Scenario("S2", "商业定价", "合同")
    size = node.ledger.size()
    for bad in (use_of(node, scenario=other), use_of(node, consumer=RIVAL), "a~"):
        with pytest.raises(Refused) as caught:
            book.record(step(book, NeedAct.USED, receipts=(bad,)))
        assert caught.value.reason is Reason.REQUEST_MALFORMED
    good = use_of(node)
    altered = good[:-40] + ("A" if good[-40] != "A" else "B") + good[-39:]
    hidden = receipt.present(good, SHOWN - {Slot.SCENARIO})
    for bad in (altered, hidden):
        with pytest.raises(Refused):
            book.record(step(book, NeedAct.USED, receipts=(bad,)))
    assert node.ledger.size() > size
    assert len(book.follow(NEED)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"act": NeedAct.EFFECT},
        {"act": NeedAct.MATCHED, "entries": ("7X",)},
        {"act": NeedAct.CLOSED},
        {"act": NeedAct.MATCHED, "by": BUREAU, "entries": ("7X",), "previous": "0" * 64},
        {"act": NeedAct.MATCHED, "by": BUREAU, "entries": ("7X",), "scenario": Scenario("S2", "x", "y")},
        {"act": NeedAct.FILED, "wanted": "again", "previous": ""},
    ],
)
def test_a_step_out_of_turn_or_by_another_is_refused(book: NeedBook, change: dict[str, Any]) -> None:
    filed(book)
    said = dict(change)
    act, by = said.pop("act"), said.pop("by", CONSUMER)
    with pytest.raises(Refused):
        book.record(step(book, act, by, **said))
    assert len(book.follow(NEED)) == 1


def test_only_who_filed_it_reports_its_use(node: Hall, book: NeedBook) -> None:
    matched(book)
    with pytest.raises(Refused):
        book.record(step(book, NeedAct.USED, RIVAL, receipts=(use_of(node),)))


def test_a_book_that_was_altered_does_not_read(book: NeedBook) -> None:
    matched(book)
    (book.folder / NEED / "000000.jws").write_bytes(
        step(NeedBook(book.folder / "x", book.register), NeedAct.FILED, wanted="其他")
    )
    with pytest.raises(Malformed):
        book.follow(NEED)
    with pytest.raises(Malformed):
        book.follow("../../etc")


@pytest.mark.parametrize(
    "change", [{"wanted": ""}, {"entries": ("7X",)}, {"receipts": ("a",)}, {"text": " "}, {"need": "x"}]
)
def test_a_step_out_of_form_is_refused(change: dict[str, Any]) -> None:
    good = NeedStep(NEED, NeedAct.FILED, CONSUMER, "", SCENARIO, "说明", "医疗", (), (), NOW_S)
    assert need.decode(need.encode(good)) == good
    with pytest.raises(Malformed):
        need.encode(replace(good, **change))
