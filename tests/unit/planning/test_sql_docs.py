"""docs/SQL.md is true: its examples are refused for the reason given, and its tables name what the code admits."""

import re
from pathlib import Path

import pytest
import yanmen.planning
from yanmen.model.refusal import Reason, Refused
from yanmen.planning import figures, hints, joins
from yanmen.planning.places import Hint
from yanmen.planning.released_terms import PLACES
from yanmen.planning.vocabulary import CASTS, FUNCTIONS, OPERATORS

from tests.unit.planning.engine import planned

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "SQL.md").read_text("utf-8")
SOURCES = sorted(Path(next(iter(yanmen.planning.__path__))).glob("*.py"))


def table(heading: str) -> list[list[str]]:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


REFUSALS = {row[0].strip("`"): row[2].strip("`") if len(row) > 2 else "" for row in table("Refusals")}


@pytest.mark.parametrize("reason", [reason for reason, example in REFUSALS.items() if example])
def test_examples_are_refused_for_the_reason_given(reason: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(REFUSALS[reason])
    assert caught.value.reason.value == reason
    assert caught.value.detail.hint_en
    assert caught.value.detail.hint_zh


def test_every_reason_the_planner_gives_is_explained() -> None:
    named = {name for source in SOURCES for name in re.findall(r"Reason\.([A-Z_]+)", source.read_text("utf-8"))}
    assert named == set(REFUSALS)
    assert set(REFUSALS) <= {reason.value for reason in Reason}


def test_every_admitted_function_is_on_the_page_and_no_other() -> None:
    written = " ".join(row[0] for row in table("Functions"))
    calls = {name.lower() for name in re.findall(r"`([a-z_0-9]+)\(", written)}
    assert calls == FUNCTIONS.keys() - {"count_star"} | {"coalesce"}
    symbols = {symbol.replace("|", "\\|") for symbol in OPERATORS if not re.search(r"[a-z~]", symbol)}
    assert all(f"`{symbol}`" in written for symbol in symbols)


def test_every_cast_target_is_on_the_page() -> None:
    (row,) = (row for row in table("Functions") if "TRY_CAST" in row[0])
    named = {name.partition("(")[0].lower() for name in re.findall(r"`([A-Z]+(?:\(p,s\))?)`", row[1])}
    assert named == set(CASTS)


def test_figures_on_the_page_are_the_code_s() -> None:
    assert f"more than {figures.FIGURES_MAX} figures" in TEXT
    assert f"more than {joins.ROWS_OF_A_UNIT_MAX:,} times" in TEXT
    assert f"at most {PLACES} decimal places" in TEXT


def test_every_hint_says_something_in_both_languages() -> None:
    found = [value for value in vars(hints).values() if isinstance(value, Hint)]
    assert len(found) > 30
    for hint in found:
        assert hint.en.endswith(".")
        assert re.search(r"[\u4e00-\u9fff]", hint.zh)
        assert hint.zh.endswith("。")
        assert not re.search(r"[\u4e00-\u9fff]", hint.en)
