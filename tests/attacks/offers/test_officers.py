"""Attacks on approval by officers: another's part, department or offer, one person for two, names for keys."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from yanmen.admission.policies import shipped
from yanmen.crypto import governance, keys
from yanmen.formats import connector_id
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Grade
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.office import WHO, Act, OfficeStep
from yanmen.model.party import PartyRole, PartyStatus
from yanmen.model.refusal import Reason
from yanmen.node import approving
from yanmen.node.approving import Deadlines
from yanmen.node.holder import Holder

from tests.attacks.offers.scene import NODE, NOW_MS, Counting, World, dataset, refused

HOUR_MS = 3_600_000
REASONS = {"necessity": "必要", "legality": "合法", "security": "安全"}


class _Register:
    def __init__(self, world: World) -> None:
        self._world = world

    def current(self) -> Any:
        return self._world.register


class Bureau:
    """A department with its officers, each with a key of their own."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self.signers: dict[str, keys.FileSigner] = {}
        self.ids: dict[PartyRole, str] = {}
        for number, role in enumerate((*WHO.values(), PartyRole.AUDITOR)):
            self.ids.setdefault(role, self.enrol(role, f"OFFICER{number}"))

    def enrol(self, role: PartyRole, name: str, subject: str = "91140100MA0GTTTT0X") -> str:
        party = connector_id.build("5", subject, "1401", name)
        self.signers[party] = keys.generate(self.path / name, Counting())
        self.world.enrol(party, self.signers[party].public, role)
        return party

    @property
    def holder(self) -> Holder:
        parts: Any = {"register": _Register(self.world), "randomness": None}
        config = self.world.config
        world = self.world
        rails = self.path / config.policies
        if not rails.exists():
            shutil.copytree(shipped(), rails)
        return Holder(self.path, config, world.clock, receipt_signer=world.holder, ledger=world.ledger, **parts)

    def sign(self, act: Act, contract: Contract, by: str = "", **changed: Any) -> bytes:
        approve = act in (Act.REVIEW, Act.DECIDE, Act.RESUME)
        made = OfficeStep(
            act,
            by or self.ids[WHO[act]],
            NODE,
            contract.terms.id,
            contract.digest,
            approve,
            **REASONS,
            issued_s=NOW_MS // 1000,
        )
        step = dataclasses.replace(made, **changed)
        return governance.sign_office(step, self.signers[step.by])

    def record(self, act: Act, contract: Contract, **changed: Any) -> Contract:
        return approving.record(self.sign(act, contract, **changed), self.holder)[1]


@pytest.fixture
def bureau(world: World, tmp_path: Path) -> Bureau:
    folder = tmp_path / "bureau"
    folder.mkdir()
    world.publish(dataset(grade=Grade.IMPORTANT))
    return Bureau(world, folder)


def test_important_data_is_reviewed_then_decided_by_two_members(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    first = refused(lambda: bureau.record(Act.DECIDE, contract))
    assert (first.reason, first.detail.clauses) == (Reason.POLICY_FORBIDS, ("review 专管员初审",))
    assert bureau.record(Act.REVIEW, contract).status is ContractStatus.PENDING
    done = bureau.record(Act.DECIDE, contract)
    assert done.status is ContractStatus.ACTIVE
    assert [bureau.ids[WHO[act]] in done.decided_by for act in (Act.REVIEW, Act.DECIDE)] == [True, True]


def test_nobody_signs_anothers_part(bureau: Bureau) -> None:
    contract, size = bureau.world.pending(), bureau.world.ledger.size()
    tried = [(act, role) for act in Act for role in bureau.ids if WHO[act] is not role]
    assert len(tried) == 12
    for act, role in tried:
        refusal = refused(lambda a=act, r=role: bureau.record(a, contract, by=bureau.ids[r]))  # type: ignore[misc]
        assert refusal.reason is Reason.ROLE_NOT_ALLOWED
    assert bureau.world.ledger.size() == size


def test_an_officer_of_another_department_signs_nothing_here(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    other = bureau.enrol(PartyRole.STEWARD, "STRANGER", "91140100MA0GUUUU1Y")
    assert refused(lambda: bureau.record(Act.REVIEW, contract, by=other)).reason is Reason.ROLE_NOT_ALLOWED


def test_a_revoked_officer_signs_nothing_more_and_what_was_signed_does_not_decide(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    steward = bureau.ids[PartyRole.STEWARD]
    bureau.record(Act.REVIEW, contract)
    bureau.world.enrol(steward, bureau.signers[steward].public, PartyRole.STEWARD, PartyStatus.REVOKED)
    assert refused(lambda: bureau.record(Act.REVIEW, contract)).reason is Reason.ROLE_NOT_ALLOWED
    assert refused(lambda: bureau.record(Act.DECIDE, contract)).reason is Reason.POLICY_FORBIDS


def test_a_signature_by_another_key_does_not_count(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    steward, chief = bureau.ids[PartyRole.STEWARD], bureau.ids[PartyRole.CHIEF_DATA_OFFICER]
    step = governance.peek_office(bureau.sign(Act.REVIEW, contract))
    forged = governance.sign_office(step, bureau.signers[chief])
    assert step.by == steward
    assert refused(lambda: approving.record(forged, bureau.holder)).reason is Reason.SIGNATURE_INVALID


def test_one_member_is_not_two(bureau: Bureau) -> None:
    """Whoever held both offices in turn has not looked at it twice."""
    contract = bureau.world.pending()
    steward = bureau.ids[PartyRole.STEWARD]
    bureau.record(Act.REVIEW, contract)
    bureau.world.enrol(steward, bureau.signers[steward].public, PartyRole.CHIEF_DATA_OFFICER)
    assert refused(lambda: bureau.record(Act.DECIDE, contract, by=steward)).reason is Reason.POLICY_FORBIDS
    assert refused(lambda: bureau.record(Act.DECIDE, contract)).reason is Reason.POLICY_FORBIDS


@pytest.mark.parametrize("changed", [{"offer_sha256": "ab" * 32}, {"contract": "ab" * 16}, {"node": "other"}])
def test_an_act_about_another_offer_contract_or_node(bureau: Bureau, changed: dict[str, Any]) -> None:
    contract = bureau.world.pending()
    if "node" in changed:
        changed = {"node": connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0002")}
    step = dataclasses.replace(governance.peek_office(bureau.sign(Act.REVIEW, contract)), **changed)
    token = governance.sign_office(step, bureau.signers[step.by])
    assert refused(lambda: approving.record(token, bureau.holder)).reason is not Reason.ROLE_NOT_ALLOWED
    assert bureau.world.ledger.office(contract.terms.id, Act.REVIEW) is None


def test_a_review_against_lets_nobody_decide_for(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    bureau.record(Act.REVIEW, contract, approve=False)
    assert refused(lambda: bureau.record(Act.DECIDE, contract)).reason is Reason.POLICY_FORBIDS
    assert bureau.record(Act.DECIDE, contract, approve=False).status is ContractStatus.DENIED


def test_an_act_is_signed_once(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    token = bureau.sign(Act.REVIEW, contract)
    first, _ = approving.record(token, bureau.holder)
    again, _ = approving.record(token, bureau.holder)
    assert again.index == first.index
    refusal = refused(lambda: bureau.record(Act.REVIEW, contract, issued_s=1))
    assert refusal.reason is Reason.REQUEST_REPLAYED


def test_the_security_officer_stops_and_resumes_and_decides_nothing(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    assert bureau.record(Act.STOP, contract).status is ContractStatus.SUSPENDED
    assert bureau.record(Act.RESUME, contract).status is ContractStatus.ACTIVE


def test_a_signed_stop_is_undone_by_no_name_and_no_older_signature(bureau: Bureau) -> None:
    """Who has the node's command, and the file of a resumption that was carried out before, resumes nothing."""
    contract, now_s = bureau.world.pending(), NOW_MS // 1000
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    bureau.record(Act.STOP, contract)
    old = bureau.sign(Act.RESUME, contract, issued_s=now_s + 10)
    approving.record(old, bureau.holder)
    approving.require_not_stopped(contract.terms.id, bureau.holder)
    bureau.record(Act.STOP, contract, issued_s=now_s + 20)
    assert refused(lambda: approving.record(old, bureau.holder)).reason is Reason.REQUEST_REPLAYED
    by_name = refused(lambda: approving.require_not_stopped(contract.terms.id, bureau.holder))
    assert by_name.reason is Reason.ROLE_NOT_ALLOWED
    assert bureau.record(Act.RESUME, contract, issued_s=now_s + 30).status is ContractStatus.ACTIVE


def test_an_old_resumption_undoes_no_suspension_by_the_holder(bureau: Bureau) -> None:
    """The file of a resumption that was carried out before is handed in again."""
    contract, now_s = bureau.world.pending(), NOW_MS // 1000
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    bureau.record(Act.STOP, contract)
    unused = bureau.sign(Act.RESUME, contract, issued_s=now_s + 1)
    old = bureau.sign(Act.RESUME, contract, issued_s=now_s + 2)
    carried, _ = approving.record(old, bureau.holder)
    bureau.world.ledger.set_status(contract.terms.id, ContractStatus.SUSPENDED, "张某")
    again, stands = approving.record(old, bureau.holder)
    assert (again.index, stands.status) == (carried.index, ContractStatus.SUSPENDED)
    assert refused(lambda: approving.record(unused, bureau.holder)).reason is Reason.REQUEST_REPLAYED
    assert bureau.record(Act.RESUME, contract, issued_s=now_s + 3).status is ContractStatus.ACTIVE


def test_an_act_dated_ahead_is_not_recorded_and_keeps_no_stop_from_being_one(bureau: Bureau) -> None:
    contract, now_s, ledger = bureau.world.pending(), NOW_MS // 1000, bureau.world.ledger
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    size = ledger.size()
    for ahead_s, reason in (
        (60, Reason.CONTRACT_MALFORMED),
        (61, Reason.REQUEST_EXPIRED),
        (86_400, Reason.REQUEST_EXPIRED),
    ):
        early = bureau.sign(Act.RESUME, contract, issued_s=now_s + ahead_s)
        assert refused(lambda token=early: approving.record(token, bureau.holder)).reason is reason  # type: ignore[misc]
    assert ledger.size() == size
    bureau.record(Act.STOP, contract)
    bureau.record(Act.RESUME, contract, issued_s=now_s + 60)
    assert bureau.record(Act.STOP, contract, issued_s=now_s + 1).status is ContractStatus.SUSPENDED
    assert refused(lambda: approving.require_not_stopped(contract.terms.id, bureau.holder)).detail.subject
    assert refused(lambda: bureau.record(Act.RESUME, contract, issued_s=now_s + 2)).reason is Reason.REQUEST_REPLAYED


def test_a_stop_handed_in_again_stops_once(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    stop = bureau.sign(Act.STOP, contract)
    for _ in range(2):
        assert approving.record(stop, bureau.holder)[1].status is ContractStatus.SUSPENDED
    bureau.record(Act.RESUME, contract)
    assert approving.record(stop, bureau.holder)[1].status is ContractStatus.ACTIVE


def test_the_security_officer_takes_over_what_the_holder_suspended(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)
    bureau.world.ledger.set_status(contract.terms.id, ContractStatus.SUSPENDED, "张某")
    assert bureau.record(Act.STOP, contract).status is ContractStatus.SUSPENDED
    assert refused(lambda: approving.require_not_stopped(contract.terms.id, bureau.holder)).detail.subject


def test_a_decision_that_a_guard_rail_forbade_is_signed_again(bureau: Bureau) -> None:
    contract = bureau.world.pending()
    bureau.record(Act.REVIEW, contract)
    rail = bureau.path / bureau.world.config.policies / "zz.cedar"
    bureau.holder.ledger.check()
    rail.write_text('@id("moment")\nforbid (principal, action, resource is Contract);\n', encoding="utf-8")
    forbidden = refused(lambda: bureau.record(Act.DECIDE, contract))
    assert forbidden.detail.clauses == ("policy:moment",)
    rail.unlink()
    assert bureau.record(Act.DECIDE, contract, issued_s=NOW_MS // 1000 + 1).status is ContractStatus.ACTIVE


def test_general_data_takes_one_decision(bureau: Bureau) -> None:
    bureau.world.publish(dataset())
    contract = bureau.world.pending()
    assert bureau.record(Act.DECIDE, contract).status is ContractStatus.ACTIVE


@pytest.mark.parametrize(
    "changed",
    [
        {"necessity": " "},
        {"legality": ""},
        {"security": ""},
        {"approve": False, "necessity": "", "legality": "", "security": ""},
    ],
)
def test_whoever_approves_says_why_three_times_and_who_does_not_once(bureau: Bureau, changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        bureau.sign(Act.REVIEW, bureau.world.pending(), **changed)


def test_the_queue_says_whose_turn_it_is_and_the_deadline_alerts_once(
    bureau: Bureau, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = bureau.world.pending()
    (waiting,) = approving.queue(bureau.holder)
    assert (waiting.turn, waiting.important, waiting.due_ms) == (Act.REVIEW, True, NOW_MS + 24 * HOUR_MS)
    deadlines = Deadlines(bureau.holder)
    deadlines.look()
    assert capsys.readouterr().err == ""
    bureau.world.clock.ms += 24 * HOUR_MS
    for _ in range(3):
        bureau.world.clock.ms += HOUR_MS
        deadlines.look()
    assert capsys.readouterr().err.count(contract.terms.id) == 1
    assert [path.name for path in (bureau.path / "outbox").iterdir()] == [f"overdue-{contract.terms.id}-review.jws"]
    bureau.world.clock.ms = NOW_MS + HOUR_MS
    bureau.record(Act.REVIEW, contract)
    assert approving.queue(bureau.holder)[0].turn is Act.DECIDE
