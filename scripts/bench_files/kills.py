"""Nodes killed with SIGKILL at points all over a question's life, and again while they recover.

Three callers ask under group commit and tell each answer they have. What was told, charged and left open is counted
once a third process has recovered.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.unit.ledger.kill_rounds import POINTS, killed_at_all

TIMES = 20


def main() -> int:
    """Kill, count and print; 0 when nothing was lost, doubled or let out."""
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-", dir=Path.cwd()) as folder:
        tally = killed_at_all(Path(folder) / "node", POINTS, TIMES)
    print(f"{len(POINTS)} points x {TIMES}: {tally.rounds} nodes killed, {tally.killed_again} again while recovering")
    print(f"{tally.told} answers were told before\n")
    for fault, count in tally.faults.items():
        print(f"{fault}: {count}")
    return 1 if +tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
