"""One command's grammar is the same alone as among all, and one command imports no other's modules."""

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from yanmen.cli.grammar import Parser
from yanmen.cli.main import DECLARED_IN, main, parser


def commands(root: Parser) -> dict[str, Any]:
    [action] = [each for each in root._actions if each.dest == "group"]
    assert action.choices is not None
    return dict(action.choices.items()) if isinstance(action.choices, dict) else {}


def test_every_command_is_declared_where_the_table_says() -> None:
    assert list(commands(parser())) == [*DECLARED_IN, "completion"]


@pytest.mark.parametrize("word", DECLARED_IN)
def test_a_command_alone_is_the_command_among_all(word: str) -> None:
    assert commands(parser(word))[word].format_help() == commands(parser())[word].format_help()


def test_an_unknown_command_is_told_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarry"]) == 2
    told = capsys.readouterr().err
    assert all(f"'{word}'" in told for word in DECLARED_IN)


def test_a_question_imports_neither_the_ledger_nor_the_auditor() -> None:
    code = "import sys; from yanmen.cli.main import parser; parser('query'); print(*sys.modules)"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "yanmen.cli.query" in seen
    assert not {"yanmen.ledger.ledger", "yanmen.verify", "yanmen.cli.node"} & set(seen)


def test_the_version_is_the_package_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["yanmen", version("yanmen")]
    assert main(["--version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["yanmen"] == version("yanmen")


def test_asking_one_node_loads_no_arithmetic_of_many() -> None:
    code = "import sys, yanmen.client as c; print('numpy' in sys.modules, all(getattr(c, name) for name in c.__all__))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert seen == ["False", "True"]
