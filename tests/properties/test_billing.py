"""Over thousands of random uses of several nodes, the auditor's bill is the node's statement and a tally of our own."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yanmen.crypto import documents
from yanmen.formats import connector_id
from yanmen.formats.bill import Period
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass, SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, Grant
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Plan, Released, Reserved
from yanmen.verify import BillCode
from yanmen.verify.billing import hold_statement
from yanmen.verify.procedure import Examined, examine
from yanmen.verify.revenue import sum_revenue

from tests.unit.ledger import scene
from tests.unit.ledger.scene import (
    CONSUMER,
    PROFILE,
    RECEIPT_KEY,
    RIVAL,
    SPACE_KEY,
    START_MS,
    SUBJECTS,
    Clockwork,
    Scene,
    papers,
    released,
    terms_of,
    version,
)

NODES = tuple(connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"A1B2C3D{number}") for number in range(3))
YEAR_MS = 366 * 86_400_000
USES = 520
BEGIN_S = START_MS // 60_000 * 60


@dataclass
class Tally:
    """What our own list of one node's charges says: (minute, contract, consumer, micro-rho, fen)."""

    charges: list[tuple[int, str, str, int, int]] = field(default_factory=list)

    def of(self, period: Period, contract: str) -> dict[str, tuple[int, int, int]]:
        """Return queries, micro-rho and fen of each contract."""
        sums: dict[str, tuple[int, int, int]] = {}
        for minute, name, _, micro_rho, fen in self.charges:
            if period.holds(minute) and contract in {"", name}:
                queries, rho, paid = sums.get(name, (0, 0, 0))
                sums[name] = (queries + 1, rho + micro_rho, paid + fen)
        return sums


class Node:
    """One node whose uses are drawn at random."""

    def __init__(self, folder: Path, start_ms: int, draw: random.Random) -> None:
        self.draw, self.tally = draw, Tally()
        self.scene = Scene(folder / "ledger.db", NodeLimits(failures=10_000), Clockwork(start_ms))
        self.ledger: Ledger = self.scene.open()
        self.ledger.register_space(SubjectSpace(SUBJECTS, 1_000_000_000, 1_000_000))
        self.ledger.publish(version())
        self.open = version("v2", name="gazette", cls=DatasetClass.OPEN, subject_space="")
        self.ledger.publish(self.open)
        self.contracts = [self.contract(consumer) for consumer in (CONSUMER, RIVAL, CONSUMER)]
        self.asked: list[Plan] = []

    def contract(self, consumer: str) -> Contract:
        terms = terms_of(
            self.scene.name(),
            consumer=consumer,
            micro_rho=100_000_000,
            micro_rho_per_query_max=5_000,
            delta_e12=1_000_000,
            queries=10_000,
            queries_per_day=10_000,
            price_per_query_fen=self.draw.randrange(200),
            grants=(Grant("persons", ("city",)), Grant("gazette", ("city",))),
        )
        return self.scene.activate(self.ledger, terms)

    def use(self) -> None:
        """Take one random use through the ledger."""
        self.scene.clock.ms += self.draw.randrange(2 * 3_600_000)
        plan = self.plan()
        match self.draw.randrange(12):
            case 0:
                request = plan.admitted.request
                self.ledger.refuse(plan.admitted.submission, request, Refused(Reason.ROWS_WOULD_LEAVE))
            case 1:
                self.ledger.explained(plan)
            case 2 if self.asked:
                self.again(self.draw.choice(self.asked))
            case 3:
                self.ledger.abort(self.charged(plan), Reason.RUN_FAILED, JobCode.MEMORY, Usage())
            case _:
                held = self.charged(plan)
                self.scene.clock.ms += self.draw.randrange(120_000)
                self.ledger.settle(held, self.table(held.plan), PROFILE)
                self.asked.append(plan)

    def plan(self) -> Plan:
        contract = self.draw.choice(self.contracts)
        if self.draw.random() < 0.2:
            return self.scene.plan(contract, release=DatasetClass.OPEN, micro_rho=0, space="", scanned=self.open)
        micro_rho, delta = self.draw.randrange(1, 500), self.draw.randrange(3)
        return self.scene.plan(contract, micro_rho=micro_rho, delta_e12=delta)

    def charged(self, plan: Plan) -> Reserved:
        held = self.ledger.reserve(plan)
        assert isinstance(held, Reserved)
        terms = plan.admitted.contract.terms
        minute = self.scene.clock.ms // 60_000 * 60
        self.tally.charges.append((minute, terms.id, terms.consumer, plan.micro_rho, plan.price_fen))
        return held

    def again(self, earlier: Plan) -> None:
        """Ask a question that was answered before: it is free."""
        plan = self.scene.plan(
            earlier.admitted.contract,
            release=earlier.release,
            micro_rho=earlier.micro_rho,
            delta_e12=earlier.delta_e12,
            space=earlier.subject_space,
            price_fen=earlier.price_fen,
            scanned=earlier.scans[0].version,
        )
        object.__setattr__(plan, "canonical", earlier.canonical)
        assert not isinstance(self.ledger.reserve(plan), Reserved)

    def table(self, plan: Plan) -> Released:
        """Return a released table of a random length."""
        made, rows = released(plan), self.draw.randrange(30)
        object.__setattr__(made, "rows", made.rows[:1] * rows)
        object.__setattr__(made, "widths", made.widths[:1] * rows)
        return made

    def period(self) -> Period:
        """Return a random period that is over."""
        start, end = self.tally.charges[0][0], self.scene.clock.ms // 60_000
        minutes = sorted(self.draw.sample(range(start // 60, end + 1), 2))
        return Period(minutes[0] * 60, minutes[1] * 60)


@pytest.mark.parametrize("seed", [20261122])
def test_bills_of_random_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draw = random.Random(seed)
    logs: list[Examined] = []
    tallies: list[Tally] = []
    for number, (place, later_ms) in enumerate([(0, 0), (1, 0), (2, 0), (0, YEAR_MS)]):
        monkeypatch.setattr(scene, "NODE", NODES[place])
        folder = tmp_path / str(number)
        folder.mkdir()
        node = Node(folder, START_MS + later_ms, draw)
        for _ in range(USES):
            node.use()
        whole = Period(BEGIN_S, node.scene.clock.ms // 60_000 * 60)
        asked = [(whole, ""), (node.period(), ""), (node.period(), draw.choice(node.contracts).terms.id)]
        stated = [(period, name, node.ledger.state_account(period, name)[1]) for period, name in asked]
        bundle = folder / "bundle"
        node.ledger.export(bundle, papers())
        node.ledger.close()
        tallies.append(node.tally)
        logs.append(examine(bundle, SPACE_KEY.public))
        for period, name, token in stated:
            holds(logs[-1], period, name, token, node.tally)
    assert sum(len(tally.charges) for tally in tallies) > 1_500
    revenue(logs, tallies)


def holds(log: Examined, period: Period, contract: str, token: bytes, tally: Tally) -> None:
    """Hold one statement, the auditor's bill and our own tally to each other."""
    said = documents.open_statement(token, RECEIPT_KEY.public)
    report = hold_statement(log, token)
    assert report.ok, [*report.report.findings, *report.findings]
    assert report.counted == said.lines
    assert {each.code for each in report.findings} <= {BillCode.PERIOD_STATED_AGAIN}
    counted = {line.contract: (line.queries, line.micro_rho, line.fen) for line in said.lines if line.queries}
    assert counted == tally.of(period, contract)


def revenue(logs: list[Examined], tallies: list[Tally]) -> None:
    """Hold the sum over all nodes to our own; one fen over is found."""
    charges = [charge for tally in tallies for charge in tally.charges]
    for consumer in ("", RIVAL):
        fen = sum(charge[4] for charge in charges if consumer in {"", charge[2]})
        within = sum_revenue(logs, fen, consumer)
        assert within.ok
        assert within.fen == fen
        if not consumer:
            over = sum_revenue(logs, fen - 1)
            assert [(each.code, each.subject) for each in over.findings] == [(BillCode.REVENUE_ABOVE_MAXIMUM, "1")]
