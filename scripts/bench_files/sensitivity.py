"""Random questions: no unit, taken out, may change a figure by more than its plan declares. Target: never.

Of each question 30 units are taken out in turn, half of them those with most rows, which are at their bounds. Half of
the tables hold values beyond the declared bounds as well. Then each fault of `MUTANTS` is made in the emitted
statements, and the declared bounds are halved: the comparison must find every one.
"""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.model.stages import Plan
from yanmen.planning.plan import plan

from tests.properties.leave_one_out import DATASETS, MUTANTS, Held, Wide, drawn, halved, heaviest
from tests.unit.planning.engine import InProcessRunner, admitted

QUESTIONS, UNITS, PERSONS, EACH = 400, 30, 150, 10
HALVED = "half of what is declared"


def main() -> int:
    """Ask, take out, compare; print what was found, and return 1 when a bound did not hold or a fault was not found."""
    parser = argparse.ArgumentParser(prog="scripts/bench sensitivity", description=__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--units", type=int, default=UNITS)
    arguments = parser.parse_args()
    found: Counter[str] = Counter()
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for part in pool.map(partial(asked, units=arguments.units), range(-(-arguments.questions // EACH))):
            found.update(part)
    used = max(int(name.removeprefix("used ")) for name in found if name.startswith("used "))
    print(f"{found['questions']} questions x {arguments.units} units, {found['figures']:,} figures compared")
    print(f"figures that moved: {found['moved']:,}; the largest change used {used} % of its bound")
    share = 100 * (found["figures"] - found["broken"]) / found["figures"]
    print(f"within the declared bound: {share:.2f} % (target 100 %)")
    faults = (*MUTANTS, HALVED)
    for name in faults:
        print(f"fault found: {name}: in {found[f'found {name}']} of {found[f'made {name}']} questions that have it")
    return int(found["broken"] > 0 or any(found[f"found {name}"] == 0 for name in faults))


def asked(part: int, units: int) -> Counter[str]:
    """Ask ten questions of one set of tables."""
    rows = drawn(part, PERSONS, beyond=part % 2 == 1)
    held, gone = Held(DATASETS, rows), heaviest(rows, units)
    found: Counter[str] = Counter()
    number = 0
    while found["questions"] < EACH:
        number += 1
        with suppress(Refused):
            sql = Wide(part * 1_000 + number).ask()
            made = plan(admitted(sql, datasets=DATASETS, counted=number % 3 > 0), InProcessRunner(), NodeLimits())
            if made.aggregates:
                compare(held, made, gone, found)
    return found


def compare(held: Held, made: Plan, gone: list[int], found: Counter[str]) -> None:
    """Compare one question with and without each unit, then its mutants."""
    moves = list(held.moves(made, made.sql, gone))
    found["questions"] += 1
    found["figures"] += len(moves)
    found["moved"] += sum(move.l1 > 0 for move in moves)
    broken = [move for move in moves if not move.kept]
    found["broken"] += len(broken)
    if broken:
        print(f"NOT WITHIN: {broken[0]} of {made.admitted.submission.sql}", flush=True)
    found[f"used {max((move.used for move in moves), default=0)}"] += 1
    found[f"made {HALVED}"] += 1
    found[f"found {HALVED}"] += any(not move.kept for move in held.moves(halved(made), made.sql, gone[:10]))
    for name, change in MUTANTS.items():
        altered = change(made.sql)
        if altered == made.sql:
            continue
        found[f"made {name}"] += 1
        with suppress(duckdb.Error):
            found[f"found {name}"] += any(not move.kept for move in held.moves(made, altered, gone[:10]))


if __name__ == "__main__":
    sys.exit(main())
