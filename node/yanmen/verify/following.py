"""Steps 8 to 17 of the procedure: the leaves followed in order, each against those before it."""

from dataclasses import dataclass

from yanmen.formats.bundle import Statement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.model.party import Party, Register
from yanmen.verify import metering
from yanmen.verify.acknowledging import Acknowledgements
from yanmen.verify.erasing import Erasures
from yanmen.verify.keeping import Keeping
from yanmen.verify.metering import Order, Replay
from yanmen.verify.report import Finding
from yanmen.verify.requests import Requests
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


class Following:
    """What the leaves so far make of everything a leaf can be held against."""

    __slots__ = (
        "_acknowledgements",
        "_erasures",
        "_findings",
        "_keeping",
        "_order",
        "_replay",
        "_requests",
        "_trust",
        "uses",
    )

    def __init__(self, trust: Trust) -> None:
        """Begin before leaf 0 of the log that `trust` names."""
        self._trust = trust
        self._order, self._replay, self._requests = Order(), Replay(), Requests(trust.members)
        standing = Standing(trust.members, trust.party)
        self._keeping = Keeping(standing, self._replay)
        self._erasures = Erasures(standing)
        self._acknowledgements = Acknowledgements(trust.head.origin)
        self._findings: list[Finding] = []
        self.uses: list[Use] = []

    def add(self, use: Use, said: All) -> None:
        """Take in the next leaf and all its receipt discloses."""
        self._order.add(use)
        self._replay.add(use)
        claims, wrong = self._requests.check(use)
        self._findings.extend(wrong)
        self._findings.extend(self._keeping.check(use, said, claims))
        self._findings.extend(self._acknowledgements.check(use))
        self._findings.extend(self._erasures.check(use))
        self.uses.append(use)

    def finish(self, findings: list[Finding]) -> Replay:
        """Return the totals once the last leaf was taken in; `findings` grows by all that did not fit."""
        self._replay.finish(max((use.head.iat_s for use in self.uses), default=0))
        stated = self._trust.statement
        findings.extend(self._order.finish(self._trust.head.size))
        findings.extend(self._findings)
        findings.extend(self._replay.findings)
        findings.extend(metering.compare_contracts(stated.contracts, self._replay.contracts.values()))
        findings.extend(metering.compare_spaces(stated.spaces, self._replay.spaces.values()))
        findings[:] = self._erasures.excused(findings)
        return self._replay
