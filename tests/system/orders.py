"""A served town whose answers take a minute, and orders given while one is computed: how long each takes to hold."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import yanmen
from yanmen.formats import receipt
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Receipt, Stage
from yanmen.node.holder import open_holder, read_config

from tests.patience import wait_until
from tests.system.town import Town

ACTOR, WHY = "安全员 01", "异常使用"
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a use ended after an order: the reason in its receipt, and the seconds from the order to it."""

    reason: str
    seconds: float


@contextmanager
def served(folder: Path) -> Iterator[tuple[Town, Ledger]]:
    """Give a served town and its ledger, opened beside the node as the holder's commands open it."""
    town = Town(folder)
    town.build()
    town.limit(deadline_ms=60_000, jobs_per_consumer=8)
    town.serve()
    try:
        with open_holder(town.node) as holder:
            yield town, holder.ledger
    finally:
        if town.process is not None:
            town.stop()


def ended(town: Town, ledger: Ledger, order: Callable[[str, str], Receipt]) -> Ended:
    """Ask a question, give `order` on its job and contract while it touches data, and return how it ended."""
    contract = town.contract()
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        job = node.submit(
            f"SELECT count(*) AS n FROM visits WHERE cost > {next(_NUMBERS)}", contract=contract, micro_rho=1_000
        )
        wait_until(lambda: bool(ledger.running()))
        order(job.id, contract)
        began = time.monotonic()
        wait_until(lambda: not ledger.running())
        seconds = time.monotonic() - began
    return Ended(_reason(ledger), seconds)


def _reason(ledger: Ledger) -> str:
    """Return why the last use ended, as its receipt says."""
    for index in range(ledger.size() - 1, -1, -1):
        found = ledger.receipt(index)
        if found.stage is Stage.ABORTED:
            decision = receipt.decode(found.sdjwt).slots[Slot.DECISION]
            return str(decision["reason"]) if isinstance(decision, dict) else ""
    return ""


def listening(town: Town) -> bool:
    """Say whether anybody listens at the node's address."""
    host, _, port = read_config(town.node).address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=0.2).close()
    except OSError:
        return False
    return True


def suspend(ledger: Ledger, contract: str) -> Receipt:
    """Suspend the contract."""
    return ledger.set_status(contract, ContractStatus.SUSPENDED, ACTOR)


def resume(ledger: Ledger, contract: str) -> Receipt:
    """Let it go on."""
    return ledger.set_status(contract, ContractStatus.ACTIVE, ACTOR)
