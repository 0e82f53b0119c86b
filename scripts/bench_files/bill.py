"""Bills over random uses of several nodes: the auditor's against the node's statement and a tally that is neither."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.properties.random_uses import lived


def main() -> int:
    """Take the uses, hold everything, print what was held, and return 0; what differs raises."""
    parser = argparse.ArgumentParser(prog="scripts/bench bill", description=__doc__)
    parser.add_argument("--uses", type=int, default=10_000, help="uses in all, over three nodes and four logs (10000)")
    parser.add_argument("--seed", type=int, default=20261122, help="of the draw (20261122)")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yanmen-bills-") as folder:
        found = lived(Path(folder), random.Random(arguments.seed), -(-arguments.uses // 4))
    print(f"{arguments.uses} random uses of 3 nodes in 4 logs, {found.charges} of them charged, {found.fen} fen in all")
    held = f"{found.statements} of {found.statements} statements"
    print(f"auditor's bill = node's statement = our own tally, splits too: {held}")
    print(f"one fen falsified: found in {held}")
    print(f"revenue maximum {found.fen} fen: within; {found.fen - 1} fen: 1 fen over is found")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
