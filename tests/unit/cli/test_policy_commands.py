"""`yanmen policy`: a department holds its own guard rails to what they must say, and sees what is enforced."""

import json
from pathlib import Path
from typing import Any

import pytest
from yanmen.admission import explanation
from yanmen.admission.clauses import compile_terms
from yanmen.admission.policies import load_guards
from yanmen.cli.main import main, parser
from yanmen.cli.policy import _WRITING

from tests.unit.admission.test_policies import terms

ROOT = Path(__file__).parents[3]
GUARD = """// 夜间不答: no question in the evening
@id("no-evenings")
forbid (principal, action == Action::"submit", resource)
when { context.now_ms >= 100 };
"""
EXPECTED = """[[expect]]
name = "late"
action = "submit"
question = { now_ms = 100 }
denied_by = ["policy:no-evenings"]

[[expect]]
name = "early"
action = "submit"
question = { now_ms = 99 }
"""


@pytest.fixture
def department(tmp_path: Path) -> Path:
    (tmp_path / "own.cedar").write_text(GUARD)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "own.toml").write_text(EXPECTED)
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_what_comes_with_the_program_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = ran(capsys, "policy", "test", ROOT / "policies")
    assert (code, document["ok"]) == (0, True)
    assert len(document["verdicts"]) > 10
    assert document["digest"] == load_guards(ROOT / "policies").digest


def test_a_departments_own_are_held_to_what_it_says(department: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "policy", "test", department)[0] == 0
    (department / "own.cedar").write_text(GUARD.replace(">= 100", "> 100"))
    code, document = ran(capsys, "policy", "test", department)
    assert (code, document["ok"]) == (1, False)
    (wrong,) = [each for each in document["verdicts"] if not each["ok"]]
    assert (wrong["name"], wrong["line"], wrong["found"]) == ("late", 1, [])
    assert main(["policy", "test", str(department)]) == 1
    said = capsys.readouterr().out
    assert "own.toml, line 1: late" in said
    assert "expected 预期: policy:no-evenings" in said
    assert "1 of 2 verdicts hold" in said


def test_other_files_can_be_named(department: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = department / "other.toml"
    other.write_text(EXPECTED.replace("99", "101"))
    assert ran(capsys, "policy", "test", department, other)[0] == 1


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "own.cedar").unlink(), 2),
        (lambda folder: (folder / "tests" / "own.toml").unlink(), 2),
        (lambda folder: (folder / "own.cedar").write_text("nonsense"), 3),
        (lambda folder: (folder / "own.cedar").write_text(GUARD.replace("forbid", "permit")), 3),
        (lambda folder: (folder / "tests" / "own.toml").write_text("[[expect]]\nsurprise = 1\n"), 3),
    ],
)
def test_what_cannot_be_tested_is_no_success(
    department: Path, spoil: Any, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(department)
    assert ran(capsys, "policy", "test", department)[0] == code


def test_help_shows_how_to_write_them_and_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rail, expected = _WRITING.split("\nwhat it must say")
    (tmp_path / "a.cedar").write_text("\n".join(line[2:] for line in rail.splitlines()[2:]))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.toml").write_text("\n".join(line[2:] for line in expected.splitlines()[1:]))
    code, document = ran(capsys, "policy", "test", tmp_path)
    assert code == 0, document
    assert [each["expected"] for each in document["verdicts"]] == [["policy:small-charges"]]
    with pytest.raises(SystemExit):
        parser().parse_args(["policy", "test", "--help"])
    assert _WRITING in capsys.readouterr().out


def test_every_rule_is_explained_in_its_authors_words(department: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = ran(capsys, "policy", "explain", department)
    assert code == 0
    (rule,) = document["rules"]
    assert (rule["id"], rule["source"]) == ("policy:no-evenings", "own.cedar")
    assert rule["meaning"] == "夜间不答: no question in the evening"
    assert rule["cedar"].startswith("forbid (")


def test_no_guard_rail_is_left_out_of_the_explanation(department: Path) -> None:
    """Not even one that is written as nobody would."""
    odd = '@id ( "odd" )forbid(principal,action,resource)when{context.now_ms<0};'
    (department / "own.cedar").write_text(GUARD + odd + "\n" + GUARD.replace("no-evenings", "more"))
    found = {rule.id: rule for rule in explanation.guard_rules(department)}
    assert found.keys() == {"policy:no-evenings", "policy:odd", "policy:more"}
    assert explanation.guard_rules(ROOT / "policies")
    assert all(rule.cedar and rule.meaning for rule in explanation.guard_rules(ROOT / "policies"))


def test_a_contract_is_explained_clause_by_clause() -> None:
    rules = explanation.contract_rules(terms(scenario='x"\n@id("policy:core-never")\nforbid'))
    assert len(rules) == compile_terms(terms()).count("@id(")
    assert [rule.id for rule in rules][:2] == ["contract:permit", "contract:consumer"]
    assert {rule.source for rule in rules} == {"contract"}
