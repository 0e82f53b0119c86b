"""Attacks on the grade: data signed for as general and published again as important; who must have signed by then."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen import contracting
from yanmen.admission import officers
from yanmen.admission.admit import Desk, admit
from yanmen.admission.policies import Policies, load_guards, shipped
from yanmen.crypto import documents
from yanmen.formats import checkpoint
from yanmen.formats.contract import RULE
from yanmen.formats.request import Operation, RequestClaims
from yanmen.ledger.succession import Step
from yanmen.model.catalogue import Grade
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus, Grant
from yanmen.model.negotiation import ActKind
from yanmen.model.office import WHO, Act
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted, Binding, Submission
from yanmen.node import approving
from yanmen.node.holder import Books

from tests.attacks.offers.scene import ALICE, NODE, NOW_MS, World, dataset, refused, terms
from tests.attacks.offers.test_officers import Bureau
from tests.unit.catalogue.hall import register
from tests.unit.ledger.scene import NODE as LEDGER_NODE
from tests.unit.ledger.scene import signer, version
from tests.unit.negotiation.market import BUREAU, Market, market
from tests.unit.negotiation.market import bureau as third
from tests.unit.negotiation.test_amendments import ledger_head
from tests.unit.negotiation.test_dishonest_negotiations import OFFICE, office_act
from tests.unit.negotiation.test_rounds import act, word

SQL = "SELECT sex, count(*) AS n FROM labs GROUP BY sex"
BOTH = ("decide 首席数据官决定", "review 专管员初审")
DAY_MS = 86_400_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def bureau(world: World, tmp_path: Path) -> Bureau:
    folder = tmp_path / "bureau"
    folder.mkdir()
    return Bureau(world, folder)


def desk(world: World) -> Desk:
    return Desk(
        node_id=NODE,
        receipt_key=world.holder.public,
        limits=NodeLimits(),
        clock=world.clock,
        register=lambda: world.register,
        books=Books(world.ledger),
        policies=Policies(load_guards(shipped())),
    )


def ask(world: World, operation: Operation = Operation.SUBMIT) -> Admitted:
    """Ask as Alice does, and return what admission says."""
    now_s = NOW_MS // 1000
    claims = RequestClaims(
        audience=NODE,
        issuer=ALICE,
        jti="a" * 32,
        issued_s=now_s,
        expires_s=now_s + 60,
        contract_id=terms().id,
        scenario_id="S1",
        query_sha256=hashlib.sha256(SQL.encode()).hexdigest(),
        operation=operation,
        micro_rho=0,
        max_micro_rho=50,
        max_price_fen=100,
    )
    token = documents.sign_request(claims, world.alice)
    asked = Submission("c" * 32, world.peer(), Binding.PER_REQUEST, token, SQL, NOW_MS)
    return admit(asked, operation, desk(world))


def raised(world: World, name: str = "labs") -> None:
    world.publish(dataset(name, grade=Grade.IMPORTANT))


def sign_both(bureau: Bureau, contract: Contract) -> None:
    bureau.record(Act.REVIEW, contract)
    bureau.record(Act.DECIDE, contract)


@pytest.mark.parametrize("operation", [Operation.SUBMIT, Operation.EXPLAIN])
def test_what_became_important_is_not_answered_until_both_officers_signed(bureau: Bureau, operation: Operation) -> None:
    world = bureau.world
    held = world.offer()
    assert (held.status, held.decided_by) == (ContractStatus.ACTIVE, RULE)
    assert ask(world, operation).contract == held
    raised(world)
    refusal = refused(lambda: ask(world, operation))
    assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, BOTH)
    assert "yanmen approval review" in refusal.detail.hint_en
    assert "yanmen approval review" in refusal.detail.hint_zh
    bureau.record(Act.REVIEW, held)
    assert refused(lambda: ask(world, operation)).detail.clauses == BOTH[:1]
    done = bureau.record(Act.DECIDE, held)
    assert (done.status, done.digest, done.acceptance) == (ContractStatus.ACTIVE, held.digest, held.acceptance)
    assert ask(world, operation).contract == held
    assert refused(lambda: bureau.record(Act.DECIDE, held, issued_s=1)).reason is Reason.CONTRACT_MALFORMED
    world.publish(dataset(grade=Grade.GENERAL))
    assert ask(world, operation).contract == held


def test_what_only_one_table_became_is_asked_of_the_whole_contract(bureau: Bureau) -> None:
    world = bureau.world
    world.publish(dataset("drugs"))
    held = world.offer(grants=(Grant("labs", ("sex",)), Grant("drugs", ("sex",))))
    assert ask(world).contract == held
    raised(world, "drugs")
    assert refused(lambda: ask(world)).reason is Reason.POLICY_FORBIDS


def test_a_decision_of_before_does_not_do(bureau: Bureau) -> None:
    """One officer decides on general data: that is no decision on important data, which follows the review."""
    world = bureau.world
    held = world.pending()
    assert bureau.record(Act.DECIDE, held).status is ContractStatus.ACTIVE
    raised(world)
    assert refused(lambda: ask(world)).detail.clauses == ("review 专管员初审",)
    bureau.record(Act.REVIEW, held)
    assert refused(lambda: ask(world)).detail.clauses == BOTH[:1]
    bureau.record(Act.DECIDE, held, issued_s=NOW_MS // 1000 + 1)
    assert ask(world).contract.digest == held.digest


@pytest.mark.parametrize("against", [Act.REVIEW, Act.DECIDE])
def test_an_act_against_it_opens_nothing(bureau: Bureau, against: Act) -> None:
    world = bureau.world
    held = world.offer()
    raised(world)
    bureau.record(Act.REVIEW, held, approve=against is not Act.REVIEW)
    if against is Act.DECIDE:
        assert bureau.record(Act.DECIDE, held, approve=False).status is ContractStatus.ACTIVE
    assert refused(lambda: ask(world)).reason is Reason.POLICY_FORBIDS


def test_the_approval_is_of_this_version_alone(bureau: Bureau) -> None:
    """Acts over the version before count for none after it, and those over an amendment take none away from it."""
    world = bureau.world
    raised(world)
    held = world.pending()
    sign_both(bureau, held)
    assert ask(world).contract.digest == held.digest
    change = world.offer(amends=held.digest, queries=90)
    assert change.status is ContractStatus.PENDING
    bureau.record(Act.REVIEW, change)
    assert ask(world).contract.digest == held.digest, "an amendment under review takes nothing from what is in force"
    bureau.record(Act.DECIDE, change)
    now = ask(world).contract
    assert (now.digest, now.terms.queries) == (change.digest, 90)
    with world.ledger._store.read() as db:
        (count,) = db.execute("SELECT count(*) FROM document WHERE kind = 'office'").fetchone()
    assert count == 4


def test_an_officer_who_left_has_signed_and_one_who_never_was_has_not(bureau: Bureau) -> None:
    world = bureau.world
    raised(world)
    held = world.pending()
    sign_both(bureau, held)
    steward, chief = (bureau.ids[WHO[act]] for act in (Act.REVIEW, Act.DECIDE))
    for officer, role in ((steward, PartyRole.STEWARD), (chief, PartyRole.CHIEF_DATA_OFFICER)):
        world.enrol(officer, bureau.signers[officer].public, role, PartyStatus.REVOKED)
    assert ask(world).contract.digest == held.digest
    world.enrol(chief, bureau.signers[chief].public, PartyRole.DEVELOPER)
    assert refused(lambda: ask(world)).reason is Reason.POLICY_FORBIDS
    world.enrol(chief, world.mallory.public, PartyRole.CHIEF_DATA_OFFICER)
    assert refused(lambda: ask(world)).reason is Reason.POLICY_FORBIDS


def test_an_amendment_of_what_became_important_is_the_officers(bureau: Bureau) -> None:
    """The rule signed the first version, and would have signed this one too."""
    world = bureau.world
    held = world.offer()
    raised(world)
    change = world.offer(amends=held.digest, queries=90)
    assert change.status is ContractStatus.PENDING
    (why,) = change.left_to_person
    assert (why.clause, "important" in why.en, "重要" in why.zh) == ("target", True, True)
    assert refused(lambda: ask(world)).reason is Reason.POLICY_FORBIDS
    sign_both(bureau, change)
    assert ask(world).contract.digest == change.digest


def test_officers_see_what_waits_for_them(bureau: Bureau) -> None:
    world = bureau.world
    held = world.offer()
    assert approving.queue(bureau.holder) == ()
    raised(world)
    (waiting,) = approving.queue(bureau.holder)
    assert (waiting.contract.digest, waiting.important, waiting.turn) == (held.digest, True, Act.REVIEW)
    bureau.record(Act.REVIEW, held)
    assert [each.turn for each in approving.queue(bureau.holder)] == [Act.DECIDE]
    bureau.record(Act.DECIDE, held)
    assert approving.queue(bureau.holder) == ()


# A node that keeps no rule ------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path, rule=True) as made:
        officers = tuple(
            Party(one, role.value.replace("-", "_"), "名", role, PartyStatus.ACTIVE, signer(one).public, b"", "6" * 64)
            for role, one in OFFICE.items()
        )
        made.hall.listed = register(more=(third(), *officers))
        yield made


@pytest.mark.parametrize("acts", ["", "r", "d", "dr", "rd"])
def test_the_auditor_finds_a_use_that_both_officers_did_not_sign_for_in_turn(place: Market, acts: str) -> None:
    held = place.offer(place.terms(price_per_query_fen=200))
    assert held.status is ContractStatus.ACTIVE
    ledger = place.hall.ledger
    place.hall.scene.ask(ledger, held)
    place.hall.publish("v2", grade=Grade.IMPORTANT)
    for letter in acts:
        office_act(place, held.terms, held.digest, Act.REVIEW if letter == "r" else Act.DECIDE)
    assert place.findings() == (), "nothing was asked yet"
    place.hall.scene.ask(ledger, held, scanned=version("v2", grade=Grade.IMPORTANT))
    found = place.findings()
    assert (found == ()) is (acts == "rd")
    assert all(each.startswith("DOCUMENT_WRONG") and "two officers" in each for each in found)


def test_the_last_signature_waits_for_the_officers_too(place: Market) -> None:
    held = place.offer(place.terms(price_per_query_fen=200, signers=(BUREAU,)))
    assert held.status is ContractStatus.AGREED
    place.hall.publish("v2", grade=Grade.IMPORTANT)
    sign = word(ActKind.SIGN, held, BUREAU)
    refusal = refused(lambda: act(place, sign, BUREAU))
    assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, BOTH)
    office_act(place, held.terms, held.digest, Act.REVIEW)
    office_act(place, held.terms, held.digest, Act.DECIDE)
    assert act(place, sign, BUREAU).status is ContractStatus.ACTIVE
    assert place.findings() == ()


def test_a_log_that_continues_another_keeps_the_approval_of_the_version_in_force(place: Market) -> None:
    """An amendment under review when the year ends takes no approval from the version it would replace."""
    place.hall.publish("v2", grade=Grade.IMPORTANT)
    place.config = dataclasses.replace(place.config, approve_general=False)
    held = place.offer(place.terms(price_per_query_fen=200))
    office_act(place, held.terms, held.digest, Act.REVIEW)
    office_act(place, held.terms, held.digest, Act.DECIDE)
    held = contracting.approve(held.terms.id, contracting.Approval("首席数据官"), place.office)
    change = place.offer(dataclasses.replace(held.terms, amends=held.digest, queries=900))
    office_act(place, change.terms, change.digest, Act.REVIEW)
    ledger = place.hall.ledger
    ledger.serve_alone()
    place.hall.clock.ms += 20 * DAY_MS
    step = Step(checkpoint.origin(LEDGER_NODE, 2027), "shanxi.example", ledger_head(ledger), ledger.size(), "", {})
    ledger.begin_next(place.folder / "next.db", step)
    scene = dataclasses.replace(place.hall.scene, path=place.folder / "next.db")
    with scene.open(create=False) as following:
        carried = following.contract(held.terms.id)
        assert carried is not None
        officers.require_approved(carried, LEDGER_NODE, following.office_over, place.hall.listed)
