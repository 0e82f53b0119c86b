"""TPC-H Q1 and Q6 over open data, asked end to end over gRPC, against raw DuckDB on the same snapshot's rows."""

import statistics
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
from bench_files import tpch
from bench_files.wire_place import place
from yanmen.client.node import Session
from yanmen.execution.launcher import THREADS

Line = tuple[str, str, str, bool | None]
BAR = 1.15
UNSORTED = 'clustered_by = ""\n'
"""As an owner may declare of open data: rows stay as they come, where they would lie in the order of its date."""
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
FROM {table} WHERE l_shipdate <= DATE '{day}'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus
"""
Q6 = """
SELECT sum(l_extendedprice * l_discount) AS revenue FROM {table}
WHERE l_shipdate >= DATE '{day}' AND l_shipdate < DATE '1995-01-01'
    AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24
"""
QUESTIONS = {"Q1": (Q1, date(1998, 8, 1)), "Q6": (Q6, date(1994, 1, 1))}
"""With the first of its days. Each pair asks for the next: the same question would be answered from the log."""

TABLES = {"lineitem_by_date": "published as usual, in the order of its date", "lineitem": 'with `clustered_by = ""`'}
"""The same rows twice: what a node makes of the source unless it is told otherwise, and what it makes of it then."""


def queries(scale: int, repeat: int) -> Iterator[Line]:
    """Yield a line for each question of each table."""
    turns = min(repeat, 40)
    parquet = _source(scale)
    memory = 4 << 30 if scale > 1 else 512 << 20
    with place(1, memory_bytes=memory, cpu_seconds=600, waiting_seconds=600) as made:
        for table, first in zip(TABLES, ("", UNSORTED), strict=True):
            made.publish(table, first + COLUMNS, parquet, 100_000_000)
        made.town.configure(approve_columns_max=2 * len(NAMES))
        made.town.serve()
        made.agree(*(f"{table}:{','.join(NAMES)}" for table in TABLES))
        member = made.members[0]
        snapshot = made.town.root / "raw.duckdb"
        with (
            made.connected(member) as node,
            duckdb.connect(str(snapshot), config={"threads": THREADS}) as raw,
            node.session(made.contracts[member], max_micro_rho=0, max_price_fen=0, minutes=59) as session,
        ):
            raw.execute(f"SET memory_limit = '{memory // 1024}KiB'")
            raw.execute(f"CREATE TABLE lineitem AS SELECT * FROM '{parquet}'")
            for table, order in TABLES.items():
                for name, (sql, day) in QUESTIONS.items():
                    asked = Asked(session, raw, table, sql, day)
                    yield compared(f"TPC-H SF{scale} {name}, table {order}", asked, turns)
            raw.execute("CREATE TABLE lineitem_by_date AS FROM lineitem ORDER BY l_shipdate")
        yield from alone(scale, snapshot, memory, turns)


def alone(scale: int, file: Path, memory: int, turns: int) -> Iterator[Line]:
    """Yield how long raw DuckDB takes by itself over its file opened again, in either order of rows: for comparison."""
    with duckdb.connect(str(file), read_only=True, config={"threads": THREADS}) as raw:
        raw.execute(f"SET memory_limit = '{memory // 1024}KiB'")
        for table, order in zip(TABLES, ("in the order of l_shipdate", "as its rows come"), strict=True):
            for name, (sql, day) in QUESTIONS.items():
                question = sql.format(table=table, day=day)
                times = [timed(raw, question) for _ in range(turns + 2)][2:]
                figure = f"{min(times) * 1000:.0f} ms (median {statistics.median(times) * 1000:.0f})"
                yield f"TPC-H SF{scale} {name}, raw DuckDB alone, its file opened again, {order}", figure, "", None


def timed(raw: duckdb.DuckDBPyConnection, sql: str) -> float:
    """Return how many seconds raw DuckDB takes."""
    began = time.perf_counter()
    raw.execute(sql).fetchall()
    return time.perf_counter() - began


def _source(scale: int) -> Path:
    """Return the columns that both questions read as one Parquet file, made the first time."""
    parquet = tpch.cache() / f"lineitem-sf{scale}.parquet"
    if not parquet.exists():
        part = parquet.with_suffix(".part")
        with duckdb.connect(str(tpch.database(scale)), read_only=True) as connection:
            connection.execute(f"COPY (SELECT {', '.join(NAMES)} FROM lineitem) TO '{part}' (FORMAT parquet)")
        part.rename(parquet)
    return parquet


class Asked:
    """One question, asked of the node for another day each time, and of raw DuckDB over the source's own order."""

    def __init__(self, session: Session, raw: duckdb.DuckDBPyConnection, table: str, sql: str, day: date) -> None:
        """Begin with the first day."""
        self._session, self._raw = session, raw
        self._table, self._sql, self._day = table, sql, day

    def pair(self) -> tuple[float, float]:
        """Ask the node by SDK, receipt and all, then raw DuckDB the same; return how many seconds each took."""
        day = self._day
        self._day += timedelta(1)
        ours = self._ours(self._sql.format(table=self._table, day=day))
        return ours, timed(self._raw, self._sql.format(table="lineitem", day=day))

    def _ours(self, sql: str) -> float:
        began = time.perf_counter()
        answer = self._session.query(sql)
        taken = time.perf_counter() - began
        # The acknowledgement follows behind the asker's back, and must not be in the peer's way.
        if answer.repeated or answer.acknowledgement is None:
            raise SystemExit("answered from the log, or the node was not told that the receipt arrived")
        return taken


def compared(name: str, asked: Asked, turns: int) -> Line:
    """Ask both by turns, after two unmeasured, and return the line."""
    pairs = []
    for turn in range(turns + 2):
        pair = asked.pair()
        if turn >= 2:  # the first asks also start the worker and attach the snapshot
            pairs.append(pair)
    ratios = statistics.quantiles([mine / other for mine, other in pairs], n=4)
    mine, others = (statistics.median(pair[place] for pair in pairs) * 1000 for place in range(2))
    figure = (
        f"{mine:.0f} ms / {others:.0f} ms = {ratios[1]:.2f} (half of {turns} pairs {ratios[0]:.2f} to {ratios[2]:.2f})"
    )
    what = f"{name}, end to end (SDK), {THREADS} threads, against raw DuckDB over rows as they come: medians of pairs"
    return what, figure, f"≤ {BAR}", ratios[1] <= BAR
