"""Documents taken apart: fenced blocks, the commands in them, and rows of tables."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|(.*)\|$")
_RULE = re.compile(r"[\s|:-]+")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its language and its text."""

    language: str
    text: str


def text_of(name: str) -> str:
    """Return a document by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def fences(name: str, *languages: str) -> list[Fence]:
    """Return the fenced blocks of a document in these languages."""
    found = [Fence(*match.groups()) for match in _FENCE.finditer(text_of(name))]
    return [fence for fence in found if fence.language in languages]


def commands(name: str) -> list[str]:
    """Return every line that a document tells the reader to type: after a prompt, in a block of bash, or indented."""
    typed = [line[2:] for fence in fences(name, "console") for line in fence.text.splitlines() if line[:2] == "$ "]
    typed += [line for fence in fences(name, "bash") for line in fence.text.splitlines() if line]
    return typed + re.findall(r"^ {4}(yanmen .*)$", text_of(name), re.MULTILINE)


def inline_commands(name: str) -> list[str]:
    """Return every `yanmen …` in a table or sentence that names a whole command."""
    return [found for found in re.findall(r"`(yanmen [^`]+)`", text_of(name)) if "…" not in found]


def words(line: str) -> list[str]:
    """Return the words of a shell line; comments are left out."""
    return shlex.split(line, comments=True)


def tables(name: str) -> list[list[list[str]]]:
    """Return the tables of a document as rows of cells, each with its heading row first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text_of(name).splitlines():
        match = _ROW.fullmatch(line)
        if match is None:
            inside = False
            continue
        if not inside:
            found.append([])
        inside = True
        if _RULE.fullmatch(line) is None:
            found[-1].append([cell.strip() for cell in match[1].split("|")])
    return found


def table(name: str, *headings: str) -> list[list[str]]:
    """Return the rows of the one table that has these headings."""
    (rows,) = [rows for rows in tables(name) if tuple(rows[0]) == headings]
    return rows[1:]


def code(cell: str) -> str:
    """Return what stands between the backticks of a cell that is nothing else."""
    match = re.fullmatch(r"`([^`]+)`", cell)
    assert match is not None, cell
    return match[1]
