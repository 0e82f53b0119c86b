"""Every command that a document shows is one that the program takes."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.cli.grammar import Parser
from yanmen.cli.main import parser
from yanmen.cli.output import UsageProblem

from tests.unit.docs.markdown import commands, inline_commands, words

DOCUMENTS = ("README.md", "docs/OPERATING.md", "docs/AUDIT.md")
SHOWN = [
    pytest.param(line, id=f"{name}: {line[:60]}")
    for name in DOCUMENTS
    for line in commands(name)
    if line.startswith("yanmen ")
]
MENTIONED = sorted({line for name in DOCUMENTS for line in inline_commands(name)} - {"yanmen COMMAND --help"})


@pytest.fixture(scope="module")
def grammar() -> Iterator[Parser]:
    """Return the whole grammar, in which the files that are named need not exist."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (
            "grammar",
            "audit",
            "cose",
            "findings",
            "inspection",
            "member",
            "need",
            "node",
            "node_looker",
            "policy",
            "space",
        ):
            patched.setattr(f"yanmen.cli.{module}.existing", Path, raising=False)
        yield parser()


@pytest.mark.parametrize("line", SHOWN)
def test_it_parses(line: str, grammar: Parser) -> None:
    arguments = grammar.parse_args(words(line)[1:])
    assert callable(arguments.handler)


@pytest.mark.parametrize("line", MENTIONED)
def test_what_is_mentioned_is_a_command_and_parses_when_it_is_whole(line: str, grammar: Parser) -> None:
    rest = words(line)[1:]
    known: argparse.ArgumentParser = grammar
    while subcommands := [each for each in known._actions if isinstance(each, argparse._SubParsersAction)]:
        known = subcommands[0].choices[rest.pop(0)]
    if rest:
        grammar.parse_args(words(line)[1:])


def test_enough_is_shown() -> None:
    assert len(SHOWN) > 30
    assert len(MENTIONED) > 5


@pytest.mark.parametrize("line", ["yanmen node serve", "yanmen verify x --spacekey y", "yanmen policy prove health"])
def test_a_command_that_is_not_there_is_noticed(line: str, grammar: Parser) -> None:
    with pytest.raises(UsageProblem):
        grammar.parse_args(words(line)[1:])
