"""docs/PERFORMANCE.md has the lines that scripts/bench prints, and its figures are at one with themselves."""

import importlib
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.docs.markdown import ROOT, commands, table, text_of

NAME = "docs/PERFORMANCE.md"
FIGURES = set(re.findall(r'Figure\(\s*"([a-z-]+)"', text_of("scripts/bench_files/figures.py")))
ROWS = table(NAME, "what the node does", "held against", "ours", "theirs", "ratio", "CPU ratio", "printed on")
MARKS = """<!-- scripts/bench X: begin -->
<!-- scripts/bench X: end -->
<!-- scripts/bench: begin -->
<!-- scripts/bench: end -->
"""
OPTIONS = {"--resume", "--quick", "--compose"}
PRINTED = "| what | measured | bar | met |\n|---|---|---|---|\n| a | 2.0 | ≤ 1.5 | NO |\n"


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return [importlib.import_module(f"bench_files.{name}") for name in ("jobs", "questions", "books")]


def test_its_lines_are_those_that_the_bench_measures(measures: list[ModuleType]) -> None:
    measured = [line for module in measures for line in module.LINES]
    assert [(row[0], row[1]) for row in ROWS] == measured


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0][:30]} / {row[1][:30]}")
def test_a_ratio_is_that_of_its_times(row: list[str]) -> None:
    ours, theirs, ratio, cpu = map(float, row[2:6])
    assert ratio == pytest.approx(ours / theirs, abs=0.01)
    assert cpu > 0


def test_the_commands_are_there() -> None:
    assert os.access(ROOT / "scripts" / "bench", os.X_OK)
    assert commands(NAME)[0] == "scripts/bench"
    for line in commands(NAME)[1:]:
        command, figure, *_ = line.split()
        if figure in OPTIONS:
            continue
        assert figure in FIGURES
        assert command == "scripts/bench"
        assert (ROOT / "scripts" / "bench_files" / f"{figure.replace('-', '_')}.py").is_file()


def test_every_figure_a_document_names_is_measured_by_the_one_command() -> None:
    documents = ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
    named = {name for each in documents for name in re.findall(r"`?scripts/bench ([a-z][a-z-]+)", text_of(each))}
    assert named - {"prints"} <= FIGURES
    for name in FIGURES:
        assert (ROOT / "scripts" / "bench_files" / f"{name.replace('-', '_')}.py").is_file()


@pytest.fixture
def one_command(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return {
        name: importlib.import_module(f"bench_files.{name}")
        for name in ("all", "figures", "machine", "measured", "page")
    }


def test_what_was_measured_is_not_measured_again(
    one_command: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(figure: Any, _: Any) -> str | None:
        ran.append(figure.name)
        return None if figure.name == "wire" else PRINTED

    monkeypatch.setattr(one_command["all"], "run", run)
    first, second = (one_command["figures"].Figure(name, "") for name in ("wire", "proofs"))
    for _ in range(2):
        assert not one_command["all"].taken(first, tmp_path, (0, 2)), "one that broke is tried again"
        assert one_command["all"].taken(second, tmp_path, (1, 2))
    assert ran == ["wire", "proofs", "wire"]
    (found,) = one_command["measured"].collected([tmp_path], [first, second])
    (line,) = found.lines
    assert (line.what, line.figure, line.bar, line.met) == ("a", "2.0", "≤ 1.5", False)
    assert one_command["measured"].against_bar(line) == pytest.approx(2.0 / 1.5)
    kept = one_command["page"].result(found.said)
    assert kept["date"] in one_command["page"].composed(MARKS, {"proofs": kept}, ["proofs"])


def test_every_table_is_made_of_the_committed_results(one_command: dict[str, ModuleType]) -> None:
    """Nobody writes a figure into a table: what stands there is what the file of results makes it."""
    page, whole = one_command["page"], text_of(NAME)
    results = page.read(ROOT / "docs" / "performance.json")
    assert page.composed(whole, results, [each.name for each in one_command["figures"].FIGURES]) == whole
    assert set(results) <= FIGURES
    inside = re.sub(
        r"<!-- scripts/bench[^>]*: begin -->.*?<!-- scripts/bench[^>]*: end -->", "", whole, flags=re.DOTALL
    )
    assert [line for line in inside.splitlines() if line.startswith("|")] == [], "a table outside the marks"
    for name, one in results.items():
        assert one["command"].split()[:2] == ["scripts/bench", name]
        assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", row["on"]) for each in one["tables"] for row in each["rows"])


def test_a_figure_altered_by_hand_is_seen(one_command: dict[str, ModuleType]) -> None:
    page = one_command["page"]
    results = {
        "wire": page.result({"command": "scripts/bench wire", "date": "2026-01-02", "load": 1, "printed": PRINTED})
    }
    whole = page.composed(MARKS.replace("X", "wire"), results, ["wire"])
    assert "| a | 2.0 | ≤ 1.5 | NO | 2026-01-02 |" in whole
    assert page.composed(whole.replace("2.0", "1.0"), results, ["wire"]) == whole


def test_a_run_of_some_replaces_just_its_lines(one_command: dict[str, ModuleType]) -> None:
    page = one_command["page"]

    def said(printed: str, on: str) -> Any:
        return page.result({"command": "scripts/bench wire", "date": on, "load": 1, "printed": printed})

    before = said(PRINTED + "| b | 7 | | |\n", "2026-01-02")
    after = page.merged(before, said(PRINTED.replace("2.0", "1.0") + "| c | 9 | | |\n", "2026-03-04"))
    (table_,) = after["tables"]
    assert [(row["cells"][0], row["cells"][1], row["on"]) for row in table_["rows"]] == [
        ("a", "1.0", "2026-03-04"),
        ("b", "7", "2026-01-02"),
        ("c", "9", "2026-03-04"),
    ]


def test_lines_that_are_said_otherwise_now_go_when_what_says_so_is_taken_up(one_command: dict[str, ModuleType]) -> None:
    page = one_command["page"]
    said = {"command": "scripts/bench wire", "date": "2026-01-02", "load": 1}
    before = page.result({**said, "printed": PRINTED + "| ab | 7 | | |\n\n| question |\n|---|\n| a |\n"})
    assert page.without(before, "a")["tables"] == []
    (table_,) = page.without(before, "ab")["tables"][:1]
    assert [row["cells"][0] for row in table_["rows"]] == ["a"]


def test_every_line_that_is_kept_is_plotted_where_it_has_a_bar(
    one_command: dict[str, ModuleType], tmp_path: Path
) -> None:
    measured = one_command["measured"]
    results = one_command["page"].read(ROOT / "docs" / "performance.json")
    lines = measured.lines_of(results)
    assert {line.figure_name for line in lines} == {name for name, one in results.items() if one["tables"]}
    some = [line for line in lines if line.figure_name in {"quotas", "wire"}]
    measured.plot(some, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"quotas.svg", "wire.svg"}


def test_a_run_in_pieces_leaves_out_what_was_measured_at_any_commit(
    one_command: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, all_ = {each.name for each in one_command["figures"].FIGURES}, one_command["all"]
    monkeypatch.setattr(all_, "KEPT", tmp_path)
    for folder, name in (("0123", "wire"), ("4567", "proofs"), ("4567-quick", "joins")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.json").write_text("{}")
    monkeypatch.setattr("sys.argv", ["bench", "--resume"])
    assert {each.name for each in all_.selected(all_.asked())} == whole - {"wire", "proofs"}
    monkeypatch.setattr("sys.argv", ["bench", "--compose"])
    assert all_.selected(all_.asked()) == []


def test_only_the_marked_part_is_written(one_command: dict[str, ModuleType]) -> None:
    machine = one_command["machine"]
    whole = f"by hand\n{machine.BEGIN}\nold\n{machine.END}\nby hand too\n"
    assert machine.marked(whole, "new") == f"by hand\n{machine.BEGIN}\nnew\n{machine.END}\nby hand too\n"
    with pytest.raises(SystemExit):
        machine.marked("no marks", "new")
    assert text_of(NAME).count(machine.BEGIN) == text_of(NAME).count(machine.END) == 1


@pytest.mark.parametrize(
    ("figure", "bar", "share"),
    [
        ("60.4 ms / 58.6 ms = 1.03 (medians 1.04)", "≤ 1.10", 1.03 / 1.1),
        ("58/s", "≥ 40/s", 40 / 58),
        ("all", "all", None),
    ],
)
def test_a_figure_is_plotted_as_a_share_of_its_bar(
    one_command: dict[str, ModuleType], figure: str, bar: str, share: float | None
) -> None:
    line = one_command["measured"].Line("wire", "x", figure, bar, True)
    found = one_command["measured"].against_bar(line)
    assert found == (None if share is None else pytest.approx(share))
