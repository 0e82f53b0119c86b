"""Control while running: how long an order takes to hold. Bars: a question, contract or member 1 s; the node 2 s.

A node is served; each time a question is being computed whose answer would take a minute, and the order is given
beside the node, as the holder's commands give it. A use has ended when its receipt is in the log.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.ledger.ledger import Ledger
from yanmen.model.party import PartyRole
from yanmen.node.holder import open_holder

from tests.patience import timed, wait_until
from tests.system.orders import ACTOR, WHY, ended, listening, resume, served, suspend
from tests.system.town import Town

ROUNDS, KILL_S, CUT_S = 10, 1.0, 2.0


def main() -> int:
    """Measure, print, and return 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench control", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder, served(Path(folder)) as (town, ledger):
        taken = {
            "one question killed": ([killed(town, ledger) for _ in range(rounds)], KILL_S),
            "a contract suspended": ([contract(town, ledger) for _ in range(rounds)], KILL_S),
            "a member suspended": ([member(town, ledger) for _ in range(rounds)], KILL_S),
            "the node disconnected, nobody listens": ([node(town, ledger) for _ in range(rounds)], CUT_S),
        }
    print("| order | times | median | longest | bar |\n|---|---:|---:|---:|---:|")
    for name, (times, bar) in taken.items():
        print(f"| {name} | {rounds} | {sorted(times)[rounds // 2]:.2f} s | {max(times):.2f} s | {bar:.0f} s |")
    return int(any(max(times) > bar for times, bar in taken.values()))


def killed(town: Town, ledger: Ledger) -> float:
    """Return the seconds until a killed question's receipt."""
    return ended(town, ledger, lambda job, _: ledger.kill(job, WHY, ACTOR)).seconds


def contract(town: Town, ledger: Ledger) -> float:
    """Return the seconds until the receipt of a question whose contract was suspended."""
    found = ended(town, ledger, lambda _, contract: suspend(ledger, contract))
    resume(ledger, town.contract())
    return found.seconds


def member(town: Town, ledger: Ledger) -> float:
    """Return the seconds until the receipt of a question whose member was suspended."""
    with open_holder(town.node) as holder:
        parties = holder.register.current().parties
    (alice,) = (party.id for party in parties if party.role is PartyRole.DEVELOPER)
    found = ended(town, ledger, lambda *_: ledger.suspend_member(alice, WHY, ACTOR))
    ledger.resume_member(alice, WHY, ACTOR)
    time.sleep(0.5)  # until the node has seen it
    return found.seconds


def node(town: Town, ledger: Ledger) -> float:
    """Return the seconds until a disconnected node's question has its receipt and nobody listens."""
    found = ended(town, ledger, lambda *_: ledger.disconnect(WHY, ACTOR))
    closed = timed(lambda: wait_until(lambda: not listening(town)))
    ledger.connect(WHY, ACTOR)
    wait_until(lambda: listening(town))
    return found.seconds + closed


if __name__ == "__main__":
    sys.exit(main())
