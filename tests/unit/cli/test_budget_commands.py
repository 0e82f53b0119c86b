"""Lifetime budgets by the command line: shown, renewed with who and why, and not before the announced day."""

import json
from pathlib import Path
from typing import Any

import pytest
from yanmen.cli.main import main

from tests.unit.cli.test_bill_commands import node as node

DECISION = ("--approver", "张三", "--reason", "second survey")


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_budget_is_shown_and_renewed(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    _, shown = told(capsys, "budget", "show", node)
    (before,) = shown["spaces"]
    assert (before["space"], before["micro_rho_spent"], before["next_renewal"]) == ("person", 0, None)
    words = ("budget", "renew", node, "--micro-rho", 500_000, *DECISION)
    code, after = told(capsys, *words, "--next", "2099-01-31")
    assert code == 0
    assert (after["micro_rho"], after["next_renewal"]) == (before["micro_rho"] + 500_000, "2099-01-31")
    assert float(after["epsilon"]) > float(before["epsilon"])
    code, refused = told(capsys, *words, "--next", "2099-02-28")
    assert (code, refused["reason"]) == (1, "POLICY_FORBIDS")
    assert main(["budget", "show", str(node)]) == 0
    assert "2099-01-31" in capsys.readouterr().out


def test_a_renewal_names_who_and_why(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, refused = told(
        capsys, "budget", "renew", node, "--micro-rho", 1, "--approver", "张三", "--reason", " ", "--next", "2099-01-31"
    )
    assert (code, refused["reason"]) == (1, "POLICY_FORBIDS")
    assert main(["budget", "renew", str(node), "--micro-rho", "1", "--next", "2099-01-31"]) == 2
