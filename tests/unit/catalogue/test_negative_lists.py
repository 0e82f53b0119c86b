"""负面清单: what a list names is neither published nor granted, however it is spelled; a list never goes back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import cataloguing
from yanmen.admission import entries
from yanmen.crypto import governance
from yanmen.formats import negative_list
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel, Column, ColumnType, Role
from yanmen.model.contract import Scenario
from yanmen.model.refusal import Reason, Refused

from tests.unit.catalogue.hall import DESCRIBED, OPERATED, Hall, forbidding, hall, item
from tests.unit.ledger.scene import RECEIPT_KEY, dataset, terms_of, version

CASE = Column("case", ColumnType.TEXT, Role.KEY, title_zh="流调编号")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, "province", "city") as made:
        yield made


def refuses(call: Any, *arguments: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert caught.value.reason is Reason.NEGATIVE_LIST
    return caught.value.detail.clauses


@pytest.mark.parametrize(
    "shape",
    [
        {"title_zh": "流调个案"},
        {"columns": (*dataset().columns, CASE)},
        {"description": replace(DESCRIBED, keywords=("流 调",))},
        {"description": replace(DESCRIBED, abstract_zh="含流调信息")},
        {"columns": (*dataset().columns, replace(CASE, title_zh="", source_name="流调编号"))},
    ],
)
def test_what_it_names_is_not_published(node: Hall, shape: dict[str, Any]) -> None:
    cataloguing.record_negative_list(forbidding(item()), node)
    (clause,) = refuses(entries.check_publishable, dataset(**shape), node.ledger.negative_lists())
    assert clause == "N1: 涉疫流调个案（传染病防治法）"
    entries.check_publishable(dataset(), node.ledger.negative_lists())


@pytest.mark.parametrize("spelled", ["ＨＩＶ", "hiv", "H I V", "HIV test"])
def test_spelling_does_not_pass_it(spelled: str) -> None:
    lists = (governance.peek_negative_list(forbidding(item(words=("HIV",)))),)
    refuses(entries.check_publishable, dataset(title_en=spelled), lists)


def test_a_hidden_column_is_not_published_and_so_not_forbidden() -> None:
    lists = (governance.peek_negative_list(forbidding(item())),)
    entries.check_publishable(dataset(columns=(*dataset().columns, replace(CASE, role=Role.HIDDEN))), lists)


def test_a_channel_is_closed_and_another_left_open(node: Hall) -> None:
    only = item(words=("人口",), channels=(Channel.AUTHORISED_OPERATION,))
    cataloguing.record_negative_list(forbidding(only), node)
    lists = node.ledger.negative_lists()
    entries.check_publishable(dataset(channels=OPERATED), lists)
    refuses(entries.check_publishable, dataset(channels=(Channel.AUTHORISED_OPERATION,)), lists)
    shown = version(channels=OPERATED)
    entries.check_grantable(terms_of("1"), {"persons": shown}, lists)
    operated = terms_of("1", channel=Channel.AUTHORISED_OPERATION)
    refuses(entries.check_grantable, operated, {"persons": shown}, lists)


def test_a_scenario_is_forbidden_in_contracts_and_publishing_is_not(node: Hall) -> None:
    cataloguing.record_negative_list(forbidding(item(words=(), scenarios=("保险定价",))), node)
    lists = node.ledger.negative_lists()
    entries.check_publishable(dataset(), lists)
    entries.check_grantable(terms_of("1"), {"persons": version()}, lists)
    pricing = terms_of("1", scenario=Scenario("S9", "商业保险 定价模型", "合同"))
    refuses(entries.check_grantable, pricing, {"persons": version()}, lists)


def test_a_list_follows_the_one_before_and_lists_of_two_authorities_stand_together(node: Hall) -> None:
    first, _ = cataloguing.record_negative_list(forbidding(item()), node)
    assert cataloguing.record_negative_list(forbidding(item()), node)[0] == first
    cataloguing.record_negative_list(forbidding(serial=3), node)
    for old in (forbidding(item(id="N2"), serial=3), forbidding(item(id="N2"), serial=2)):
        with pytest.raises(Refused) as caught:
            cataloguing.record_negative_list(old, node)
        assert caught.value.reason is Reason.REQUEST_REPLAYED
    cataloguing.record_negative_list(forbidding(item(id="C1"), by="city", region="140100"), node)
    assert [len(each.items) for each in node.ledger.negative_lists()] == [0, 1]


def test_only_an_authority_issues_one_and_not_beyond_its_region(node: Hall) -> None:
    wide = forbidding(item(), by="city", region="140000")
    said = governance.peek_negative_list(forbidding(item()))
    forged = governance.sign_negative_list(said, RECEIPT_KEY)
    by_node = governance.sign_negative_list(replace(said, by=node.config.id), RECEIPT_KEY)
    for token, reason in (
        (wide, Reason.ROLE_NOT_ALLOWED),
        (forged, Reason.SIGNATURE_INVALID),
        (by_node, Reason.ROLE_NOT_ALLOWED),
    ):
        with pytest.raises(Refused) as caught:
            cataloguing.record_negative_list(token, node)
        assert caught.value.reason is reason
    assert node.ledger.negative_lists() == ()


@pytest.mark.parametrize(
    "change",
    [
        {"words": [], "scenarios": []},
        {"words": [" "]},
        {"basis": ""},
        {"id": "第一条"},
        {"channels": ["export"]},
        {"more": 1},
    ],
)
def test_an_item_out_of_form_is_refused(change: dict[str, Any]) -> None:
    good = negative_list.encode(governance.peek_negative_list(forbidding(item())))
    items: Any = good["items"]
    negative_list.decode_item(items[0])
    with pytest.raises(Malformed):
        negative_list.decode_item({**items[0], **change})
    with pytest.raises(Malformed):
        negative_list.decode({**good, "items": [items[0], items[0]]})
