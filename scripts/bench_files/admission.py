"""From a question's text to checked SQL: parse, plan, emit, bind, check. Target: p50 of at most 10 ms.

`in one process` is what planning costs; `in jails` adds two forked jobs that parse and bind, as a node runs it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files.place import SQL, Place, built
from bench_files.shapes import Shapes
from yanmen.formats.request import Operation
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.node.question import Question
from yanmen.planning.plan import plan

from tests.properties.test_planning_answers import TABLES
from tests.unit.planning.engine import InProcessRunner, admitted

BAR_MS = 10.0
ROUNDS = 300


def main() -> int:
    """Measure, print, and return 1 when the bar is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench admission", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    engine, limits = InProcessRunner(), NodeLimits()
    texts = [Shapes(20_000 + number).shape() for number in range(rounds)]
    inside = [time_of(lambda sql=sql: plan(admitted(sql, datasets=TABLES), engine, limits)) for sql in texts]
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder, built(Path(folder), 1_000) as place:
        stages = _stages(place)
        outside = [time_of(lambda n=n: stages(SQL.format(n / 1000))) for n in range(rounds)]
    for name, times in (("in one process, random shapes", inside), ("in jails, a plain question", outside)):
        times.sort()
        print(f"{name}: p50 {statistics.median(times):.1f} ms, p95 {times[int(0.95 * len(times))]:.1f} ms")
    worst = max(statistics.median(inside), statistics.median(outside))
    print(f"p50 of both: at most {worst:.1f} ms (target {BAR_MS:.0f} ms)")
    return int(worst > BAR_MS)


def time_of(act: Callable[[], object]) -> float:
    """Return how many milliseconds `act` takes, refused or not."""
    start = time.perf_counter()
    with suppress(Refused):
        act()
    return (time.perf_counter() - start) * 1000


def _stages(place: Place) -> Callable[[str], object]:
    """Return planning of a text through the node's own jailed jobs; who asks is checked once, before."""
    first = Question(place.works, Operation.SUBMIT).stages().admit(place.submission(SQL.format(0)))
    return lambda sql: plan(
        replace(first, submission=replace(first.submission, sql=sql)), place.works.runner, place.works.limits
    )


if __name__ == "__main__":
    sys.exit(main())
