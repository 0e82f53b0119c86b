"""Questions over the tables of several departments, and what the engine itself answers over all of them."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from yanmen.model.stages import Plan

from tests.unit.joins.sides import Side, held
from tests.unit.planning.answering import direct

PAIRS = (
    "SELECT p.band, count(*) AS n FROM persons p JOIN labs l ON p.pid = l.pid GROUP BY p.band",
    "SELECT l.test, count(*), sum(l.value), sum(p.age) FROM persons p JOIN labs l USING (pid) GROUP BY l.test",
    "SELECT p.band, l.test, count(l.value), sum(l.value) FROM labs l JOIN persons p ON l.pid = p.pid"
    " WHERE l.value > 20 AND p.age >= 18 GROUP BY p.band, l.test",
    "SELECT l.test, p.sex, avg(l.value), avg(p.age) FROM persons p JOIN labs l ON p.pid = l.pid"
    " WHERE p.band = 'old' GROUP BY l.test, p.sex",
    "SELECT count(*), sum(CASE WHEN l.test = 'hdl' THEN l.value ELSE 0 END) FROM persons p JOIN labs l"
    " ON p.pid = l.pid AND l.test <> 'tri'",
    "SELECT p.sex, count(*), sum(p.age), sum(l.value) FROM labs l JOIN persons p ON l.pid = p.pid GROUP BY p.sex",
    "SELECT p.band, count(DISTINCT p.pid) FROM persons p JOIN labs l ON p.pid = l.pid WHERE l.value > 20"
    " GROUP BY p.band",
    "SELECT l.test, count(DISTINCT l.pid) FROM labs l JOIN persons p USING (pid) GROUP BY l.test",
    "SELECT p.sex, count(*), sum(p.age) FROM persons p"
    " WHERE p.pid IN (SELECT l.pid FROM labs l WHERE l.test = 'hdl') GROUP BY p.sex",
    "SELECT test, avg(l.value) FROM labs l"
    " WHERE EXISTS (SELECT 1 FROM persons WHERE persons.pid = l.pid AND sex = 'f') AND value > 3 GROUP BY test",
)
TRIPLES = (
    "SELECT p.band, avg(l.value) FROM persons p JOIN labs l ON p.pid = l.pid JOIN events e ON e.pid = p.pid"
    " WHERE l.test = 'hdl' AND e.event = 'htn' GROUP BY p.band",
    "SELECT e.event, p.sex, count(*), sum(l.value) FROM events e JOIN persons p ON e.pid = p.pid"
    " JOIN labs l ON l.pid = p.pid GROUP BY e.event, p.sex",
    "SELECT p.band, avg(l.value) FROM persons p JOIN labs l ON p.pid = l.pid WHERE l.test = 'hdl'"
    " AND p.pid IN (SELECT pid FROM events WHERE event = 'htn') GROUP BY p.band",
    "SELECT e.event, count(DISTINCT p.pid) FROM persons p JOIN labs l ON p.pid = l.pid JOIN events e ON e.pid = l.pid"
    " GROUP BY e.event",
    "SELECT count(*), sum(l.value) FROM labs l WHERE l.pid IN (SELECT pid FROM persons WHERE sex = 'm')"
    " AND EXISTS (SELECT 1 FROM events e WHERE e.pid = l.pid)",
)


def truth(plan: Plan, question: str, sides: Sequence[Side]) -> list[int]:
    """Return the integers of every cell of the plan's grid, as the engine counts it over all rows in one place."""
    tail = question[question.index(" FROM ") :]
    keys = re.search(r"GROUP BY (.+)$", question)
    names = [] if keys is None else keys[1].split(", ")
    figures = [_figure(question, plan, at) for at in range(len(plan.aggregates))]
    rows = direct([side.table for side in sides], held(sides), f"SELECT {', '.join([*names, *figures])}{tail}")
    found = {tuple(row[: len(names)]): row[len(names) :] for row in rows}
    cells: list[int] = []
    for cell in product(*(key.domain for key in plan.keys)):
        values = found.get(cell, (0,) * len(figures))
        cells += [_units(value, plan, at) for at, value in enumerate(values)]
    return cells


def _figure(question: str, plan: Plan, at: int) -> str:
    """Return SQL for the aggregate at the position `at`: those of the question in order, AVG as its sum and count."""
    listed: list[str] = []
    for name, argument in re.findall(r"(count|sum|avg)\((\*|(?:DISTINCT )?[a-z]\.\w+|CASE .+? END)\)", question):
        for one in (f"sum({argument})", f"count({argument})") if name == "avg" else (f"{name}({argument})",):
            if one not in listed:
                listed.append(one)
    assert len(listed) == len(plan.aggregates), (listed, plan.aggregates)
    return listed[at]


def _units(value: Any, plan: Plan, at: int) -> int:
    scaled = 0 if value is None else value * 10 ** plan.aggregates[at].scale
    assert scaled == int(scaled)
    return int(scaled)
