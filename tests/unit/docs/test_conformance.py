"""docs/CONFORMANCE.md lists the 29 items once each; what it calls there has a test that is there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.docs.markdown import table, text_of
from tests.unit.docs.test_threat_model import is_there

NAME = "docs/CONFORMANCE.md"
ROWS = table(NAME, "item", "level", "what", "there?", "shown by")
ITEMS = [
    *("7.1a", "7.1b", "7.1c", "7.2a", "7.2b", "7.2c", "7.3a", "7.3b", "7.3c", "7.4a", "7.4b", "7.4c"),
    *("7.5a", "7.5b", "7.5c", "7.6a", "7.6b", "7.6c", "7.6d"),
    *("8.1a", "8.1b", "8.2a", "8.2b", "8.2c", "8.2d", "8.3a", "8.3b", "8.3c", "8.3d"),
]
EXTENDED = {"7.2a", "7.2b", "7.2c", "7.4b", "7.6b"}


def test_every_item_is_there_once() -> None:
    assert len(ITEMS) == 29
    assert [row[0] for row in ROWS] == ITEMS
    assert {row[0] for row in ROWS if row[1] == "E"} == EXTENDED
    assert Counter(row[1] for row in ROWS) == {"B": 24, "E": 5}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_each_says_how_far_and_what_shows_it(row: list[str]) -> None:
    assert re.match(r"yes|in part: .+;|in part: [^;]+$|not yet", row[3])
    if row[3] == "not yet":
        assert row[4] == "not yet"
        return
    shown = re.fullmatch(r"`(tests/[^`]+::\w+)`", row[4])
    assert shown is not None
    assert is_there(shown[1])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_each_item_has_a_module_of_its_own(row: list[str]) -> None:
    module = f"tests/conformance/test_item_{row[0].replace('.', '_')}.py"
    assert row[4].startswith(f"`{module}::")
    assert (Path(__file__).parents[3] / module).read_text(encoding="utf-8").startswith(f'"""{row[0]} ')


def test_it_claims_no_certificate() -> None:
    assert "nobody has accepted or certified anything" in text_of(NAME)
