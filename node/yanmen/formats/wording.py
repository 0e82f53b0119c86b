"""What a declared text may be written with: characters that a reader sees, each a letter or a sign of its own."""

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping

from yanmen.model.refusal import Detail, Reason, Refused

_LINES = "\n\t"
"""The control characters that a text of several lines has."""
_UNSEEN = (
    *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFD), (0x13441, 0x13442), (0x16FE4, 0x16FE4)),
    *((0x1D159, 0x1D159), (0xE0000, 0xE0FFF)),
)
"""Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties) that has another category, and what looks blank."""
_FIRSTS = [first for first, _ in _UNSEEN]
_PARTS = ((0x2E80, 0x2FDF), (0x2FF0, 0x2FFF), (0x31C0, 0x31EF))
"""Radicals, strokes and their arrangement: drawn like a character, and none."""
_ALONE = ("CJK ", "LATIN ", "CYRILLIC ", "GREEK ", "HIRAGANA ", "KATAKANA ", "HANGUL ", "DIGIT ", "FULLWIDTH ")
"""Scripts whose letters take no mark that NFC does not make one letter of."""
_NAMES = {"Cc": "control character", "Co": "private use", "Cn": "unassigned", "Cs": "surrogate"}


def fault(text: str) -> str:
    """Return what in `text` is not shown as it is, by code point and place; "" when all of it is seen."""
    before = ""
    for at, character in enumerate(unicodedata.normalize("NFC", text)):
        if character in _LINES:
            continue
        if _unseen(character) or _stacked(before, character):
            name = unicodedata.name(character, _NAMES.get(unicodedata.category(character), "unnamed"))
            return f"U+{ord(character):04X} {name}, character {at + 1}"
        before = character
    return ""


def check(reason: Reason, texts: Mapping[str, str]) -> None:
    """Refuse texts with something in them that a reader would not see; name the first."""
    for name, text in texts.items():
        found = fault(text)
        if found:
            hint_en = f"Holds {found}, which is not seen as it is written: leave it out."
            raise Refused(reason, Detail(name, hint_en=hint_en, hint_zh=f"含不可见或不规范字符 {found}，请删去。"))


def says_something(word: str) -> bool:
    """Say whether a word to look for has what texts are compared by: two letters or digits, or one that is no Latin."""
    letters = [each for each in unicodedata.normalize("NFKC", word) if unicodedata.category(each)[0] in "LN"]
    return len(letters) > 1 or any(not each.isascii() for each in letters)


def _unseen(character: str) -> bool:
    code = ord(character)
    if unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Zl", "Zp"}:
        return True
    at = bisect_right(_FIRSTS, code) - 1
    return (at >= 0 and code <= _UNSEEN[at][1]) or any(
        first <= code <= last and not unicodedata.normalize("NFKC", character).isalpha() for first, last in _PARTS
    )


def _stacked(before: str, character: str) -> bool:
    """Say whether a mark is put on a letter that takes none, or on nothing."""
    if unicodedata.category(character) not in {"Mn", "Mc"}:
        return False
    return not before or unicodedata.name(before, "").startswith(_ALONE) or not _carries(before)


def _carries(before: str) -> bool:
    return unicodedata.category(before)[0] in "LM"
