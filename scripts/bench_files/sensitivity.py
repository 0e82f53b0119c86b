"""Random questions: no unit, taken out, may change an answer by more than its plan declares. Target: never.

Rows are read without noise; of each question 30 units are taken out in turn, those with most rows among them.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files.shapes import Shapes
from typing_extensions import override
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.planning.plan import plan
from yanmen.planning.sql_terms import quoted

from tests.properties.test_planning_answers import TABLES, drawn
from tests.unit.planning.answering import runner, totals
from tests.unit.planning.engine import InProcessRunner, Rows, admitted, connect, create

QUESTIONS, UNITS, PERSONS = 200, 30, 60


class Held(InProcessRunner):
    """Holds the rows once; a plan reads them through views that leave one unit out."""

    def __init__(self, filled: InProcessRunner) -> None:
        """Load the rows of `filled`."""
        super().__init__(filled.data)
        self.left_out = 0
        self.connection = connect()
        for version, (columns, rows) in self.data.items():
            create(self.connection, quoted(version), columns, rows)

    @override
    def rows(self, scans: tuple[tuple[str, str], ...], sql: str) -> Rows:
        for schema, version in scans:
            names = [name for name, _ in self.data[version][0]]
            kept = f" WHERE pid <> {self.left_out}" if "pid" in names else ""
            self.connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {schema}")
            self.connection.execute(
                f"CREATE OR REPLACE VIEW {schema}.data AS SELECT * FROM memory.main.{quoted(version)}{kept}"
            )
        return self.connection.execute(sql).fetchall()


def main() -> int:
    """Ask, take out, compare; print what was found, and return 1 when a bound did not hold."""
    parser = argparse.ArgumentParser(prog="scripts/bench sensitivity", description=__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    wanted = parser.parse_args().questions
    rows = {**drawn(5, PERSONS), "town": [("north", "east", 5, None, None), ("south", "west", 7, None, None)]}
    heavy = [pid for pid, _ in Counter(row[0] for row in rows["visit"]).most_common(UNITS // 2)]
    others = [row[0] for row in rows["person"] if row[0] not in heavy]
    units = [*heavy, *others[: UNITS - len(heavy)]]
    engine = Held(runner(TABLES, rows))
    asked = checks = broken = used = number = 0
    while asked < wanted:
        number += 1
        try:
            found = plan(admitted(Shapes(10_000 + number).shape(), datasets=TABLES), engine, NodeLimits())
        except Refused:
            continue
        if not found.aggregates:
            continue
        asked += 1
        engine.left_out = 0
        whole = totals(found, engine)
        for pid in units:
            engine.left_out = pid
            less = totals(found, engine)
            for aggregate in found.aggregates:
                moved = [value - less[aggregate.name][cell] for cell, value in whole[aggregate.name].items()]
                far, square = sum(map(abs, moved)), sum(step * step for step in moved)
                checks += 1
                broken += far > aggregate.l1 or square > aggregate.l2_squared
                used = max(used, 100 * far // aggregate.l1)
    print(f"{asked} questions x {len(units)} units, {checks:,} figures; the largest change used {used} % of its bound")
    print(f"within the declared bound: {100 * (checks - broken) / checks:.2f} % (target 100 %)")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
