"""Ten thousand replies of subverted workers: how many ended in which closed code, none released that should not be.

scripts/bench fuzz-replies [--count 10000] [--seed 1]
"""

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from yanmen.model.refusal import JobCode

from tests.attacks.forged_replies import forge, judge

CLOSED = {code.value for code in JobCode}


def main() -> int:
    """Send them, count, and return 0 when nothing went wrong."""
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz-replies", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[str] = []
    crashes = 0
    began = time.monotonic()
    for number in range(arguments.count):
        forged = forge(source)
        try:
            verdict = judge(forged)
        except Exception as error:  # noqa: BLE001 - anything but a verdict is a crash, and is counted
            crashes += 1
            wrong.append(f"{number}: {forged.kind}: {type(error).__name__}")
            continue
        outcomes[forged.kind][verdict.outcome] += 1
        if verdict.wrong or verdict.outcome not in {"released", *CLOSED}:
            wrong.append(f"{number}: {forged.kind}: {verdict.outcome} {verdict.wrong}")
    print("| reply | sent | ended in |\n|---|---:|---|")
    for kind, found in sorted(outcomes.items()):
        print(f"| {kind} | {found.total()} | {', '.join(f'{code} {count}' for code, count in found.most_common())} |")
    print(*wrong[:20], sep="\n")
    took = time.monotonic() - began
    print(f"{arguments.count:,} replies, seed {arguments.seed}, {took:.0f} s: {crashes} crashes, {len(wrong)} wrong")
    return 0 if not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
