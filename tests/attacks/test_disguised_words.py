"""Attack: what a negative list names, written so that a reader sees it and a comparison does not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen import cataloguing, operating
from yanmen.admission import entries
from yanmen.admission.spelling import folded
from yanmen.bureau.needs import NeedBook
from yanmen.crypto import governance
from yanmen.formats import spec, wording
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Scenario
from yanmen.model.governance import NegativeList
from yanmen.model.need import NeedAct, NeedStep
from yanmen.model.operation import ProductReview, ReviewKind
from yanmen.model.refusal import Reason, Refused

from tests.unit.catalogue.hall import DESCRIBED, NOW_S, Hall, forbidding, hall, item
from tests.unit.catalogue.operated import grant, operator, product
from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, dataset, terms_of, version
from tests.unit.negotiation.market import market
from tests.unit.publishing.specification import GOOD

UNSEEN = (
    *("\u200b", "\u200c", "\u00ad", "\u2060", "\ufeff", "\u061c", "\u180e", "\u034f", "\ufe0f", "\U000e0100"),
    *("\u202e", "\u2066", "\u2028", "\x00", "\x85", "\u3164", "\u115f", "\uffa0", "\u2800", "\ue000", "\u0378"),
    *("\U000e0041", "\ufffc", "\u0338", "\u20dd", "\u0305", "\U0001d159"),
)
"""Format and control characters, default-ignorable, blank, private use, tags, marks put on a Han letter."""
DISGUISED = (
    *("保 险 定 价", "保·险·定·价", "保-险_定—价", "保。险、定，价", "保\u3000险定\n价", "保◌险定●价", "保(险)定[价]"),
    *("保險定價", "保険定価", "保險定价"),
)
"""Signs between the letters; Traditional, Japanese and mixed forms."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, "province", "city", more=(operator(),)) as made:
        yield made


def lists(*words: str, scenarios: tuple[str, ...] = ()) -> tuple[NegativeList, ...]:
    return (governance.peek_negative_list(forbidding(item(words=words, scenarios=scenarios))),)


def why(call: object, *arguments: object) -> Refused:
    assert callable(call)
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


def granting(text: str, against: tuple[NegativeList, ...]) -> Refused:
    terms = terms_of("1", scenario=Scenario("S9", text, "合同"))
    return why(entries.check_grantable, terms, {"persons": version()}, against)


@pytest.mark.parametrize("text", DISGUISED)
def test_signs_and_other_forms_do_not_pass_a_scenario(text: str) -> None:
    assert granting(f"商业{text}模型", lists(scenarios=("保险定价",))).reason is Reason.NEGATIVE_LIST
    assert granting("商业保险定价模型", lists(scenarios=(text,))).reason is Reason.NEGATIVE_LIST


def test_another_word_is_another_word() -> None:
    entries.check_grantable(
        terms_of("1", scenario=Scenario("S9", "医疗资源规划", "合同")),
        {"persons": version()},
        lists(scenarios=("保险定价",)),
    )


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("HIV", "\u041dIV test"),  # Cyrillic En
        ("HIV", "\u0397\u0399V"),  # Greek Eta, Iota
        ("HIV", "ＨＩＶ"),
        ("HIV", "𝐇𝐈𝐕 𝘁𝗲𝘀𝘁"),
        ("HIV", "HlV"),
        ("HIV", "H\u00cdV"),
        ("cancer", "\u0441\u0430n\u0441\u0435r"),  # Cyrillic es, a, es, ie
        ("工资", "エ资"),  # katakana E
        ("人口", "⼈口"),  # Kangxi radical
        ("人口", "人ロ"),  # katakana Ro
        ("羅", "\uf90f"),  # a compatibility ideograph
        ("户籍", "戶籍"),
        ("户籍", "戸籍"),
        ("台湾", "臺灣"),
        ("干部", "幹部"),
        ("头发", "頭髮"),
    ],
)
def test_letters_that_look_alike_or_are_forms_of_one_are_one(word: str, written: str) -> None:
    against = lists(word)
    assert (
        why(entries.check_publishable, dataset(title_zh=f"城市{written}统计"), against).reason is Reason.NEGATIVE_LIST
    )
    assert why(entries.check_publishable, dataset(title_en=f"a {written} b"), against).reason is Reason.NEGATIVE_LIST


def test_words_do_not_reach_over_two_texts_and_plain_texts_stay_what_they_are() -> None:
    entries.check_publishable(dataset(title_zh="流", title_en="调"), lists("流调"))
    assert folded("太原市 2024 年 GDP") == "太原市2024年gdp".replace("太", folded("太"))
    assert len({folded(each) for each in "abcdefghjkmnpqrstuvwxyz1023456789"}) == 33


@pytest.mark.parametrize("hidden", UNSEEN)
def test_what_is_not_seen_is_named_by_its_code_point(hidden: str) -> None:
    text = f"商业保{hidden}险定价"
    code = f"U+{ord(hidden):04X} "
    assert f"{code}" in wording.fault(text)
    assert code in granting(text, ()).detail.hint_zh
    escaped = f"\\U{ord(hidden):08x}"
    keyword = f'[catalogue]\nkeywords = ["流{escaped}调"]\n'
    assert code in str(why(spec.decode, f"{GOOD}\n{keyword}".encode()).detail.clauses)
    told = why(spec.decode, GOOD.replace('title_zh = "化验"', f'title_zh = "化{escaped}验"', 1).encode())
    assert told.reason is Reason.SPEC_INVALID
    assert code in told.detail.clauses[0] or "one line" in told.detail.clauses[0]


def test_what_is_not_seen_is_refused_wherever_a_text_is_declared(node: Hall, tmp_path: Path) -> None:
    """A contract's scenario, a need, a grant, a list's own words."""
    text, code = "商业保\u200b险定价", "U+200B "
    for told in (
        granting(text, ()),
        why(operating.grant, grant(exit=text, grants=()), node),
        why(NeedBook(tmp_path / "needs", node.current()).record, need(text)),
        why(cataloguing.record_negative_list, forbidding(item(scenarios=(text,))), node),
    ):
        assert told.reason in {Reason.CONTRACT_MALFORMED, Reason.REQUEST_MALFORMED}
        assert code in told.detail.hint_en
        assert code in told.detail.hint_zh


def need(text: str) -> bytes:
    scenario = Scenario("S1", "慢病管理", "卫生健康法")
    made = NeedStep("cd" * 16, NeedAct.FILED, CONSUMER, "", scenario, "说明", text, (), (), NOW_S)
    return governance.sign_need(made, MEMBER_KEYS[CONSUMER])


def test_products_and_contract_templates_say_what_is_seen(node: Hall, tmp_path: Path) -> None:
    node.publish(channels=(Channel.SHARING, Channel.AUTHORISED_OPERATION))
    operating.grant(grant(), node)
    hidden = "查\u200b询"
    review = ProductReview(ReviewKind.COMPLIANCE, "法务", hidden)
    for change in ({"title_zh": hidden}, {"title_en": hidden}, {"reviews": (review,)}):
        told = why(operating.offer, replace(product(), **change), node)
        assert (told.reason, "U+200B ZERO WIDTH SPACE" in told.detail.hint_en) == (Reason.SPEC_INVALID, True)
    operating.offer(product(), node)
    (tmp_path / "market").mkdir()
    with market(tmp_path / "market") as made:
        for name in ("title_zh", "title_en"):
            assert why(lambda at: made.template(**{at: hidden}), name).reason is Reason.SPEC_INVALID
        made.template()


@pytest.mark.parametrize("word", ["·", "C", "c++", "－", "٪", "1"])
def test_a_list_does_not_name_what_stands_in_everything(node: Hall, word: str) -> None:
    assert (
        why(cataloguing.record_negative_list, forbidding(item(words=(word,))), node).reason is Reason.REQUEST_MALFORMED
    )
    cataloguing.record_negative_list(forbidding(item(words=("药", "c2"))), node)


@pytest.mark.parametrize(
    "text", ["Ж. Ünlü 2024：㎡、℃、①", "ئۇيغۇرچە", "བོད་ཡིག", "が ガ 한국어", "naïve é", "第一行\n第二行"]
)
def test_texts_of_any_script_are_written_as_they_are(text: str) -> None:
    assert wording.fault(text) == ""
    assert replace(DESCRIBED, abstract_zh=text).abstract_zh == text
