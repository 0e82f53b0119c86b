"""A node's bad days: killed, stopped, full disk, clock set back, restored backup; nothing leaves without a receipt."""

import shutil
import signal
import sys
from collections.abc import Callable

import pytest
import yanmen

from tests.patience import wait_until
from tests.system.town import Town, done, run

Maker = Callable[[], Town]
SLOW = {"deadline_ms": 300_000}
"""Such an answer comes long after the test has stopped waiting for it."""
COUNT = "SELECT count(DISTINCT id) AS n FROM visits"


def submit(town: Town, sql: str) -> str:
    """Start a job and return its id."""
    where = ("--as", town.root / "alice", "--at", "clinic")
    return str(done("query", *where, "--contract", town.contract(), "--submit", sql)["job"])


def fetch(town: Town, job: str) -> tuple[int, dict[str, object]]:
    """Fetch a job's outcome."""
    return run("fetch", "--as", town.root / "alice", "--at", "clinic", job)


def left(town: Town) -> int:
    """Return what is left of the contract, as the holder sees it."""
    return int(done("contract", "show", town.contract(), "--node", town.node)["micro_rho_left"])


def test_a_node_killed_while_it_answers_leaves_a_spent_receipted_abort(raw_town: Maker) -> None:
    town = raw_town()
    usual = town.limits()
    town.limit(**SLOW)
    town.serve()
    before = 300_000
    job = submit(town, COUNT)
    wait_until(lambda: left(town) < before)
    town.stop(signal.SIGKILL)
    assert left(town) == before - 10_000, "the debit was durable before data was touched"
    assert any(item["code"] == "INTENT_RUNNING" for item in town.verify("while-open")["findings"])
    town.limit(deadline_ms=usual.deadline_ms)
    town.serve()
    code, document = fetch(town, job)
    assert (code, document["reason"]) == (1, "RUN_FAILED")
    assert document["receipt"] is not None
    assert left(town) == before - 10_000, "a recovered question stays spent, once"
    report = town.verify("recovered")
    assert report["ok"], report["findings"]
    assert report["stages"]["aborted"] == 1
    assert town.ask("SELECT count(*) AS n FROM visits")[0] == 0


def test_a_stopped_node_ends_what_runs_with_a_receipt_and_exits_cleanly(raw_town: Maker) -> None:
    town = raw_town()
    town.limit(**SLOW)
    town.serve()
    job = submit(town, COUNT)
    wait_until(lambda: left(town) < 300_000)
    assert town.stop(signal.SIGTERM) == 0, "within a minute, though the answer would have come after five"
    town.serve()
    code, document = fetch(town, job)
    assert (code, document["reason"]) == (1, "CANCELLED")
    assert document["receipt"] is not None
    assert town.verify("stopped")["ok"]


def test_an_answer_survives_a_restart_and_is_the_same(raw_town: Maker) -> None:
    town = raw_town()
    town.serve()
    job = submit(town, COUNT)
    first = fetch(town, job)
    assert first[0] == 0
    town.stop(signal.SIGKILL)
    town.serve()
    assert fetch(town, job) == first


CLOCK_BACK = (
    "import sys; from yanmen.crypto import system; now = system.SystemClock.now_ms;"
    " system.SystemClock.now_ms = lambda self: now(self) - 3600_000;"
    " from yanmen.cli.main import main; sys.exit(main(sys.argv[1:]))"
)


def test_a_node_whose_clock_was_set_back_does_not_start(raw_town: Maker) -> None:
    import subprocess

    town = raw_town()
    words = [sys.executable, "-c", CLOCK_BACK, "node", "serve", str(town.node), "--json"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 3
    assert "CLOCK_BEHIND" in ended.stdout
    town.serve()
    assert town.ask(COUNT)[0] == 0


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="util-linux has prlimit on every supported host")
def test_a_full_disk_stops_answers_and_loses_nothing(raw_town: Maker) -> None:
    town = raw_town()
    town.serve()
    town.contract()
    town.stop()
    size = max(path.stat().st_size for path in town.node.glob("ledger.sqlite*"))
    town.serve("prlimit", f"--fsize={size + 65_536}")
    outcomes = [town.ask(f"SELECT count(*) AS n FROM visits WHERE cost > {number}") for number in range(12)]
    failed = [document for code, document in outcomes if code == 3]
    assert failed, outcomes
    assert all("rows" not in document for document in failed)
    answered = sum(code == 0 for code, _ in outcomes)
    town.stop(signal.SIGKILL)
    town.serve()
    report = town.verify("after-full")
    assert report["ok"], report["findings"]
    assert report["stages"].get("outcome", 0) >= answered
    assert left(town) == 300_000 - 10_000 * report["stages"].get("intent", 0)
    assert town.ask(COUNT)[0] == 0


def test_the_sdk_refuses_a_log_that_went_back(raw_town: Maker) -> None:
    town = raw_town()
    town.serve()
    town.contract()
    town.stop()
    backup = town.root / "backup"
    backup.mkdir()
    for path in town.node.glob("ledger.sqlite*"):
        shutil.copy(path, backup / path.name)
    town.serve()
    assert town.ask(COUNT)[0] == 0
    town.stop()
    for path in town.node.glob("ledger.sqlite*"):
        path.unlink()
    for path in backup.iterdir():
        shutil.copy(path, town.node / path.name)
    town.serve()
    with pytest.raises(yanmen.LogWentBack):
        yanmen.connect("clinic", identity=town.root / "alice")
    code, document = town.ask(COUNT)
    assert (code, document["code"]) == (3, "LOG_BEHIND")


def test_a_ledger_that_vanished_is_not_a_fresh_budget(raw_town: Maker) -> None:
    town = raw_town()
    for path in town.node.glob("ledger.sqlite*"):
        path.unlink()
    code, document = run("node", "status", town.node)
    assert (code, document["code"]) == (3, "STORAGE")


def test_an_altered_snapshot_answers_nothing(raw_town: Maker) -> None:
    town = raw_town()
    path = next((town.node / "snapshots").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    town.serve()
    code, document = town.ask(COUNT)
    assert code == 3, document
    assert "rows" not in document
