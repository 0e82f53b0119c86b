"""docs/performance.json, what was measured last and when, and the tables of docs/PERFORMANCE.md that are made of it.

A table stands between marks that name the commands whose lines it has; commands that no mark names come last. What is
between marks is never written by hand, and a test holds it to the file.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench_files import machine

FORMAT = "yanmen-performance-1"
_ROW = re.compile(r"^\|(.+)\|\s*$")
_RULE = re.compile(r"^[\s|:-]+$")
_MARKED = re.compile(r"<!-- scripts/bench ([a-z,-]+): begin -->\n(.*?)<!-- scripts/bench \1: end -->", re.DOTALL)
Result = dict[str, Any]


def read(path: Path) -> dict[str, Result]:
    """Return every result by the name of its command."""
    said = json.loads(path.read_text(encoding="utf-8"))
    if said.get("format") != FORMAT:
        raise SystemExit(f"{path} is not {FORMAT}")
    return dict(said["results"])


def write(path: Path, results: dict[str, Result]) -> None:
    """Put `results` in the place of the file."""
    text = json.dumps({"format": FORMAT, "results": results}, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def tables(printed: str, on: str) -> list[dict[str, Any]]:
    """Return the tables among what was printed, each row with the day it was printed on."""
    found: list[dict[str, Any]] = []
    open_ = False
    for text in printed.splitlines():
        match = _ROW.match(text)
        if match is None:
            open_ = False
            continue
        cells = [cell.strip() for cell in match[1].split("|")]
        if not open_:
            found.append({"headings": cells, "rows": []})
            open_ = True
        elif not _RULE.match(text):
            found[-1]["rows"].append({"cells": cells, "on": on})
    return found


def result(said: dict[str, Any]) -> Result:
    """Return what is kept of one run: its tables, or else all it printed."""
    found = tables(str(said["printed"]), str(said["date"]))
    kept = {key: said[key] for key in ("command", "date", "load", "machine") if key in said}
    return kept | {"tables": found, "text": "" if found else str(said["printed"]).strip()}


def merged(before: Result | None, new: Result) -> Result:
    """Return a result with the lines of a run of some of it put in the place of those that say the same."""
    if before is None or not new["tables"]:
        return new
    kept = [{"headings": each["headings"], "rows": list(each["rows"])} for each in before["tables"]]
    for table in new["tables"]:
        same = next((each for each in kept if each["headings"] == table["headings"]), None)
        if same is None:
            kept.append(table)
            continue
        for row in table["rows"]:
            key = _key(table["headings"], row["cells"])
            at = [i for i, each in enumerate(same["rows"]) if _key(table["headings"], each["cells"]) == key]
            if at:
                same["rows"][at[0]] = row
            else:
                same["rows"].append(row)
    return {**new, "tables": kept}


def without(before: Result | None, begun: str) -> Result | None:
    """Return a result without the lines that begin with `begun`, and without tables that have no others."""
    if before is None:
        return None
    kept = [
        {**table, "rows": [row for row in table["rows"] if not row["cells"][0].startswith(begun)]}
        for table in before["tables"]
    ]
    return {**before, "tables": [table for table in kept if table["rows"]]}


def _key(headings: list[str], cells: list[str]) -> tuple[str, ...]:
    """Return what a line is about: the cells before what was measured."""
    end = headings.index("measured") if "measured" in headings else 1
    return tuple(cells[:end])


def composed(page: str, results: dict[str, Result], order: Iterable[str]) -> str:
    """Return the page with every marked part made of `results`."""
    named: set[str] = set()

    def block(match: "re.Match[str]") -> str:
        names = match[1].split(",")
        named.update(names)
        begin, end = (f"<!-- scripts/bench {match[1]}: {word} -->" for word in ("begin", "end"))
        return f"{begin}\n{_blocks([results[name] for name in names if name in results])}\n{end}"

    whole = _MARKED.sub(block, page)
    listed = list(order)
    rest = [name for name in listed if name in results and name not in named]
    return str(
        machine.marked(whole, "\n\n".join([*(_captioned(results[name]) for name in rest), *_runs(results, listed)]))
    )


def _captioned(one: Result) -> str:
    return f"`{one['command']}`:\n\n{_blocks([one])}"


def _runs(results: dict[str, Result], order: list[str]) -> list[str]:
    """Return, for each machine, which commands ran on it, when, and beside how much other work."""
    found: dict[str, list[str]] = {}
    for name in order:
        one = results.get(name, {})
        if one.get("machine"):
            load = f", load {one['load']} when it ended" if one.get("load") is not None else ""
            found.setdefault(one["machine"], []).append(f"- `{one['command']}`, {one['date']}{load}")
    return [f"Run on {where}:\n\n" + "\n".join(lines) for where, lines in found.items()]


def _blocks(those: list[Result]) -> str:
    """Return tables of the same columns as one."""
    joined: list[tuple[list[str], list[list[str]]]] = []
    texts = [f"```text\n{one['text']}\n```" for one in those if one["text"]]
    for one in those:
        for table in one["tables"]:
            rows = [[*row["cells"], row["on"]] for row in table["rows"]]
            if joined and joined[-1][0] == table["headings"]:
                joined[-1][1].extend(rows)
            else:
                joined.append((table["headings"], rows))
    return "\n\n".join([_table(headings, rows) for headings, rows in joined] + texts)


def _table(headings: list[str], rows: list[list[str]]) -> str:
    named = [*headings, "printed on"]
    lines = [named, ["---"] * len(named), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
