"""A join of two departments with many rows, every party a process of its own: memory, CPU, a party that is killed."""

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.client.federated_answer import FederatedAnswer
from yanmen.client.identity import Identity
from yanmen.client.joins import joining
from yanmen.formats import config as config_format

from tests.system.alliance import HEAD
from tests.system.league import League
from tests.system.town import SUBJECT, done

NODES, MICRO_RHO = ("civil", "health"), 50_000
QUESTION = "SELECT count(*) AS n, sum(l.value) AS total FROM persons p JOIN labs l ON p.id = l.id"
REPLY_BYTES = 128 * 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SPECS = {
    "civil": """name = "persons"
rows_per_unit = 1
rows_upto = {rows}
"""
    + HEAD
    + """
[columns.band]
type = "text"
role = "key"
domain = ["old", "young"]
""",
    "health": """name = "labs"
rows_per_unit = 1
rows_upto = {rows}
"""
    + HEAD
    + """
[columns.value]
type = "integer"
role = "measure"
lower = 0
upper = 100
""",
}
GRANTS = {"civil": "persons:band,id", "health": "labs:id,value"}


@dataclass(frozen=True)
class Taken:
    """The answer, and by party the largest memory (bytes) and the CPU (seconds) of its processes."""

    memory: dict[str, int]
    cpu: dict[str, float]
    answer: FederatedAnswer
    wall_s: float
    relay_s: float
    killed: str


@dataclass
class Served(League):
    """Two departments of `rows` rows each, half of them of the same units, and three aggregators: five processes."""

    rows: int = 1_000
    pids: dict[str, int] = field(default_factory=dict)

    def build(self) -> None:
        """Make everybody, publish everywhere."""
        done("space", "init", self.space, "--name", "served.example")
        for at, name in enumerate(self.nodes):
            self._join("node", name, at)
            source, spec = self.root / f"{name}.csv", self.root / f"{name}.toml"
            with source.open("w", encoding="ascii", newline="") as file:
                csv.writer(file).writerows(self.table(name))
            spec.write_text(SPECS[name].format(rows=self.rows), encoding="utf-8")
            path = self.root / name / "node.toml"
            config = config_format.decode(path.read_bytes())
            limits = replace(config.limits, reply_bytes=REPLY_BYTES, deadline_ms=20_000)
            rule = replace(
                config, approve_general=True, approve_columns_max=9, approve_micro_rho_max=10**6, limits=limits
            )
            path.write_text(config_format.encode(rule), encoding="utf-8")
            done("dataset", "publish", self.root / name, spec, source)
            source.unlink()
        for at, name in enumerate(self.aggregators):
            self._join("aggregator", name, at)
        who = ("--name", "dev", "--alias", "dev", "--subject", SUBJECT + "2", "--region", "1401")
        done("member", "init", self.developer, *who)
        grant = done("member", "enrol", self.space, self.developer / "application.jws")["grant"]
        done("member", "accept", self.developer, grant, "--register", self.space / "register.jws")

    def table(self, name: str) -> Iterator[tuple[object, ...]]:
        """Yield the rows of a department, its header first: the second half of one are the first of the other."""
        first = 0 if name == "civil" else self.rows // 2
        yield ("id", "band") if name == "civil" else ("id", "value")
        for at in range(first, first + self.rows):
            yield f"1401051990{at:08d}", ("old" if at % 3 else "young") if name == "civil" else at % 100

    def agreed(self, name: str, per_query_max: int = 500_000, micro_rho: int = 600_000) -> str:
        """Return the id of a new contract of the developer with the node `name`."""
        words = ("--grant", GRANTS[name], "--price", "100", "--scenario", "s-1", "--purpose", "bench")
        terms = ("--legal-basis", "bench", "--micro-rho", str(micro_rho), "--queries", "100")
        most = ("--per-query-max", str(per_query_max))
        return str(done("contract", "request", "--as", self.developer, "--at", name, *words, *terms, *most)["id"])

    def begin(self, name: str) -> None:
        """Serve one party in a process of its own."""
        kind = "node" if name in self.nodes else "aggregator"
        ready = self.root / name / "serving.address"
        ready.unlink(missing_ok=True)
        with (self.root / f"{name}.log").open("ab") as log:
            words = [sys.executable, "-m", "yanmen.cli.main", kind, "serve", str(self.root / name)]
            process = subprocess.Popen(words, stdout=log, stderr=log)
        self.processes.append(process)
        self.pids[name] = process.pid
        until = time.monotonic() + 120
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.root / f"{name}.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def serve(self) -> None:
        """Serve everybody."""
        for name in (*self.nodes, *self.aggregators):
            self.begin(name)

    def kill(self, name: str) -> None:
        """Kill a party as a power cut would, and start it again."""
        (process,) = [one for one in self.processes if one.pid == self.pids[name]]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        self.begin(name)

    def asked(self, *, kill: str = "") -> Taken:
        """Ask the question; `kill` is a department that dies once, while another's list lies with it half blinded."""
        watch = Watch(dict(self.pids))
        contracts = {name: self.contract(name) for name in self.nodes}
        began, spent_s = time.monotonic(), time.process_time()
        with joining(Identity.load(self.developer), contracts, self.aggregators) as many, watch.watching():
            if kill:
                threading.Thread(target=self._die, args=(kill, watch), daemon=True).start()
            answer = many.query(QUESTION, micro_rho=MICRO_RHO, timeout=1_800.0)
        relay_s = time.process_time() - spent_s - watch.own_s
        killed = kill if watch.again.get(kill) else ""
        return Taken(watch.peak, watch.cpu(), answer, time.monotonic() - began, relay_s, killed)

    def _die(self, name: str, watch: "Watch") -> None:
        """Wait until `name` has taken half of another's list, kill it, and start it again."""
        book = self.root / name / "joins.sqlite"
        half = self.rows * 32 // 2
        while watch.running:
            done_ = subprocess.run(
                [sys.executable, "-I", "-c", PEEK, str(book)], capture_output=True, text=True, check=False
            ).stdout.strip()
            if done_.isdigit() and int(done_) >= half:
                self.kill(name)
                watch.again[name] = self.pids[name]
                return
            time.sleep(0.2)


PEEK = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=5)
row = db.execute("SELECT max(size) FROM part WHERE name LIKE 'taken %' AND whole = 0").fetchone()
print(row[0] or 0)
"""


@dataclass
class Watch:
    """Looks at the processes of every party, and those they start, while a question is answered."""

    pids: dict[str, int]
    again: dict[str, int] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    running: bool = False
    own_s: float = 0.0
    _before: dict[str, float] = field(default_factory=dict)
    _after: dict[int, float] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch within."""
        self._before = {name: spent(pid) for name, pid in self.pids.items()}
        self.running = True
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.running = False
            thread.join()

    def cpu(self) -> dict[str, float]:
        """Return the CPU each party spent since watching began, in seconds."""
        found = {name: self._after.get(pid, 0.0) - self._before[name] for name, pid in self.pids.items()}
        for name, pid in self.again.items():
            found[name] += self._after.get(pid, 0.0)
        return found

    def _look(self) -> None:
        while self.running:
            self.look()
            time.sleep(0.25)
        self.look()
        self.own_s = time.thread_time()

    def look(self) -> None:
        """Note what every party takes now."""
        for name, pid in [*self.pids.items(), *self.again.items()]:
            tree = [pid, *children(pid)]
            self.peak[name] = max(self.peak.get(name, 0), sum(map(resident, tree)), high(pid))
            self._after[pid] = max(self._after.get(pid, 0.0), spent(pid))


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started, and those that they did."""
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found
    for task in tasks:
        try:
            own = [int(one) for one in (task / "children").read_text().split()]
        except OSError:
            continue
        for one in own:
            found += [one, *children(one)]
    return found


def resident(pid: int) -> int:
    """Return the memory that is `pid`'s own: shared pages of workers forked from one process are counted once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def high(pid: int) -> int:
    """Return the most memory `pid` ever had resident."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def spent(pid: int) -> float:
    """Return the CPU of `pid` and of the processes it started, ended ones too, in seconds."""
    total = 0.0
    for one in (pid, *children(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / TICKS
    return total


@contextmanager
def served(folder: Path, rows: int) -> Iterator[Served]:
    """Give a served join of `rows` rows on either side."""
    made = Served(folder, NODES, rows=rows)
    try:
        made.build()
        made.serve()
        yield made
    finally:
        made.stop()
