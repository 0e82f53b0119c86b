"""From a question's text to checked SQL: parse, plan, emit, bind, check; as a serving node does it. Target: p50 10 ms.

Every question of the mix (tests/golden/accepted.sql, TPC-H with a unit, random shapes) is asked `--rounds` times in
turn of one node's jailed workers, which wait between questions. On a machine that does other work the clock is that
of the other work: the least of each question's times, and the CPU of node and workers, are what admission itself takes.
Who asks under which contract is checked before, and printed by itself.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files.place import SQL, built
from bench_files.shapes import Shapes
from bench_files.tpch_catalogue import datasets
from bench_files.tpch_questions import QUESTIONS
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.formats.request import Operation
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Tenant
from yanmen.model.refusal import Refused
from yanmen.model.stages import Admitted
from yanmen.node.question import Question
from yanmen.planning.plan import plan

from tests.unit.planning.engine import InProcessRunner, admitted
from tests.unit.planning.test_golden import blocks, question_of

BAR_MS = 10.0
ROUNDS, RANDOM = 7, 30
LIMITS = NodeLimits()


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of one admission: on the clock, of the node's CPU, of its workers' CPU."""

    clock: float
    node: float
    workers: float


def main() -> int:
    """Measure, print, and return 1 when the bar is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench admission", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--profile", default="landlock", choices=("landlock", "jail"))
    arguments = parser.parse_args()
    asked = mix()
    with served(arguments.profile) as runner:
        found = measured(asked, runner, arguments.rounds)
    clocks = sorted(taken.clock for times in found for taken in times)
    least = sorted(min(taken.clock for taken in times) for times in found)
    print(f"{len(asked)} questions, {arguments.rounds} rounds, profile {arguments.profile}")
    for name, times in (("all times", clocks), ("least of each question", least)):
        print(f"{name}: p50 {_quantile(times, 0.5):.1f} ms, p99 {_quantile(times, 0.99):.1f} ms")
    cpu = [[statistics.median(getattr(taken, of) for taken in times) for times in found] for of in ("node", "workers")]
    print(f"CPU, p50: node {statistics.median(cpu[0]):.1f} ms, workers {statistics.median(cpu[1]):.1f} ms")
    print(f"who asks, under which contract and policies, before that: p50 {_who_asks():.1f} ms")
    print(f"admission p50: {_quantile(clocks, 0.5):.1f} ms (target {BAR_MS:.0f} ms)")
    return int(_quantile(clocks, 0.5) > BAR_MS)


def mix() -> list[Admitted]:
    """Return the questions that have a plan: each of another shape."""
    golden = [admitted(question_of(block)) for block in blocks("accepted.sql")]
    tables = datasets()
    benchmark = [admitted(sql, datasets=tables) for sql in QUESTIONS.values()]
    written = [admitted(Shapes(40_000 + number).shape()) for number in range(RANDOM)]
    return [question for question in (*golden, *benchmark, *written) if _has_plan(question)]


def _has_plan(question: Admitted) -> bool:
    try:
        plan(question, InProcessRunner(), LIMITS)
    except Refused:
        return False
    return True


@contextmanager
def served(profile: str) -> Iterator[JailRunner]:
    """Give the runner of a node of its own."""
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder, profiles.serving(profile) as spawner:
        runner = JailRunner(Path(folder), b"k" * 32, SystemRandomness(), LIMITS, Launcher(spawner))
        try:
            yield runner
        finally:
            runner.close()


def measured(asked: Sequence[Admitted], runner: JailRunner, rounds: int) -> list[list[Taken]]:
    """Return what each question takes one tenant in each round, after one that is not measured."""
    found: list[list[Taken]] = [[] for _ in asked]
    tenant = runner.within(Tenant("bench", "bench"))
    for turn in range(rounds + 1):
        for number, question in enumerate(asked):
            before, node, clock = _workers_ms(runner), time.process_time(), time.perf_counter()
            plan(question, tenant, LIMITS)
            clock, node = time.perf_counter() - clock, time.process_time() - node
            if turn:
                found[number].append(Taken(clock * 1000, node * 1000, max(0.0, _workers_ms(runner) - before)))
    return found


def _workers_ms(runner: JailRunner) -> float:
    """Return the CPU time of the lives of the workers that wait."""
    return sum(_cpu_ms(pid) for pid in runner._tenancy.waiting.pids())


def _cpu_ms(pid: int) -> float:
    """Return the CPU time of a process's life: CPUCLOCK_SCHED (linux/posix-timers.h)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e6


def _who_asks() -> float:
    """Return the median time from a signed question to one that is admitted to planning."""
    times = []
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder, built(Path(folder), 100) as place:
        for number in range(50):
            submission = place.submission(SQL.format(number))
            start = time.perf_counter()
            Question(place.works, Operation.SUBMIT).stages().admit(submission)
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def _quantile(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    sys.exit(main())
