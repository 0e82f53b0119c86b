"""docs/PERFORMANCE.md has the lines that scripts/bench prints, and its figures are at one with themselves."""

import importlib
import os
from types import ModuleType

import pytest

from tests.unit.docs.markdown import ROOT, commands, table

NAME = "docs/PERFORMANCE.md"
ROWS = table(NAME, "what the node does", "held against", "ours", "theirs", "ratio", "CPU ratio")


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return [importlib.import_module(f"bench_files.{name}") for name in ("jobs", "questions", "books")]


def test_its_lines_are_those_that_the_bench_measures(measures: list[ModuleType]) -> None:
    measured = [line for module in measures for line in module.LINES]
    assert [(row[0], row[1]) for row in ROWS] == measured


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0][:30]} / {row[1][:30]}")
def test_a_ratio_is_that_of_its_times(row: list[str]) -> None:
    ours, theirs, ratio, cpu = map(float, row[2:])
    assert ratio == pytest.approx(ours / theirs, abs=0.01)
    assert cpu > 0


def test_the_commands_are_there() -> None:
    assert os.access(ROOT / "scripts" / "bench", os.X_OK)
    assert commands(NAME)[0] == "scripts/bench"
    for line in commands(NAME)[1:]:
        command, figure, *_ = line.split()
        assert command == "scripts/bench"
        assert (ROOT / "scripts" / "bench_files" / f"{figure.replace('-', '_')}.py").is_file()
