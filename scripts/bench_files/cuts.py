"""How long it takes to find what must stand together in the finest table of exact data, near the largest admitted.

Made-up tables of nearly 100,000 cells, of which three of four hold fewer than ten units: CPU seconds of one question's
cuts, and how many blocks are left of the cells. With `giant`, one unit has nearly all of the measure.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.disclosure.partition import Rule, cut

from tests.properties.finest_tables import finest

SHAPES = ((46, 46, 46), (100, 100, 10), (10, 10, 10, 10, 10), (300, 330), (50_000, 2))


def main() -> int:
    """Cut each table, and print how long it took."""
    parser = argparse.ArgumentParser(prog="scripts/bench cuts", description=__doc__)
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="how many of the shapes")
    arguments = parser.parse_args()
    print("| dimensions | measures | cells | CPU s | blocks for counts | for sums |\n|---|---|---:|---:|---:|---:|")
    for sizes in SHAPES[: arguments.shapes]:
        for measures, giant in ((1, False), (1, True), (4, False)):
            cells = finest(sizes, 2, measures=measures, giant=giant)
            rule = Rule(10, 10, True).over(cells)  # noqa: FBT003 - one row of a unit
            begun = time.process_time()
            counts, sums = cut(cells, (rule, rule), len(sizes))
            taken = time.process_time() - begun
            named = " x ".join(map(str, sizes))
            one = f"{measures}, giant" if giant else str(measures)
            print(
                f"| {named} | {one} | {len(cells):,} | {taken:.1f} | {len(counts.along):,} | {len(sums.along):,} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
