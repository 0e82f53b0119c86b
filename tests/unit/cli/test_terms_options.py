"""Terms that make no contract: the command names the options to change; a folder that is not there is called so."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.cli import negotiation
from yanmen.cli.main import main
from yanmen.cli.output import UsageProblem
from yanmen.cli.terms_options import options_of, settable

from tests.unit.ledger.scene import terms_of


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


def changing(*said: str) -> str:
    arguments = argparse.Namespace(set=list(said), grant=[], until=None)
    with pytest.raises(UsageProblem) as caught:
        negotiation.changed(terms_of("ab" * 16), arguments)
    return str(caught.value)


def test_a_change_that_makes_no_contract_names_what_to_set_with_it() -> None:
    assert "--set queries_per_day=" in changing("queries=2")
    assert "--set micro_rho=" in changing("micro_rho_per_query=99999999")
    together = argparse.Namespace(set=["queries=2", "queries_per_day=2"], grant=[], until=None)
    assert negotiation.changed(terms_of("ab" * 16), together).queries_per_day == 2


def test_a_name_that_cannot_be_set_names_those_that_can() -> None:
    told = changing("queries_a_day=2")
    assert "did you mean queries_per_day" in told
    assert all(name in told for name in settable())
    assert {"queries", "queries_per_day", "price_per_query_fen", "rows", "deletion_days"} <= set(settable())
    assert "scenario" not in settable()
