"""A finding by the command line, from the inspector to the node and back until it is closed."""

import json
from pathlib import Path

import pytest
from yanmen.cli.main import main

SUBJECT = ["--subject", "11140000MB0GTTTT0X", "--region", "1401"]
DEADLINE = "2999-12-31T18:00:00+08:00"


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return a folder with a space, the node `civil`, and a regulator and a developer as members."""
    space, civil = tmp_path / "space", tmp_path / "civil"
    register = ["--register", space / "register.jws"]
    assert run("space", "init", space, "--name", "shanxi.example") == 0
    node = ["--name", "民政局", "--alias", "civil", *SUBJECT, "--address", "127.0.0.1:7443"]
    assert run("node", "init", civil, *node) == 0
    assert run("space", "sign", space, civil / "application.jws") == 0
    assert run("node", "accept", civil, civil / "granted.json", *register) == 0
    for name, role in (("inspector", "regulator"), ("lab", "developer")):
        member = tmp_path / name
        assert run("member", "init", member, "--name", name, "--alias", name, *SUBJECT, "--role", role) == 0
        assert run("member", "enrol", space, member / "application.jws") == 0
        assert run("member", "accept", member, member / "granted.json", *register) == 0
    return tmp_path


def test_a_finding_is_opened_rectified_rechecked_and_closed(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node, steps = town / "civil", [town / f"{number}.jws" for number in range(4)]
    regulator = ["--as", town / "inspector", "--text", "检查记录"]
    assert run("inspection", "open", *regulator, "--at", "civil", "--deadline", DEADLINE, steps[0]) == 0
    capsys.readouterr()
    assert run("inspection", "record", node, steps[0], "--json") == 0
    finding = json.loads(capsys.readouterr().out)["finding"]
    assert run("inspection", "rectify", node, finding, "--text", "已整改", steps[1]) == 0
    early = ["inspection", "close", *regulator, "--after", steps[1], town / "early.jws"]
    assert run(*early) == 0
    assert run("inspection", "record", node, town / "early.jws") == 1
    recheck = ["inspection", "recheck", *regulator, "--after", steps[1]]
    assert run(*recheck, "--passed", "--deadline", DEADLINE, steps[2]) == 2
    assert run(*recheck, "--failed", steps[2]) == 2
    assert run(*recheck, "--passed", steps[2]) == 0
    assert run("inspection", "record", node, steps[2]) == 0
    assert run("inspection", "close", *regulator, "--after", steps[2], steps[3]) == 0
    assert run("receipts", "export", node, town / "before") == 0
    key = ["--space-key", town / "space" / "space.vkey"]
    assert run("inspection", "list", town / "before", *key, "--given", steps[3]) == 1
    assert run("inspection", "record", node, steps[3]) == 0
    assert run("receipts", "export", node, town / "after") == 0
    capsys.readouterr()
    assert run("inspection", "list", town / "after", *key, "--given", steps[3], "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [(each["finding"], each["state"], each["overdue"]) for each in said["findings"]] == [
        (finding, "closed", False)
    ]
    page = town / "report.html"
    assert run("verify", town / "after", *key, "--html", page) == 0
    assert f"{finding}" in capsys.readouterr().out
    assert finding in page.read_text()
    assert "已销号" in page.read_text()


def test_who_is_no_inspector_records_nothing(town: Path) -> None:
    step = town / "step.jws"
    line = ["inspection", "open", "--as", town / "lab", "--text", "x", "--at", "civil", "--deadline", DEADLINE, step]
    assert run(*line) == 0
    assert run("inspection", "record", town / "civil", step) == 1
    assert run(*line) == 2
    assert run("inspection", "rectify", town / "civil", "ab" * 16, "--text", "x", town / "new.jws") == 1
