"""Every command teaches: purpose, example, --json; wrong lines end with code 2 and say what to write."""

import argparse
import json
from collections.abc import Iterator

import pytest
from yanmen.cli.main import main, parser


def commands(
    root: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Return every command with its words."""
    groups = [action for action in root._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path, root
    for action in groups:
        for name, sub in action.choices.items():
            yield from commands(sub, (*path, name))


COMMANDS = dict(commands(parser()))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_parses_to_it(words: tuple[str, ...]) -> None:
    import shlex

    epilog = COMMANDS[words].epilog or ""
    example = epilog.partition("\n")[2].strip().split(" > ")[0]
    line = shlex.split(example)
    assert line[: len(words) + 1] == ["yanmen", *words]
    assert COMMANDS[words].description
    assert any(action.dest == "json" for action in COMMANDS[words]._actions)


def test_every_command_of_the_issue_is_there() -> None:
    wanted = {
        "space init", "space sign", "node init", "node accept", "node serve", "member enrol", "member revoke",
        "dataset suggest", "dataset publish", "dataset list", "dataset show", "dataset retract",
        "contract request", "contract approve", "contract deny", "contract list", "contract show", "contract revoke",
        "query", "explain", "cancel", "receipts export", "verify", "check sandbox",
    }  # fmt: skip
    assert wanted <= {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize(
    "line", [["nonsense"], ["space", "init"], ["verify", "/nowhere"], ["query", "--at", "x", "SELECT 1"]]
)
def test_a_wrong_line_ends_with_code_2_and_says_so(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2
    said = capsys.readouterr()
    assert said.err.startswith("yanmen: ")
    assert said.out == ""


def test_a_wrong_line_with_json_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", "init", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "USAGE"


def test_a_folder_that_is_no_node_ends_with_code_3(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node", "status", str(tmp_path), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["code"] == "CONFIG"
