"""Terms that make no contract: the command names the options to change; a folder that is not there is called so."""

from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.cli.terms_options import options_of


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("permission/0/constraint/count: a day's count is above the whole count", "--queries-per-day"),
        ("permission/0/constraint/yanmen:microRhoPerQuery: not in order", "--micro-rho"),
        ("permission/0/constraint/dateTime: ends before it begins", "--days"),
        ("permission/0/target: names a dataset twice", ""),
    ],
)
def test_a_fault_of_terms_names_its_options(fault: str, options: str) -> None:
    assert options in options_of(fault)
    assert bool(options_of(fault)) == bool(options)


def test_a_folder_that_is_not_there_is_no_bad_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register, key = tmp_path / "register.jws", tmp_path / "space.vkey"
    register.write_text("x")
    key.write_text("x")
    words = ["verify-federation", str(tmp_path / "gone"), "--register", str(register), "--space-key", str(key)]
    run: Callable[[list[str]], int] = main
    assert run(words) == 2
    said = capsys.readouterr()
    assert "no such folder" in said.out + said.err
