"""Objections are signed by whose they are, complaints are anyone's, and what is not answered in time is seen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import objecting
from yanmen.crypto import governance
from yanmen.formats import objection
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.cases import OBJECTION, Filed
from yanmen.model.governance import Objection
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.verify import Code

from tests.unit.catalogue.hall import NOW_S, Hall, hall
from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RIVAL, disclosed, party

DAY_MS = 86_400_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path) as opened:
        yield opened


def said(**other: Any) -> Objection:
    return replace(Objection(CONSUMER, NODE, "persons", "", 0, "", "数值与源系统不符", NOW_S), **other)


def signed(by: str = CONSUMER, **other: Any) -> bytes:
    return governance.sign_objection(said(by=by, **other), MEMBER_KEYS[by])


def test_an_objection_is_a_leaf_that_the_holder_answers(node: Hall, tmp_path: Path) -> None:
    node.publish()
    receipt = objecting.take(signed(), party(CONSUMER), node)
    assert receipt.stage is Stage.OBJECTION
    assert objecting.take(signed(), party(CONSUMER), node) == receipt
    assert node.ledger.receipt_for(receipt.index, CONSUMER).jti == receipt.jti
    (case,) = node.ledger.cases(Stage.OBJECTION)
    assert (case.kind, case.by, case.due_s) == ("objection", CONSUMER, NOW_S + 15 * 86_400)
    assert not case.overdue(case.due_s)
    assert case.overdue(case.due_s + 1)
    answer = node.ledger.close_case(Stage.OBJECTION, case.id, "已更正", "张某")
    assert node.ledger.receipt_for(answer.index, CONSUMER).stage is Stage.OBJECTION, "whose objection it is sees it"
    node.scene.clock.ms += 40 * DAY_MS
    node.ledger.open_case(Stage.INCIDENT, "x", "y")
    assert node.report(tmp_path).findings == ()


def test_anyone_complains_and_needs_no_name(node: Hall) -> None:
    receipt = objecting.complain("发现未授权使用", "", node)
    slots = disclosed(receipt).slots
    assert slots[Slot.ACTOR] == "anonymous 匿名"
    (case,) = node.ledger.cases(Stage.OBJECTION)
    assert (case.kind, case.text) == ("complaint", "发现未授权使用")
    for text, by in ((" ", ""), ("x" * 5000, ""), ("x", "n" * 300), ("x", "a\nb")):
        with pytest.raises(Refused):
            objecting.complain(text, by, node)


@pytest.mark.parametrize("kind", ["objection", "complaint"])
def test_what_is_not_answered_in_time_is_found(node: Hall, tmp_path: Path, kind: str) -> None:
    node.publish()
    if kind == "objection":
        objecting.take(signed(), party(CONSUMER), node)
    else:
        objecting.complain("x", "y", node)
    assert node.report(tmp_path).ok
    node.scene.clock.ms += 16 * DAY_MS
    node.ledger.open_case(Stage.INCIDENT, "x", "y")
    report = node.report(tmp_path)
    assert [each.code for each in report.findings] == [Code.OBJECTION_UNANSWERED]
    assert not report.ok


def test_an_objection_is_taken_only_in_ones_own_name(node: Hall) -> None:
    for token, reason in (
        (governance.sign_objection(said(), MEMBER_KEYS[RIVAL]), Reason.SIGNATURE_INVALID),
        (governance.sign_objection(said(by=RIVAL), MEMBER_KEYS[CONSUMER]), Reason.SIGNATURE_INVALID),
        (signed(node=RIVAL), Reason.REQUEST_FOR_ANOTHER_NODE),
        (signed(contract="ab" * 16), Reason.CONTRACT_UNKNOWN),
        (b"x.y.z", Reason.REQUEST_MALFORMED),
    ):
        with pytest.raises(Refused) as caught:
            objecting.take(token, party(CONSUMER), node)
        assert caught.value.reason is reason
    assert node.ledger.cases(Stage.OBJECTION) == ()


def test_another_members_contract_is_not_objected_under(node: Hall) -> None:
    node.publish()
    held = node.scene.furnish(node.ledger)
    objecting.take(signed(contract=held.terms.id), party(CONSUMER), node)
    with pytest.raises(Refused) as caught:
        objecting.take(signed(RIVAL, contract=held.terms.id), party(RIVAL), node)
    assert caught.value.reason is Reason.CONTRACT_UNKNOWN


def test_one_member_does_not_fill_the_book(node: Hall) -> None:
    for number in range(objecting.OPEN_MAX):
        objecting.take(signed(text=f"第 {number} 次"), party(CONSUMER), node)
    with pytest.raises(Refused) as caught:
        objecting.take(signed(text="又一次"), party(CONSUMER), node)
    assert caught.value.reason is Reason.RATE_LIMITED
    objecting.take(signed(text="第 0 次"), party(CONSUMER), node)
    objecting.take(signed(RIVAL), party(RIVAL), node)


def test_an_objection_that_the_node_made_up_is_found(node: Hall, tmp_path: Path) -> None:
    forged = governance.sign_objection(said(), node.receipt_signer).decode()
    node.ledger.file_case(Filed(OBJECTION, "x", NOW_S + 60, CONSUMER, document=forged))
    assert Code.DOCUMENT_WRONG in {each.code for each in node.report(tmp_path).findings}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": ""},
        {"dataset": "A b"},
        {"origin": f"{NODE}.yanmen/usage-log/2026"},
        {"dataset": "", "origin": f"{RIVAL}.yanmen/usage-log/2026"},
        {"index": 3},
        {"text": " "},
    ],
)
def test_an_objection_out_of_form_is_refused(change: dict[str, Any]) -> None:
    assert objection.decode(objection.encode(said())) == said()
    with pytest.raises(Malformed):
        objection.encode(said(**change))
