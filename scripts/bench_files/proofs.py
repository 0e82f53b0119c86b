"""Inclusion proofs out of a ledger file of a million and of ten million leaves: how long one takes, and its size.

The hashes are those of a log; the leaves themselves are left out, for a proof reads none but needs them counted.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from yanmen.formats import merkle, tiles
from yanmen.ledger import tree
from yanmen.ledger.store import Store

BARS = {1_000_000: 3.0, 10_000_000: 10.0}
"""Longest p99 in milliseconds, by leaves."""
ASKED = 4_000
BATCH = 1 << 16


def main() -> int:
    """Measure and print; 0 when every bar is met."""
    met = True
    print("| leaves | file | p50 | p99 | bar | p99 of CPU | hashes |\n|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-", dir=Path.cwd()) as folder:
        for leaves, bar in BARS.items():
            path = Path(folder) / f"{leaves}.sqlite"
            store = Store(path, create=True)
            fill(store, leaves)
            waits, used, longest = asked(store, leaves)
            store.close()
            size = path.stat().st_size / 1e6
            path.unlink()
            met = met and at(waits, 99) <= bar
            print(
                f"| {leaves:,} | {size:,.0f} MB | {at(waits, 50):.3f} ms | {at(waits, 99):.3f} ms | {bar:.0f} ms"
                f" | {at(used, 99):.3f} ms | {longest} |"
            )
    return 0 if met else 1


def fill(store: Store, leaves: int) -> None:
    """Write the hashes that a ledger keeps of a tree of `leaves` leaves."""
    level, current = 0, [sha256(index.to_bytes(8, "big")).digest() for index in range(leaves)]
    while current:
        for rows in batches(level, current) if level % tiles.HEIGHT == 0 else ():
            with store.write() as db:
                db.executemany("INSERT INTO subtree (level, position, hash) VALUES (?, ?, ?)", rows)
        current = [merkle.node_hash(left, right) for left, right in list(pairwise(current))[::2]]
        level += 1


def batches(level: int, hashes: list[bytes]) -> Iterator[list[tuple[int, int, bytes]]]:
    """Yield rows of one level."""
    for begin in range(0, len(hashes), BATCH):
        yield [(level, begin + place, found) for place, found in enumerate(hashes[begin : begin + BATCH])]


def asked(store: Store, leaves: int) -> tuple[list[float], list[float], int]:
    """Return the times and CPU times of proofs of random leaves, in milliseconds, and the most hashes in one."""
    draw = random.Random(1)
    waits, used, longest = [], [], 0
    with store.read() as db:
        root = merkle.root(leaves, tree.reader(db))
        for _ in range(ASKED):
            index = draw.randrange(leaves)
            began, cpu = time.perf_counter(), time.thread_time()
            path = merkle.inclusion(index, leaves, tree.reader(db))
            used.append((time.thread_time() - cpu) * 1000)
            waits.append((time.perf_counter() - began) * 1000)
            merkle.verify_inclusion(sha256(index.to_bytes(8, "big")).digest(), index, leaves, path, root)
            longest = max(longest, len(path))
    return waits, used, longest


def at(times_ms: list[float], percent: int) -> float:
    """Return the time that `percent` of 100 stayed under."""
    return sorted(times_ms)[len(times_ms) * percent // 100]


if __name__ == "__main__":
    sys.exit(main())
