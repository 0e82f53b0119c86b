"""What figures printed, read back: lines of their tables, the page's section, and plots against the bars."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_files.figures import Figure

_ROW = re.compile(r"^\|(.+)\|\s*$")
_RULE = re.compile(r"^[\s|:-]+$")
_RATIO = re.compile(r"(?:= )?(-?\d[\d,]*(?:\.\d+)?)")
_BAR = re.compile(r"([≤≥<>]=?)?\s*(\d[\d,]*(?:\.\d+)?)")
MET = {"yes": True, "no": False, "": None}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what, how much, its bar, and whether that is met."""

    figure_name: str
    what: str
    figure: str
    bar: str
    met: bool | None

    @classmethod
    def read_all(cls, figure: Figure, said: dict[str, Any]) -> list["Line"]:
        """Return the lines of what `figure` printed: rows of tables, in order."""
        found: list[Line] = []
        headings: list[str] = []
        for text in str(said["printed"]).splitlines():
            match = _ROW.match(text)
            if match is None:
                headings = []
                continue
            cells = [cell.strip() for cell in match[1].split("|")]
            if not headings:
                headings = [cell.lower() for cell in cells]
            elif not _RULE.match(text):
                found.append(cls.of(figure.name, headings, cells))
        return found

    @classmethod
    def of(cls, name: str, headings: list[str], cells: list[str]) -> "Line":
        """Return the line that the row `cells` of a table of the command `name` is; `headings` in small letters."""
        by = dict(zip(headings, cells, strict=False))
        bar = next((value for name, value in by.items() if name.startswith("bar")), "")
        met = MET.get(by.get("met", "").strip("* ").lower())
        rest = [f"{name} {value}" for name, value in list(by.items())[1:] if not name.startswith(("bar", "met"))]
        shown = by.get("measured") or "; ".join(rest)
        return cls(name, cells[0], shown, bar, met)


@dataclass(frozen=True, slots=True)
class Run:
    """What one command printed, and the lines of its tables."""

    said: dict[str, Any]
    lines: list[Line]


def collected(folders: Iterable[Path], figures: Iterable[Figure]) -> list[Run]:
    """Return the newest run of every figure that was measured into one of `folders`, in order."""
    among, found = list(folders), []
    for figure in figures:
        paths = [path for folder in among if (path := folder / f"{figure.name}.json").exists()]
        if paths:
            newest = max(paths, key=lambda path: path.stat().st_mtime_ns)
            said = json.loads(newest.read_text(encoding="utf-8"))
            found.append(Run(said, Line.read_all(figure, said)))
    return found


def lines_of(results: Mapping[str, dict[str, Any]]) -> list[Line]:
    """Return every line of the results that are kept."""
    return [
        Line.of(name, [heading.lower() for heading in table["headings"]], row["cells"])
        for name, one in results.items()
        for table in one["tables"]
        for row in table["rows"]
    ]


def against_bar(line: Line) -> float | None:
    """Return the measured number over its bar, below 1 where less is better and met; None where that says nothing."""
    bar = _BAR.search(line.bar)
    ratio = re.search(r"= (\d+(?:\.\d+)?)", line.figure) or _RATIO.search(line.figure)
    if bar is None or ratio is None or line.met is None:
        return None
    limit, number = float(bar[2].replace(",", "")), float(ratio[1].replace(",", ""))
    if limit <= 0 or number <= 0:
        return None
    return limit / number if (bar[1] or "≤").startswith(("≥", ">")) else number / limit


def plot(lines: list[Line], folder: Path) -> None:
    """Write one plot for each command: its figures against their bars."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(line.figure_name for line in lines):
        shares = [(line, against_bar(line)) for line in lines if line.figure_name == name]
        shown = [(line, share) for line, share in shares if share is not None]
        if not shown:
            continue
        figure, axes = plt.subplots(figsize=(9, 1 + 0.4 * len(shown)))
        colours = ["#2a6f97" if line.met else "#c1121f" for line, _ in shown]
        axes.barh([line.what[:70] for line, _ in shown], [share for _, share in shown], color=colours)
        axes.axvline(1.0, color="black", linewidth=1)
        axes.set_xlabel("share of its bar (1 = the bar, less is better)")
        axes.set_title(f"scripts/bench {name}")
        axes.invert_yaxis()
        figure.tight_layout()
        figure.savefig(folder / f"{name}.svg")
        plt.close(figure)
