"""Median error beside SmartNoise SQL, at the same total ε and the same bounds, over questions both answer.

SmartNoise lives in an environment of its own, made on the first run beside the system's caches
($YANMEN_BENCH_DATA names another place); it is no dependency of this project.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import duckdb
from bench_files.attack_place import Arena, Table, opened
from bench_files.tpch import cache, environment
from yanmen.disclosure import accounting

PACKAGE = "smartnoise-sql==1.0.10"
PERSONS, ROWS_PER_UNIT, BAR = 20_000, 4, 1.1
DELTA_E12 = 1_000_000
TASKS = (
    "SELECT COUNT(*) AS n FROM visits",
    "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward",
    "SELECT moon, COUNT(*) AS n FROM visits GROUP BY moon",
    "SELECT ward, moon, COUNT(*) AS n FROM visits GROUP BY ward, moon",
    "SELECT ward, COUNT(*) AS n FROM visits WHERE days > 20 GROUP BY ward",
    "SELECT ward, COUNT(DISTINCT id) AS n FROM visits GROUP BY ward",
    "SELECT moon, COUNT(DISTINCT id) AS n FROM visits GROUP BY moon",
    "SELECT SUM(days) AS n FROM visits",
    "SELECT ward, SUM(days) AS n FROM visits GROUP BY ward",
    "SELECT moon, SUM(days) AS n FROM visits GROUP BY moon",
    "SELECT sex, SUM(days) AS n FROM visits WHERE ward = 3 GROUP BY sex",
    "SELECT ward, SUM(cost) AS n FROM visits GROUP BY ward",
    "SELECT sex, SUM(cost) AS n FROM visits GROUP BY sex",
    "SELECT ward, AVG(days) AS n FROM visits GROUP BY ward",
    "SELECT sex, AVG(cost) AS n FROM visits GROUP BY sex",
    "SELECT moon, AVG(cost) AS n FROM visits GROUP BY moon",
)
DOMAINS = {"ward": 8, "moon": 12, "sex": 2}
SPEC = f"""
class = "personal"
subject_space = "person"
rows_per_unit = {ROWS_PER_UNIT}
groups_per_unit = {ROWS_PER_UNIT}
rows_upto = 100000

[columns.id]
type = "integer"
role = "unit"

[columns.cost]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 100

[columns.days]
type = "integer"
role = "measure"
lower = 0
upper = 30
""" + "".join(
    f'[columns.{name}]\ntype = "integer"\nrole = "key"\ndomain = {list(range(size))}\n'
    for name, size in DOMAINS.items()
)
COLUMNS = ("id", "ward", "moon", "sex", "cost", "days")
THEIRS = {
    "id": {"type": "int", "private_id": True},
    **{name: {"type": "int"} for name in DOMAINS},
    "cost": {"type": "float", "lower": 0.0, "upper": 100.0},
    "days": {"type": "int", "lower": 0, "upper": 30},
}
Cells = dict[tuple[float, ...], float]


def rows() -> list[tuple[object, ...]]:
    """Return the same one to four visits of every person each time."""
    generator = Random(11)
    return [
        (
            person,
            generator.randrange(8),
            generator.randrange(12),
            person % 2,
            f"{generator.random() * 100:.2f}",
            generator.randrange(31),
        )
        for person in range(PERSONS)
        for _ in range(generator.randrange(1, ROWS_PER_UNIT + 1))
    ]


def cells(table: Sequence[Sequence[object]]) -> Cells:
    """Return the figure of each key; cells without a figure are left out."""
    return {tuple(float(str(c)) for c in row[:-1]): float(str(row[-1])) for row in table if row[-1] is not None}


def error(answers: Sequence[Sequence[Sequence[object]]], true: Cells) -> float:
    """Return the median distance from the truth over cells and repetitions."""
    return median(abs(value - true[key]) for answer in answers for key, value in cells(answer).items() if key in true)


def ours(arena: Arena, spends: Sequence[int], repeat: int, budget: int, *, alone: bool) -> dict[str, list[object]]:
    """Return the node's answers: each repetition under a contract of its own, so that none is a repeated answer."""
    found: dict[str, list[object]] = {sql: [] for sql in TASKS}
    for _ in range(repeat):
        asker = arena.contract(budget * len(TASKS))
        for sql, own in zip(TASKS, spends, strict=True):
            found[sql].append(asker.rows(sql, budget if alone else budget * own // sum(spends)))
    return found


def peer(source: Path, repeat: int) -> dict[str, Any]:
    """Return SmartNoise's answers over the same file, and what it spends."""
    order = {
        "csv": str(source),
        "rows_per_unit": ROWS_PER_UNIT,
        "epsilon": 1.0,
        "delta": DELTA_E12 / 1e12,
        "repeat": repeat,
        "columns": THEIRS,
        "tasks": [_theirs(sql) for sql in TASKS],
    }
    script = str(Path(__file__).with_name("smartnoise_answers.py"))
    done = subprocess.run(
        [environment(cache(), "smartnoise", (PACKAGE,)), "-I", script],
        input=json.dumps(order),
        text=True,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _theirs(sql: str) -> str:
    return sql.replace("FROM visits", "FROM db.visits")


def main() -> int:
    """Compare and print; return 1 when the median over the questions is above the bar."""
    parser = argparse.ArgumentParser(prog="scripts/bench smartnoise", description=__doc__)
    parser.add_argument("--repeat", type=int, default=15, help="repetitions of every question (15)")
    repeat = parser.parse_args().repeat
    budget = accounting.micro_rho_within(Decimal(1), DELTA_E12)
    with tempfile.TemporaryDirectory(prefix="yanmen-smartnoise-") as name:
        folder = Path(name)
        with opened(folder, [Table("visits", SPEC, COLUMNS, rows(), COLUMNS)], 1_000_000_000) as arena:
            theirs = peer(folder / "visits.csv", repeat)
            session = ours(arena, theirs["spends"], repeat, budget, alone=False)
            alone = ours(arena, theirs["spends"], repeat, budget, alone=True)
        with duckdb.connect() as raw:
            raw.execute(f"CREATE TABLE visits AS SELECT * FROM read_csv('{folder / 'visits.csv'}')")
            truth = {sql: cells(raw.execute(sql).fetchall()) for sql in TASKS}
    spends = sum(theirs["spends"])
    print(f"{len(TASKS)} questions, {spends} noisy columns, total ε = 1 at δ = 1e-6, {repeat} repetitions")
    print(f"SmartNoise SQL: ε = {theirs['each']:.4f} a column by its own odometer; the node: {budget} micro-rho\n")
    print("| question | node | SmartNoise | ratio | each question alone at ε = 1: ratio |\n|---|---:|---:|---:|---:|")
    ratios: list[tuple[float, float]] = []
    for sql in TASKS:
        errors = [error(answers, truth[sql]) for answers in (session[sql], theirs["session"][_theirs(sql)])]
        single = error(alone[sql], truth[sql]) / max(error(theirs["alone"][_theirs(sql)], truth[sql]), 1e-9)
        ratios.append((errors[0] / errors[1], single))
        print(f"| {sql} | {errors[0]:.4g} | {errors[1]:.4g} | {ratios[-1][0]:.2f} | {single:.2f} |")
    middle = [median(column) for column in zip(*ratios, strict=True)]
    print(f"| median of the questions | | | {middle[0]:.2f} (bar {BAR}) | {middle[1]:.2f} |")
    return int(middle[0] > BAR)


if __name__ == "__main__":
    sys.exit(main())
