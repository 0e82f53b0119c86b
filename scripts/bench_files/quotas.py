"""Quota race: 1,000 attempts by 8 processes at once on a quota of 100 must be answered exactly 100 times.

Each way a contract counts its uses is raced for by itself: in all, by day, and by a sliding period.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from yanmen.formats import usage_control
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason
from yanmen.model.usage_control import Rules

from tests.attacks.test_budget_race import PROCESSES, race, settled
from tests.unit.ledger.scene import Scene

QUOTA, ATTEMPTS = 100, 1_000
WAYS: dict[str, dict[str, Any]] = {
    "count in all": {"queries": QUOTA, "queries_per_day": QUOTA},
    "count of a day": {"queries": 10_000, "queries_per_day": QUOTA},
    "frequency (sliding)": {
        "rules": Rules(controls=(usage_control.control("frequency", "lteq", (f"{QUOTA}/PT1H",)),)),
        "queries": 10_000,
        "queries_per_day": 10_000,
    },
}


def main() -> int:
    """Race and print; return 1 when a quota was not granted exactly."""
    argparse.ArgumentParser(prog="scripts/bench quotas", description=__doc__).parse_args()
    wrong = 0
    print(f"| quota of {QUOTA} | attempts | processes | granted | refused | other | seconds |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, terms in WAYS.items():
        began = time.monotonic()
        counted = raced(terms)
        granted, refused = counted.pop("answered", 0), counted.pop(Reason.QUOTA_SPENT.value, 0)
        other, took = sum(counted.values()), time.monotonic() - began
        print(f"| {name} | {ATTEMPTS} | {PROCESSES} | {granted} | {refused} | {other} | {took:.1f} |")
        wrong += (granted, refused, other) != (QUOTA, ATTEMPTS - QUOTA, 0)
    print(f"bar: exactly {QUOTA}")
    return int(wrong > 0)


def raced(terms: dict[str, Any]) -> Counter[str]:
    """Return how the attempts ended on a ledger of their own."""
    with tempfile.TemporaryDirectory(prefix="yanmen-quota-") as folder:
        scene = Scene(Path(folder) / "ledger.db", NodeLimits(failures=1_000_000))
        with scene.open() as ledger:
            contract = scene.furnish(ledger, micro_rho=1_000_000, **terms)
        return race(scene, settled(scene, contract, charge=1), tries=ATTEMPTS // PROCESSES)


if __name__ == "__main__":
    sys.exit(main())
