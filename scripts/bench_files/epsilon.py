"""Empirical ε: what 20 distinct questions over 10,000 equal cells tell of one unit, measured through the node."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Asker, Table, opened
from yanmen.disclosure import accounting, noise
from yanmen.model.stages import Aggregate

from tests.attacks.audit import epsilon_seen

Calibrate = Callable[[Aggregate, int], noise.Gaussian]
CELLS, ROWS_PER_UNIT, QUESTIONS = 10_000, 3, 20
MICRO_RHO, DELTA_E12 = 500_000, 1_000_000_000  # δ = 1e-3: seen in 200,000 draws
SPEC = f"""
class = "personal"
subject_space = "person"
rows_per_unit = {ROWS_PER_UNIT}
groups_per_unit = {ROWS_PER_UNIT}
rows_upto = 200000

[columns.id]
type = "integer"
role = "unit"

[columns.cell]
type = "integer"
role = "key"
domain = {list(range(CELLS))}

[columns.cost]
type = "integer"
role = "measure"
lower = 0
upper = 10
"""


def rows(*, heavy: bool) -> Iterator[tuple[int, int, int]]:
    """Yield four units in each cell, and with `heavy` one more who has all the rows a unit may have there."""
    for cell in range(CELLS):
        for person in range(4):
            yield cell * 10 + person, cell, 5
        for _ in range(ROWS_PER_UNIT if heavy else 0):
            yield cell * 10 + 9, cell, 10


def main() -> int:
    """Measure the node and two broken variants; return 1 unless the node passes and both are caught."""
    claimed = float(accounting.epsilon(MICRO_RHO, DELTA_E12))
    columns = ("id", "cell", "cost")
    tables = [
        Table("without", SPEC, columns, rows(heavy=False), columns),
        Table("with_one", SPEC, columns, rows(heavy=True), columns),
    ]
    honest = noise.calibrate
    with (
        tempfile.TemporaryDirectory(prefix="yanmen-epsilon-") as folder,
        opened(Path(folder), tables, 1_000_000_000) as arena,
    ):
        asker = arena.contract(1_000_000_000)
        found = {"the node": measured(asker, 0)}
        for name, broken in (("half the noise", halved(honest)), ("noise for one row", single(honest))):
            with weakened(broken):
                found[name] = measured(asker, len(found) * QUESTIONS)
    print(f"claimed ε = {claimed:.4f} at δ = {DELTA_E12 / 1e12:g}, {MICRO_RHO} micro-rho an answer")
    print(f"{QUESTIONS} questions x {CELLS} cells on each of two neighbouring tables; Clopper-Pearson, 99.99 %\n")
    print("| release | ε seen, at least | bar |\n|---|---:|---|")
    for name, seen in found.items():
        print(f"| {name} | {seen:.4f} | {'at most' if name == 'the node' else 'caught: above'} {claimed:.4f} |")
    passed = found.pop("the node") <= claimed and all(seen > claimed for seen in found.values())
    return int(not passed)


def measured(asker: Asker, first: int) -> float:
    """Return the ε seen in counts and in sums, the larger, over questions that differ from all before."""
    draws: dict[str, list[list[int]]] = {"without": [[], []], "with_one": [[], []]}
    for turn in range(first, first + QUESTIONS):
        figure = turn % 2
        asked = ("count(*)", "sum(cost)")[figure]
        for table, kept in draws.items():
            sql = f"SELECT cell, {asked} AS n FROM {table} WHERE cost < {1000 + turn} GROUP BY cell"
            kept[figure] += [int(str(row[1])) for row in asker.rows(sql, MICRO_RHO)]
    delta = DELTA_E12 / 1e12
    return max(epsilon_seen(draws["without"][figure], draws["with_one"][figure], delta) for figure in (0, 1))


def halved(honest: Calibrate) -> Calibrate:
    """Return a calibration with half the noise."""

    def calibrate(aggregate: Aggregate, micro_rho: int) -> noise.Gaussian:
        return noise.Gaussian(honest(aggregate, micro_rho).scale / 2, micro_rho)

    return calibrate


def single(honest: Calibrate) -> Calibrate:
    """Return a calibration that takes a unit for one row."""

    def calibrate(aggregate: Aggregate, micro_rho: int) -> noise.Gaussian:
        return noise.Gaussian(honest(aggregate, micro_rho).scale / ROWS_PER_UNIT, micro_rho)

    return calibrate


@contextlib.contextmanager
def weakened(calibrate: Calibrate) -> Iterator[None]:
    """Release with this calibration, and without the check that stands behind it."""
    kept = noise.calibrate, noise.mechanism.cost
    noise.calibrate, noise.mechanism.cost = calibrate, lambda *_: 0.0
    try:
        yield
    finally:
        noise.calibrate, noise.mechanism.cost = kept


if __name__ == "__main__":
    sys.exit(main())
