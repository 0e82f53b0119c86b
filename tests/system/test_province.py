"""`scripts/province` with a few nodes: from nothing to a verified table, a chart, a county's own part."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_province_asks_verifies_and_draws(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "scripts/province_files/main.py"), "--nodes", "4", "--json"]
    done = subprocess.run(
        [*words, "--folder", str(tmp_path / "p")], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    facts = json.loads(done.stdout)
    assert facts["not_as_expected"] == []
    assert (facts["question"]["groups"], facts["question"]["contributors"]) == (100, 4)
    assert [row["county"] for row in facts["part"]] == ["140105"]
    assert "小店区" in (tmp_path / "p/counties.svg").read_text(encoding="utf-8")
