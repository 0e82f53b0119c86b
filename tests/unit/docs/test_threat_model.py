"""docs/THREAT_MODEL.md claims nothing that no code and no test shows, and forgets no attack."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.unit.docs.markdown import ROOT, tables

NAME = "docs/THREAT_MODEL.md"
HEADINGS = ["id", "threat", "standing", "by"]
THREATS = [row for table in tables(NAME) if table[0] == HEADINGS for row in table[1:]]
DEFENDED = [row for row in THREATS if row[2] == "defended"]
OPEN = [row for row in THREATS if row[2] != "defended"]
PLACE = re.compile(r"`((?:node|sandbox|reader|policies|tests)/[^`]+)`")


def places(row: list[str]) -> list[str]:
    """Return the files, with what in them, that a row names."""
    return PLACE.findall(row[3])


@cache
def defined(path: Path) -> frozenset[str]:
    """Return the functions and classes of a module, methods and assigned names too, as `Class::name`."""
    found: set[str] = set()

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}::")
            if isinstance(node, ast.Assign):
                found.update(prefix + target.id for target in node.targets if isinstance(target, ast.Name))

    visit(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return frozenset(found)


def is_there(place: str) -> bool:
    """Say whether the file, and the function in it, exist."""
    name, _, inside = place.partition("::")
    path = ROOT / name
    return path.is_file() and (not inside or inside in defined(path))


def test_threats_are_numbered_without_gaps() -> None:
    assert [row[0] for row in THREATS] == [f"T{number:02}" for number in range(1, len(THREATS) + 1)]
    assert len(THREATS) > 80


def test_every_threat_has_one_of_three_standings() -> None:
    assert {row[2] for row in THREATS} == {"defended", "accepted", "not defended"}
    assert all(row[1] and row[3] for row in THREATS)


@pytest.mark.parametrize("row", DEFENDED, ids=lambda row: str(row[0]))
def test_what_is_defended_names_code_and_a_test_that_are_there(row: list[str]) -> None:
    named = places(row)
    missing = [place for place in named if not is_there(place)]
    assert missing == []
    assert [place for place in named if not place.startswith("tests/")], "no code"
    assert [place for place in named if place.startswith("tests/") and "::" in place], "no test"
    assert all("::" in place for place in named if place.startswith("tests/")), "a file is no test"


@pytest.mark.parametrize("row", OPEN, ids=lambda row: str(row[0]))
def test_what_is_not_defended_says_what_bounds_it_and_names_nothing_that_is_not_there(row: list[str]) -> None:
    assert len(row[3]) > 30
    assert all(is_there(place) for place in places(row))


def test_every_attack_is_one_on_a_threat() -> None:
    attacks = {f"tests/attacks/{path.name}" for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    named = {place.partition("::")[0] for row in THREATS for place in places(row)}
    assert attacks - named == set()


def test_a_place_that_is_not_there_is_noticed() -> None:
    assert is_there("tests/attacks/test_differencing.py::test_differencing_stays_under_the_bound")
    assert not is_there("tests/attacks/test_differencing.py::test_differencing")
    assert not is_there("node/yanmen/nothing.py")


def test_every_process_and_store_has_a_trust_line() -> None:
    trusted = " ".join(row[0] for table in tables(NAME) if table[0][0] in {"process", "store"} for row in table[1:])
    for name in ("node serve", "vet", "query", "import", "SDK", "verify", "space"):
        assert name in trusted
    for name in ("node.toml", "policies/", "ledger.sqlite", "snapshots/", "seal.key", "signing.key", "log.key"):
        assert name in trusted


@pytest.mark.parametrize(
    "threat",
    ["a subverted engine", "lies about its own data", "uses that are not in the log", "share a machine", "keys stolen"],
)
def test_what_cannot_be_defended_is_not_hidden(threat: str) -> None:
    assert [row[2] for row in THREATS if threat in row[1]] == ["not defended"]
