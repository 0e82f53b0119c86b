"""The ledger in PostgreSQL: 8 processes race for quota and budget, and are killed; what a question costs there.

Starts a server of its own (scripts/postgresql installs one), durable as in service, and leaves nothing of it.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.ledger.place import Database
from yanmen.model.config import NodeLimits

from tests.attacks.killed_race import ALLOWED, raced
from tests.attacks.test_budget_race import CHARGE, PROCESSES, race, settled, whole
from tests.postgresql_server import served
from tests.unit.ledger.scene import Scene

SPENT, QUOTA = 57, 61


def exactly(folder: Path, database: Database, tries: int, **terms: int) -> tuple[Counter[str], int]:
    """Race for one contract and return how the attempts ended, and what its consumer has left."""
    scene = Scene(folder / "none", NodeLimits(failures=100_000), elsewhere=database)
    with scene.open() as ledger:
        contract = scene.furnish(ledger, micro_rho_per_query_max=CHARGE, **terms)
    counted = race(scene, settled(scene, contract), tries)
    with scene.open() as ledger:
        left = ledger.balance(contract.terms.id)
    whole(scene, folder)
    return counted, left.micro_rho_left


def rate(folder: Path, database: Database, seconds: float) -> float:
    """Return questions a second, reserved and settled, of two replicas at once."""
    scene = Scene(folder / "none", NodeLimits(failures=100_000), elsewhere=database)
    with scene.open() as ledger:
        contract = scene.furnish(
            ledger, micro_rho=1_000_000, micro_rho_per_query_max=CHARGE, queries=100_000, queries_per_day=100_000
        )
    until = time.monotonic() + seconds
    made = multiprocessing.get_context("fork").Value("i", 0)

    def replica() -> None:
        own = Scene(folder / "none", NodeLimits(failures=100_000), elsewhere=database)
        with own.open() as ledger:
            while time.monotonic() < until:
                own.ask(ledger, contract, micro_rho=1)
                with made.get_lock():
                    made.value += 1

    workers = [multiprocessing.get_context("fork").Process(target=replica) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return made.value / seconds


def main() -> int:
    """Race and print; return 1 when anything was not exact."""
    parser = argparse.ArgumentParser(prog="scripts/bench replicas", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="ledgers raced for while processes are killed (3)")
    parser.add_argument("--kills", type=int, default=20, help="processes killed in each (20)")
    parser.add_argument("--tries", type=int, default=25, help="attempts of each process (25)")
    parser.add_argument("--seconds", type=float, default=5, help="how long the rate is measured (5)")
    arguments = parser.parse_args()
    wrong = 0
    with served({"fsync": "on"}) as server, tempfile.TemporaryDirectory(prefix="yanmen-replicas-") as place:
        print(f"PostgreSQL, fsync on, {PROCESSES} processes of {arguments.tries} attempts each\n")
        print("| race | allowed | granted | bar |\n|---|---:|---:|---|")
        spend = {"micro_rho": SPENT * CHARGE + CHARGE - 1}
        for name, allowed, terms in (
            ("budget of a contract", SPENT, spend),
            ("its quota", QUOTA, {"queries": QUOTA, "queries_per_day": QUOTA}),
        ):
            folder = Path(place) / name.replace(" ", "-")
            folder.mkdir()
            database = Database(server.connection(), f"race_{len(name)}")
            counted, _ = exactly(folder, database, arguments.tries, **terms)
            wrong += counted["answered"] != allowed or sum(counted.values()) != PROCESSES * arguments.tries
            print(f"| {name} | {allowed} | {counted['answered']} | exact |")
        kills = confirmed = overspent = 0
        for seed in range(arguments.rounds):
            folder = Path(place) / str(seed)
            folder.mkdir()
            found = raced(folder, seed, arguments.kills, Database(server.connection(), f"killed_{seed}"))
            kills, confirmed, overspent = kills + found[0], confirmed + found[1], overspent + found[2]
        wrong += overspent
        killed = f"{confirmed} confirmed, {overspent} over"
        print(f"| budget, {kills} kill -9 | {arguments.rounds * ALLOWED} | {killed} | 0 over |")
        made = rate(Path(place), Database(server.connection(), "rate"), arguments.seconds)
        print(
            f"\n{made:.0f} questions/s reserved and settled by two replicas (receipts and heads signed, each durable)"
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
