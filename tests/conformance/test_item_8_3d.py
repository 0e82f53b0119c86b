"""8.3d 合规审计: an auditor checks every use from files alone, offline, with the node's word for nothing."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.conformance.department import BEDS, Department
from tests.system.town import done, run

SCRIPT = re.search(r"```bash\n(#!/bin/bash\n.*?)```", Path("docs/AUDIT.md").read_text("utf-8"), re.DOTALL)


def test_uses_bills_and_budgets_are_recomputed_offline(department: Department) -> None:
    assert (
        run("query", "--as", department.root / "alice", "--at", "clinic", "--contract", department.opened(), BEDS)[0]
        == 0
    )
    report = department.verify("audited")
    assert report["ok"], report["findings"]
    assert {"genesis", "contract", "intent", "outcome"} <= set(report["stages"])
    bundle = department.root / "audited"
    assert done("audit", bundle, "--space-key", department.space / "space.vkey")["ok"]


def test_one_receipt_is_checked_with_openssl_and_jq_alone(department: Department, tmp_path: Path) -> None:
    assert SCRIPT is not None
    code, answer = run(
        "query", "--as", department.root / "alice", "--at", "clinic", "--contract", department.opened(), BEDS
    )
    assert code == 0
    bundle = tmp_path / "bundle"
    done("receipts", "export", department.node, bundle)
    (tmp_path / "audit-receipt").write_text(SCRIPT.group(1), encoding="utf-8")
    shutil.copy(department.space / "space.vkey", tmp_path / "space.vkey")
    index = str(answer["receipt"])
    ended = subprocess.run(
        ["bash", "audit-receipt", "bundle", index, "space.vkey"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"VALID 成立: leaf {index} of ")
