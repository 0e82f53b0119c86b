"""Withheld cells of exact data, attacked by complement and by trackers of two and three questions, at a real node."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Table, opened

from tests.attacks.trackers import NAMES, Attacker, market, solvable

SIZES = (6, 10, 4)
FIRMS = 2_500
SPEC = """
class = "exact"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = 100000

[columns.id]
type = "integer"
role = "unit"

[columns.output]
type = "integer"
role = "measure"
lower = 0
upper = 1000
"""
DIMENSION = """
[columns.{name}]
type = "integer"
role = "key"
domain = {domain}
"""


def main() -> int:
    """Attack and print; return 1 when anything was recovered."""
    parser = argparse.ArgumentParser(prog="scripts/bench trackers", description=__doc__)
    parser.add_argument("--firms", type=int, default=FIRMS, help=f"firms in the market ({FIRMS})")
    arguments = parser.parse_args()
    made = market(SIZES, arguments.firms, 4)
    dimensions = zip(NAMES, SIZES, strict=True)
    spec = SPEC + "".join(DIMENSION.format(name=name, domain=list(range(size))) for name, size in dimensions)
    columns = ("id", *NAMES, "output")
    table = Table("firm", spec, columns, made.firms, columns)
    with tempfile.TemporaryDirectory(prefix="yanmen-trackers-") as folder, opened(Path(folder), [table]) as arena:
        asker = arena.contract(1_000)
        asked = 0

        def ask(sql: str) -> tuple[tuple[object, ...], ...]:
            nonlocal asked
            asked += 1
            return asker.rows(sql)

        attacker = Attacker(ask, made)
        attacker.collect()
    targets = attacker.targets()
    complement = sum(attacker.complemented(box) for box in targets)
    tracker = sum(attacker.tracked(box) for box in targets)
    anything = solvable(list(attacker.shown), SIZES, targets)
    large = [box for box in (*attacker.shown, *attacker.withheld) if made.count(box) >= 10]
    print(f"{arguments.firms} firms, {len(targets)} withheld cells of 1 to 9 firms, {asked} questions asked\n")
    print("| attack | recovered | bar |\n|---|---:|---:|")
    print(f"| complement (2 questions) | {complement} | 0 |")
    print(f"| tracker (2 or 3 questions) | {tracker} | {len(targets) // 20} (5 %) |")
    print(f"| any sums and differences of all {len(attacker.shown)} figures shown | {anything} | none set |")
    shown = sum(box in attacker.shown for box in large)
    print(f"\n{shown} of {len(large)} cells with ten firms or more were shown")
    return int(complement > 0 or tracker > len(targets) // 20)


if __name__ == "__main__":
    sys.exit(main())
