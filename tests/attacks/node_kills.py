"""A serving node killed with SIGKILL, while it starts or while it is asked: what is still there a moment later."""

import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from yanmen.execution.container import OWNER
from yanmen.model.config import Docker

from tests.patience import below
from tests.system.town import Town, run

SECONDS = 10
"""Within which everything must be gone."""
START_S = 2.0
ASKED_S = 0.8
"""The kill comes at random within these, after the node's start or its first question."""
BOOKS = tuple(f"{book}{end}" for book in ("ledger.sqlite", "joins.sqlite") for end in ("", "-shm", "-wal", ".lock"))
STANDING = (*BOOKS, "ledger.sqlite.serving", "heartbeat.jws", "serving.address")
LOG = "serve.log"
"""The node's own files: the same names every time, and the next start goes on with them."""
SCRATCH = re.compile(r"yanmen-(?:probe-)?[0-9a-f]{32}")
"""What workers make in folders that others use too."""
PR_SET_CHILD_SUBREAPER = 36
QUESTION = "SELECT ward, count(*) AS visits, sum(cost) AS cost FROM visits WHERE cost > {0} GROUP BY ward"

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Tally:
    """What was killed and what was left, over all rounds."""

    rounds: int = 0
    running: int = 0
    slowest_s: float = 0
    left: list[str] = field(default_factory=list)


def killed(town: Town, rounds: int, docker: Docker | None, seconds: float = SECONDS) -> Tally:
    """Start and kill the node of `town` so many times; every third is killed while it starts."""
    tally = Tally()
    generator = random.Random(1)
    before = files(town)
    for number in range(rounds):
        with orphans_come_to_us(), ExitStack() as ended:
            if number % 3 == 0:
                started(town)
                time.sleep(generator.random() * START_S)
            else:
                town.serve()
                ended.enter_context(asked(town, number))
                time.sleep(generator.random() * ASKED_S)
            process = town.process
            assert process is not None
            tally.running += len(descendants(process.pid)) + len(containers(process.pid, docker))
            town.stop(signal.SIGKILL)
            began = time.monotonic()
            left = what_is_left(town, before, process.pid, docker)
            while left and time.monotonic() - began < seconds:
                time.sleep(0.01)
                left = what_is_left(town, before, process.pid, docker)
            tally.rounds += 1
            tally.slowest_s = max(tally.slowest_s, time.monotonic() - began)
            tally.left += left
    return tally


def started(town: Town) -> None:
    """Start the node and do not wait for it."""
    words = [sys.executable, "-m", "yanmen.cli.main", "node", "serve", str(town.node)]
    with (town.node / "serve.log").open("ab") as log:
        town.process = subprocess.Popen(words, stdout=log, stderr=log)


@contextmanager
def asked(town: Town, number: int) -> Iterator[None]:
    """Ask the node, question after question, until it is dead."""
    over = Event()

    def ask() -> None:
        count = 0
        while not over.is_set():
            run("explain", "--as", town.root / "alice", "--at", "clinic", "--contract", contract, "SELECT 1")
            words = ("--as", town.root / "alice", "--at", "clinic", "--contract", contract)
            run("query", *words, QUESTION.format(number * 100 + count))
            count += 1

    contract = town.contract()
    # One: a command's output is caught by taking the process's, which two at once would not give back.
    thread = Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def orphans_come_to_us() -> Iterator[None]:
    """Become the parent of whatever the node leaves, so that none can hide; and end it, so that none stays."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def descendants(of: int) -> dict[int, str]:
    """Return what runs below the process `of`, by number and name; the dead that nobody reaped do not run."""
    children: dict[int, list[tuple[int, str]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text(errors="replace").partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if state != "Z":
            children.setdefault(int(parent), []).append((int(path.parent.name), name))
    found: dict[int, str] = {}
    waiting = [of]
    while waiting:
        for pid, name in children.get(waiting.pop(), []):
            found[pid] = name
            waiting.append(pid)
    return found


def files(town: Town) -> set[str]:
    """Return what lies where a node or its workers could leave something."""
    kept = {path for path in below(town.node) if path.name in (*STANDING, LOG) or path.parent == town.node / "logs"}
    found = {str(path) for path in set(below(town.node)) - kept}
    scratch = [*Path("/dev/shm").iterdir(), *Path("/tmp").glob("yanmen-probe-*")]
    return found | {str(path) for path in scratch if SCRATCH.fullmatch(path.name) is not None}


def what_is_left(town: Town, before: set[str], node: int, docker: Docker | None) -> list[str]:
    """Name every process, file and container of the node that is still there."""
    found = [f"process {name} ({pid})" for pid, name in descendants(os.getpid()).items()]
    found += [f"file {name}" for name in sorted(files(town) - before)]
    return found + [f"container {name}" for name in containers(node, docker)]


def containers(node: int, settings: Docker | None) -> list[str]:
    """Return the names and states of all containers, in whatever state, that the process `node` had made."""
    if settings is None:
        return []
    import docker

    api = docker.APIClient(f"unix://{settings.socket}", version="auto")
    try:
        made = api.containers(all=True, filters={"label": OWNER})
        return [f"{each['Id'][:12]} ({each['State']})" for each in made if each["Labels"][OWNER].startswith(f"{node}.")]
    finally:
        api.close()
