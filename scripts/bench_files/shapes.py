"""SELECT shapes: is the statement that would run always the one whose bound plan was checked? Target: always.

Each shape is planned; of each accepted one the plan is bound again by another connection that holds data, and must be
the plan that was checked. Then the emitted statement is altered in one place that bounds what a unit can do or says
whose rows are read, and the altered one must be refused.
"""

import argparse
import random
import re
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Refused
from yanmen.model.stages import Plan
from yanmen.planning import bound_union
from yanmen.planning.plan import BOUND_BYTES, Draft, compose
from yanmen.planning.reading import read
from yanmen.planning.row_source import shapes as shapes_of

from tests.properties.test_planning_answers import TABLES, Asker, drawn
from tests.unit.planning.answering import runner, scans
from tests.unit.planning.engine import InProcessRunner, admitted, attached

SHAPES = 5_400
ALTER_EVERY = 5
LIMITS = NodeLimits()
ALTERATIONS = (
    (r'THEN (\d+) ELSE ("\w+") END(?!, 0\))', lambda m: f"THEN {int(m[1]) + 1} ELSE {m[2]} END"),
    (r"<= (\d+)$", lambda m: f"<= {int(m[1]) + 1}"),
    (r'GROUP BY ("k\d+", )?"u"', lambda m: f'GROUP BY {m[1] or ""}"u", "v0"'),
    (r'"t0"\."pid" AS "u"', lambda _: 'CAST(1 AS BIGINT) AS "u"'),
    (r'sum\("a0"\)', lambda _: 'max("a0")'),
    (r"INNER JOIN", lambda _: "CROSS JOIN"),
    (r"UNION ALL", lambda _: "UNION"),
    (r'"t0"\.("(?:age|income|days|cost|note|sex|ward)")', lambda _: '"t0"."pid"'),
    (r" FROM ", lambda _: ' FROM (SELECT 1) AS "z", '),
)


class Shapes(Asker):
    """Adds releases of several grids, and queries over released figures, to the random questions."""

    def shape(self) -> str:
        """Write one SELECT."""
        inner = self.nested() if self.pick.random() < 0.5 else self.question()
        return self.one(
            *(inner, inner, self.question()),
            f"SELECT ward, count(*), grouping(ward) FROM visit GROUP BY {self.one('ROLLUP', 'CUBE')} (ward, town)",
            f"SELECT n, count(*) OVER () FROM ({inner.split(' HAVING')[0]})",
            f"SELECT count(*) AS n FROM person WHERE {self.simple_person()} UNION ALL SELECT count(*) FROM visit",
            f"SELECT region, {self.one('count(*)', 'max(people)', 'sum(area)')} FROM town GROUP BY region",
            f"SELECT ward, count(*) / (SELECT count(*) FROM visit) FROM visit GROUP BY 1 LIMIT {self.one('1', '3')}",
            f"SELECT count(*) FROM person WHERE {self.one('', 'NOT')} EXISTS (FROM visit v WHERE v.pid = person.pid)",
        )

    def simple_person(self) -> str:
        """Write a condition on persons alone."""
        return self.one(
            "age > 30", "insured", "sex = 'f' AND income < 900", "born > DATE '1970-01-01'", "note LIKE 'x%'"
        )


def main() -> int:
    """Plan, bind twice, alter; print what was found, and return 1 when a statement could differ."""
    parser = argparse.ArgumentParser(prog="scripts/bench shapes", description=__doc__)
    parser.add_argument("--count", type=int, default=SHAPES)
    count = parser.parse_args().count
    engine = runner(TABLES, {**drawn(1), "town": []})
    found: Counter[str] = Counter()
    grounds: Counter[str] = Counter()
    for number in range(count):
        sql = Shapes(number).shape()
        try:
            draft = compose(admitted(sql, datasets=TABLES), read(sql, engine.vet(sql), LIMITS.ast_bytes), LIMITS)
        except Refused as refusal:
            grounds[refusal.reason.value] += 1
            continue
        checked = engine.bind(shapes_of(draft.plan.scans), draft.plan.sql)
        try:
            bound_union.check(checked, draft.expected, BOUND_BYTES)
        except Refused:
            found["sound plans refused"] += 1
            continue
        found["accepted"] += 1
        found["bound differently by the engine that runs it"] += _plain(checked) != _plain(_held(engine, draft.plan))
        if number % ALTER_EVERY:
            continue
        found["altered"] += 1
        found["altered and not noticed"] += _unnoticed(engine, draft, random.Random(number))
    print(f"{count:,} shapes; refused {sum(grounds.values()):,}: {dict(grounds.most_common())}")
    for what, times in found.items():
        print(f"{what}: {times:,}")
    bad = found["bound differently by the engine that runs it"] + found["altered and not noticed"]
    print(f"statements executed whose bound plan differs from the checked plan: {bad} (target 0)")
    return int(bad > 0 or found["sound plans refused"] > 0)


def _held(engine: InProcessRunner, plan: Plan) -> str:
    """Return the bound plan as the connection that holds the rows makes it."""
    tables = []
    for schema, version in scans(plan):
        columns, rows = engine.data[version]
        names = next(scan.columns for scan in plan.scans if scan.schema == schema) or (columns[0][0],)
        kept = [place for place, (name, _) in enumerate(columns) if name in names]
        tables.append((schema, tuple(columns[at] for at in kept), [tuple(row[at] for at in kept) for row in rows]))
    with attached(tables) as connection:
        return str(connection.execute("SELECT json_serialize_plan(?)", [plan.sql]).fetchone()[0])


def _plain(serialised: str) -> str:
    return re.sub(r'"(?:table_index|group_index|aggregate_index|groupings_index|window_index)":\d+', "", serialised)


def _unnoticed(engine: InProcessRunner, draft: Draft, pick: random.Random) -> bool:
    """Alter the emitted statement in one place; tell whether the checker lets another plan pass."""
    places = [(match, change) for pattern, change in ALTERATIONS for match in re.finditer(pattern, draft.plan.sql)]
    if not places:
        return False
    match, change = pick.choice(places)
    sql = draft.plan.sql[: match.start()] + change(match) + draft.plan.sql[match.end() :]
    with suppress(duckdb.Error, Refused):
        shapes = shapes_of(draft.plan.scans)
        altered = engine.bind(shapes, sql)
        if _plain(altered) == _plain(engine.bind(shapes, draft.plan.sql)):
            return False
        bound_union.check(altered, draft.expected, BOUND_BYTES)
        print(f"not noticed: {match[0]!r} -> {change(match)!r} in {draft.plan.sql[:300]}")
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
