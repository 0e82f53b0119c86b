"""Steps 8 to 22 of the procedure: the leaves followed in order, each against those before it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from yanmen.formats.bundle import Statement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.model.contract import Terms
from yanmen.model.inspection import Issue
from yanmen.model.party import Party, Register
from yanmen.model.receipt import Stage
from yanmen.verify import metering
from yanmen.verify.acknowledging import ABOUT_ANSWERS, Acknowledgements
from yanmen.verify.deleting import ABOUT_DELETION, Deletions
from yanmen.verify.erasing import ABOUT_ERASING, Erasures
from yanmen.verify.governing import GOVERNED, Governing
from yanmen.verify.granted import withheld
from yanmen.verify.inspections import Inspections
from yanmen.verify.keeping import HELD, Keeping
from yanmen.verify.key_book import ABOUT_KEYS, KeyBook
from yanmen.verify.metering import Order, Replay
from yanmen.verify.prices import PRICED, Prices
from yanmen.verify.report import Finding
from yanmen.verify.requests import Opened, Requests, opened
from yanmen.verify.standing import All, Standing
from yanmen.verify.uses import Use


@dataclass(frozen=True, slots=True)
class Trust:
    """What steps 1 to 3 established."""

    statement: Statement
    members: Register
    party: Party
    head: Checkpoint
    checkpoint: bytes


SUPERVISED = GOVERNED | {Stage.INSPECTION}
"""Stages of what authorities look at beside uses."""


class Following:
    """What the leaves so far make of everything a leaf can be held against."""

    __slots__ = (
        "_acknowledgements",
        "_deletions",
        "_erasures",
        "_findings",
        "_governing",
        "_inspections",
        "_keeping",
        "_keys",
        "_order",
        "_prices",
        "_replay",
        "_requests",
        "_standing",
        "_trust",
        "uses",
    )

    def __init__(self, trust: Trust) -> None:
        """Begin before leaf 0 of the log that `trust` names."""
        self._trust = trust
        self._keys = KeyBook(trust.members, trust.party, trust.head.origin)
        self._order, self._replay, self._requests = Order(), Replay(), Requests(self._keys)
        self._standing = Standing(self._keys)
        self._keeping = Keeping(self._standing, self._replay)
        self._prices = Prices(self._standing, self._replay.begun)
        self._inspections = Inspections(self._keys)
        self._governing = Governing(self._keys, self._standing)
        self._erasures = Erasures(self._standing)
        self._deletions = Deletions(self._keys, self._standing)
        self._acknowledgements = Acknowledgements(trust.head.origin, self._keys)
        self._findings: list[Finding] = []
        self.uses: list[Use] = []

    def add_all(self, leaves: Sequence[tuple[Use, All]]) -> None:
        """Take in the next leaves with all that their receipts disclose."""
        claimed = [opened(use) for use, _ in leaves]
        for (use, said), claims in zip(leaves, claimed, strict=True):
            self._add(use, said, claims)
        self._findings.extend(self._acknowledgements.verified())

    def add(self, use: Use, said: All) -> None:
        """Take in the next leaf and all its receipt discloses."""
        self.add_all(((use, said),))

    def _add(self, use: Use, said: All, signed: Opened) -> None:
        stage, found = use.head.stage, self._findings.extend
        if stage in ABOUT_KEYS:
            found(self._keys.follow(use))
        self._order.add(use)
        self._replay.add(use)
        claims = None
        if signed is not None:
            claims, wrong = self._requests.check(use, signed)
            found(wrong)
        if stage in HELD:
            found(self._keeping.check(use, said, claims))
        if stage in ABOUT_ANSWERS:
            found(self._acknowledgements.check(use))
        if stage in ABOUT_ERASING:
            found(self._erasures.check(use))
        if stage in ABOUT_DELETION:
            found(self._deletions.check(use))
        self._agreed(use, said)
        if stage in SUPERVISED:
            self._supervised(use, said)
        self.uses.append(use)

    def _agreed(self, use: Use, said: All) -> None:
        """Hold the leaf to the prices of its contract, and to what that grants the regulator."""
        agreement = self._standing.agreements.get(use.contract)
        if agreement is None:
            return
        if use.head.stage in PRICED:
            self._findings.extend(self._prices.check(use, said, agreement))
        if agreement.terms.regulator_discloses:
            self._findings.extend(withheld(use.index, use.head.stage, said.keys(), agreement.terms))

    def _supervised(self, use: Use, said: All) -> None:
        """Follow inspections, and documents that govern catalogue and operation."""
        if use.head.stage is Stage.INSPECTION:
            self._findings.extend(self._inspections.check(use, said))
        if use.head.stage in GOVERNED:
            self._findings.extend(self._governing.check(use, said))

    @property
    def terms(self) -> Mapping[str, Terms]:
        """The terms of the contracts offered so far, as their consumers signed them."""
        return {name: agreement.terms for name, agreement in self._standing.agreements.items()}

    @property
    def standing(self) -> Standing:
        """What is in force after the leaves so far."""
        return self._standing

    @property
    def carried(self) -> Mapping[str, str]:
        """The newest step of each finding that this log took over from the one before."""
        return self._inspections.carried

    @property
    def inspections(self) -> tuple[Issue, ...]:
        """The findings of inspections as they stand, by their ids."""
        return tuple(self._inspections.cases[name] for name in sorted(self._inspections.cases))

    @property
    def steps(self) -> frozenset[str]:
        """Hex SHA-256 of every signed step of an inspection that the log records."""
        return frozenset(self._inspections.digests)

    def about(self, indices: Set[int], read: Sequence[Finding]) -> list[Finding]:
        """Return what the leaves so far make of those in `indices`, with what reading them found."""
        found = (*self._order.findings, *self._findings, *self._replay.findings)
        excused = self._erasures.excused([*read, *(one for one in found if one.index in indices)])
        return [one for one in excused if one.index in indices]

    def erased(self, use: Use) -> None:
        """Take in a later leaf only for what it says was destroyed."""
        self._findings.extend(self._erasures.check(use))

    def finish(self, findings: list[Finding]) -> Replay:
        """Return the totals once the last leaf was taken in; `findings` grows by all that did not fit."""
        last_s = max((use.head.iat_s for use in self.uses), default=0)
        self._replay.finish(last_s)
        stated = self._trust.statement
        findings.extend(self._order.finish(self._trust.head.size))
        findings.extend(self._keys.finish(self._trust.head.size))
        findings.extend(self._findings)
        findings.extend(self._inspections.finish(last_s))
        findings.extend(self._governing.finish(last_s))
        findings.extend(self._deletions.finish(last_s))
        findings.extend(self._replay.findings)
        findings.extend(metering.compare_contracts(stated.contracts, self._replay.contracts.values()))
        findings.extend(metering.compare_spaces(stated.spaces, self._replay.spaces.values()))
        findings[:] = self._erasures.excused(findings)
        return self._replay
