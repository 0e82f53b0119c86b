"""The processes of the province: several nodes each, the aggregators in one; started, measured and ended by pid."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo_files.stage import YANMEN

STARTING_S = 180
ENDING_S = 60
HERTZ = os.sysconf("SC_CLK_TCK")


@dataclass
class Serving:
    """What was started in the folder `root`."""

    root: Path
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start(self, nodes: Sequence[str], aggregators: Sequence[str], processes: int) -> None:
        """Serve `nodes` in so many processes, evenly, and `aggregators` in one more; return when all listen."""
        for at in range(processes):
            if share := nodes[at::processes]:
                self._start(f"nodes{at}", "node", share)
        if aggregators:
            self._start("aggregators", "aggregator", aggregators)
        self._wait([*nodes, *aggregators])

    def stop(self) -> list[int]:
        """End every process by its own pid and return their exit codes."""
        for process in self.processes.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
        codes = []
        for process in self.processes.values():
            try:
                codes.append(process.wait(timeout=ENDING_S))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.processes.clear()
        return codes

    def _start(self, name: str, kind: str, folders: Sequence[str]) -> None:
        words = [str(YANMEN), kind, "serve", *(str(self.root / folder) for folder in folders)]
        for folder in folders:
            (self.root / folder / "serving.address").unlink(missing_ok=True)
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(words, stdout=log, stderr=log)

    def _wait(self, folders: Sequence[str]) -> None:
        until = time.monotonic() + STARTING_S
        while not all((self.root / folder / "serving.address").exists() for folder in folders):
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended or time.monotonic() > until:
                name = (ended or list(self.processes))[0]
                said = (self.root / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} did not start: {said}")
            time.sleep(0.05)

    def memory(self) -> dict[str, int]:
        """Return the proportional memory (PSS) in bytes of each process with its children, by name."""
        children = _children()
        return {name: sum(map(_pss, _family(process.pid, children))) for name, process in self.processes.items()}

    def cpu_s(self) -> float:
        """Return the CPU seconds of all of them and of their children that ended or run."""
        children = _children()
        return sum(_ticks(pid) for process in self.processes.values() for pid in _family(process.pid, children)) / HERTZ

    def count(self) -> dict[str, int]:
        """Return how many processes each one is with its children."""
        children = _children()
        return {name: len(_family(process.pid, children)) for name, process in self.processes.items()}


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, []).append(int(path.name))
    return found


def _family(pid: int, children: dict[int, list[int]]) -> list[int]:
    return [pid, *(one for child in children.get(pid, []) for one in _family(child, children))]


def _ticks(pid: int) -> int:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(word) for word in words[11:15])


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
