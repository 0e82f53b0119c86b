"""How a command ends: wrong input is no defect, and a reader who leaves early is no fault."""

import argparse
import json
import subprocess
import sys

import pytest
from yanmen.cli.output import Result, next_step, run
from yanmen.client.errors import Unreachable
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Detail, Reason, Refused


def malformed(_: argparse.Namespace) -> Result:
    """Refuse as every format does."""
    raise Malformed("thing: write it so")


def test_input_of_a_wrong_form_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(malformed, argparse.Namespace(group="space", command="init")) == 2
    said = capsys.readouterr()
    assert said.err == "yanmen: thing: write it so\nSee 详见: yanmen space init --help\n"
    assert run(malformed, argparse.Namespace(json=True, group="verify")) == 2
    assert json.loads(capsys.readouterr().out) == {"error": "USAGE", "message": "thing: write it so"}


def test_a_next_step_is_quoted_for_the_shell() -> None:
    assert next_step("yanmen", "query", "SELECT 1") == "\nnext 下一步: yanmen query 'SELECT 1'"


LONG = """
import argparse, sys
from yanmen.cli.output import Negative, Result, run
def command(arguments):
    result = Result("line\\n" * 200_000, {})
    if arguments.no:
        raise Negative(result)
    return result
sys.exit(run(command, argparse.Namespace(no=sys.argv[1] == "no")))
"""


@pytest.mark.parametrize(("verdict", "code"), [("yes", 0), ("no", 1)])
def test_a_closed_pipe_ends_quietly_with_the_usual_code(verdict: str, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, verdict], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == code


def refuse_at_a_line(_: argparse.Namespace) -> Result:
    """Refuse something about a whole line."""
    raise Refused(Reason.SPEC_UNCONFIRMED, Detail(line=4))


def unreachable(_: argparse.Namespace) -> Result:
    """Fail as a client does when nobody listens."""
    raise Unreachable("UNAVAILABLE", "refused")


def test_a_refusal_of_a_whole_line_names_no_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(refuse_at_a_line, argparse.Namespace()) == 1
    assert capsys.readouterr().err.splitlines()[0].endswith("at line 4")


def test_a_node_that_does_not_listen_leads_to_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(unreachable, argparse.Namespace()) == 3
    assert "yanmen node serve" in capsys.readouterr().err
