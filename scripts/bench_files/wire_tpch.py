"""TPC-H Q1 and Q6 over open data, asked end to end over gRPC, against raw DuckDB on the same snapshot's rows."""

import statistics
import time
from collections.abc import Callable, Iterator

import duckdb
from bench_files import tpch
from bench_files.wire_place import place
from yanmen.execution.launcher import THREADS

Line = tuple[str, str, str, bool | None]
BAR = 1.15
COLUMNS = """
[columns.l_returnflag]
type = "text"
role = "key"

[columns.l_linestatus]
type = "text"
role = "key"

[columns.l_shipdate]
type = "date"
role = "key"

[columns.l_quantity]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 50

[columns.l_extendedprice]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 120000

[columns.l_discount]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 0.10

[columns.l_tax]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 0.10
"""
NAMES = ("l_returnflag", "l_linestatus", "l_shipdate", "l_quantity", "l_extendedprice", "l_discount", "l_tax")
Q1 = """
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
    sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
    sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
    avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM lineitem WHERE l_shipdate <= DATE '{day}'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus
"""
Q6 = """
SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem
WHERE l_shipdate >= DATE '{day}' AND l_shipdate < DATE '1995-01-01'
    AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24
"""
QUESTIONS = {"Q1": (Q1, "1998-09-{0:02}"), "Q6": (Q6, "1994-01-{0:02}")}
"""Each sample asks for another day: the same question would be answered from the log."""


def queries(scale: int, repeat: int) -> Iterator[Line]:
    """Yield a line for each question."""
    turns = min(repeat, 25)
    source = tpch.database(scale)
    parquet = tpch.cache() / f"lineitem-sf{scale}.parquet"
    if not parquet.exists():
        part = parquet.with_suffix(".part")
        with duckdb.connect(str(source), read_only=True) as connection:
            connection.execute(f"COPY (SELECT {', '.join(NAMES)} FROM lineitem) TO '{part}' (FORMAT parquet)")
        part.rename(parquet)
    memory = 4 << 30 if scale > 1 else 512 << 20
    with place(1, memory_bytes=memory, cpu_seconds=600, waiting_seconds=600) as made:
        made.publish("lineitem", COLUMNS, parquet, 100_000_000)
        made.town.serve()
        made.agree(f"lineitem:{','.join(NAMES)}")
        member = made.members[0]
        snapshot = made.town.root / "raw.duckdb"
        with (
            made.connected(member) as node,
            duckdb.connect(str(snapshot), config={"threads": THREADS}) as raw,
            node.session(made.contracts[member], max_micro_rho=0, max_price_fen=0, minutes=59) as session,
        ):
            raw.execute(f"SET memory_limit = '{memory // 1024}KiB'")
            raw.execute(f"CREATE TABLE lineitem AS SELECT * FROM '{parquet}'")
            for name, (sql, day) in QUESTIONS.items():
                days = iter(range(1, 60))

                def ours(sql: str = sql, day: str = day, days: Iterator[int] = days) -> None:
                    session.submit(sql.format(day=day.format(next(days)))).fetch()

                def theirs(sql: str = sql, day: str = day) -> None:
                    raw.execute(sql.format(day=day.format(1))).fetchall()

                yield compared(f"TPC-H SF{scale} {name}", ours, theirs, turns)


def compared(name: str, ours: Callable[[], None], theirs: Callable[[], None], turns: int) -> Line:
    """Run both by turns, after two unmeasured, and return the line."""
    pairs = []
    for turn in range(turns + 2):
        pair = seconds(ours), seconds(theirs)
        if turn >= 2:  # the first asks also start the worker and attach the snapshot
            pairs.append(pair)
    mine, others = ([pair[place] * 1000 for pair in pairs] for place in range(2))
    ratio = min(mine) / min(others)
    medians = statistics.median(mine) / statistics.median(others)
    figure = f"{min(mine):.0f} ms / {min(others):.0f} ms = {ratio:.2f} (medians {medians:.2f})"
    what = (
        f"{name} end to end as open data (SDK: receipt verified, acknowledged), {THREADS} threads, against raw DuckDB"
    )
    return what, figure, f"≤ {BAR}", ratio <= BAR


def seconds(action: Callable[[], None]) -> float:
    """Return how long `action` takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
