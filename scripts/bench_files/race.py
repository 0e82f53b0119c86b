"""Budget race: 8 processes spend one contract and one subject space at once while they are killed at random."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.attacks.killed_race import ALLOWED, PROCESSES, raced


def main() -> int:
    """Race and print; return 1 when anything was overspent."""
    parser = argparse.ArgumentParser(prog="scripts/bench race", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="ledgers raced for (10)")
    parser.add_argument("--kills", type=int, default=30, help="processes killed in each (30)")
    arguments = parser.parse_args()
    kills = confirmed = overspent = 0
    for seed in range(arguments.rounds):
        with tempfile.TemporaryDirectory(prefix="yanmen-race-") as folder:
            found = raced(Path(folder), seed, arguments.kills)
        kills, confirmed, overspent = kills + found[0], confirmed + found[1], overspent + found[2]
    print(f"{arguments.rounds} ledgers x {PROCESSES} processes, budget of {ALLOWED} charges each, recomputed after\n")
    print("| kill -9 | debits confirmed | overspent micro-rho | bar |\n|---:|---:|---:|---:|")
    print(f"| {kills} | {confirmed} | {overspent} | 0 |")
    return int(overspent > 0)


if __name__ == "__main__":
    sys.exit(main())
