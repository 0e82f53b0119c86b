"""Times two ways of doing the same by turns, so that a busy machine slows both; CPU time hardly notices it."""

import contextlib
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Action = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """Medians of one way, in milliseconds: on the clock, and of CPU with that of all processes it started."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Ratio:
    """What the node does, what it is held against, and what each costs."""

    name: str
    peer: str
    ours: Cost
    theirs: Cost

    @property
    def wall(self) -> float:
        """How many times as long ours takes."""
        return self.ours.wall_ms / self.theirs.wall_ms

    @property
    def cpu(self) -> float:
        """How many times as much CPU ours takes."""
        return self.ours.cpu_ms / self.theirs.cpu_ms


def compare(name: str, peer: str, ours: Action, theirs: Action, repeat: int) -> Ratio:
    """Run `ours` and `theirs` by turns, once unmeasured, then `repeat` times, and return the medians."""
    ours()
    theirs()
    pairs = [(_measured(ours), _measured(theirs)) for _ in range(repeat)]
    return Ratio(name, peer, _median([mine for mine, _ in pairs]), _median([other for _, other in pairs]))


def _measured(action: Action) -> Cost:
    cpu, wall = _cpu_s(), time.perf_counter()
    action()
    return Cost((time.perf_counter() - wall) * 1000, (_cpu_s() - cpu) * 1000)


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used) + _living_s()


def _living_s() -> float:
    """Return what living descendants used, the zygote with the jobs it reaped: in the kernel's ticks, mostly 10 ms."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            ticks[int(path.parent.name)] = sum(int(each) for each in fields[11:15])
    found, level = 0, {os.getpid()}
    while level := {pid for pid, parent in parents.items() if parent in level}:
        found += sum(ticks[pid] for pid in level)
    return found / os.sysconf("SC_CLK_TCK")


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.wall_ms for cost in costs), statistics.median(cost.cpu_ms for cost in costs))
