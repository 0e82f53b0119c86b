"""Search over catalogue entries in 中文 and English: no index, no word list, the same result everywhere.

Latin text is cut at what is no letter or digit; every word of a search must begin a word there. Chinese text has no
spaces: a run of it matches where it stands as it is, or, from three characters on, where all its characters and at
least half of its pairs stand: 医疗费用 finds 医疗保险费用. What stands in a title counts more than what stands in an
abstract or a column, and a run that stands as it is counts twice.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from yanmen.formats import ndi_codes
from yanmen.model.catalogue import Dataset

T = TypeVar("T")
WORDS_MAX = 16
TITLE, SUBJECT, REST = 8, 4, 1
"""What one hit counts, by where it is."""
EXACT = 2
"""What a term counts that stands as it is."""
_HAN = re.compile(r"[㐀-鿿豈-﫿]+")
_WORD = re.compile(r"[^\W_]+")


def search(query: str, entries: Iterable[tuple[Dataset, T]]) -> tuple[T, ...]:
    """Return what stands beside the datasets that match all of `query`, best first, equals in order of their names."""
    terms = _terms(query)
    if not terms:
        return ()
    found = [(score, dataset.name, beside) for dataset, beside in entries if (score := _score(terms, dataset))]
    return tuple(beside for _, _, beside in sorted(found, key=lambda each: (-each[0], each[1])))


def _score(terms: Sequence[str], dataset: Dataset) -> int:
    """Return how well an entry fits, 0 when a term is nowhere in it."""
    total = 0
    places = [(weight, _Text(text)) for weight, text in _texts(dataset)]
    for term in terms:
        hits = sum(weight * text.fits(term) for weight, text in places)
        if not hits:
            return 0
        total += hits
    return total


class _Text:
    """One text to be searched, cut once."""

    __slots__ = ("_joined", "_words")

    def __init__(self, text: str) -> None:
        plain = _plain(text)
        self._joined = plain
        self._words = tuple(_WORD.findall(_HAN.sub(" ", plain)))

    def fits(self, term: str) -> int:
        """Return how well the term fits, 0 when it does not: Chinese anywhere, Latin at the beginning of a word."""
        if not _HAN.fullmatch(term):
            return EXACT if any(word.startswith(term) for word in self._words) else 0
        if term in self._joined:
            return EXACT
        pairs = ["".join(pair) for pair in pairwise(term)]
        near = len(term) > 2 and all(character in self._joined for character in term)
        return 1 if near and 2 * sum(pair in self._joined for pair in pairs) >= len(pairs) else 0


def _texts(dataset: Dataset) -> Iterator[tuple[int, str]]:
    said = dataset.description
    yield TITLE, f"{dataset.name.replace('_', ' ')} {dataset.title_zh} {dataset.title_en}"
    yield SUBJECT, " ".join((dataset.owner, said.item, *said.keywords))
    codes = (ndi_codes.meaning(name, getattr(said, name)) for name in ("topic", "scene"))
    yield SUBJECT, " ".join((dataset.ndi_id, dataset.registration, *codes))
    yield REST, " ".join((dataset.source_system, dataset.authority, said.abstract_zh, said.abstract_en))
    columns = (f"{column.name.replace('_', ' ')} {column.title_zh} {column.title_en}" for column in dataset.visible())
    yield REST, " ".join(columns)


def _terms(query: str) -> tuple[str, ...]:
    """Return the terms of a query, at most `WORDS_MAX`, each once and in order."""
    plain = _plain(query)
    found: list[str] = _HAN.findall(plain)
    found += _WORD.findall(_HAN.sub(" ", plain))
    return tuple(dict.fromkeys(found))[:WORDS_MAX]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
