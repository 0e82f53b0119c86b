"""What leaving out groups of units that reach too many costs: all ranked, or only those of heavy units.

TPC-H orders of scale factor 1 by day; a customer has up to 45 orders. CPU time, the best of `--repeat` runs each. First
what this product emits, for a snapshot that holds how many rows each unit has and for one that does not; then
other ways, none of which needs that.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from bench_files import tpch
from yanmen.model.catalogue import UNIT_ROWS, Cell, Column, ColumnType, Dataset, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.planning.plan import plan

from tests.unit.planning.engine import InProcessRunner, admitted, dataset, unit

SHARES = "SELECT o_orderdate AS k, o_custkey AS u, count(*) AS n FROM orders GROUP BY k, u"
RANKED = "SELECT k, n, row_number() OVER (PARTITION BY u ORDER BY hash(u, k, 'salt'), k) AS place FROM {0}"
PLAIN = f"SELECT k, sum(n) FROM ({SHARES}) GROUP BY k"
ALL = f"SELECT k, sum(n) FROM ({RANKED.format(f'({SHARES})')}) WHERE place <= {{most}} GROUP BY k"
GROUPED = f"WITH q AS MATERIALIZED ({SHARES}), h AS (SELECT u, count(*) AS c FROM q GROUP BY u)"
APART = f"WITH q AS MATERIALIZED ({SHARES}),"
APART += " h AS MATERIALIZED (SELECT u FROM q GROUP BY u HAVING count(*) > {most})"
COUNTED = "SELECT k, n, count(*) OVER (PARTITION BY u) AS c, row_number() OVER (PARTITION BY u"
COUNTED += " ORDER BY hash(u, k, 'salt'), k) AS place FROM {0}"
OF_SOME = "SELECT o_orderdate AS k, o_custkey AS u, count(*) AS n FROM orders {0} JOIN h ON o_custkey = c GROUP BY k, u"
BY_ROWS = "WITH h AS (SELECT o_custkey AS c FROM orders GROUP BY c HAVING count(*) > {most}), light AS ("
BY_ROWS += f"{OF_SOME.format('ANTI')}), heavy AS ({OF_SOME.format('SEMI')})"
WAYS = {
    "every unit's groups ranked": ALL,
    "heavy units told by their groups": f"{GROUPED} SELECT k, sum(n) FROM (SELECT k, n FROM q JOIN h USING (u)"
    f" WHERE c <= {{most}} UNION ALL SELECT k, n FROM ({RANKED.format('q JOIN h USING (u) WHERE c > {most}')})"
    " WHERE place <= {most}) GROUP BY k",
    "heavy units told by their rows": f"{BY_ROWS} SELECT k, sum(n) FROM (SELECT k, n FROM light UNION ALL SELECT k, n"
    f" FROM ({RANKED.format('heavy')}) WHERE place <= {{most}}) GROUP BY k",
    "heavy units set apart by SEMI and ANTI joins": f"{APART} SELECT k, sum(n) FROM (SELECT k, n FROM q ANTI JOIN h"
    f" USING (u) UNION ALL SELECT k, n FROM ({RANKED.format('q SEMI JOIN h USING (u)')}) WHERE place <= {{most}})"
    " GROUP BY k",
    "groups counted beside their ranks": f"SELECT k, sum(n) FROM ({COUNTED.format(f'({SHARES})')})"
    " WHERE c <= {most} OR place <= {most} GROUP BY k",
    "the least hashes of each unit collected": f"SELECT k, sum(n) FROM (SELECT e.k AS k, e.n AS n FROM (SELECT"
    f" unnest(min({{{{h: hash(u, k, 'salt'), k: k, n: n}}}}, {{most}})) AS e FROM ({SHARES}) GROUP BY u)) GROUP BY k",
}


ASKED = "SELECT o_orderdate, count(*) FROM orders GROUP BY o_orderdate"
ROWS = 45
"""What a customer has at most."""


def main() -> int:
    """Time each way for several caps, and print it over grouping by day and customer alone."""
    parser = argparse.ArgumentParser(prog="scripts/bench ranks", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    connection = held()
    plain, _ = best(connection, PLAIN, repeat)
    print(f"grouped by day and customer, then by day: {plain:.0f} ms of CPU\n")
    alike = emitted(connection, repeat, plain)
    print(
        "| groups of a customer that count |"
        + "".join(f" {way} |" for way in WAYS)
        + "\n"
        + "|---" * (1 + len(WAYS))
        + "|"
    )
    for most in (30, 20, 10, 5):
        found = [best(connection, sql.format(most=most), repeat) for sql in WAYS.values()]
        alike = alike and all(rows == found[0][1] for _, rows in found)
        print(
            f"| {most} |" + "".join(f" {taken:.0f} ms, {taken / plain:.2f} times |" for taken, _ in found), flush=True
        )
    print("all ways count the same" if alike else "the ways count differently")
    return int(not alike)


def held() -> duckdb.DuckDBPyConnection:
    """Return the orders as a table, and as a snapshot that counts the rows of each unit."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(f"ATTACH '{tpch.database(1)}' AS tpch (READ_ONLY)")
    connection.execute("CREATE TABLE orders AS SELECT o_orderdate, o_custkey FROM tpch.orders")
    connection.execute("ATTACH ':memory:' AS s0")
    count = f'count(*) OVER (PARTITION BY o_custkey) AS "{UNIT_ROWS}"'
    connection.execute(f"CREATE TABLE s0.data AS SELECT o_orderdate, o_custkey, {count} FROM orders")
    return connection


def emitted(connection: duckdb.DuckDBPyConnection, repeat: int, plain: float) -> bool:
    """Print what the product's own statements cost, and tell whether both kinds say the same."""
    days = tuple(row[0] for row in connection.execute("SELECT DISTINCT o_orderdate FROM orders ORDER BY 1").fetchall())
    print("| groups of a customer that count | customers with more | all ranked | those with more rows ranked |")
    print("|---|---|---|---|")
    alike = True
    for most in (40, 30, 20, 10, 5):
        orders = declared(days, most)
        ways = [
            plan(admitted(ASKED, datasets=(orders,), counted=counted), InProcessRunner(), NodeLimits()).sql
            for counted in (False, True)
        ]
        found = [best(connection, sql, repeat) for sql in ways]
        alike = alike and ways[0] != ways[1] and found[0][1] == found[1][1]
        heavy = (
            f'SELECT count(DISTINCT o_custkey) FILTER ("{UNIT_ROWS}" > {most}) / count(DISTINCT o_custkey) FROM s0.data'
        )
        (share,) = connection.execute(heavy).fetchone() or (0,)
        shown = "".join(f" {taken:.0f} ms, {taken / plain:.2f} times |" for taken, _ in found)
        print(f"| {most} | {100 * share:.1f} % |{shown}", flush=True)
    print("both count the same\n" if alike else "they count differently\n")
    return alike


def declared(days: tuple[Cell, ...], most: int) -> Dataset:
    """Return the orders as their owner would declare them, a customer counting in at most so many groups."""
    day = Column("o_orderdate", ColumnType.DATE, Role.KEY, domain=days)
    columns = (unit("o_custkey"), day)
    return dataset("orders", DatasetClass.PERSONAL, *columns, rows=ROWS, groups=most, upto=2_000_000)


def best(connection: duckdb.DuckDBPyConnection, sql: str, repeat: int) -> tuple[float, list[tuple[object, ...]]]:
    """Return the least CPU milliseconds that `sql` took, and its rows in order."""
    taken, rows = [], []
    for _ in range(repeat):
        start = time.process_time()
        rows = connection.execute(sql).fetchall()
        taken.append(1000 * (time.process_time() - start))
    return min(taken), sorted(rows)


if __name__ == "__main__":
    sys.exit(main())
