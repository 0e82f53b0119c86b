"""What the items of negative lists (负面清单) match: words in what is declared, however they are spelled."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from yanmen.admission.spelling import folded
from yanmen.formats import wording
from yanmen.model.catalogue import Channel, Dataset
from yanmen.model.contract import Scenario
from yanmen.model.governance import NegativeItem, NegativeList
from yanmen.model.refusal import Detail, Reason, Refused


def check_items(items: Sequence[NegativeItem]) -> None:
    """Refuse an item with a word that nobody sees whole, or that compared as texts are would match nearly all."""
    for item in items:
        looked_for = (*item.words, *item.scenarios)
        texts = enumerate((item.text, item.basis, *looked_for), start=1)
        wording.check(Reason.REQUEST_MALFORMED, {f"{item.id}, text {at}": said for at, said in texts})
        if not all(map(wording.says_something, looked_for)):
            hint_en = "Only letters and digits are compared: a word has two of them, or one that is not ASCII."
            hint_zh = "仅比对文字与数字：每个词条须含两个字母或数字，或一个汉字。"
            raise Refused(Reason.REQUEST_MALFORMED, Detail(item.id, hint_en=hint_en, hint_zh=hint_zh))


def in_publishing(lists: Sequence[NegativeList], dataset: Dataset) -> Iterator[NegativeItem]:
    """Yield the items that forbid publishing `dataset`: no channel is left open, or every one it has is closed."""
    for item in _matching(lists, dataset):
        if not item.scenarios and (not item.channels or set(dataset.channels) <= set(item.channels)):
            yield item


def in_granting(
    lists: Sequence[NegativeList], dataset: Dataset, channel: Channel, scenario: Scenario
) -> Iterator[NegativeItem]:
    """Yield the items that forbid granting `dataset` by this channel for this scenario."""
    said = folded(f"{scenario.id} {scenario.text}")
    for item in _matching(lists, dataset):
        scenario_fits = not item.scenarios or any(_word(word) in said for word in item.scenarios)
        if scenario_fits and (not item.channels or channel in item.channels):
            yield item


def _matching(lists: Sequence[NegativeList], dataset: Dataset) -> Iterator[NegativeItem]:
    """Yield the items whose words stand in what is declared; an item without words is about every dataset."""
    said = "\n".join(map(folded, _declared(dataset)))
    for each in lists:
        for item in each.items:
            if not item.words or any(_word(word) in said for word in item.words):
                yield item


@lru_cache(maxsize=1 << 15)
def _word(word: str) -> str:
    """Return a word of a list as texts are compared; lists stay, so each is folded once."""
    return folded(word)


def _declared(dataset: Dataset) -> Iterator[str]:
    described = dataset.description
    yield from (dataset.name, dataset.title_zh, dataset.title_en, dataset.registration, dataset.ndi_id)
    yield from (described.item, described.abstract_zh, described.abstract_en, *described.keywords)
    for column in dataset.visible():
        yield from (column.name, column.title_zh, column.title_en, column.source_name)
