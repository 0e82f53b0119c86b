"""Every SQL bomb there is, in one jail: ended within 1.2 times its limits, the node unaffected, the next question fine.

scripts/bench bombs [--profile jail] [--only NAME]     about three minutes
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from bench_files.sandbox import private
from yanmen.execution import profiles

from tests.attacks.bomb_range import COPIED, LIMITS, OVER, Ended, bomb_range
from tests.attacks.sql_bombs import BOMBS

SETTLED_KB = 8 << 10
"""A leak of one bomb's text or reply would be more."""
KEPT = {".duckdb", ".sealed"}


def main() -> int:
    """Set them off, print what became of them, and return 0 when all held."""
    parser = argparse.ArgumentParser(prog="scripts/bench bombs", description=__doc__)
    parser.add_argument("--profile", default="jail")
    parser.add_argument("--only", default="", help="one bomb's name")
    arguments = parser.parse_args()
    chosen = [bomb for bomb in BOMBS if arguments.only in {"", bomb.name}]
    with profiles.serving(arguments.profile) as spawner, tempfile.TemporaryDirectory(prefix="yanmen-bombs-") as folder:
        with bomb_range(Path(folder), spawner) as place:
            place.set_off(chosen[-1])
            before = resting()
            ended = [place.set_off(bomb) for bomb in chosen]
        grown = resting() - before
        left = [path for path in Path(folder).rglob("*") if path.is_file() and path.suffix not in KEPT]
    for each in ended:
        if not each.held or arguments.only:
            bomb = each.bomb
            print(f"{bomb.kind}: {bomb.name}: {each.code}, {each.wall:.2f} of the time, {each.cpu:.2f} of the CPU")
    print(f"limits: {LIMITS.wall_ms} ms, {LIMITS.cpu_seconds} s of CPU, {LIMITS.memory_bytes >> 20} MiB and 1 GiB")
    show(ended)
    held = sum(each.held for each in ended)
    print(
        f"\n{held} of {len(ended)} ended within {OVER} of every limit and left the next question fine, profile", end=" "
    )
    print(f"{arguments.profile}; node {grown:+d} kB, files left: {len(left)}")
    return 0 if held == len(ended) and not left and not COPIED.exists() and grown <= SETTLED_KB else 1


def show(ended: list[Ended]) -> None:
    """Print a line for each kind: how many, how near they came to their limits, how they ended."""
    print("\n| kind | bombs | held | time | CPU | address space | ended by |\n|---|---:|---:|---:|---:|---:|---|")
    for kind in dict.fromkeys(each.bomb.kind for each in ended):
        some = [each for each in ended if each.bomb.kind == kind]
        most = " | ".join(f"{max(getattr(each, name) for each in some):.2f}" for name in ("wall", "cpu", "memory"))
        codes = ", ".join(f"{code} {count}" for code, count in Counter(each.code for each in some).most_common())
        print(f"| {kind} | {len(some)} | {sum(each.held for each in some)} | {most} | {codes} |")


def resting() -> int:
    """Return the memory only this process has, in kB, once the C library has given back what is free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return private(os.getpid())


if __name__ == "__main__":
    sys.exit(main())
