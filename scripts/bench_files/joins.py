"""Joins across nodes beside their bars: what is added up, what it costs and takes, what each party can tell."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, replace
from decimal import Decimal
from math import exp, log, sqrt
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.federation_lines import Line
from bench_files.joins_served import served
from bench_files.tpch import cache, environment
from yanmen.aggregation.calibration import variances
from yanmen.client.federated_answer import FederatedAnswer
from yanmen.crypto import blinding
from yanmen.disclosure import noise
from yanmen.disclosure.joining import Blinded
from yanmen.model.joining import CANARIES, VIEW_PERCENT

from tests.attacks import joined_views
from tests.unit.joins.questions import PAIRS, TRIPLES, truth
from tests.unit.joins.sides import LABS, PERSONS, Side, blinded, manifest, meetings, plans, random_sides, tags, totals

FAR = 10
"""Times the 95 % width: beyond any luck."""
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
    arguments = parser.parse_args()
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
    """Count the CPU of all servers' processes while they answer, for the same two sets as the peer's two parties."""
    rows = arguments.rows
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), rows) as made:
        taken = made.asked()
    ours, relay = sum(taken.cpu.values()), taken.relay_s
    right = is_near(taken.answer, rows - rows // 2)
    what = f"{rows:,} × {rows:,} rows, CPU of both departments and three aggregators, against {PACKAGE} (size only)"
    try:
        python = environment(cache(), "openmined-psi", (PACKAGE,))
    except (OSError, subprocess.CalledProcessError):
        return [Line(what, f"{ours:.1f} s; {PACKAGE} cannot be installed here", "≤ 0.7", met=False)]
    done = subprocess.run([python, "-I", "-c", PEER, str(rows)], text=True, capture_output=True, check=True)
    peer = json.loads(done.stdout.splitlines()[-1])
    ratio = ours / peer["cpu_s"]
    told = f"{ours:.1f} s / {peer['cpu_s']:.1f} s = {ratio:.2f} (the developer's relay: {relay:.1f} s more)"
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
    """Guess whether one person is in another's table, from what the product's functions make each party see."""
    pick, micro_rho = Random(4), 50_000
    labs = replace(LABS, rows_per_unit=1, groups_per_unit=1, rows_upto=6)
    some = [(who, "hdl", Decimal(5)) for who in range(1, 5)]
    everyone = [(who, "old", "f", 40) for who in range(1, 7)]
    sides = [Side("a", replace(PERSONS, rows_upto=6), everyone), Side("b", labs, some)]
    found = plans("SELECT count(*) FROM persons p JOIN labs l ON p.pid = l.pid", sides, micro_rho=micro_rho)
    signed, part = manifest(found), found[0].part
    assert part is not None
    for_figures = micro_rho * (100 - VIEW_PERCENT) // 100
    (variance,) = variances([one.l2_squared for one in found[0].aggregates], for_figures, 1)
    right: Counter[str] = Counter()
    for _ in range(arguments.trials):
        there = pick.random() < 0.5
        table = [sides[0], replace(sides[1], rows=[*some, (6, "hdl", Decimal(5))] if there else some)]
        made = blinded(found, table, signed)
        met = meetings(made, signed)
        shown = totals(made, signed, met)[0] + sum(noise.vector(variance, 1)[0] for _ in signed.manifest.aggregators)
        for how, guess in told(made, len(met[0]) - part.link.middle).items():
            right[how] += guess == there
        right["the developer"] += (shown > len(some) + 0.5) == there
    rho = micro_rho / 1e6
    epsilon = rho + 2 * sqrt(rho * log(1e6))
    bound = exp(epsilon) / (1 + exp(epsilon)) + 0.03
    shares = {how: count / arguments.trials for how, count in sorted(right.items())}
    blind = max(share for how, share in shares.items() if how.startswith("a department"))
    text = "; ".join(f"{how} {share:.3f}" for how, share in shares.items())
    what = f"membership guessed in {arguments.trials:,} trials (ρ {rho})"
    met_all = blind <= 0.53 and max(shares.values()) <= bound
    return [Line(what, text, f"≤ 0.53 by a department, ≤ {bound:.2f} by all", met=met_all)]


def told(made: dict[str, Blinded], met: int) -> dict[str, bool]:
    """Return guesses of whether the target is in the table of b: by the department a in four ways, by an aggregator."""
    seen, own = made["b"].points, made["a"]
    again = blinding.blind_again(own.secret, seen)
    aimed = next(blinding.blind(own.secret, [b"u" + bytes(8) + b"6"]))
    each = [seen[at : at + 32] for at in range(0, len(seen), 32)]
    mine = {own.points[at : at + 32] for at in range(0, len(own.points), 32)}
    return {
        "a department by parity": sum(seen + again) % 2 == 0,
        "a department by its own hash of the target": aimed in each or min(each) < aimed,
        "a department by points alike": bool(mine & set(each)) or sum(map(sum, each)) % 2 == 0,
        "a department by length and order": len(each) % 2 == 0 or each[0] > each[-1],
        "an aggregator by how many met": met > 4.5 + CANARIES,
    }


def memory(arguments: argparse.Namespace) -> list[Line]:
    """Look at each party's processes while a large join is answered, one department being killed half-way."""
    many = arguments.many
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), many) as made:
        taken = made.asked(kill="health")
    peaks = {name: taken.memory[name] / 2**30 for name in sorted(taken.memory)}
    what = f"memory of each party's processes at {many:,} × {many:,} rows, over gRPC"
    text = ", ".join(f"{name} {peak:.2f} GB" for name, peak in peaks.items())
    row, width = taken.answer.rows()[0], taken.answer.table.widths[0][0]
    went = "killed with half a list taken, started again, went on" if taken.killed else "nobody was killed"
    how = f"{went}; {row['n']} ± {width} counted of {many - many // 2}, {taken.wall_s:.0f} s"
    right = bool(taken.killed) and is_near(taken.answer, many - many // 2)
    return [
        Line(what, text, "≤ 1 GB", met=max(peaks.values()) <= 1),
        Line("a department dies (SIGKILL) in the middle", how, "answered", met=right),
    ]


def is_near(answer: FederatedAnswer, count: int) -> bool:
    """Tell whether the first count of an answer is what it should be but for its noise."""
    width = answer.table.widths[0][0]
    return width is not None and abs(int(str(answer.rows()[0]["n"])) - count) < FAR * width


if __name__ == "__main__":
    sys.exit(main())
