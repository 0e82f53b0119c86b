"""Differencing, threshold bit, averaging, Dinur-Nissim and marginals under a total of ε = 1, asked of a real node."""

import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Table, opened
from yanmen.disclosure import accounting

from tests.attacks import guessing
from tests.attacks.guessing import Ask, Score, World

EPSILON, DELTA_E12 = 1, 1_000_000
BUDGET = accounting.micro_rho_within(Decimal(EPSILON), DELTA_E12)
SLACK = 0.03
SPEC = """
class = "personal"
subject_space = "person"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = {rows}

[columns.id]
type = "integer"
role = "unit"

[columns.town]
type = "integer"
role = "key"
domain = {domain}

[columns.slot]
type = "integer"
role = "measure"
lower = 0
upper = {slots}

[columns.trait]
type = "integer"
role = "measure"
lower = 0
upper = 1
"""


def main() -> int:
    """Run every attack, print its success beside the bar, and return 1 when one is above it."""
    wide = guessing.world(5_000, 16, 1)
    deep = guessing.world(200, 64, 2)
    small = guessing.world(1_000, 16, 3)
    bar = guessing.bound(EPSILON) + SLACK
    results = [
        ("pointing at one person", *attacked(wide, lambda ask: guessing.pointing(ask, wide, BUDGET))),
        ("differencing", *attacked(wide, lambda ask: guessing.differencing(ask, wide, BUDGET))),
        ("threshold bit", *attacked(wide, lambda ask: guessing.threshold_bit(ask, wide, BUDGET))),
        ("averaging, 8 wordings", *attacked(wide, lambda ask: guessing.averaging(ask, wide, BUDGET))),
        ("Dinur-Nissim, 512 subsets of 64", *attacked(deep, lambda ask: guessing.dinur_nissim(ask, deep, BUDGET, 16))),
        ("marginals, 1 to 3 of 4 attributes", *attacked(small, lambda ask: guessing.marginals(ask, small, BUDGET, 4))),
    ]
    print(f"total budget {BUDGET} micro-rho (ε = {EPSILON} at δ = 1e-6); bar {bar:.3f}\n")
    print("| attack | trials | success | bar | then |\n|---|---:|---:|---:|---|")
    for name, score, after in results:
        print(f"| {name} | {score.trials} | {score.share:.4f} | {bar:.3f} | {after} |")
    return int(any(score.share > bar for _, score, _ in results))


def attacked(secret: World, attack: Callable[[Ask], Score]) -> tuple[Score, str]:
    """Run `attack` on a node of its own, and say what one question more is told."""
    spec = SPEC.format(rows=secret.towns * secret.slots, domain=list(range(secret.towns)), slots=secret.slots)
    columns = ("id", "town", "slot", "trait")
    table = Table("people", spec, columns, secret.rows(), columns)
    with tempfile.TemporaryDirectory(prefix="yanmen-guess-") as folder, opened(Path(folder), [table], BUDGET) as arena:
        asker = arena.contract(BUDGET)
        score = attack(asker.rows)
        return score, asker.refused("SELECT count(*) FROM people", 1_000)


if __name__ == "__main__":
    sys.exit(main())
