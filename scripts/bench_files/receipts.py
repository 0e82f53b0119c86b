"""Durable receipts against a loop of SQLite and Ed25519 alone, by turns on one disk: one caller, and 64 at once.

A receipt is a refusal's: one leaf, salted disclosures, the tree, a signed head and the proof handed out.
The loop signs a row of a leaf's size and commits it, as durably. `--parts` prints what a receipt is made of, instead.
"""

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files import receipt_parts
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.formats import receipt
from yanmen.ledger.ledger import Ledger
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan

from tests.unit.ledger.scene import Scene

CALLERS = 64
EACH = 16
ALONE = 256
ROUNDS = 5
BARS = {1: (0.4, 10.0), CALLERS: (1.0, 150.0)}
"""Least ratio and longest p99 in milliseconds, by callers."""
ROW = bytes(receipt.LEAF_BYTES)


def main() -> int:
    """Measure and print; 0 when every bar is met."""
    asked = argparse.ArgumentParser(prog="scripts/bench receipts", description=__doc__)
    asked.add_argument("--parts", action="store_true", help="print the parts of a receipt, each alone, and no bars")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-", dir=Path.cwd()) as folder:
        place = Path(folder)
        scene = Scene(place / "ledger.sqlite")
        loop = Loop(place / "loop.sqlite")
        with scene.open() as ledger:
            plan = scene.plan(scene.furnish(ledger))
            record = recording(ledger, plan)
            if wanted.parts:
                receipt_parts.measured(loop.one, record, plan, scene)
                return 0
            found = [
                (spent(loop.one, 1, ALONE), spent(record, 1, ALONE), spent(record, CALLERS, EACH))
                for _ in range(ROUNDS)
            ]
            ledger.check()
    theirs = [time_s for each, _, _ in found for time_s in each.waits]
    print(f"the loop: {rate([each for each, _, _ in found]):,.0f} a second, p99 {p99_ms(theirs):.2f} ms\n")
    print("| callers | receipts a second | against the loop | bar | p99 | bar |\n|---:|---:|---:|---:|---:|---:|")
    met = True
    for callers, ours in ((1, [alone for _, alone, _ in found]), (CALLERS, [many for _, _, many in found])):
        ratio = statistics.median(mine.rate / peer.rate for mine, (peer, _, _) in zip(ours, found, strict=True))
        longest = p99_ms([time_s for each in ours for time_s in each.waits])
        least, most = BARS[callers]
        met = met and ratio >= least and longest <= most
        print(f"| {callers} | {rate(ours):,.0f} | {ratio:.2f} | {least} | {longest:.1f} ms | {most:.0f} ms |")
    return 0 if met else 1


def recording(ledger: Ledger, plan: Plan) -> Callable[[], object]:
    """Return what records one refusal."""
    refusal = Refused(Reason.ROWS_WOULD_LEAVE)
    return lambda: ledger.refuse(plan.admitted.submission, plan.admitted.request, refusal)


class Spent:
    """How long each of some callers waited, and all of it took."""

    def __init__(self, waits: list[float], took_s: float) -> None:
        """Hold the times in seconds."""
        self.waits = waits
        self.rate = len(waits) / took_s


def spent(work: Callable[[], object], callers: int, each: int) -> Spent:
    """Let `callers` threads do `work` `each` times."""

    def one(_: int) -> list[float]:
        waits = []
        for _turn in range(each):
            began = time.perf_counter()
            work()
            waits.append(time.perf_counter() - began)
        return waits

    if callers == 1:
        began = time.perf_counter()
        return Spent(one(0), time.perf_counter() - began)
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(lambda _: time.sleep(0.01), range(callers)))  # the threads are there
        began = time.perf_counter()
        waits = [wait for waited in pool.map(one, range(callers)) for wait in waited]
        return Spent(waits, time.perf_counter() - began)


def rate(found: list[Spent]) -> float:
    """Return the median of receipts a second."""
    return statistics.median(each.rate for each in found)


def p99_ms(times_s: list[float]) -> float:
    """Return the time in milliseconds that 99 of 100 stayed under."""
    return sorted(times_s)[len(times_s) * 99 // 100] * 1000


class Loop:
    """A table and a key, and nothing else that a ledger is."""

    def __init__(self, path: Path) -> None:
        """Open the file as durably as the ledger does."""
        self._key = Ed25519PrivateKey.generate()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE leaf (position INTEGER PRIMARY KEY, jws BLOB, signature BLOB)")

    def one(self) -> None:
        """Sign and commit one row."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO leaf (jws, signature) VALUES (?, ?)", (ROW, self._key.sign(ROW)))
        self._db.execute("COMMIT")


if __name__ == "__main__":
    sys.exit(main())
