"""A node killed at any moment, a hundred times: what is left of its workers, its zygote and its scratch files.

scripts/bench leftovers [--count 100] [--profile jail]
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 5.0
"""Within which everything must be gone."""
NODE = """
import sys
from pathlib import Path
from threading import Event, Thread
import duckdb
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Tenant
from yanmen.model.refusal import JobFailed

SQL = (
    "SELECT count(h)::BIGINT FROM"
    " (SELECT hash(range) h, repeat('s', 40) || range p FROM range(9000000) ORDER BY h, p LIMIT 8999999)"
)
folder, made = Path(sys.argv[2]), Path(sys.argv[2]) / "made.duckdb"
with profiles.serving(sys.argv[1]) as spawner:
    runner = JailRunner(folder, b"k" * 32, SystemRandomness(), NodeLimits(), Launcher(spawner))
    with duckdb.connect(str(made)) as connection:
        connection.execute("CREATE TABLE data AS SELECT 1 AS i")
    with made.open("rb") as file:
        version = runner._snapshots.seal(file.fileno()).version
    limits = Limits(64 << 20, 60, 60_000, 1 << 20, 10, spill_bytes=1 << 30)
    def run(contract):
        while True:
            try:
                runner.within(Tenant("lab", contract)).query(
                    (("s0", version),), SQL, (ColumnType.INTEGER,), limits, Event())
            except JobFailed:
                pass
    runner.within(Tenant("lab", "waiting")).vet("SELECT 1")
    for contract in ("one", "two"):
        Thread(target=run, args=(contract,), daemon=True).start()
    print("ready", flush=True)
    Event().wait()
"""


def main() -> int:
    """Kill, look, count, and return 0 when nothing was left."""
    parser = argparse.ArgumentParser(prog="scripts/bench leftovers", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--profile", default="jail")
    arguments = parser.parse_args()
    source = random.Random(1)
    processes = files = most = spilled = 0
    slowest = 0.0
    for _ in range(arguments.count):
        with tempfile.TemporaryDirectory(prefix="yanmen-leftovers-") as folder:
            seen, found, left, took = killed(arguments.profile, Path(folder), source.uniform(0.0, 1.5))
            most, slowest, spilled = max(most, seen), max(slowest, took), spilled + found
            processes += left > 0
            files += bool(scratch(Path(folder)))
    print(
        f"{arguments.count} nodes killed by SIGKILL, profile {arguments.profile}, up to {most} processes each,", end=" "
    )
    print(f"{spilled} with files in scratch: {processes} left a process, {files} left a file; gone in {slowest:.1f} s")
    return 0 if processes == files == 0 else 1


def killed(profile: str, folder: Path, delay: float) -> tuple[int, bool, int, float]:
    """Kill a working node; return its processes, whether it had spilled, how many were left, and how long it took."""
    with subprocess.Popen([sys.executable, "-c", NODE, profile, str(folder)], stdout=subprocess.PIPE) as node:
        if node.stdout is None or node.stdout.readline() != b"ready\n":
            raise RuntimeError("the node did not start")
        time.sleep(delay)
        below = descendants(node.pid)
        found = bool(scratch(folder))
        node.kill()
    began = time.monotonic()
    while (alive(below) or scratch(folder)) and time.monotonic() - began < SECONDS:
        time.sleep(0.005)
    return len(below), found, alive(below), time.monotonic() - began


def scratch(folder: Path) -> list[Path]:
    """Return the files a worker spilled, or its engine marked its place with."""
    return [Path(root, name) for root, _, names in os.walk(folder / "scratch") for name in names]


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below `pid` with the moment each started, which tells it from a later one of its number."""
    parents: dict[int, int] = {}
    started: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(int(path.parent.name))
        if fields:
            parents[int(path.parent.name)], started[int(path.parent.name)] = int(fields[1]), fields[19]
    found: set[int] = set()
    level = {pid}
    while level := {child for child, parent in parents.items() if parent in level}:
        found |= level
    return {child: started[child] for child in found}


def alive(processes: dict[int, str]) -> int:
    """Count those that still run; one that only waits to be reaped by init does not."""
    states = {pid: _stat(pid) for pid in processes}
    return sum(1 for pid, fields in states.items() if fields and fields[19] == processes[pid] and fields[0] != "Z")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
