"""Every command that a message, hint, help text or next step of the program names is one that the program has."""

import argparse
import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yanmen
from yanmen.cli.main import parser

ROOT = Path(yanmen.__file__).parent
TOP = Path(__file__).parents[3]
_NAMED = re.compile(r"(?<![\w.@/-])yanmen((?: [a-z][a-z-]*)+)")
_CODE = re.compile(r"`(yanmen [^`]+)`")
_NO_TEXT = {"cli/completion.py"}
"""A shell's program, in which the word after it is a variable."""


@cache
def grammar() -> argparse.ArgumentParser:
    return parser()


def commands_of(parser_: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser_._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def missing(words: list[str]) -> str:
    """Return the first word that is no command where one must stand, "" when all is there."""
    known: argparse.ArgumentParser = grammar()
    for at, word in enumerate(words):
        commands = commands_of(known)
        if not commands:
            return ""
        if word not in commands:
            return " ".join(words[: at + 1])
        known = commands[word]
    return ""


def named(tree: ast.AST) -> Iterator[tuple[int, list[str]]]:
    """Yield the commands that texts and calls of `next_step` name, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for found in _NAMED.findall(node.value):
                yield node.lineno, found.split()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next_step":
            words = itertools.takewhile(lambda each: isinstance(each, ast.Constant), node.args)
            said = [str(each.value) for each in words if isinstance(each, ast.Constant)]
            if said[:1] == ["yanmen"]:
                yield node.lineno, list(itertools.takewhile(re.compile("[a-z-]+").fullmatch, said[1:]))


def wrong(found: Iterable[tuple[int, list[str]]]) -> list[str]:
    return [f"{line}: yanmen {what}" for line, words in found if (what := missing(words))]


def test_what_the_program_names_is_a_command() -> None:
    found = {}
    count = 0
    for path in sorted(ROOT.rglob("*.py")):
        if str(path.relative_to(ROOT)) not in _NO_TEXT and "/v1/" not in str(path):
            text = path.read_text(encoding="utf-8")
            said = list(named(ast.parse(text))) if _NAMED.search(text) or "next_step(" in text else []
            count += len(said)
            found[path.name] = wrong(said)
    assert {name: each for name, each in found.items() if each} == {}
    assert count > 200


def test_what_pages_and_documents_name_is_a_command() -> None:
    pages = [*ROOT.rglob("*.html"), *ROOT.rglob("*.j2")]
    found = {path.name: wrong((0, each.split()) for each in _NAMED.findall(path.read_text("utf-8"))) for path in pages}
    for path in [TOP / "README.md", *(TOP / "docs").glob("*.md")]:
        spans = _CODE.findall(path.read_text("utf-8"))
        found[path.name] = wrong((0, each.split()) for span in spans for each in _NAMED.findall(span))
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("line", ["yanmen approval sign", "yanmen report list", "yanmen frobnicate"])
def test_a_command_that_is_not_there_is_noticed(line: str) -> None:
    assert missing(line.split()[1:]) == line.removeprefix("yanmen ")
    assert missing(["approval", "decide"]) == missing(["check", "node", "health"]) == ""
