"""What a caller waits for over gRPC from a node of its own process, each figure beside its bar.

scripts/bench wire                     everything but scale factor 10: about three minutes
scripts/bench wire --scales 1,10       with it: needs 8 GB on disk, 6 GB of memory and half an hour the first time
scripts/bench wire --only small,rate   some of it (names: NAMES below)
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from adbc_driver_flightsql import dbapi
from bench_files.wire_answers import large_answer
from bench_files.wire_place import COLUMN, Place, place
from bench_files.wire_tpch import queries
from yanmen.client.node import Node
from yanmen.wire.v1 import query_pb2

SECONDS = 10
ROWS = 1_000
WARM = 20


def show(what: str, figure: str, bar: str, *, met: bool | None) -> None:
    """Print one line of the table; a figure without a bar is there to be compared."""
    print(f"| {what} | {figure} | {bar} | {'' if met is None else 'yes' if met else 'NO'} |", flush=True)


@contextmanager
def rates(members: int = 2) -> Iterator[Place]:
    """Serve a node with one open table of a thousand rows."""
    with place(members) as made:
        source = made.town.root / "rates.csv"
        lines = "".join(f"{row % 7},{2000 + row % 20},{row % 100}\n" for row in range(ROWS))
        source.write_text("town,year,rate\n" + lines, encoding="ascii")
        columns = "".join(COLUMN.format(name=name, kind="integer") for name in ("town", "year", "rate"))
        made.publish("rates", columns, source, ROWS)
        made.town.serve()
        made.agree("rates:town,year,rate")
        yield made


class Asker:
    """One member that never asks the same question twice, so that none is answered from memory."""

    number = 0

    def __init__(self, made: Place, member: str) -> None:
        """Connect."""
        self.node: Node = made.connected(member)
        self.contract = made.contracts[member]
        self.driver = made.driver(member)

    def sql(self) -> str:
        """Return a question that nobody asked before."""
        Asker.number += 1
        return f"SELECT town, sum(rate) AS rate FROM rates WHERE year > {Asker.number} GROUP BY town"

    def calls(self) -> None:
        """Ask over the node's own service under a grant: submit, fetch."""
        query, use = self.node._calls.query, self.node._signing.new_id()
        grant = query_pb2.SessionUse(grant_jws=self.driver.grant, request_id=use)
        authorisation = query_pb2.Authorisation(session=grant)
        query.Submit(query_pb2.SubmitRequest(job_id=use, authorisation=authorisation, sql=self.sql()), timeout=60)
        reply = query.Fetch(query_pb2.FetchRequest(job_id=use, wait_ms=5_000), timeout=60)
        if not reply.answer.receipt.sdjwt:
            raise SystemExit("an answer without its receipt")

    def sdk(self) -> None:
        """Ask by the SDK: sign, submit, fetch, verify the receipt, acknowledge."""
        self.node.query(self.sql(), contract=self.contract)

    @contextmanager
    def stock(self) -> Iterator[Callable[[], object]]:
        """Give what asks by the stock driver: prepare, execute, fetch, close."""
        with dbapi.connect(self.driver.uri, db_kwargs=self.driver.options, autocommit=True) as db:

            def ask() -> object:
                with db.cursor() as cursor:
                    cursor.execute(self.sql())
                    return cursor.fetchall()

            yield ask


def timed(action: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Return median and least time in milliseconds, warm."""
    times = []
    for turn in range(WARM + repeat):
        began = time.perf_counter()
        action()
        if turn >= WARM:
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), min(times)


def small(arguments: argparse.Namespace) -> None:
    """A small question with a durable receipt, asked in three ways."""
    with rates() as made:
        asker = Asker(made, made.members[0])
        with asker.stock() as stock:
            for name, action, bar in (
                ("own service, session grant: submit, fetch", asker.calls, 25.0),
                ("stock ADBC driver: prepare, execute, fetch, close", stock, None),
                ("SDK: signed, receipt verified, the answer before acknowledged", asker.sdk, None),
            ):
                median, least = timed(action, arguments.repeat)
                figure = f"{median:.1f} ms (least {least:.1f})"
                met = None if bar is None else median <= bar
                show(f"small query on open data, p50 warm, {name}", figure, "≤ 25 ms" if bar else "", met=met)


def rate(_: argparse.Namespace) -> None:
    """Questions a second of two members with two open questions each, all on the machine's cores with the node."""
    with rates() as made:
        askers = [Asker(made, member) for member in made.members for _ in range(2)]
        for asker in askers:
            asker.calls()
        end = time.perf_counter() + SECONDS

        def hammer(asker: Asker) -> int:
            done = 0
            while time.perf_counter() < end:
                asker.calls()
                done += 1
            return done

        with ThreadPoolExecutor(len(askers)) as pool:
            found = sum(pool.map(hammer, askers)) / SECONDS
    show("rate of small queries on open data, durable receipts", f"{found:.0f}/s", "≥ 40/s", met=found >= 40)


def idle(_: argparse.Namespace) -> None:
    """Memory of a node that serves and is asked nothing, and how long it takes to begin."""
    with rates(1) as made:
        town, starts = made.town, []
        town.stop()
        for _ in range(5):
            began = time.perf_counter()
            town.serve()
            starts.append(time.perf_counter() - began)
            process: Any = town.process
            time.sleep(1)
            sizes = {pid: pss(pid) for pid in family(process.pid)}
            town.stop()
        total = sum(sizes.values()) / 1024
        figure = f"{total:.0f} MB (PSS; the serving process {sizes[process.pid] / 1024:.0f}, its zygote the rest)"
        show("idle node", figure, "≤ 150 MB", met=total <= 150)
        median, least = statistics.median(starts), min(starts)
        show("start to serving", f"{median:.2f} s (least {least:.2f})", "≤ 1.5 s", met=median <= 1.5)


def family(pid: int) -> list[int]:
    """Return a process and all it started."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    below = [int(word) for file in children for word in file.read_text(encoding="ascii").split()]
    return [pid, *(found for child in below for found in family(child))]


def pss(pid: int) -> int:
    """Return a process's proportional set size in kB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def large(arguments: argparse.Namespace) -> None:
    """Ten megabytes as Arrow, against a plain Flight server."""
    for what, figure, bar, met in large_answer(arguments.repeat):
        show(what, figure, bar, met=met)


def tpch(arguments: argparse.Namespace) -> None:
    """TPC-H Q1 and Q6 end to end, against raw DuckDB."""
    for scale in (int(word) for word in arguments.scales.split(",") if word != "0"):
        for what, figure, bar, met in queries(scale, arguments.repeat):
            show(what, figure, bar, met=met)


NAMES: dict[str, Callable[[argparse.Namespace], None]] = {
    "small": small,
    "rate": rate,
    "large": large,
    "idle": idle,
    "tpch": tpch,
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench wire", description=__doc__)
    parser.add_argument("--scales", default="1", help="TPC-H scale factors, 0 for none (1)")
    parser.add_argument("--repeat", type=int, default=60, help="samples of each (60)")
    parser.add_argument("--only", default=",".join(NAMES), help="which figures")
    arguments = parser.parse_args()
    print("| what | measured | bar | met |\n|---|---|---|---|")
    for name in arguments.only.split(","):
        NAMES[name](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
