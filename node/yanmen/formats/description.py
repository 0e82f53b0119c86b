"""The `[catalogue]` section of a specification: read from TOML, written as TOML, kept and signed as JSON."""

from yanmen.formats import json_members, ndi_codes
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.toml_table import Table
from yanmen.model.catalogue import PLAIN, Description

KEYWORDS_MAX = 32
KEYWORD_MAX = 40
_TEXTS = ("item", "abstract_zh", "abstract_en")
_MEMBERS = frozenset(Description.__slots__)


def read(section: Table) -> Description:
    """Return what the section says, noting codes that no table has."""
    codes = {name: _code(section, name) for name in ndi_codes.TABLES}
    texts = {name: section.text(name, required=False) for name in _TEXTS}
    keywords = section.texts("keywords", required=False)
    if len(keywords) > KEYWORDS_MAX or not all(_is_keyword(word) for word in keywords):
        section.problem(
            "keywords",
            f"at most {KEYWORDS_MAX} words of 1 to {KEYWORD_MAX} characters",
            f"至多 {KEYWORDS_MAX} 个、每个 1 至 {KEYWORD_MAX} 字",
        )
    measured = section.boolean("measured") if section.has("measured") else False
    section.close()
    return Description(**codes, **texts, keywords=keywords, measured=measured)


def _code(section: Table, name: str) -> str:
    value = section.text(name, required=False)
    table = ndi_codes.TABLES[name]
    if value and value not in table:
        section.problem(name, f"must be one of {', '.join(table)}", f"须为以下之一：{'、'.join(table)}")
        return ""
    return value


def _is_keyword(word: str) -> bool:
    return 0 < len(word) <= KEYWORD_MAX and word.isprintable() and word.strip() == word


def to_json(value: Description) -> dict[str, Json]:
    """Return `value` as JSON; all members stand."""
    return {
        **{name: str(getattr(value, name)) for name in sorted(_MEMBERS - {"keywords", "measured"})},
        "keywords": list(value.keywords),
        "measured": value.measured,
    }


def from_json(value: Json) -> Description:
    """Return the description that `value` is."""
    members = json_members.exact(value, _MEMBERS)
    texts = {name: json_members.text(members, name, 512) for name in _MEMBERS - {"keywords", "measured"}}
    for name, table in ndi_codes.TABLES.items():
        if texts[name] and texts[name] not in table:
            raise Malformed(f"description: {name} is no code of its table")
    keywords = json_members.texts(members, "keywords", KEYWORDS_MAX, KEYWORD_MAX)
    if len(set(keywords)) != len(keywords) or not all(map(_is_keyword, keywords)):
        raise Malformed("description: not keywords")
    return Description(**texts, keywords=keywords, measured=json_members.flag(members, "measured"))


def is_plain(value: Description) -> bool:
    """Say whether there is nothing to write."""
    return value == PLAIN
