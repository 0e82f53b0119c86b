"""TPC-H at scale factor 1, adapted with a unit: how far off answers are at ε = 1, and what bounding each unit costs.

Errors are against the exact answer without any bound an asker chose. Overhead is the time of the emitted statement
over that of the question as written, both by DuckDB on the same tables, the better of `--repeat` runs each.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files import tpch
from bench_files.tpc import ERROR_MAX, Published
from bench_files.tpch_questions import QUESTIONS, SOURCES
from yanmen.model.refusal import Refused
from yanmen.planning.sql_terms import quoted

ANSWERED_MIN = 18
TIMED, MEDIAN_MAX, WORST_MAX = (1, 5, 6, 12, 13), 1.5, 4.0
_CUT = re.compile(r"CASE WHEN (\w+) > \d+ THEN \d+ ELSE \1 END")


def main() -> int:
    """Ask all, time some, print; return 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench tpch-bars", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    published = Published(tpch.database(1), SOURCES)
    met = 0
    print("| question | median error at ε = 1, or ground of refusal |\n|---|---|")
    for number, sql in QUESTIONS.items():
        asked = published.asked(sql, _CUT.sub(r"\1", sql))
        met += asked.met
        print(f"| Q{number} | {asked.shown} |")
    print(f"answered within {ERROR_MAX:.0f} % or refused on a listed ground: {met} of 22 (target {ANSWERED_MIN})")
    ratios = [overhead(published, number, repeat) for number in TIMED]
    median, worst = statistics.median(ratios), max(ratios)
    print(f"overhead: median {median:.2f} (target {MEDIAN_MAX}), worst {worst:.2f} (target {WORST_MAX:.0f})")
    return int(met < ANSWERED_MIN or median > MEDIAN_MAX or worst > WORST_MAX)


def overhead(published: Published, number: int, repeat: int) -> float:
    """Return how many times longer the emitted statement of a question takes than the question."""
    run = published.connection.execute
    for item in published.datasets:
        run(f"CREATE OR REPLACE TEMP VIEW {item.name} AS SELECT * FROM {quoted('of ' + item.name)}.data")
    try:
        found = published.planned(QUESTIONS[number])
    except Refused as refusal:
        raise SystemExit(f"Q{number} is refused: {refusal.reason.value}") from refusal
    published.attach(found)
    pairs = [
        (_time(lambda: run(found.sql).fetchall()), _time(lambda: run(QUESTIONS[number]).fetchall()))
        for _ in range(repeat)
    ]
    ours, theirs = (min(times) for times in zip(*pairs, strict=True))
    print(f"Q{number}: {ours * 1000:.0f} ms over {theirs * 1000:.0f} ms, {ours / theirs:.2f} times")
    return ours / theirs


def _time(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
