"""A lifetime budget is renewed by a signed leaf only, not before its time, and everybody can recompute it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Renewal, SubjectSpace
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault, Reason, Refused
from yanmen.verify import verify_bundle

from tests.unit.ledger.scene import SPACE_KEY, START_MS, SUBJECTS, Scene, disclosed, papers

DAY_MS = 86_400_000
MORE = Renewal(SUBJECTS, 5_000, 7, "张三", "second survey", START_MS + 30 * DAY_MS)


def epsilon(micro_rho: int, delta_e12: int) -> str:
    return f"e{micro_rho}@{delta_e12}"


@pytest.fixture
def held(scene: Scene, ledger: Ledger, contract: Contract) -> SubjectSpace:
    """Return what is left of the space when the test begins."""
    left = ledger.space_left(SUBJECTS)
    assert left is not None
    return left


def test_a_renewal_adds_and_its_leaf_says_who_why_and_how_much_in_all(ledger: Ledger, held: SubjectSpace) -> None:
    before = next(space for space in ledger.spaces() if space.name == SUBJECTS)
    said = disclosed(ledger.renew_space(MORE, epsilon)).slots[Slot.SUBJECT]
    after = next(space for space in ledger.spaces() if space.name == SUBJECTS)
    assert (after.micro_rho, after.delta_e12) == (before.micro_rho + 5_000, before.delta_e12 + 7)
    assert (after.micro_rho_spent, after.next_renewal_ms) == (before.micro_rho_spent, MORE.next_ms)
    assert said == {
        "approver": "张三",
        "epsilon_delta_e12": 1_000_000 + after.delta_e12,
        "epsilon_lifetime": f"e{after.micro_rho}@1000000",
        "epsilon_spent": f"e{before.micro_rho_spent}@1000000",
        "lifetime_delta_e12": after.delta_e12,
        "lifetime_micro_rho": after.micro_rho,
        "next_ms": MORE.next_ms,
        "reason": "second survey",
        "space": SUBJECTS,
        "spent_delta_e12": before.delta_e12_spent,
        "spent_micro_rho": before.micro_rho_spent,
        "status": "renewed",
    }
    assert ledger.space_left(SUBJECTS) == SubjectSpace(
        SUBJECTS, held.lifetime_micro_rho + 5_000, held.lifetime_delta_e12 + 7
    )
    assert ledger.next_renewal_ms(SUBJECTS) == MORE.next_ms


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"approver": " "}, Reason.POLICY_FORBIDS),
        ({"reason": ""}, Reason.POLICY_FORBIDS),
        ({"reason": "x" * 1_001}, Reason.POLICY_FORBIDS),
        ({"micro_rho": 0, "delta_e12": 0}, Reason.POLICY_FORBIDS),
        ({"micro_rho": -1}, Reason.POLICY_FORBIDS),
        ({"micro_rho": 10**9}, Reason.POLICY_FORBIDS),
        ({"delta_e12": 10**12}, Reason.POLICY_FORBIDS),
        ({"next_ms": START_MS}, Reason.POLICY_FORBIDS),
        ({"space": "elsewhere"}, Reason.SUBJECT_SPACE_UNKNOWN),
    ],
)
def test_what_is_no_renewal_is_refused(
    ledger: Ledger, held: SubjectSpace, change: dict[str, object], reason: Reason
) -> None:
    with pytest.raises(Refused) as caught:
        ledger.renew_space(replace(MORE, **change), epsilon)  # type: ignore[arg-type]
    assert caught.value.reason is reason
    assert ledger.space_left(SUBJECTS) == held


def test_the_next_renewal_waits_for_its_announced_day(scene: Scene, ledger: Ledger, held: SubjectSpace) -> None:
    ledger.renew_space(MORE, epsilon)
    with pytest.raises(Refused) as caught:
        ledger.renew_space(replace(MORE, next_ms=START_MS + 90 * DAY_MS), epsilon)
    assert caught.value.detail.subject == "next"
    scene.clock.ms = MORE.next_ms
    ledger.renew_space(replace(MORE, next_ms=START_MS + 90 * DAY_MS), epsilon)
    assert ledger.next_renewal_ms(SUBJECTS) == START_MS + 90 * DAY_MS


def test_the_configuration_still_names_what_was_registered(scene: Scene, ledger: Ledger, held: SubjectSpace) -> None:
    first = SubjectSpace("plants", 1_000, 0)
    ledger.register_space(first)
    ledger.renew_space(replace(MORE, space="plants"), epsilon)
    assert ledger.register_space(first) is None
    for other in (SubjectSpace("plants", 6_000, 7), SubjectSpace("plants", 999, 0)):
        with pytest.raises(Fault):
            ledger.register_space(other)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE subject_space SET micro_rho_cap = micro_rho_cap + 1", "not as its leaves say"),
        ("DELETE FROM renewal", "never deleted"),
        ("UPDATE renewal SET next_ms = 0", "never changes"),
    ],
)
def test_altered_renewals_are_found(
    scene: Scene, ledger: Ledger, held: SubjectSpace, altered: Callable[..., None], statement: str, found: str
) -> None:
    ledger.renew_space(MORE, epsilon)
    altered(statement, found)


@pytest.fixture
def altered(scene: Scene, ledger: Ledger) -> Callable[[str, str], None]:
    def change(statement: str, found: str) -> None:
        with closing(sqlite3.connect(scene.path)) as db, db:
            if "never" in found:
                with pytest.raises(sqlite3.IntegrityError, match=found):
                    db.execute(statement)
                return
            db.execute(statement)
        with pytest.raises(Fault, match=found):
            ledger.check()
        with closing(sqlite3.connect(scene.path)) as db, db:
            db.execute("UPDATE subject_space SET micro_rho_cap = micro_rho_cap - 1")

    return change


def test_an_auditor_follows_renewals(scene: Scene, ledger: Ledger, held: SubjectSpace, tmp_path: Path) -> None:
    ledger.renew_space(MORE, epsilon)
    ledger.export(tmp_path / "bundle", papers())
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    assert report.ok, report.findings
