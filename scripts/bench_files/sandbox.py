"""What the jail costs and holds to, each figure beside its bar; ratios are to raw DuckDB by turns in the same run.

scripts/bench sandbox                      everything but scale factor 10: some minutes
scripts/bench sandbox --scales 1,10        with it: needs 3 GB on disk and 3 GB of memory
scripts/bench sandbox --only rates,growth  some of it (names: NAMES below)
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from bench_files import tpch
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import orders, profiles
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import THREADS, Launcher
from yanmen.execution.process import Fresh, Spawner
from yanmen.execution.session import Key, Session
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import Docker, NodeLimits
from yanmen.model.ports import Limits, Runner, Tenant

T = ColumnType
LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=600, wall_ms=600_000, reply_bytes=16 << 20, rows=10_000)
LARGE = replace(LIMITS, memory_bytes=4 << 30)
LAB = Tenant("bench", "bench")
SETTLED = 4_000
"""Questions before memory is looked at first: the engine's pools have their size then."""
ARENA_KB = 1_024
"""Python takes memory by the MiB: one more or less is no growth of ten thousand questions, which would be many."""

Q1 = """
SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)),
    sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), count(*)
FROM "s0"."data" WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus
"""
Q1_TYPES = (T.TEXT, T.TEXT, T.DECIMAL, T.DECIMAL, T.DECIMAL, T.DECIMAL, T.INTEGER)
Q6 = """
SELECT sum(l_extendedprice * l_discount) FROM "s0"."data"
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
    AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24
"""
QUERIES = {"Q1": (Q1, Q1_TYPES), "Q6": (Q6, (T.DECIMAL,))}
"""As in TPC-H without the averages, which a plan computes from sums and counts."""
COLD = """
import duckdb
with duckdb.connect(":memory:", config={{"threads": 2}}) as c:
    c.execute("ATTACH '{path}' AS s0 (READ_ONLY)")
    c.execute('SELECT 1 FROM s0.data LIMIT 1').fetchall()
"""


@dataclass
class Bench:
    """A profile's spawner, a node's folder, and the tables in it: path of the plain file and version sealed."""

    profile: str
    spawner: Spawner
    folder: Path
    repeat: int
    queries: int

    @contextmanager
    def runner(self, limits: NodeLimits | None = None) -> Iterator[JailRunner]:
        """Give a runner whose workers wait for a tenant."""
        found = JailRunner(
            self.folder, b"k" * 32, SystemRandomness(), limits or NodeLimits(worker_uses=10**6), Launcher(self.spawner)
        )
        try:
            yield found
        finally:
            found.close()

    def table(self, name: str, sql: str, *sources: Path) -> tuple[Path, str]:
        """Make the table `data` of `sql` once, and seal it; return the plain file and the version."""
        plain = tpch.cache() / f"{name}.duckdb"
        if not plain.exists():
            part = plain.with_suffix(".part")
            part.unlink(missing_ok=True)
            with duckdb.connect(str(part)) as connection:
                for number, source in enumerate(sources):
                    connection.execute(f"ATTACH '{source}' AS source{number} (READ_ONLY)")
                connection.execute(f"CREATE TABLE data AS {sql}")
            part.rename(plain)
        with self.runner() as runner, plain.open("rb") as file:
            return plain, runner._snapshots.seal(file.fileno()).version


def show(what: str, figure: str, bar: str, *, met: bool) -> None:
    """Print one line of the table."""
    print(f"| {what} | {figure} | {bar} | {'yes' if met else 'NO'} |", flush=True)


def ask(runner: Runner, version: str, sql: str, types: tuple[ColumnType, ...], limits: Limits = LIMITS) -> object:
    """Ask one question over one snapshot."""
    return runner.query((("s0", version),), sql, types, limits, Event())


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes on the clock."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def by_turns(ours: Callable[[], object], theirs: Callable[[], object], repeat: int) -> tuple[float, float, float]:
    """Return the least time of each, run by turns after one unmeasured turn, and the ratio of their medians.

    What else a machine does only ever adds: the least of many turns is what the work itself takes.
    """
    ours(), theirs()
    mine, others = zip(*((milliseconds(ours), milliseconds(theirs)) for _ in range(repeat)), strict=True)
    return min(mine), min(others), statistics.median(mine) / statistics.median(others)


def queries(bench: Bench, scale: int) -> None:
    """TPC-H against raw DuckDB at equal threads and memory."""
    plain, version = bench.table(f"lineitem-sf{scale}", "SELECT * FROM source0.lineitem", tpch.database(scale))
    limits = LARGE if scale > 1 else LIMITS
    bar = 1.15 if bench.profile == "docker" else 1.10
    with bench.runner() as runner, duckdb.connect(":memory:", config={"threads": THREADS}) as raw:
        raw.execute(f"SET memory_limit = '{limits.memory_bytes // 1024}KiB'")
        raw.execute(f"ATTACH '{plain}' AS s0 (READ_ONLY)")
        tenant = runner.within(LAB)
        for name, (sql, types) in QUERIES.items():
            ours, theirs, medians = by_turns(
                lambda sql=sql, types=types: ask(tenant, version, sql, types, limits),
                lambda sql=sql: raw.execute(sql).fetchall(),
                bench.repeat,
            )
            ratio = ours / theirs
            what = f"TPC-H SF{scale} {name}, `{bench.profile}`, {THREADS} threads, against raw DuckDB"
            figure = f"{ours:.1f} ms / {theirs:.1f} ms = {ratio:.2f} (medians {medians:.2f})"
            show(what, figure, f"≤ {bar:.2f}", met=ratio <= bar)


def lineitem(bench: Bench) -> tuple[Path, str]:
    """Return the table of scale factor 1."""
    return bench.table("lineitem-sf1", "SELECT * FROM source0.lineitem", tpch.database(1))


def small(bench: Bench) -> tuple[Path, str]:
    """Return a table of a thousand rows."""
    return bench.table("small", "SELECT i, i % 8 AS k FROM range(1000) t(i)")


def prepared(spawner: Spawner, version: str, fd: int) -> Session:
    """Return a worker that waits over the memory file `fd`."""
    key = Key(LAB, "query", (("s0", version),), LIMITS)
    return Session(Launcher(spawner), key, lambda *_: orders.query({"s0": fd}, "", 0), 10**6, Event())


def first_row(bench: Bench) -> None:
    """From request to first row with a worker that waits over six million rows."""
    _, version = lineitem(bench)
    with bench.runner() as runner:
        tenant = runner.within(LAB)
        times = []
        for _ in range(50 + bench.repeat * 10):
            times.append(milliseconds(lambda: ask(tenant, version, 'SELECT count(*) FROM "s0"."data"', (T.INTEGER,))))
            time.sleep(0.02)  # the worker waits: what it checks after a question is not the next one's time
        median, least = statistics.median(times[20:]), min(times)
    what = f"request to first row, waiting worker, p50, `{bench.profile}`"
    show(what, f"{median:.1f} ms (least {least:.1f})", "≤ 5 ms", met=median <= 5)


def cold(bench: Bench) -> None:
    """From nothing to a worker that waits, against a Python that imports duckdb and attaches the same table."""
    plain, version = small(bench)
    theirs = [sys.executable, "-I", "-B", "-c", COLD.format(path=plain)]
    for spawner, word, bar in ((Fresh(), "without zygote", 1.15), (bench.spawner, f"zygote, `{bench.profile}`", 0.4)):
        with bench.runner() as runner, runner._tenancy.snapshots.held(version, Event()) as fd:
            ours, other, medians = by_turns(
                lambda spawner=spawner, fd=fd: prepared(spawner, version, fd).close(),
                lambda: subprocess.run(theirs, check=True),
                bench.repeat,
            )
        ratio = ours / other
        show(
            f"cold start, {word}, against an unconfined Python importing duckdb",
            f"{ours:.0f} ms / {other:.0f} ms = {ratio:.2f} (medians {medians:.2f})",
            f"≤ {bar}",
            met=ratio <= bar,
        )


def rates(bench: Bench) -> None:
    """Small jobs a second, two askers."""
    _, version = small(bench)
    sql = 'SELECT k, count(*) FROM "s0"."data" GROUP BY k'
    for uses, word, bar in ((1, "a fresh worker each", 15), (10**6, "reuse inside one contract", 100)):
        with bench.runner(NodeLimits(worker_uses=uses, waiting_workers=4)) as runner:
            runners: list[Runner] = [runner, runner] if uses == 1 else [runner.within(LAB)] * 2
            for each in runners:
                ask(each, version, sql, (T.INTEGER, T.INTEGER))
            end = time.perf_counter() + 5

            def hammer(each: Runner, end: float = end) -> int:
                done = 0
                while time.perf_counter() < end:
                    ask(each, version, sql, (T.INTEGER, T.INTEGER))
                    done += 1
                return done

            with ThreadPoolExecutor(2) as pool:
                rate = sum(pool.map(hammer, runners)) / 5
        show(f"small jobs on 2 cores, {word}, `{bench.profile}`", f"{rate:.0f}/s", f"≥ {bar}/s", met=rate >= bar)


def large_answer(bench: Bench) -> None:
    """Ten megabytes in ten thousand rows: the whole question until its bytes are in the node, and reading them."""
    _, version = small(bench)
    sql = "SELECT repeat('0123456789abcdef', 64) || range FROM range(10000)"
    with bench.runner() as runner:
        tenancy = runner._tenancy
        question = orders.question(orders.query({}, sql, 10_000))
        times, size = [], 0
        with ExitStack() as held:
            session = prepared(bench.spawner, version, held.enter_context(tenancy.snapshots.held(version, Event())))
            held.callback(session.close)
            for _ in range(bench.repeat + 2):
                began = time.perf_counter()
                data, _ = session.ask(question, Event())
                times.append((time.perf_counter() - began) * 1000)
                size = len(data)
                session.ready()
        median = statistics.median(times[2:])
        tenant = runner.within(LAB)
        whole = statistics.median(
            milliseconds(lambda: ask(tenant, version, sql, (T.TEXT,))) for _ in range(bench.repeat)
        )
    what = f"{size / 1e6:.1f} MB answer, asked, computed, worker to node, `{bench.profile}`"
    figure = f"{median:.0f} ms (least {min(times):.0f}; {whole:.0f} with the node's strict reading)"
    show(what, figure, "≤ 60 ms", met=median <= 60)


def idle(bench: Bench) -> None:
    """Memory of a worker that waits with six million rows attached."""
    _, version = lineitem(bench)
    with bench.runner() as runner:
        ask(runner.within(LAB), version, 'SELECT count(*) FROM "s0"."data"', (T.INTEGER,))
        time.sleep(0.1)
        size = pss(runner._tenancy.waiting.pids()[0])
    met = size <= 40 << 10
    show(f"idle worker PSS, six million rows attached, `{bench.profile}`", f"{size / 1024:.1f} MB", "≤ 40 MB", met=met)


def growth(bench: Bench) -> None:
    """What ten thousand questions add to the worker that answers them all, and to the node.

    Medians of the first and the last tenth after SETTLED questions: a single look varies by some hundred kB.
    """
    _, version = small(bench)
    sql = 'SELECT k, count(*), sum(i) FROM "s0"."data" GROUP BY k'
    looks = range(0, bench.queries, 20)
    seen = {"worker": array("q", bytes(8 * len(looks))), "node": array("q", bytes(8 * len(looks)))}  # no growth of ours
    with bench.runner() as runner:
        tenant = runner.within(LAB)
        for number in range(-SETTLED, bench.queries):
            ask(tenant, version, sql, (T.INTEGER, T.INTEGER, T.INTEGER))
            if number in looks:
                seen["worker"][number // 20] = private(runner._tenancy.waiting.pids()[0])
                seen["node"][number // 20] = private(os.getpid())
    tenth = len(looks) // 10
    worker, node = (statistics.median(each[-tenth:]) - statistics.median(each[:tenth]) for each in seen.values())
    what = f"growth of private memory over {bench.queries:,} questions to one worker, `{bench.profile}`"
    show(
        what,
        f"worker {worker:+.0f} kB, node {node:+.0f} kB",
        "0, to one arena of 1 MiB",
        met=max(worker, node) <= ARENA_KB,
    )


def pss(pid: int) -> int:
    """Return a process's proportional set size in kB."""
    return _rollup(pid, "Pss:")


def private(pid: int) -> int:
    """Return the memory only this process has, in kB."""
    return _rollup(pid, "Private_Dirty:") + _rollup(pid, "Private_Clean:")


def _rollup(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


NAMES: dict[str, Callable[[Bench], None]] = {
    "first-row": first_row,
    "cold": cold,
    "rates": rates,
    "answer": large_answer,
    "idle": idle,
    "growth": growth,
}


def main() -> int:
    """Measure, print, and return 0 when every bar is met."""
    parser = argparse.ArgumentParser(prog="scripts/bench sandbox", description=__doc__)
    parser.add_argument("--profile", default="jail", help="landlock, jail or docker (jail)")
    usual = Docker()
    parser.add_argument("--docker-socket", default=usual.socket, metavar="PATH", help=f"the engine's ({usual.socket})")
    parser.add_argument("--scales", default="1", help="TPC-H scale factors, 0 for none (1)")
    parser.add_argument("--repeat", type=int, default=15, help="samples of each (15)")
    parser.add_argument("--queries", type=int, default=10_000, help="questions of the growth figure (10000)")
    parser.add_argument("--only", default="tpch," + ",".join(NAMES), help="which figures")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    print("| what | measured | bar | met |\n|---|---|---|---|")
    with (
        profiles.serving(arguments.profile, Docker(socket=arguments.docker_socket)) as spawner,
        tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder,
    ):
        bench = Bench(arguments.profile, spawner, Path(folder), arguments.repeat, arguments.queries)
        for scale in (int(each) for each in arguments.scales.split(",") if each != "0") if "tpch" in chosen else ():
            queries(bench, scale)
        for name, figure in NAMES.items():
            if name in chosen:
                figure(bench)
    return 0


if __name__ == "__main__":
    sys.exit(main())
