"""8.3b 日志记录: who, when, from where, what and with what result, of calls and of the host's commands, 180 days."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from yanmen.ledger import daybook
from yanmen.ledger.daybook import Daybook
from yanmen.model.refusal import Fault
from yanmen.node import logkeeping
from yanmen.node.holder import open_holder

from tests.conformance.department import BEDS, Department
from tests.system.town import done, run

DAY_MS = 24 * 3600 * 1000
ASKED = "ASKEDFOR584ddfc4a45f"


class Later:
    """A clock that can be put ahead."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


def logged(department: Department, program: str) -> list[dict[str, Any]]:
    """Return what a program logged so far."""
    paths = sorted((department.node / daybook.FOLDER).glob(f"{program}-*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def test_a_call_says_who_when_from_where_what_and_how_it_ended(department: Department) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    assert run("query", *who, "--contract", department.opened(), BEDS)[0] == 0
    assert run("query", *who, "--contract", department.opened(), f"SELECT '{ASKED}' FROM wards")[0] == 0
    calls = logged(department, daybook.CALLS)
    (last,) = [each for each in calls if each["method"].endswith("/Submit")][-1:]
    assert {"at_ms", "request", "method", "peer", "address", "status", "ms", "prev"} <= set(last)
    assert last["address"] == "127.0.0.1"
    assert last["peer"].startswith("5")
    assert ASKED not in str(calls), "and nothing of what was asked"


def test_what_officers_and_hosts_accounts_do_is_logged(department: Department) -> None:
    code, _ = run("contract", "suspend", department.node, "ab" * 16, "--by", "张某")
    typed = logged(department, daybook.COMMANDS)[-1]
    assert (typed["command"], typed["about"], typed["code"]) == ("contract suspend", "ab" * 16, code)
    assert typed["who"]
    assert "张某" not in str(typed)


def test_kept_180_days_chained_and_vouched_for_by_the_usage_log(department: Department, tmp_path: Path) -> None:
    found = done("check", "node", department.node)["logs"]
    assert found["calls"]["lines"] > 0
    assert found["commands"]["lines"] > 0
    node = tmp_path / "clinic"
    shutil.copytree(department.node, node)
    clock = Later(logged(department, daybook.CALLS)[-1]["at_ms"] + DAY_MS)
    with open_holder(node, clock=clock) as holder:
        logkeeping.Logkeeping(holder).look()
        Daybook(node, daybook.CALLS, clock, days=1).write({"the day after": True})
        assert logkeeping.check(holder)[daybook.CALLS].anchors[0].leaf == holder.ledger.size() - 1
    path = min((node / daybook.FOLDER).glob("commands-*.jsonl"))
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:-1]) + b"\n")
    with open_holder(node, clock=clock) as holder, pytest.raises(Fault, match="commands"):
        logkeeping.check(holder)
