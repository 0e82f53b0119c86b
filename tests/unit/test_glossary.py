"""The glossary names every word the code is made of."""

import re
from enum import Enum
from pathlib import Path

from yanmen.model.catalogue import Channel, DatasetClass, Grade, Role, Sharing
from yanmen.model.party import PartyRole, PartyStatus

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "GLOSSARY.md").read_text(encoding="utf-8")
REQUIRED = {
    "authorised operation": "授权运营",
    "statutory registration": "登记",
    "catalogue service": "目录服务",
    "receipt": "使用回执",
    "contract": "数字合约",
    "usage control": "使用控制",
    "receipt verification report": "回执核验报告",
}


def rows() -> list[list[str]]:
    lines = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(("|---", "| English"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_row_is_in_two_languages_and_points_into_the_code() -> None:
    assert len(rows()) > 60
    for row in rows():
        assert len(row) == 4
        assert all(row)
        assert re.search(r"[一-鿿]", row[1])


def test_no_term_is_explained_twice() -> None:
    terms = [row[0] for row in rows()]
    assert sorted(set(terms)) == sorted(terms)


def test_the_required_terms_are_rendered_as_required() -> None:
    found = {row[0]: row[1] for row in rows()}
    for english, chinese in REQUIRED.items():
        assert chinese in found[english]


def test_every_class_role_and_stage_is_there() -> None:
    enums: tuple[type[Enum], ...] = (Channel, DatasetClass, Grade, Role, Sharing, PartyRole, PartyStatus)
    missing = [str(member) for enum in enums for member in enum if member.value not in TEXT]
    assert missing == []
    packages = {path.parent.name for path in (ROOT / "node" / "yanmen").glob("*/__init__.py")}
    elsewhere = {"model", "formats", "crypto", "wire", "client", "cli"}  # layers, not concepts
    assert {name for name in packages - elsewhere if name not in TEXT} == set()
