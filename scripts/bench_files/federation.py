"""Federation beside its bars: what it costs all parties, what is found of lies, what two aggregators see."""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files import federation_cost
from bench_files.federation_lines import Line

from tests.attacks import relays, views
from tests.unit.aggregation.parties import gathered

NODES, DROPS = 129, 43
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where ledgers lie here: what is measured and attacked is not the disk."""


def main() -> int:
    """Measure what was asked for and print; 1 when a bar is missed."""
    figures = {"cost": cost, "lies": lies, "drops": drops, "relays": relaying, "views": seen, "noise": noise}
    parser = argparse.ArgumentParser(prog="scripts/bench federation", description=__doc__)
    parser.add_argument("--only", default=",".join(figures), help=f"figures, with commas: {', '.join(figures)} (all)")
    parser.add_argument("--cells", type=int, default=10_000, help="cells of the table whose cost is measured (10000)")
    parser.add_argument("--tries", type=int, default=1_000, help="lies and relays tried (1000)")
    parser.add_argument("--rounds", type=int, default=100, help="questions from which nodes drop out (100)")
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


def cost(arguments: argparse.Namespace) -> list[Line]:
    """Measure CPU and sizes."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, gathered(Path(folder), NODES) as parties:
        return federation_cost.measured(parties, arguments.cells)


def lies(arguments: argparse.Namespace) -> list[Line]:
    """Change one cell of one aggregator's sum by one, again and again."""
    draw, cells = Random(1), 100
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, gathered(Path(folder), 3) as parties:
        signed = parties.manifest(cells)
        for node in parties.nodes:
            parties.deposit(signed, *parties.deal(node, signed, relays.table(cells, draw)))
        parties.noise(signed)
        opening = parties.open(signed, parties.certificates(signed, [node.id for node in parties.nodes]))
        honest = not relays.is_found(parties, signed, opening)
        tries = range(arguments.tries)
        found = sum(relays.is_found(parties, signed, relays.altered(parties, signed, opening, draw)) for _ in tries)
    met = honest and found == arguments.tries
    return [
        Line("totals one unit off in one cell, signed by who altered them, found", _of(found, tries), "all", met=met)
    ]


def drops(arguments: argparse.Namespace) -> list[Line]:
    """Have a third of the nodes vanish at random points."""
    draw, rounds = Random(2), range(arguments.rounds)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, gathered(Path(folder), NODES) as parties:
        right = sum(relays.dropped_sum(parties, DROPS, 3, draw) for _ in rounds)
    what = f"{DROPS} of {NODES} nodes dropped at random points: the very sum of the certified set"
    return [Line(what, _of(right, rounds), "all", met=right == len(rounds))]


def relaying(arguments: argparse.Namespace) -> list[Line]:
    """Let a lying relay try to have two overlapping sets opened."""
    draw, tries = Random(3), range(arguments.tries)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, gathered(Path(folder), 3) as parties:
        opened = [relays.equivocated(parties, draw) for _ in tries]
    told = f"{sum(one > 1 for one in opened)} in {len(opened)} tries ({opened.count(1)} opened one set, as they may)"
    met = max(opened) <= 1 and 1 in opened
    return [Line("questions of which a lying relay had two sets opened", told, "0", met=met)]


def seen(_: argparse.Namespace) -> list[Line]:
    """Compare what two aggregators see of inputs with the same total."""
    one, other, deals = ((5, 7, -3), (1, 1, 1)), ((-1_000_000, 2**39, 0), (1_000_006, 8 - 2**39, -2)), 5_000
    apart = [views.differ(views.views(one, pair, deals), views.views(other, pair, deals)) for pair in views.PAIRS]
    three = views.differ(views.views(one, (0, 1, 2), 50), views.views(other, (0, 1, 2), 50))
    least = min(views.p_value(each) for each in apart)
    told = f"χ² of {deals:,} deals: least p of the three pairs {least:.3f}; all three together differ by {three:.0f} σ"
    return [
        Line("views of two aggregators, inputs of the same total, told apart", told, "p ≥ 0.001", met=least >= 0.001)
    ]


def noise(_: argparse.Namespace) -> list[Line]:
    """Compute ρ from the masses of the noise, and draw a sample of it."""
    worst = max(
        views.rho(variance, moved, dealers) / views.claimed(variance, moved)
        for variance in (1, 2, 20, 1_200)
        for moved in (1, 3)
        for dealers in (1, 2, 3)
    )
    draws = 200_000
    off = max((views.variance_off(variance, draws) for variance in (1, 48, 1_200)), key=abs)
    return [
        Line(
            "ρ computed from the noise's masses, against claimed", f"{worst:.4f} at most", "≤ 1.01", met=worst <= 1.01
        ),
        Line(
            f"variance of {draws:,} draws within its 99.9 % interval",
            f"{off:+.2f} standard deviations at most",
            "± 3.29",
            met=abs(off) <= 3.29,
        ),
    ]


def _of(found: int, tries: range) -> str:
    return f"{found:,} of {len(tries):,}"


if __name__ == "__main__":
    sys.exit(main())
