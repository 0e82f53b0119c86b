"""A node's statement by the command line: issued, recorded, exported and held against the receipts."""

import json
from pathlib import Path

import pytest
from yanmen.cli.main import main

DAYS = ["--from", "2025-01-01", "--to", "2025-01-31"]
ME = ["--subject", "11140000MB0GTTTT0X", "--region", "1401"]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a node that was admitted to a space."""
    space, made = tmp_path / "space", tmp_path / "civil"
    lines = [
        ["space", "init", space, "--name", "shanxi.example"],
        ["node", "init", made, "--name", "民政局", "--alias", "civil", *ME, "--address", "127.0.0.1:7443"],
        ["space", "sign", space, made / "application.jws"],
        ["node", "accept", made, made / "granted.json", "--register", space / "register.jws"],
    ]
    for line in lines:
        assert main([str(word) for word in line]) == 0, line
    return made


def test_a_statement_is_issued_and_audited(node: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, bundle = tmp_path / "january.jws", tmp_path / "bundle"
    capsys.readouterr()
    assert main(["bill", "statement", str(node), *DAYS, "--output", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["fen"], said["contracts"], said["split"]) == (0, [], {})
    assert (said["from_s"], said["to_s"]) == (1_735_660_800, 1_735_660_800 + 31 * 86_400)
    assert main(["receipts", "export", str(node), str(bundle)]) == 0
    key = ["--space-key", str(tmp_path / "space" / "space.vkey")]
    assert main(["audit", "bill", str(bundle), str(target), *key]) == 0
    assert main(["verify", str(bundle), "--receipt", str(said["receipt"]), *key]) == 0
    assert "statement_sha256" in capsys.readouterr().out
    assert main(["audit", "revenue", str(bundle), "--maximum", "0", *key]) == 0


def test_nothing_is_recorded_for_a_line_that_cannot_be_done(
    node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.jws").write_text("an earlier statement")

    def status() -> str:
        capsys.readouterr()
        assert main(["node", "status", str(node)]) == 0
        return capsys.readouterr().out

    before = status()
    state = ["bill", "statement", str(node)]
    assert main([*state, *DAYS, "--output", "there.jws"]) == 2
    assert main([*state, *DAYS, "--output", "nowhere/a.jws"]) == 2
    assert main([*state, "--from", "2025-01-31", "--to", "2025-01-01"]) == 2
    assert main([*state, "--from", "2025-01-01", "--to", "2999-01-01"]) == 2
    assert main([*state, *DAYS, "--contract", "0" * 32]) == 1
    assert status() == before
    assert (tmp_path / "there.jws").read_text() == "an earlier statement"
    assert main([*state, *DAYS]) == 0
    assert (tmp_path / "statement-civil-2025-01-01-2025-01-31.jws").is_file()
    assert status() != before
