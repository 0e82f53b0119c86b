"""One command audits whole logs: what is wrong is named under its area, and the exit code is the verdict."""

import json
from pathlib import Path

import pytest
from yanmen.cli.auditing import spelled
from yanmen.cli.inspection import COMMANDS
from yanmen.cli.main import main, parser
from yanmen.formats import bundle, note
from yanmen.formats.note import VerifierKey
from yanmen.verify.auditing import Area, area_of, audit
from yanmen.verify.report import Code

from tests.vectors import specimen


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    """Return two bundles of one node and the option that pins the space's key."""
    first, second = specimen.specimen(), specimen.specimen("next year")
    second.origin = first.origin.replace("/2026", "/2027")
    (tmp_path / "space.vkey").write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
    paths = [log.export(tmp_path / name) for log, name in ((first, "one"), (second, "two"))]
    return [*(str(path) for path in paths), "--space-key", str(tmp_path / "space.vkey")]


def test_honest_logs_hold_in_every_area(logs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *logs]) == 0
    said = capsys.readouterr().out
    assert all(f"{area.value}: ok" in said for area in Area)
    assert "HOLDS 通过" in said
    assert main(["audit", "all", *logs, "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert (fields["ok"], set(fields["areas"].values()), len(fields["logs"])) == (True, {0}, 2)
    assert fields["fen"] == sum(each["fen"] for log in fields["logs"] for each in log["contracts"])


def test_what_is_wrong_stands_under_its_area(logs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (Path(logs[1]) / bundle.receipt_name(4)).unlink()
    assert main(["audit", *logs, "--json"]) == 1
    fields = json.loads(capsys.readouterr().out)
    assert fields["areas"]["completeness"] > 0
    assert (fields["areas"]["tree"], fields["areas"]["signatures"]) == (0, 0)
    assert [log["ok"] for log in fields["logs"]] == [True, False]


def test_a_log_given_twice_does_not_hold(logs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", logs[0], *logs]) == 1
    assert "LOG_TWICE" in capsys.readouterr().out


def test_what_is_no_bundle_is_a_mistake_of_usage(logs: list[str], tmp_path: Path) -> None:
    assert main(["audit", str(tmp_path / "nowhere"), *logs]) == 2
    assert main(["audit"]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["audit", str(tmp_path / "empty"), *logs]) == 1


def test_progress_is_told_of_every_leaf(logs: list[str]) -> None:
    seen: list[tuple[str, int, int]] = []
    audit(
        [Path(logs[0])],
        specimen.SPACE_KEY.public,
        None,
        lambda path, index, size: seen.append((path.name, index, size)),
    )
    size = len(specimen.specimen().leaves)
    assert seen == [("one", index, size) for index in range(1, size + 1)]


def test_the_short_form_stands_for_all_and_for_no_other_command() -> None:
    assert spelled(["audit", "audit-health"], COMMANDS) == ["audit", "all", "audit-health"]
    for words in (["audit"], ["audit", "--help"], ["verify", "x"], *(["audit", name, "x"] for name in COMMANDS)):
        assert spelled(words, COMMANDS) == words
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            parser().parse_args(["audit", name, "--help"])


def test_codes_of_the_log_itself_are_not_taken_for_terms() -> None:
    assert area_of(Code.ROOT_DIFFERS) is Area.TREE
    assert area_of(Code.TERMS_BROKEN) is Area.CONTRACTS
    assert {area_of(code) for code in Code} == set(Area)
