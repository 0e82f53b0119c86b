"""Joins across nodes beside their bars: what is added up, what it costs and takes, what each party can tell."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from math import exp, log, sqrt
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.federation_lines import Line
from bench_files.tpch import cache, environment
from yanmen.aggregation.matching import meeting
from yanmen.crypto import blinding, row_shares
from yanmen.crypto.system import SystemRandomness
from yanmen.disclosure import joining, noise
from yanmen.formats import row_share
from yanmen.ledger.join_book import JoinBook

from tests.attacks import joined_views
from tests.unit.joins.questions import PAIRS, TRIPLES, truth
from tests.unit.joins.sides import blinded, manifest, meetings, plans, random_sides, tags, totals

RANDOM = SystemRandomness()
PACKAGE = "openmined-psi==2.0.6"
PEER = """
import json, sys, time
import private_set_intersection.python as psi
n = int(sys.argv[1])
one = [f"1401051990{at:08d}" for at in range(n)]
other = [f"1401051990{at:08d}" for at in range(n // 2, n + n // 2)]
began = time.process_time()
client, server = psi.client.CreateWithNewKey(False), psi.server.CreateWithNewKey(False)
setup = server.CreateSetupMessage(1e-9, n, other, psi.DataStructure.RAW)
response = server.ProcessRequest(client.CreateRequest(one))
size = client.GetIntersectionSize(setup, response)
print(json.dumps({"cpu_s": time.process_time() - began, "right": size == n // 2}))
"""


def main() -> int:
    """Measure what was asked for and print; 1 when a bar is missed."""
    figures = {"totals": added, "cost": cost, "views": views, "guesses": guesses, "memory": memory}
    parser = argparse.ArgumentParser(prog="scripts/bench joins", description=__doc__)
    parser.add_argument("--only", default=",".join(figures), help=f"figures, with commas: {', '.join(figures)} (all)")
    parser.add_argument("--cases", type=int, default=1_000, help="random joins compared with the engine's (1000)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of each department whose cost is measured")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of each of which memory is measured")
    parser.add_argument("--trials", type=int, default=2_000, help="guesses (2000)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--role", choices=("department", "aggregator"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        return _played(arguments.role, arguments.many)
    lines: list[Line] = []
    if not arguments.json:
        print("| what | measured | bar | met |\n|---|---|---|---|", flush=True)
    for name in arguments.only.split(","):
        began = time.monotonic()
        found = figures[name](arguments)
        lines += found
        if not arguments.json:
            print("\n".join(line.text() for line in found), flush=True)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
    return 0 if all(line.met for line in lines) else 1


def added(arguments: argparse.Namespace) -> list[Line]:
    """Compare random joins of two and three departments with the engine's over all rows in one place."""
    right = 0
    for case in range(arguments.cases):
        pick = Random(case)
        nodes, question = pick.choice([*(("ab", q) for q in PAIRS), *(("abc", q) for q in TRIPLES)])
        sides = random_sides(pick, nodes)
        found = plans(question, sides)
        signed = manifest(found)
        right += totals(blinded(found, sides, signed), signed) == truth(found[0], question, sides)
    what = "result before noise is the plaintext join: random tables, NULLs, duplicates, empty sets"
    return [Line(what, f"{right} of {arguments.cases}", "all", met=right == arguments.cases)]


def cost(arguments: argparse.Namespace) -> list[Line]:
    """Count the CPU of both departments and three aggregators for the same two sets as the peer's two parties."""
    rows = arguments.rows
    lists = [[f"u1401051990{at:08d}".encode() for at in range(first, first + rows)] for first in (0, rows // 2)]
    rest = np.zeros(rows, dtype=np.uint32), np.ones((rows, 1), dtype=np.uint64)
    began = time.process_time()
    keys = [blinding.secret(RANDOM) for _ in lists]
    made = [joining.sealed_items(one, rest, key, RANDOM) for one, key in zip(lists, keys, strict=True)]
    seen = [blinding.tags(blinding.blind_again(keys[1 - at], points)) for at, (points, _) in enumerate(made)]
    total = 0
    for party in range(row_shares.PARTIES):
        met = meeting([np.frombuffer(one, dtype="<u8").astype(np.uint64).reshape(-1, 2) for one in seen])
        total += int(row_shares.expand(row_share.decode(made[0][1][party]))[1][met[0], 0].sum(dtype=np.uint64))
    ours = time.process_time() - began
    right = total % 2**64 == rows - rows // 2
    what = f"{rows:,} × {rows:,} rows, CPU of all parties, count and sums, against {PACKAGE} (size only)"
    try:
        python = environment(cache(), "openmined-psi", (PACKAGE,))
    except (OSError, subprocess.CalledProcessError):
        return [Line(what, f"{ours:.1f} s; {PACKAGE} cannot be installed here", "≤ 0.7", met=False)]
    done = subprocess.run([python, "-I", "-c", PEER, str(rows)], text=True, capture_output=True, check=True)
    peer = json.loads(done.stdout.splitlines()[-1])
    ratio = ours / peer["cpu_s"]
    told = f"{ours:.1f} s / {peer['cpu_s']:.1f} s = {ratio:.2f}"
    return [Line(what, told, "≤ 0.7", met=bool(right and peer["right"] and ratio <= 0.7))]


def views(_: argparse.Namespace) -> list[Line]:
    """Compare what each party sees with what is made from its own input and output, by ten tests."""
    seen, made = b"", b""
    tags_seen: list[bytes] = [b"", b""]
    tags_made: list[bytes] = [b"", b""]
    for seed in range(60):
        sides = random_sides(Random(seed), "ab")
        found = plans(PAIRS[0], sides)
        signed = manifest(found)
        answered = blinded(found, sides, signed)
        for one in answered.values():
            seen += one.points
            made += joined_views.simulated_points(len(one.points) // 32)
        lists = list(tags(answered, signed).values())
        met = len(meetings(answered, signed)[0])
        simulated = joined_views.simulated_tags(tuple(len(one) // 16 for one in lists), met)
        for at in range(2):
            tags_seen[at] += lists[at]
            tags_made[at] += simulated[at]
    apart = [joined_views.told_apart(joined_views.points(seen), joined_views.points(made))]
    apart += [
        joined_views.told_apart(joined_views.tags(one), joined_views.tags(other))
        for one, other in zip(tags_seen, tags_made, strict=True)
    ]
    told = f"{sum(map(len, apart))} of {3 * len(joined_views.BATTERY)} tests on {len(seen) // 32:,} rows"
    return [
        Line("transcript of a department, of an aggregator, told from a simulated one", told, "0", met=not any(apart))
    ]


def guesses(arguments: argparse.Namespace) -> list[Line]:
    """Guess whether one person is in a table: the department from the list it gets, the developer from the answer."""
    pick, right_department, right_developer = Random(4), 0, 0
    rho = 0.05
    variance = round(1 / (2 * rho * 0.8))
    for _ in range(arguments.trials):
        there = pick.random() < 0.5
        key = blinding.secret(RANDOM)
        messages = [b"u%d" % at for at in range(8)] + ([b"target"] if there else [b"f" + RANDOM.token(16)])
        rest = np.zeros(9, dtype=np.uint32), np.zeros((9, 1), dtype=np.uint64)
        points, _shares = joining.sealed_items(messages, rest, key, RANDOM)
        own = blinding.blind_again(blinding.secret(RANDOM), points)
        # Any function of what it sees: here the parity of all points, its own blinding included.
        right_department += (sum(points + own) % 2 == 0) == there
        shown = int(there) + sum(noise.vector(variance, 3))
        right_developer += (shown > 0.5) == there
    epsilon = rho + 2 * sqrt(rho * log(1e6))
    bound = exp(epsilon) / (1 + exp(epsilon)) + 0.03
    shares = [one / arguments.trials for one in (right_department, right_developer)]
    return [
        Line(
            f"membership guessed in {arguments.trials:,} trials by a department / by the developer (ρ {rho})",
            f"{shares[0]:.3f} / {shares[1]:.3f}",
            f"≤ 0.53 / ≤ {bound:.2f}",
            met=shares[0] <= 0.53 and shares[1] <= bound,
        )
    ]


def memory(arguments: argparse.Namespace) -> list[Line]:
    """Let each role of a large join run in a process of its own."""
    lines = []
    for role in ("department", "aggregator"):
        words = [sys.executable, __file__, "--role", role, "--many", str(arguments.many)]
        done = subprocess.run(words, text=True, capture_output=True, check=True)
        peak, seconds = map(float, done.stdout.split())
        what = f"memory, {role}, at {arguments.many:,} × {arguments.many:,} rows"
        lines.append(Line(what, f"{peak / 2**20:.2f} GB ({seconds:.0f} s of CPU)", "≤ 1 GB", met=peak <= 2**20))
    return lines


def _played(role: str, items: int) -> int:
    """Play one role and print its peak memory in kB and its CPU seconds."""
    with tempfile.TemporaryDirectory() as folder, JoinBook(Path(folder) / "joins.sqlite") as book:
        if role == "department":
            messages = [b"u" + bytes(8) + b"1401051990%08d" % at for at in range(items)]
            rest = np.zeros(items, dtype=np.uint32), np.ones((items, 1), dtype=np.uint64)
            points, shares = joining.sealed_items(messages, rest, blinding.secret(RANDOM), RANDOM)
            with book.turn("0" * 64, 2**40) as link:
                link.store("list", points)
                for at, share in enumerate(shares):
                    link.store(f"rows {at}", share)
        else:
            lists = [RANDOM.token(16 * items) for _ in range(2)]
            lists[1] = lists[0][: 8 * items] + lists[1][8 * items :]
            with book.turn("0" * 64, 2**40) as link:
                for at, one in enumerate(lists):
                    link.store(f"tags {at}", one)
                    whole = b"".join(link.pieces(f"tags {at}"))
                    lists[at] = whole
            met = meeting([np.frombuffer(one, dtype="<u8").astype(np.uint64).reshape(-1, 2) for one in lists])
            seed = row_share.RowShare(items, 2, seed=RANDOM.token(32))
            places, values = row_shares.expand(seed)
            cells = np.zeros((1_000, 2), dtype=np.uint64)
            np.add.at(cells, (places[met[0]] % 1_000).astype(np.int64), values[met[0]])
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_maxrss, used.ru_utime + used.ru_stime)
    return 0


if __name__ == "__main__":
    sys.exit(main())
