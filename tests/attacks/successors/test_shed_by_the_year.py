"""An operator with all keys of its node begins the next year's log, and leaves behind what bound it in the old one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats import checkpoint, opening
from yanmen.formats.bundle import ContractTotal
from yanmen.ledger import datasets, inspections, succession
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.succession import Step
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.inspection import Act
from yanmen.model.stages import Plan
from yanmen.model.tariff import Free, FreeFor, Tariff
from yanmen.verify import chain
from yanmen.verify.procedure import Examined, examine

from tests.unit.ledger.scene import (
    NODE,
    PROFILE,
    SPACE,
    SPACE_KEY,
    SUBJECTS,
    Scene,
    accepted,
    offered,
    papers,
    plan_of,
    released,
    reserved,
)
from tests.unit.ledger.test_succession import head, year_step
from tests.unit.verify.test_inspections import FINDING, members, opened, signed
from tests.unit.verify.test_inspections import follows as answer

TERMS: dict[str, Any] = {"tariff": Tariff(most_fen=200, free=Free(FreeFor.FIRST_USES, 2)), "not_after_ms": 2**41}


@dataclass
class Years:
    """The log of a year with a contract used three times, and the one that follows it."""

    folder: Path
    scene: Scene
    ledger: Ledger
    contract: Contract

    def ask(self, ledger: Ledger, plan: Plan | None = None) -> None:
        held = reserved(ledger.reserve(plan or self.scene.plan(self.contract)))
        ledger.settle(held, released(held.plan), PROFILE)

    def close(self) -> Examined:
        """Return the old log as an auditor sees it."""
        self.ledger.recover()
        return self._examined(self.ledger, "old")

    def follow(self, use: Callable[[Ledger], None] | None = None, step: Step | None = None) -> Examined:
        """Begin the next log, let it be used, and return it as an auditor sees it."""
        path = self.folder / "next.db"
        self.ledger.begin_next(path, step or year_step(self.ledger))
        with Scene(path, self.scene.limits, self.scene.clock).open(create=False) as new:
            (use or self.ask)(new)
            return self._examined(new, "new")

    def _examined(self, ledger: Ledger, name: str) -> Examined:
        register = documents.sign_register(members(), SPACE_KEY)
        ledger.export(self.folder / name, replace(papers(), register=register))
        return examine(self.folder / name, SPACE_KEY.public)


@pytest.fixture
def years(tmp_path: Path) -> Iterator[Years]:
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        made = Years(tmp_path, scene, ledger, scene.furnish(ledger, **TERMS))
        for _ in range(3):
            made.ask(ledger)
        yield made


def found(later: Examined, earlier: Examined) -> list[str]:
    return [each.subject for each in chain.follows(later, earlier)]


def test_an_honest_node_goes_on(years: Years) -> None:
    """Free uses are counted on as well: the contract had its two, and pays in the new year."""
    token = signed(opened())
    years.ledger.record_step(documents.peek_step(token), token)
    old = years.close()
    new = years.follow()
    assert old.report.ok
    assert new.report.ok, new.report.findings
    assert found(new, old) == []
    assert [issue.finding for issue in new.report.inspections] == [FINDING]


def test_a_free_use_of_the_new_year_is_one_too_many(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yanmen.ledger.budget.is_free", lambda _db, _plan: True)
    old, new = years.close(), years.follow()
    assert old.report.ok
    assert [(each.code.value, each.subject) for each in new.report.findings if each.severity.value != "note"] == [
        ("METER_DIFFERS", "free"),
        ("PRICE_DIFFERS", "0 / 120"),
    ]


def shed_sums(patch: pytest.MonkeyPatch, _: Years) -> None:
    """Every figure of the contract begins at zero, and the opening says nothing of it."""
    honest, carry = opening.Opening.json, succession._carry_contract

    def zero(old: Any, db: Any, log: Any, contract: Contract) -> None:
        carry(old, db, log, contract)
        db.execute(
            "UPDATE contract SET queries_spent = 0, micro_rho_spent = 0, delta_e12_spent = 0, price_fen_spent = 0"
        )

    patch.setattr(succession, "_carry_contract", zero)
    patch.setattr(succession, "_total", lambda _, one: ContractTotal(one.terms.id))
    patch.setattr(opening.Opening, "json", lambda told: honest(replace(told, contracts=())))


def came_back(patch: pytest.MonkeyPatch, years: Years) -> None:
    """A contract that its holder had ended is carried as if it stood."""
    contract = replace(years.contract, status=ContractStatus.ACTIVE)
    patch.setattr("yanmen.ledger.contracts.listed", lambda _db, _name: (contract,))
    years.ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")


def other_version(patch: pytest.MonkeyPatch, years: Years) -> None:
    """An offer that its consumer signed once, at a higher price, is carried instead of the one in force."""
    terms = replace(years.contract.terms, price_per_query_fen=199)
    dearer = replace(offered(terms), acceptance=accepted(terms), status=ContractStatus.ACTIVE, decided_by="Li Si")
    patch.setattr("yanmen.ledger.contracts.listed", lambda _db, _name: (dearer,))
    years.contract = dearer


def more_budget(patch: pytest.MonkeyPatch, _: Years) -> None:
    honest = succession._spent

    def doubled(row: Any, step: Step) -> Any:
        space, total = honest(row, step)
        return SubjectSpace(space.name, 2 * space.lifetime_micro_rho, space.lifetime_delta_e12), total

    patch.setattr(succession, "_spent", doubled)


def withdrawn(patch: pytest.MonkeyPatch, years: Years) -> None:
    years.ledger.retract("persons")
    patch.setattr(datasets, "retract", lambda *_: None)


def dated_back(_: pytest.MonkeyPatch, years: Years) -> None:
    years.scene.clock.ms -= 3_600_000


def dropped_finding(patch: pytest.MonkeyPatch, years: Years) -> None:
    token = signed(opened())
    years.ledger.record_step(documents.peek_step(token), token)
    patch.setattr(inspections, "carry", lambda *_: None)


SHED: dict[str, Callable[[pytest.MonkeyPatch, Years], None]] = {
    "begins with other sums": shed_sums,
    "was over and came back": came_back,
    "is not said again as it stood": other_version,
    "begins with more than its lifetime budget": more_budget,
    "data is read that was withdrawn before": withdrawn,
    "it begins before the log before it ended": dated_back,
    f"finding {FINDING} does not go on as it stood": dropped_finding,
}


@pytest.mark.parametrize("why", SHED)
def test_what_is_shed_is_found(why: str, years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new log holds by itself: only beside the old one is it seen."""
    SHED[why](monkeypatch, years)
    old, new = years.close(), years.follow()
    assert old.report.ok
    assert new.report.ok, new.report.findings
    (subject,) = found(new, old)
    assert why in subject


def test_a_finding_rectified_in_between_is_found(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    """A late answer is put where a new log says again what the old one had, so that it looks as if it was in time."""
    token = signed(opened())
    years.ledger.record_step(documents.peek_step(token), token)
    old = years.close()
    years.scene.clock.ms += 8 * 86_400_000
    rectified = signed(replace(answer(token, Act.RECTIFIED), by=NODE))
    honest = inspections.carry

    def carry(before: Any, db: Any, log: Any) -> None:
        honest(before, db, log)
        inspections.record(db, log, documents.peek_step(rectified), rectified)

    monkeypatch.setattr(inspections, "carry", carry)
    new = years.follow()
    assert new.report.ok
    assert found(new, old) == [f"finding {FINDING} does not go on as it stood"]


@pytest.mark.parametrize(
    ("session", "why"), [("", "was used in both"), ("ab" * 16, "is charged beyond its maxima in both together")]
)
def test_what_a_consumer_signed_is_used_up_in_both_together(
    session: str, why: str, years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(canonical: str) -> Plan:
        now_ms, jti = years.scene.clock.ms, "cd" * 16
        sizes: dict[str, Any] = {"max_micro_rho": 150, "max_price_fen": 10_000}
        return plan_of(years.contract, now_ms, jti, canonical * 32, canonical=canonical, session=session, **sizes)

    years.ask(years.ledger, plan("1"))
    old = years.close()
    monkeypatch.setattr(succession, "_COPIED", {})
    new = years.follow(lambda ledger: years.ask(ledger, plan("2")))
    assert new.report.ok, new.report.findings
    (subject,) = found(new, old)
    assert why in subject


def test_a_gap_that_names_another_history_is_found(years: Years) -> None:
    """The leaves that the node says it lost are here, and are not those under the head that it names."""
    old = years.close()
    size = head(years.ledger).size
    seen = replace(head(years.ledger), root=bytes(32))
    step = Step(checkpoint.origin(NODE, 2026, 2), SPACE, seen, size - 1, "lost with a disk", {SUBJECTS: 5_000})
    new = years.follow(lambda _: None, step)
    assert found(new, old) == ["the head it names is of another history"]
