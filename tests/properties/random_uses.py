"""Nodes whose uses are drawn at random, under contracts of random prices, with a tally that is not the node's."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from yanmen.crypto import documents
from yanmen.formats import connector_id
from yanmen.formats.bill import Period
from yanmen.formats.request import Operation
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass, SubjectSpace, Version
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, Grant
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Plan, Released, Reserved, Scan
from yanmen.model.tariff import Free, FreeFor, Part, Split, SplitBy, Tariff, metered, price_fen
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
BEGIN_S = START_MS // 60_000 * 60
CEILINGS = {"persons": 180, "claims": 150, "firms": 200, "gazette": 60}
ROWS = {"persons": 100_000, "claims": 2_400_000, "firms": 9_999, "gazette": 12_345}
DEPARTMENTS = {"persons": "卫健委", "claims": "医保局", "firms": "市监局", "gazette": "档案馆"}


@dataclass(frozen=True)
class Charged:
    """One use as our own list has it; `fen` is what we say it should cost."""

    minute: int
    contract: str
    consumer: str
    micro_rho: int
    fen: int
    free: bool
    rows: tuple[tuple[str, int], ...]


@dataclass
class Tally:
    """Our own list of one node's charges: nothing in it is asked of the node."""

    charges: list[Charged] = field(default_factory=list)

    def of(self, period: Period, contract: str) -> dict[str, tuple[int, int, int, int]]:
        """Return queries, free ones, micro-rho and fen of each contract."""
        sums: dict[str, tuple[int, int, int, int]] = {}
        for use in self.within(period, contract):
            queries, free, rho, paid = sums.get(use.contract, (0, 0, 0, 0))
            sums[use.contract] = (queries + 1, free + use.free, rho + use.micro_rho, paid + use.fen)
        return sums

    def within(self, period: Period, contract: str) -> Iterator[Charged]:
        """Yield the uses of a period and contract ("" = all)."""
        return (use for use in self.charges if period.holds(use.minute) and contract in {"", use.contract})

    def shares(self, period: Period, contract: Contract) -> dict[str, Fraction]:
        """Return what each department should get, before rounding."""
        split = contract.terms.split
        sums: dict[str, Fraction] = {}
        for use in self.within(period, contract.terms.id) if split is not None else ():
            assert split is not None
            counts = {part: _counts(split.by, part, dict(use.rows)) * part.weight for part in split.parts}
            for part, count in counts.items():
                due = Fraction(use.fen) * count / sum(counts.values())
                sums[part.department] = sums.get(part.department, Fraction(0)) + due
        return sums


def _counts(by: SplitBy, part: Part, rows: dict[str, int]) -> int:
    match by:
        case SplitBy.SHARES:
            return 1
        case SplitBy.ROWS:
            return rows.get(part.dataset, 0)
        case SplitBy.USES:
            return part.dataset in rows


class Node:
    """One node whose uses are drawn at random."""

    def __init__(self, folder: Path, start_ms: int, draw: random.Random) -> None:
        """Furnish a node with three datasets and five contracts."""
        self.draw, self.tally = draw, Tally()
        self.scene = Scene(folder / "ledger.db", NodeLimits(failures=10_000), Clockwork(start_ms))
        self.ledger: Ledger = self.scene.open()
        self.ledger.register_space(SubjectSpace(SUBJECTS, 1_000_000_000, 1_000_000))
        self.versions = [
            version(name, name=name, rows_upto=ROWS[name], price_ceiling_fen=CEILINGS[name])
            for name in ROWS
            if name != "gazette"
        ]
        open_ = version("gazette", name="gazette", cls=DatasetClass.OPEN, subject_space="", rows_upto=ROWS["gazette"])
        self.open = replace(open_, dataset=replace(open_.dataset, price_ceiling_fen=CEILINGS["gazette"]))
        for each in (*self.versions, self.open):
            self.ledger.publish(each)
        self.contracts = [self.contract(consumer) for consumer in (CONSUMER, RIVAL, CONSUMER, RIVAL, CONSUMER)]
        self.asked: list[Plan] = []

    def contract(self, consumer: str) -> Contract:
        """Bring a contract of random prices into force."""
        draw, grants = self.draw, tuple(sorted(ROWS))
        price = draw.randrange(60)
        tariff = Tariff(
            most_fen=draw.randrange(price, 61),
            per_cell=draw.choice((0, 133, 999)),
            per_row_bucket=draw.choice((0, 77, 1_500)),
            per_cpu_unit=draw.choice((0, 2_001)),
            per_milli_rho=draw.choice((0, 12_345)),
            free=draw.choice((Free(), Free(FreeFor.PUBLIC_BENEFIT, draw.randrange(1, 30)))),
        )
        parts = tuple(Part(DEPARTMENTS[name], name, draw.randrange(1, 9)) for name in grants)
        by = draw.choice(list(SplitBy))
        if by is SplitBy.SHARES:
            shares = (replace(part, dataset="") for part in parts)
            parts = tuple(sorted(shares, key=lambda part: part.department))
        terms = terms_of(
            self.scene.name(),
            consumer=consumer,
            grants=tuple(Grant(name, ("city",)) for name in grants),
            micro_rho=100_000_000,
            micro_rho_per_query_max=5_000,
            delta_e12=1_000_000,
            queries=10_000,
            queries_per_day=10_000,
            price_per_query_fen=price,
            tariff=draw.choice((tariff, tariff, tariff, None)) if tariff != Tariff(price) else None,
            split=draw.choice((Split(by, parts), Split(by, parts), None)),
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
                quoted = self.plan(Operation.EXPLAIN)
                self.ledger.explained(quoted, free=self.ledger.is_free(quoted))
            case 2 if self.asked:
                self.again(self.draw.choice(self.asked))
            case 3:
                self.ledger.abort(self.charged(plan), Reason.RUN_FAILED, JobCode.MEMORY, Usage())
            case _:
                held = self.charged(plan)
                self.scene.clock.ms += self.draw.randrange(120_000)
                self.ledger.settle(held, self.table(held.plan), PROFILE)
                self.asked.append(plan)

    def plan(self, operation: Operation = Operation.SUBMIT) -> Plan:
        """Return a question that reads some of the datasets, some twice, as planning prices it."""
        contract = self.draw.choice(self.contracts)
        read = self.draw.choices(self.versions, k=self.draw.choice((1, 1, 2, 3)))
        micro_rho, delta = self.draw.randrange(1, 5_000), self.draw.randrange(3)
        if self.draw.random() < 0.2:
            free = {"release": DatasetClass.OPEN, "micro_rho": 0, "space": "", "scanned": self.open}
            plan = self.scene.plan(contract, operation=operation, **free)
            return self.priced(plan, [self.open])
        plan = self.scene.plan(contract, operation=operation, micro_rho=micro_rho, delta_e12=delta)
        return self.priced(plan, [*read, self.open] if self.draw.random() < 0.1 else read)

    def priced(self, plan: Plan, read: list[Version]) -> Plan:
        """Return `plan` over these datasets, priced as the product does it."""
        terms, datasets = plan.admitted.contract.terms, [each.dataset for each in read]
        used = metered(self.draw.randrange(58, 80), [(each.name, each.rows_upto) for each in datasets])
        ceiling = min(each.price_ceiling_fen for each in datasets)
        fen = price_fen(terms.price_per_query_fen, terms.tariff, used, plan.micro_rho, ceiling)
        scans = tuple(Scan(f"s{number}", each, ("city",)) for number, each in enumerate(read))
        return replace(plan, scans=scans, metered=used, price_fen=fen)

    def charged(self, plan: Plan) -> Reserved:
        """Reserve, and put what it should cost in our own list."""
        terms = plan.admitted.contract.terms
        free = terms.tariff is not None and terms.tariff.free.uses > sum(
            use.contract == terms.id for use in self.tally.charges
        )
        rows = tuple(plan.metered.rows)
        fen = 0 if free else cost(plan)
        minute = self.scene.clock.ms // 60_000 * 60
        self.tally.charges.append(Charged(minute, terms.id, terms.consumer, plan.micro_rho, fen, free, rows))
        held = self.ledger.reserve(plan)
        assert isinstance(held, Reserved)
        return held

    def again(self, earlier: Plan) -> None:
        """Ask a question that was answered before: it is no use."""
        plan = self.scene.plan(
            earlier.admitted.contract,
            release=earlier.release,
            micro_rho=earlier.micro_rho,
            delta_e12=earlier.delta_e12,
            space=earlier.subject_space,
        )
        plan = replace(plan, scans=earlier.scans, metered=earlier.metered, canonical=earlier.canonical)
        assert not isinstance(self.ledger.reserve(plan), Reserved)

    def table(self, plan: Plan) -> Released:
        """Return a released table of a random length."""
        made, rows = released(plan), self.draw.randrange(30)
        object.__setattr__(made, "rows", made.rows[:1] * rows)
        object.__setattr__(made, "widths", made.widths[:1] * rows)
        return made

    def period(self) -> Period:
        """Return a random period that is over."""
        start, end = self.tally.charges[0].minute, self.scene.clock.ms // 60_000
        minutes = sorted(self.draw.sample(range(start // 60, end + 1), 2))
        return Period(minutes[0] * 60, minutes[1] * 60)


def cost(plan: Plan) -> int:
    """Say what a use costs in our own words: the price list read once more, with fractions."""
    terms, tariff = plan.admitted.contract.terms, plan.admitted.contract.terms.tariff
    read = [scan.version.dataset.name for scan in plan.scans]
    ceiling = min(CEILINGS[name] for name in read)
    if tariff is None:
        return min(terms.price_per_query_fen, ceiling)
    whole = Fraction(terms.price_per_query_fen)
    whole += plan.metered.cells * Fraction(tariff.per_cell, 1000)
    whole += sum(-(-ROWS[name] // 10_000) for name in read) * Fraction(tariff.per_row_bucket, 1000)
    whole += len(read) * -(-max(ROWS[name] for name in read) // 1_000_000) * Fraction(tariff.per_cpu_unit, 1000)
    whole += -(-plan.micro_rho // 1000) * Fraction(tariff.per_milli_rho, 1000)
    return min(int(whole), tariff.most_fen, ceiling)


def holds(log: Examined, period: Period, contract: str, token: bytes, node: Node) -> None:
    """Hold one statement, the auditor's bill and our own tally to each other, with every split."""
    said = documents.open_statement(token, RECEIPT_KEY.public)
    report = hold_statement(log, token)
    assert report.ok, [*report.report.findings, *report.findings]
    assert report.counted == said.lines
    assert {each.code for each in report.findings} <= {BillCode.PERIOD_STATED_AGAIN}
    charged = [line for line in said.lines if line.queries]
    counted = {line.contract: (line.queries, line.free, line.micro_rho, line.fen) for line in charged}
    assert counted == node.tally.of(period, contract)
    for agreed in node.contracts:
        for line in (line for line in said.lines if line.contract == agreed.terms.id):
            due = node.tally.shares(period, agreed)
            assert sum(share.fen for share in line.shares) == (line.fen if agreed.terms.split else 0)
            assert all(abs(share.fen - due.get(share.department, Fraction(0))) < 1 for share in line.shares)


def falsified(log: Examined, token: bytes) -> None:
    """Let the node sign one fen more for its last contract: the figure is named, and the share that grew with it."""
    said = documents.open_statement(token, RECEIPT_KEY.public)
    if not said.lines:
        return
    *others, last = said.lines
    grown = tuple(replace(share, fen=share.fen + (place == 0)) for place, share in enumerate(last.shares))
    false = replace(said, lines=(*others, replace(last, fen=last.fen + 1, shares=grown)))
    found = hold_statement(log, documents.sign_statement(false, RECEIPT_KEY)).findings
    named = [(each.subject, each.stated) for each in found if each.code is BillCode.FIGURE_DIFFERS]
    assert named == [("fen", last.fen + 1)]
    shares = [each.subject for each in found if each.code is BillCode.SHARE_DIFFERS]
    assert shares == [share.department for share in last.shares[:1]]


def revenue(logs: list[Examined], nodes: list[Node]) -> int:
    """Hold the sum over all nodes to our own; one fen over is found. Return the sum."""
    charges = [use for node in nodes for use in node.tally.charges]
    fen = 0
    for consumer in (RIVAL, ""):
        fen = sum(use.fen for use in charges if consumer in {"", use.consumer})
        within = sum_revenue(logs, fen, consumer)
        assert within.ok
        assert within.fen == fen
        over = sum_revenue(logs, fen - 1, consumer)
        assert not over.ok
        assert [(each.code, each.subject) for each in over.findings if not each.note] == [
            (BillCode.REVENUE_ABOVE_MAXIMUM, "1")
        ]
    return fen


@dataclass(frozen=True)
class Found:
    """What was held together: uses that were charged, statements, fen of all."""

    charges: int
    statements: int
    fen: int


def lived(folder: Path, draw: random.Random, uses: int) -> Found:
    """Let three nodes, one in two years, take so many uses each, and hold every statement and the revenue."""
    logs: list[Examined] = []
    nodes: list[Node] = []
    usual, statements = scene.NODE, 0
    try:
        for number, (place, later_ms) in enumerate([(0, 0), (1, 0), (2, 0), (0, YEAR_MS)]):
            scene.NODE = NODES[place]
            home = folder / str(number)
            home.mkdir()
            node = Node(home, START_MS + later_ms, draw)
            for _ in range(uses):
                node.use()
            whole = Period(BEGIN_S, node.scene.clock.ms // 60_000 * 60)
            asked = [(whole, ""), (node.period(), ""), (node.period(), draw.choice(node.contracts).terms.id)]
            stated = [(period, name, node.ledger.state_account(period, name)[1]) for period, name in asked]
            node.ledger.export(home / "bundle", papers())
            node.ledger.close()
            nodes.append(node)
            logs.append(examine(home / "bundle", SPACE_KEY.public))
            for period, name, token in stated:
                holds(logs[-1], period, name, token, node)
                falsified(logs[-1], token)
            statements += len(stated)
    finally:
        scene.NODE = usual
    return Found(sum(len(node.tally.charges) for node in nodes), statements, revenue(logs, nodes))
