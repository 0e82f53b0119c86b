"""Replays the log: series, intents and their outcomes, budgets and prices, from receipts alone.

Nothing here reads what the node states of itself except to compare it in the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from yanmen.formats import base64url, opening
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.malformed import Malformed
from yanmen.formats.slots import Budget, Price, Verdict
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

RUNNING_S = 600
"""An intent no older than this against the last leaf may still be running; no question takes longer."""

_VERDICTS: dict[Stage, frozenset[Verdict]] = {
    Stage.EXPLAINED: frozenset({Verdict.ALLOWED}),
    Stage.INTENT: frozenset({Verdict.ALLOWED}),
    Stage.OUTCOME: frozenset({Verdict.ALLOWED, Verdict.REPEATED}),
    Stage.ABORTED: frozenset({Verdict.ABORTED}),
    Stage.REFUSED: frozenset({Verdict.REFUSED}),
}


@dataclass(slots=True)
class Replay:
    """Running totals while the leaves are read in order; `findings` grows as something does not fit."""

    contracts: dict[str, ContractTotal] = field(default_factory=dict)
    spaces: dict[str, SpaceTotal] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)
    """Uses of each contract in the log before."""
    _last: dict[str, str] = field(default_factory=dict)
    _lengths: dict[str, int] = field(default_factory=dict)
    _open: dict[str, Use] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)

    def add(self, use: Use) -> None:
        """Account for the next leaf."""
        reference = use.reference
        self._follow_series(use, reference)
        verdicts = _VERDICTS.get(use.head.stage)
        if verdicts is not None and use.decision is not None and use.decision.verdict not in verdicts:
            self._find(Code.DECISION_WRONG, use)
        match use.head.stage:
            case Stage.INTENT:
                self._open[reference] = use
                self._debit(use)
            case Stage.OUTCOME | Stage.ABORTED:
                self._close(use)
            case Stage.GENESIS:
                self._begin(use)
            case (
                Stage.ACKNOWLEDGED
                | Stage.REFUSED
                | Stage.EXPLAINED
                | Stage.KEY
                | Stage.MEMBER
                | Stage.DATASET
                | Stage.CONTRACT
                | Stage.APPROVAL
                | Stage.OBJECTION
                | Stage.INCIDENT
                | Stage.ERASURE
                | Stage.STATEMENT
                | Stage.NOISE
                | Stage.SET
                | Stage.OPENED
                | Stage.INSPECTION
                | Stage.DOCUMENT
                | Stage.CONTROL
            ):
                return

    def _begin(self, use: Use) -> None:
        """Begin with the sums of the log before, if this one continues one."""
        try:
            found = opening.read(use.subject)
        except Malformed as error:
            self._find(Code.SLOT_MALFORMED, use, f"subject: {error}")
            return
        if found is None:
            return
        self.contracts.update({total.contract: total for total in found.contracts})
        self.spaces.update({total.space: total for total in found.spaces})
        self.begun.update({total.contract: total.queries for total in found.contracts})
        head = f"{found.previous.origin} {found.previous.size} {base64url.encode(found.previous.root)}"
        self._find(Code.CONTINUES, use, head)
        if found.gap:
            self._find(Code.DECLARED_GAP, use, f"{found.held}-{found.previous.size - 1}: {found.gap}")

    def finish(self, last_s: int) -> None:
        """Report the intents that nothing closed although the log went on until `last_s`, and count the series."""
        for contract, leaves in self._lengths.items():
            total = self.contracts.get(contract) or ContractTotal(contract)
            self.contracts[contract] = replace(total, leaves=leaves)
        for use in self._open.values():
            dropped = last_s - use.head.iat_s > RUNNING_S
            self._find(Code.INTENT_OPEN if dropped else Code.INTENT_RUNNING, use)

    def _follow_series(self, use: Use, reference: str) -> None:
        if use.series is None:
            return
        contract, n = use.contract, use.series.n
        if (n, use.series.prev) != (self._lengths.get(contract, 0) + 1, self._last.get(contract, "")):
            self._find(Code.SERIES_BROKEN, use, contract or "-")
        self._lengths[contract] = n
        self._last[contract] = reference

    def _debit(self, use: Use) -> None:
        if use.budget is None or use.price is None:
            return
        total = self.contracts.get(use.contract) or ContractTotal(use.contract)
        total = ContractTotal(
            use.contract,
            total.leaves,
            total.queries + 1,
            total.micro_rho + use.budget.micro_rho,
            total.delta_e12 + use.budget.delta_e12,
            total.fen + use.price.fen,
        )
        self.contracts[use.contract] = total
        if use.budget.space:
            space = self.spaces.get(use.budget.space) or SpaceTotal(use.budget.space)
            self.spaces[space.space] = SpaceTotal(
                space.space, space.micro_rho + use.budget.micro_rho, space.delta_e12 + use.budget.delta_e12
            )
        self._compare_spent(use, use.budget, use.price, total)

    def _close(self, use: Use) -> None:
        reference = use.head.intent
        intent = self._open.pop(reference, None)
        if intent is not None:
            self._closed.add(reference)
            charges = (use.contract, use.budget, use.price), (intent.contract, intent.budget, intent.price)
            if charges[0] != charges[1]:
                self._find(Code.CHARGE_DIFFERS, use)
            if use.decision is not None and use.decision.verdict is Verdict.REPEATED:
                self._find(Code.DECISION_WRONG, use)
        elif reference in self._closed:
            self._find(Code.INTENT_CLOSED_TWICE, use)
        elif use.decision is not None and use.decision.verdict is Verdict.REPEATED:
            self._repeat(use)
        else:
            self._find(Code.OUTCOME_WITHOUT_INTENT, use)

    def _repeat(self, use: Use) -> None:
        """Hold the same answer given again to costing nothing."""
        if use.budget is None or use.price is None:
            return
        if use.budget.micro_rho or use.budget.delta_e12 or use.price.fen:
            self._find(Code.CHARGE_DIFFERS, use)
        total = self.contracts.get(use.contract) or ContractTotal(use.contract)
        self._compare_spent(use, use.budget, use.price, total)

    def _compare_spent(self, use: Use, budget: Budget, price: Price, total: ContractTotal) -> None:
        if (budget.spent_micro_rho, budget.spent_delta_e12) != (total.micro_rho, total.delta_e12):
            self._find(Code.SPENT_DIFFERS, use, "budget")
        if price.spent_fen != total.fen:
            self._find(Code.SPENT_DIFFERS, use, "price")

    def _find(self, code: Code, use: Use, subject: str = "") -> None:
        self.findings.append(finding(code, use.index, use.head.stage, subject))


@dataclass(slots=True)
class Order:
    """Holds the leaves to one genesis at index 0, times that do not go back and ids that occur once."""

    findings: list[Finding] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _time_s: int = 0

    def add(self, use: Use) -> None:
        """Look at the next leaf."""
        head = use.head
        if (head.stage is Stage.GENESIS) != (use.index == 0):
            self.findings.append(finding(Code.GENESIS_WRONG, use.index, head.stage))
        if head.iat_s < self._time_s:
            self.findings.append(finding(Code.TIME_BACKWARDS, use.index, head.stage))
        if head.jti in self._seen:
            self.findings.append(finding(Code.JTI_REPEATED, use.index, head.stage))
        self._seen.add(head.jti)
        self._time_s = max(self._time_s, head.iat_s)

    def finish(self, size: int) -> tuple[Finding, ...]:
        """Return what is wrong with the order of all `size` leaves."""
        empty = [finding(Code.GENESIS_WRONG, 0)] if size == 0 else []
        return (*self.findings, *empty)


def compare_contracts(stated: Iterable[ContractTotal], counted: Iterable[ContractTotal]) -> tuple[Finding, ...]:
    """Return the contracts whose totals are stated otherwise than they were counted."""
    left = {total.contract: total for total in stated if total != ContractTotal(total.contract)}
    right = {total.contract: total for total in counted if total.contract}
    names = sorted(left.keys() | right.keys())
    return tuple(
        finding(Code.CONTRACT_TOTAL_DIFFERS, subject=name) for name in names if left.get(name) != right.get(name)
    )


def compare_spaces(stated: Iterable[SpaceTotal], counted: Iterable[SpaceTotal]) -> tuple[Finding, ...]:
    """Return the subject spaces whose totals are stated otherwise than they were counted."""
    left = {total.space: total for total in stated if total != SpaceTotal(total.space)}
    right = {total.space: total for total in counted if total != SpaceTotal(total.space)}
    names = sorted(left.keys() | right.keys())
    return tuple(finding(Code.SPACE_TOTAL_DIFFERS, subject=name) for name in names if left.get(name) != right.get(name))
