"""Hostile statements: does any come back with the value of a row? Target: none.

Every function of the engine in places for rows, aggregates, tables and windows; every kind of statement; the unit
passed on under other names; joins; errors and waits as channels. What is accepted runs over rows full of planted
values and is released with its noise; no planted value may stand in the answer, and nothing may leave but figures
about declared cells.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from yanmen.disclosure import disclose
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import JobFailed, Refused, Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, runner, scans
from tests.unit.planning.engine import PERSON, TOWN, VISIT, InProcessRunner, admitted, shared

DATASETS = (PERSON, VISIT, TOWN)
ROOT = Path(__file__).resolve().parents[2]
SCALARS = (
    "SELECT count(*) FROM person WHERE {f}(note) IS NOT NULL",
    "SELECT {f}(income), count(*) FROM person GROUP BY 1",
    "SELECT sum({f}(income, age)) FROM person",
    "SELECT {f}(note) FROM (SELECT {f}(note) AS note FROM person)",
)
AGGREGATES = (
    "SELECT {f}(income) FROM person",
    "SELECT sex, {f}(note ORDER BY pid) FROM person GROUP BY sex",
    "SELECT {f}(income) FILTER (WHERE pid = 7) FROM person",
    "SELECT k, count(*) FROM (SELECT pid, {f}(income) AS k FROM person GROUP BY pid) GROUP BY k",
    "SELECT {f}(income ORDER BY pid) export_state FROM person",
)
TABLES = ("SELECT * FROM {f}('person')", "SELECT count(*) FROM person p, {f}(p.note)", "SELECT * FROM {f}()")
WINDOWS = (
    "SELECT {f}(income) OVER (ORDER BY pid) FROM person",
    "SELECT sex, {f}(note) OVER () FROM person GROUP BY sex",
)
NAMES = (
    "pid",
    "p.pid",
    '"pid"',
    "x",
    "CAST(pid AS VARCHAR)",
    "pid + 0",
    "coalesce(pid, 0)",
    "max(pid)",
    "note",
    "income",
)
LAUNDERED = (
    "SELECT {n}, count(*) FROM person p GROUP BY 1",
    "SELECT count(*) FROM person p WHERE {n} = {v}",
    "SELECT sum(CASE WHEN {n} = {v} THEN income END) FROM person p",
    "SELECT k, count(*) FROM (SELECT {n} AS k FROM person p) GROUP BY k",
    "WITH a(k) AS (SELECT {n} FROM person p) SELECT * FROM a",
    "SELECT k FROM (SELECT pid, {n} AS k FROM person p GROUP BY pid, income, note) ORDER BY k LIMIT 1",
    "SELECT * FROM (SELECT {n} AS k FROM person p UNION ALL SELECT {n} FROM person p)",
    "SELECT count(*) FROM visit v JOIN (SELECT {n} AS k FROM person p) q ON v.days = q.k",
    "SELECT (SELECT {n} FROM person p LIMIT 1), count(*) FROM visit",
    "SELECT count(*) FROM town WHERE code IN (SELECT {n} FROM person p)",
    "WITH town AS (SELECT {n} AS code FROM person p) SELECT code, count(*) FROM town GROUP BY code",
    "SELECT {n} FROM person p QUALIFY row_number() OVER (ORDER BY pid) = 1",
    "SELECT first_value({n}) OVER (ORDER BY pid) FROM person p",
    "SELECT min({n}), max({n}) FROM person p WHERE pid = {v}",
    "SELECT avg(age) FROM person p GROUP BY ROLLUP ({n})",
)
JOINS = (
    "JOIN",
    "LEFT JOIN",
    "RIGHT JOIN",
    "FULL JOIN",
    "SEMI JOIN",
    "ANTI JOIN",
    "ASOF JOIN",
    "CROSS JOIN",
    "NATURAL JOIN",
)
CONDITIONS = (
    *(
        "ON p.pid = v.pid",
        "ON p.pid <> v.pid",
        "ON p.age = v.days",
        "ON true",
        "USING (pid)",
        "ON p.pid = v.pid OR true",
        "",
    ),
    *(
        "ON p.pid = v.pid AND p.pid = 7",
        "ON p.note = v.ward",
        "ON p.pid = v.pid + 1",
        "ON CAST(p.pid AS VARCHAR) = v.ward",
    ),
)
SHOWN = ("count(*)", "*", "p.note, count(*)", "max(income)", "p.pid", "sum(cost)")
CHANNELS = (
    *(
        "CAST(note AS INTEGER)",
        "1 // (pid - 7)",
        "error(note)",
        "sleep_ms(income)",
        "repeat(note, 100000000)",
        "note::DATE",
    ),
    *("strptime(note, '%Y')", "make_date(age, age, age)", "1 / (income - 73219.83)", "factorial(age)", "chr(-age)"),
    *(
        "regexp_matches(note, '(a+)+$')",
        "age % 0",
        "income * 1e300",
        "TRY(error(note))",
        "getvariable(note)",
        "nextval(note)",
    ),
    *(
        "current_setting(note)",
        "hash(note)",
        "md5(note)",
        "random()",
        "uuid()",
        "now()",
        "stats(income)",
        "pg_sleep(age)",
    ),
)
CARRIERS = (
    "SELECT count(*) FROM person WHERE {c} IS NULL",
    "SELECT sum(CASE WHEN pid = 7 THEN {c} ELSE 0 END) FROM person",
    "SELECT CASE WHEN income > 5 THEN {c} ELSE 0 END AS k, count(*) FROM person GROUP BY k",
    "SELECT count(*) FROM visit v JOIN person p ON v.pid = p.pid AND {c} > 0",
    "SELECT count(*) FROM person ORDER BY {c}",
    "SELECT count(*) FROM (SELECT {c} AS k FROM person)",
)


def statements() -> Iterator[tuple[str, str]]:
    """Yield every hostile statement with its family."""
    kinds = (
        shared().execute("SELECT DISTINCT function_name, function_type FROM duckdb_functions() ORDER BY ALL").fetchall()
    )
    places = {"scalar": SCALARS, "macro": SCALARS, "aggregate": AGGREGATES, "window": WINDOWS}
    for name, kind in kinds:
        quoted = '"' + str(name).replace('"', '""') + '"'
        for shape in places.get(str(kind), TABLES):
            yield f"{kind} functions", shape.replace("{f}", quoted)
    for line in (ROOT / "tests" / "golden" / "statements.sql").read_text("utf-8").splitlines():
        if line and not line.startswith("--"):
            yield "statement kinds", line
    for shape, name, value in product(LAUNDERED, NAMES, ("7", "'canary-7'")):
        yield "laundering", shape.replace("{n}", name).replace("{v}", value)
    for kind, condition, shown in product(JOINS, CONDITIONS, SHOWN):
        yield "joins", f"SELECT {shown} FROM person p {kind} visit v {condition}"
    for shape, channel in product(CARRIERS, CHANNELS):
        yield "channels", shape.replace("{c}", channel)


def planted() -> Data:
    """Return rows whose every value outside a declared domain is one of a kind."""
    persons = [
        (1_000_000_007 + n, "fm"[n % 2], f"d{n % 5}", n % 3 == 0, date(1931, 1, 2 + n), f"canary-{n}", n + 3,
         Decimal(7_321_983 + 97 * n).scaleb(-2), 900_000_001 + n, "a")
        for n in range(20)
    ]  # fmt: skip
    visits = [
        (1_000_000_007 + n, f"w{n % 4 + 1}", "north", n - 5, Decimal(1_237 + 13 * n).scaleb(-1)) for n in range(20)
    ]
    return {"person": persons, "visit": visits, "town": [("north", "east", 5, None, None)]}


def main() -> int:
    """Ask all, run what is accepted; print what was found, and return 1 when a value came back."""
    parser = argparse.ArgumentParser(prog="scripts/bench hostile", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="ask only every so many (1)")
    every = parser.parse_args().every
    rows = planted()
    engine = runner(DATASETS, rows)
    secret = _secrets(rows)
    asked: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    leaks = failures = 0
    for number, (family, sql) in enumerate(statements()):
        if number % every:
            continue
        asked[family] += 1
        try:
            found = plan(admitted(sql, datasets=DATASETS), engine, NodeLimits())
        except Refused:
            continue
        accepted[family] += 1
        try:
            leak = _leaks(found, engine, secret)
        except (duckdb.Error, JobFailed):
            failures += 1
            print(f"failed at run time: {sql}")
            continue
        if leak:
            leaks += 1
            print(f"LEAK: {sql}")
    for family, times in asked.items():
        print(f"{family}: {times:,} asked, {accepted[family]:,} accepted")
    print(f"{asked.total():,} hostile statements; failed at run time, which tells one bit: {failures}")
    print(f"returned the value of a row: {leaks} (target 0)")
    return int(leaks > 0)


def _secrets(rows: Data) -> set[object]:
    values = {cell for row in (*rows["person"], *rows["visit"]) for cell in row}
    return {cell for cell in values if isinstance(cell, Decimal | date) or (cell not in _public() and _telling(cell))}


def _public() -> set[object]:
    return {cell for item in DATASETS for column in item.columns for cell in column.domain or ()}


def _telling(cell: object) -> bool:
    """Tell whether a value could not stand in a noisy answer by chance."""
    return (isinstance(cell, str) and cell.startswith("canary")) or (isinstance(cell, int) and cell > 1_000_000)


def _leaks(found: Plan, engine: InProcessRunner, secret: set[object]) -> bool:
    """Release what was accepted, and look for rows' values in what is shown and in what it is made of."""
    guarded = any(scan.version.dataset.cls is not DatasetClass.OPEN for scan in found.scans)
    if guarded and (found.release is not DatasetClass.PERSONAL or not found.aggregates):
        return True
    if any(cell in secret for key in found.keys for cell in key.domain):
        return True
    if any(aggregate.l2_squared < 1 for aggregate in found.aggregates):
        return True
    released = disclose(Raw(found, tuple(engine.rows(scans(found), found.sql)), Usage()), engine.post)
    return any(cell in secret or str(cell) in secret for row in released.rows for cell in row if cell is not None)


if __name__ == "__main__":
    sys.exit(main())
