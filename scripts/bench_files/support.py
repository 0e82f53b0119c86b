"""Float-support attack: in which share of released figures do the last bits decide between two inputs?"""

import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Table, opened

from tests.attacks.float_support import decided, from_integers, from_textbook, textbook_laplace

TRIALS, CELLS = 100_000, 10_000
SPEC = f"""
class = "personal"
subject_space = "person"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = 200000

[columns.id]
type = "integer"
role = "unit"

[columns.cell]
type = "integer"
role = "key"
domain = {list(range(CELLS))}

[columns.cost]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 100
"""


def main() -> int:
    """Attack noise in doubles as a control, then the node; return 1 when the node's last bits decide anything."""
    generator = Random(2012)
    drawn = [textbook_laplace(1.0, 1.0, generator) for _ in range(20_000)]
    control = decided([(from_textbook(value, 0.0, 1.0), from_textbook(value, 1.0, 1.0)) for value in drawn])
    columns = ("id", "cell", "cost")
    rows = [(cell, cell, "12.34") for cell in range(CELLS)]
    outcomes: list[tuple[bool, bool]] = []
    with (
        tempfile.TemporaryDirectory(prefix="yanmen-support-") as folder,
        opened(Path(folder), [Table("costs", SPEC, columns, rows, columns)], 1_000_000_000) as arena,
    ):
        asker = arena.contract(1_000_000_000)
        for turn in range(TRIALS // CELLS):
            sql = f"SELECT cell, sum(cost) AS s FROM costs WHERE cost < {1000 + turn} GROUP BY cell"
            for _, released in asker.rows(sql, 24_355):
                pair = (from_integers(released, true, 2) for true in (Decimal("12.34"), Decimal(0)))
                outcomes.append((next(pair), next(pair)))
    share = decided(outcomes)
    print("| noise | figures | decided by the last bits | bar |\n|---|---:|---:|---:|")
    print(f"| Laplace in doubles (control) | {len(drawn)} | {control:.1%} | none set |")
    print(f"| the node | {len(outcomes)} | {share:.1%} | 0 % |")
    return int(share > 0)


if __name__ == "__main__":
    sys.exit(main())
