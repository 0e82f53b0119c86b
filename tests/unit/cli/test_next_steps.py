"""Every printed next step is a command of this program with all its required words."""

import re
import shlex
from pathlib import Path

import pytest
from yanmen.cli.contract import options_named
from yanmen.cli.main import main, parser
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Grant, Scenario, Terms
from yanmen.model.refusal import Detail, Reason, Refused

TERMS = Terms(
    id="0" * 32,
    holder="h",
    consumer="c",
    channel=Channel.OPENING,
    scenario=Scenario("s", "p", "l"),
    grants=(Grant("t", ("c",)),),
    min_group=10,
    micro_rho=1,
    micro_rho_per_query=1,
    micro_rho_per_query_max=1,
    delta_e12=0,
    queries=1,
    queries_per_day=1,
    not_before_ms=0,
    not_after_ms=1,
    price_per_query_fen=0,
    regulator_discloses=(),
    retention_days=180,
    paper_sha256="",
)
ME = ["--subject", "11140000MB0GTTTT0X", "--region", "1401"]


def hinted(text: str) -> list[str]:
    """Return the words of the next step in `text`, once the grammar took them."""
    found = re.search(r"next 下一步: yanmen (.*)$", text, re.MULTILINE)
    assert found is not None, text
    line = shlex.split(found[1])
    if "--help" not in line:
        parser().parse_args(line)
    return line


def ran(capsys: pytest.CaptureFixture[str], *line: object) -> list[str]:
    """Run the command and return its next step."""
    assert main([str(word) for word in line]) == 0
    return hinted(capsys.readouterr().out)


def test_from_nothing_to_a_node_and_a_member_by_the_printed_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE.csv").touch()  # words in capitals stand for the reader's own
    space = tmp_path / "my space"
    assert ran(capsys, "space", "init", space, "--name", "shanxi.example") == ["node", "init", "--help"]
    node = tmp_path / "civil"
    step = ran(capsys, "node", "init", node, "--name", "民政局", "--alias", "civil", *ME, "--address", "127.0.0.1:7443")
    assert step[:3] == ["space", "sign", "SPACE"]
    step = ran(capsys, *(str(space) if word == "SPACE" else word for word in step))
    assert step[:2] == ["node", "accept"]
    step = ran(capsys, *step)
    assert step == ["check", "node", str(node)]
    step = ran(capsys, *step)
    assert step[:3] == ["dataset", "suggest", str(node)]

    step = ran(capsys, "member", "init", tmp_path / "me", "--name", "Lab", "--alias", "lab", *ME)
    step = ran(capsys, *(str(space) if word == "SPACE" else word for word in step))
    assert step[:2] == ["member", "accept"]
    step = ran(capsys, *step)
    assert step == ["dataset", "list", "--as", str(tmp_path / "me"), "--at", "civil"]


def test_accepting_without_a_register_is_a_usage_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grant = tmp_path / "granted.json"
    grant.write_text("{}")
    assert main(["member", "accept", str(tmp_path), str(grant), "--register", str(tmp_path / "none.jws")]) == 2
    assert "none.jws is not a file" in capsys.readouterr().err


def test_help_of_decide_names_what_important_data_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["approval", "decide", "--help"])
    shown = capsys.readouterr().out.partition("example")[2]
    assert re.search(r" health --contract [0-9a-f]{32} ", shown)
    assert all(f"--{name} " in shown for name in ("as", "necessity", "legality", "security"))


def test_a_space_is_not_made_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = str(tmp_path / "space")
    assert main(["space", "init", space, "--name", "shanxi.example"]) == 0
    assert main(["space", "init", space, "--name", "shanxi.example"]) == 2
    assert "name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("price", ["-1", "1.5", "１", "free", "9" * 16])
def test_a_price_is_a_whole_number(price: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["contract", "request", "--as", "me", "--at", "civil", "--grant", "t:c", "--scenario", "s", "--purpose", "p"]
    assert main([*line, "--legal-basis", "l", f"--price={price}"]) == 2
    assert "not a whole number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("clauses", "offered", "said"),
    [
        (("dataset:channels",), True, "--channel"),
        (("guard:x",), True, ""),
        (("decide 首席数据官决定",), False, ""),
    ],
)
def test_a_refusal_by_policy_names_the_options_that_answer_it(
    clauses: tuple[str, ...], offered: bool, said: str
) -> None:
    with pytest.raises(Refused) as caught, options_named(TERMS if offered else None):
        raise Refused(Reason.POLICY_FORBIDS, Detail(clauses=clauses))
    assert caught.value.detail.clauses[: len(clauses)] == clauses
    assert said in " ".join(caught.value.detail.clauses)
    assert len(caught.value.detail.clauses) == len(clauses) + bool(said)
