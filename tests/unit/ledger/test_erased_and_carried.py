"""The auditor's one file says of an erased log what it lacks and who follows it, and takes the same log whole."""

import subprocess
import sys
from pathlib import Path

from tests.unit.ledger.scene import Scene, papers
from tests.unit.ledger.test_erasing import MONTH_MS, ask

CARRY = Path(__file__).resolve().parents[3] / "scripts" / "carry-auditor.py"


def carried(bundle: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CARRY), str(bundle), str(bundle / "space.vkey")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_an_erased_log_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        contract = scene.furnish(ledger, retention_days=30)
        ask(scene, ledger, contract, "a")
        ledger.export(tmp_path / "whole", papers())
        whole = carried(tmp_path / "whole")
        assert whole.stdout.startswith("VALID"), whole.stderr
        scene.clock.ms += MONTH_MS + 60_000
        assert ledger.erase(scene.clock.ms, "张某") is not None
        ledger.export(tmp_path / "erased", papers())
    told = carried(tmp_path / "erased")
    assert told.returncode == 1
    assert "KeyError" not in told.stderr
    assert "is not disclosed" in told.stderr
    assert "yanmen verify" in told.stderr
