"""Timing: can an asker tell from when its answers come whether one heavy person is in the data?

Pairs of the same question on two tables that differ in one person, in random order. Half of the pairs teach the
attacker which way the times lean, the other half are guessed, and the other way round.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Asker, Table, opened
from yanmen.model.refusal import Refused

from tests.attacks.confidence import bounds

ROWS_PER_UNIT, PERSONS, BAR = 21, 6_000, 0.52
SPEC = f"""
class = "personal"
subject_space = "person"
rows_per_unit = {ROWS_PER_UNIT}
groups_per_unit = 2
rows_upto = 200000

[columns.id]
type = "integer"
role = "unit"

[columns.gate]
type = "integer"
role = "measure"
lower = 0
upper = 1

[columns.cost]
type = "integer"
role = "measure"
lower = 0
upper = 1000
"""
PLAIN = "SELECT count(*) AS n FROM {table} WHERE cost < {turn}"
GATED = (
    "SELECT count(*) AS n FROM {table} a JOIN {table} b ON a.id = b.id JOIN {table} c ON a.id = c.id"
    " WHERE a.gate = 1 AND a.cost < {turn}"
)
TUNED = (
    "SELECT {figures} FROM {table} a JOIN {table} b ON a.id = b.id JOIN {table} c ON a.id = c.id"
    " WHERE a.cost + b.cost + c.cost < {turn}"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """What was asked, and for the first and second of a pair: seconds, whether it failed, whether the person was in."""

    kind: str
    seconds: tuple[float, float]
    failed: tuple[bool, bool]
    present: tuple[bool, bool]


def rows(*, heavy: bool) -> Iterator[tuple[int, int, int]]:
    """Yield everybody with two rows, and with `heavy` one more with all the rows a person may have."""
    for person in range(PERSONS):
        for turn in range(2):
            yield person, 0, (person * 7 + turn) % 900
    for turn in range(ROWS_PER_UNIT if heavy else 0):
        yield PERSONS, 1, turn


def main() -> int:
    """Time, guess and print; return 1 when the lower bound of the accuracy is above the bar."""
    parser = argparse.ArgumentParser(prog="scripts/bench timing", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2_000, help="pairs of runs (2000)")
    parser.add_argument("--deadline-ms", type=int, default=500, help="the node's step: shorter than a real one's (500)")
    arguments = parser.parse_args()

    def configure(text: str) -> str:
        """Shorten the deadline, and lift the failure cap, which would stop this attacker after eight."""
        text = re.sub(r"(?m)^deadline_ms = .*", f"deadline_ms = {arguments.deadline_ms}", text)
        return re.sub(r"(?m)^failures = .*", "failures = 1000000", text)

    columns = ("id", "gate", "cost")
    tables = [Table(name, SPEC, columns, rows(heavy=name == "inside"), columns) for name in ("outside", "inside")]
    with (
        tempfile.TemporaryDirectory(prefix="yanmen-timing-") as folder,
        opened(Path(folder), tables, 1_000_000_000, configure) as arena,
    ):
        asker = arena.contract(1_000_000_000)
        figures = tuned(asker, arguments.deadline_ms)
        with ThreadPoolExecutor(max_workers=2) as pool:
            pairs = list(pool.map(lambda turn: timed(asker, turn, figures), range(arguments.pairs)))
    return shown(pairs, figures, arguments.deadline_ms)


def tuned(asker: Asker, deadline_ms: int) -> int:
    """Return the number of figures that brings the tuned question closest to the end of the engine's time."""
    best, chosen = float("inf"), 1
    asker.answer(question(TUNED, "outside", 9_999, 1), 1_000)
    for figures in range(1, 33, 3):
        began = time.monotonic()
        try:
            asker.answer(question(TUNED, "outside", 10_000 + figures, figures), 1_000)
        except Refused:
            return chosen
        taken = time.monotonic() - began
        if abs(taken - deadline_ms * 0.0007) < best:
            best, chosen = abs(taken - deadline_ms * 0.0007), figures
    return chosen


def question(template: str, table: str, turn: int, figures: int) -> str:
    """Return the SQL of one run, different from every other."""
    figure = "sum(CASE WHEN a.cost * b.cost * c.cost > {0} THEN a.cost ELSE b.cost END) AS n{0}"
    listed = ", ".join(figure.format(at) for at in range(figures))
    return template.format(table=table, turn=100_000 + turn, figures=listed)


def timed(asker: Asker, turn: int, figures: int) -> Pair:
    """Ask one question of both tables in random order, through the node with its deadlines."""
    kind, template = (("plain", PLAIN), ("gated bomb", GATED), ("tuned to the deadline", TUNED))[turn % 3]
    first = Random(turn).random() < 0.5
    seconds, failed = [], []
    for inside in (first, not first):
        sql = question(template, "inside" if inside else "outside", turn, figures)
        began = time.monotonic()
        try:
            asker.answer(sql, 1_000, wait=True)
            failed.append(False)
        except Refused as refusal:
            failed.append(refusal.reason.value == "RUN_FAILED")
        seconds.append(time.monotonic() - began)
    return Pair(kind, (seconds[0], seconds[1]), (failed[0], failed[1]), (first, not first))


def guessed(pairs: list[Pair], learned: list[Pair], generator: Random) -> int:
    """Return how many `pairs` are guessed right by the lean of the `learned` ones."""
    leans = {
        (kind, signal): sum(
            lean(pair, signal) * (1 if pair.present[0] else -1) for pair in learned if pair.kind == kind
        )
        for kind in {pair.kind for pair in learned}
        for signal in (0, 1)
    }
    right = 0
    for pair in pairs:
        signal = 1 if pair.failed[0] != pair.failed[1] else 0
        vote = lean(pair, signal) * leans.get((pair.kind, signal), 0)
        guess = vote > 0 if vote else generator.random() < 0.5
        right += guess == pair.present[0]
    return right


def lean(pair: Pair, signal: int) -> int:
    """Return 1 when the first of the pair took longer (or failed, for signal 1), -1 when the second did."""
    one, two = pair.failed if signal else pair.seconds
    return (one > two) - (one < two)


def shown(pairs: list[Pair], figures: int, deadline_ms: int) -> int:
    """Print the accuracy over all pairs and over each kind."""
    generator = Random(0)
    print(f"deadline {deadline_ms} ms, failure cap lifted, tuned question of {figures} figures\n")
    print("| question | pairs | failed runs | accuracy | lower 99 % bound | bar |\n|---|---:|---:|---:|---:|---:|")
    worst = 0.0
    for kind in ("plain", "gated bomb", "tuned to the deadline", "all"):
        mine = [pair for pair in pairs if kind in (pair.kind, "all")]
        right = guessed(mine[::2], mine[1::2], generator) + guessed(mine[1::2], mine[::2], generator)
        low = bounds(right, len(mine), 0.02)[0]
        broken = sum(sum(pair.failed) for pair in mine)
        print(f"| {kind} | {len(mine)} | {broken} | {right / len(mine):.3f} | {low:.3f} | {BAR} |")
        worst = max(worst, low)
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
