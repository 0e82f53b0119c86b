"""What may be spent: every cap, from both sides, and that a refusal takes nothing."""

from typing import Any

import pytest
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget, Price
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass, SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Balance, Contract, ContractStatus
from yanmen.model.refusal import Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.model.stages import Reserved

from tests.unit.ledger.scene import (
    CONSUMER,
    RIVAL,
    START_MS,
    SUBJECTS,
    Scene,
    disclosed,
    reserved,
    terms_of,
    version,
)

DAY_MS = 86_400_000


def refused(ledger: Ledger, scene: Scene, contract: Contract, **other: Any) -> Reason:
    """Return why a question is refused, after showing that the refusal changed nothing."""
    before = ledger.size(), ledger.balance(contract.terms.id), ledger.space_left(SUBJECTS)
    with pytest.raises(Refused) as found:
        ledger.reserve(scene.plan(contract, **other))
    assert (ledger.size(), ledger.balance(contract.terms.id), ledger.space_left(SUBJECTS)) == before
    ledger.check()
    return found.value.reason


def fail(ledger: Ledger, scene: Scene, contract: Contract, reason: Reason = Reason.RUN_FAILED, **other: Any) -> None:
    held = reserved(ledger.reserve(scene.plan(contract, **other)))
    ledger.abort(held, reason, JobCode.FAILED, Usage())


def test_a_charge_is_taken_and_stays(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    answer = scene.ask(ledger, contract, micro_rho=700, delta_e12=9)
    assert (answer.micro_rho, answer.micro_rho_left, answer.price_fen) == (700, 9_300, 120)
    fail(ledger, scene, contract, micro_rho=300)
    assert ledger.balance(contract.terms.id) == Balance(9_000, 991, 998, 498, 240)
    assert ledger.space_left(SUBJECTS) == SubjectSpace(SUBJECTS, 999_000, 999_991)


def test_the_intent_says_what_was_debited(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    scene.ask(ledger, contract, micro_rho=50)
    held = reserved(ledger.reserve(scene.plan(contract, micro_rho=70, delta_e12=3)))
    said = disclosed(ledger.receipt(held.intent_index)).slots
    assert Budget.read(said[Slot.BUDGET]) == Budget(SUBJECTS, 70, 3, 120, 3)
    assert Price.read(said[Slot.PRICE]) == Price(120, 240)


def test_nobody_learns_what_others_spent(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """A contract's receipts and refusals are the same whatever another consumer has used of the same persons."""
    rival = scene.furnish(ledger, consumer=RIVAL, micro_rho=999_000, micro_rho_per_query_max=999_000)
    scene.ask(ledger, rival, micro_rho=999_000, max_micro_rho=999_000)
    scene.ask(ledger, contract, micro_rho=900)
    with pytest.raises(Refused) as found:
        ledger.reserve(scene.plan(contract, micro_rho=101))
    assert found.value.reason is Reason.BUDGET_SPENT
    assert not any(character.isdigit() for character in found.value.detail.hint_en + found.value.detail.hint_zh)
    assert ledger.balance(contract.terms.id).micro_rho_left == 9_100


def test_the_contracts_own_budget(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    scene.ask(ledger, contract, micro_rho=9_999, max_micro_rho=10_000)
    assert refused(ledger, scene, contract, micro_rho=2) is Reason.BUDGET_SPENT
    assert refused(ledger, scene, contract, micro_rho=1, delta_e12=1_001) is Reason.BUDGET_SPENT
    scene.ask(ledger, contract, micro_rho=1, delta_e12=1_000)
    assert refused(ledger, scene, contract, micro_rho=1) is Reason.BUDGET_SPENT


def test_the_subject_spaces_lifetime_budget(scene: Scene, ledger: Ledger) -> None:
    ledger.register_space(SubjectSpace("few", 100, 5))
    read = version("few", subject_space="few")
    ledger.publish(read)
    first = scene.activate(ledger, terms_of(scene.name()))
    second = scene.activate(ledger, terms_of(scene.name(), consumer=RIVAL))
    about: dict[str, Any] = {"space": "few", "scanned": read}
    scene.ask(ledger, first, micro_rho=60, delta_e12=5, **about)
    assert refused(ledger, scene, second, micro_rho=41, **about) is Reason.BUDGET_SPENT
    assert refused(ledger, scene, second, micro_rho=40, delta_e12=1, **about) is Reason.BUDGET_SPENT
    scene.ask(ledger, second, micro_rho=40, **about)
    assert refused(ledger, scene, first, micro_rho=1, **about) is Reason.BUDGET_SPENT


def test_publishing_again_resets_nothing(scene: Scene, ledger: Ledger) -> None:
    ledger.register_space(SubjectSpace("few", 100, 0))
    contract = scene.furnish(ledger)
    for label in ("a", "b", "c"):
        read = version(label, subject_space="few", name="other")
        ledger.publish(read)
        about: dict[str, Any] = {"space": "few", "scanned": read}
        if label == "a":
            scene.ask(ledger, contract, micro_rho=100, **about)
        assert refused(ledger, scene, contract, micro_rho=1, **about) is Reason.BUDGET_SPENT
        ledger.retract("other")
    ledger.register_space(SubjectSpace("few", 100, 0))
    assert ledger.space_left("few") == SubjectSpace("few", 0, 0)


def test_an_unknown_space_has_no_budget(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    assert refused(ledger, scene, contract, space="elsewhere") is Reason.SUBJECT_SPACE_UNKNOWN


@pytest.mark.parametrize(
    "other",
    [
        {"micro_rho": -1},
        {"delta_e12": -1},
        {"price_fen": -1},
        {"micro_rho": 0},
        {"space": ""},
        {"release": DatasetClass.OPEN, "space": ""},
    ],
)
def test_charges_that_cannot_be_are_our_fault(
    scene: Scene, ledger: Ledger, contract: Contract, other: dict[str, Any]
) -> None:
    with pytest.raises(Fault) as fault:
        ledger.reserve(scene.plan(contract, **other))
    assert fault.value.code is FaultCode.INTERNAL


def test_open_and_exact_answers_may_cost_no_privacy(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    for release in (DatasetClass.OPEN, DatasetClass.EXACT):
        answer = scene.ask(ledger, contract, release=release, micro_rho=0, space="", price_fen=0)
        assert (answer.micro_rho, answer.micro_rho_left, answer.price_fen) == (0, 10_000, 0)
    assert ledger.balance(contract.terms.id).queries_left == 998


def test_what_the_request_agreed_to(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    assert refused(ledger, scene, contract, micro_rho=101, max_micro_rho=100) is Reason.SPEND_LIMIT
    assert refused(ledger, scene, contract, price_fen=101, max_price_fen=100) is Reason.SPEND_LIMIT
    scene.ask(ledger, contract, micro_rho=100, max_micro_rho=100, price_fen=100, max_price_fen=100)
    assert refused(ledger, scene, contract, micro_rho=1, max_micro_rho=0) is Reason.SPEND_LIMIT


def test_what_was_agreed_to_is_said_with_its_unit(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    agreed: dict[str, Any] = {"session": scene.name(), "max_micro_rho": 250, "max_price_fen": 250}
    scene.ask(ledger, contract, micro_rho=100, price_fen=200, **agreed)
    for asked, en, zh in (
        ({"micro_rho": 151}, "151 micro-rho, 100 micro-rho are spent under the session, and 250 micro-rho", "250 微ρ"),
        ({"micro_rho": 1, "price_fen": 51}, "51 fen, 200 fen are spent under the session, and 250 fen", "250 分"),
    ):
        with pytest.raises(Refused) as found:
            ledger.reserve(scene.plan(contract, **asked, **agreed))
        assert en in found.value.detail.hint_en
        assert zh in found.value.detail.hint_zh


def test_a_session_agreed_to_a_sum(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    grant = scene.name()
    agreed: dict[str, Any] = {"session": grant, "max_micro_rho": 250, "max_price_fen": 250}
    scene.ask(ledger, contract, micro_rho=100, price_fen=100, **agreed)
    scene.ask(ledger, contract, micro_rho=100, price_fen=50, **agreed)
    assert refused(ledger, scene, contract, micro_rho=51, price_fen=0, **agreed) is Reason.SPEND_LIMIT
    assert refused(ledger, scene, contract, micro_rho=50, price_fen=101, **agreed) is Reason.SPEND_LIMIT
    scene.ask(ledger, contract, micro_rho=50, price_fen=100, **agreed)
    rival = scene.furnish(ledger, consumer=RIVAL)
    scene.ask(ledger, rival, micro_rho=100, price_fen=100, **agreed)
    scene.ask(ledger, contract, micro_rho=100, price_fen=100, session=scene.name(), max_micro_rho=100)


def test_the_quota_of_a_contract(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, queries=3, queries_per_day=3)
    for _ in range(2):
        scene.ask(ledger, contract)
    fail(ledger, scene, contract)
    assert refused(ledger, scene, contract) is Reason.QUOTA_SPENT
    scene.clock.ms += DAY_MS
    assert refused(ledger, scene, contract) is Reason.QUOTA_SPENT


def test_the_quota_of_a_day_in_china(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, queries=10, queries_per_day=2)
    midnight = START_MS - (START_MS + 8 * 3_600_000) % DAY_MS + DAY_MS
    scene.clock.ms = midnight - 1
    for _ in range(2):
        scene.ask(ledger, contract)
    assert refused(ledger, scene, contract) is Reason.QUOTA_SPENT
    assert ledger.balance(contract.terms.id).queries_today_left == 0
    scene.clock.ms = midnight
    assert ledger.balance(contract.terms.id).queries_today_left == 2
    scene.ask(ledger, contract)
    assert ledger.balance(contract.terms.id).queries_today_left == 1


def test_a_request_is_used_once_even_under_another_contract(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    jti = scene.name()
    plan = scene.plan(contract)
    ledger.reserve(plan)
    with pytest.raises(Refused) as found:
        ledger.reserve(plan)
    assert found.value.reason is Reason.REQUEST_REPLAYED
    other = scene.furnish(ledger)
    first = scene.plan(contract, session=jti)
    ledger.reserve(first)
    again = scene.plan(other, session=jti)
    object.__setattr__(again.admitted.request, "jti", first.admitted.request.jti)
    with pytest.raises(Refused) as found:
        ledger.reserve(again)
    assert found.value.reason is Reason.REQUEST_REPLAYED
    rival = scene.furnish(ledger, consumer=RIVAL)
    theirs = scene.plan(rival)
    object.__setattr__(theirs.admitted.request, "jti", first.admitted.request.jti)
    assert isinstance(ledger.reserve(theirs), Reserved), "ids are the consumer's own"


def test_a_refused_request_may_be_sent_again(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    ledger.set_status(contract.terms.id, ContractStatus.SUSPENDED, "Li Si")
    plan = scene.plan(contract)
    with pytest.raises(Refused):
        ledger.reserve(plan)
    ledger.set_status(contract.terms.id, ContractStatus.ACTIVE, "Li Si")
    assert isinstance(ledger.reserve(plan), Reserved)


def test_run_time_failures_are_bounded_for_life(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Each failure may tell one bit: after the last one nothing about these persons runs for this consumer."""
    other = scene.furnish(ledger, price_per_query_fen=1)
    for _ in range(7):
        fail(ledger, scene, contract)
    assert ledger.contract(contract.terms.id) == contract
    fail(ledger, scene, other)
    suspended = ledger.contract(other.terms.id)
    assert suspended is not None
    assert suspended.status is ContractStatus.SUSPENDED
    assert disclosed(ledger.receipt(ledger.size() - 1)).slots[Slot.SUBJECT] == {"document": "", "status": "suspended"}
    assert refused(ledger, scene, other) is Reason.CONTRACT_SUSPENDED
    assert refused(ledger, scene, contract) is Reason.FAILURE_CAP_REACHED
    ledger.set_status(other.terms.id, ContractStatus.ACTIVE, "Li Si")
    assert refused(ledger, scene, other) is Reason.FAILURE_CAP_REACHED
    renewed = scene.furnish(ledger)
    assert refused(ledger, scene, renewed) is Reason.FAILURE_CAP_REACHED
    assert refused(ledger, scene, renewed, release=DatasetClass.EXACT) is Reason.FAILURE_CAP_REACHED
    scene.ask(ledger, renewed, release=DatasetClass.OPEN, micro_rho=0, space="")
    rival = scene.furnish(ledger, consumer=RIVAL)
    scene.ask(ledger, rival)


@pytest.mark.parametrize("reason", [Reason.CANCELLED, Reason.SHUTTING_DOWN, Reason.CONTRACT_REVOKED])
def test_only_run_time_failures_count(scene: Scene, ledger: Ledger, contract: Contract, reason: Reason) -> None:
    for _ in range(9):
        fail(ledger, scene, contract, reason)
    for _ in range(9):
        fail(ledger, scene, contract, release=DatasetClass.OPEN, micro_rho=0, space="")
    scene.ask(ledger, contract)


def test_questions_at_once_cannot_pass_the_bound(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Seven failures and two running questions could make nine bits: the second has to wait."""
    for _ in range(6):
        fail(ledger, scene, contract)
    held = [reserved(ledger.reserve(scene.plan(contract))) for _ in range(2)]
    assert refused(ledger, scene, contract) is Reason.RATE_LIMITED
    ledger.abort(held[0], Reason.CANCELLED, JobCode.CANCELLED, Usage())
    ledger.reserve(scene.plan(contract))


def test_a_dead_node_counts_as_a_failure(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """A crash that a question could cause tells as much as a failure does."""
    for _ in range(8):
        ledger.reserve(scene.plan(contract))
    assert ledger.recover() == 8
    assert refused(ledger, scene, contract) is Reason.CONTRACT_SUSPENDED


def test_explanations_are_counted_by_the_minute(scene: Scene) -> None:
    limited = Scene(scene.path, NodeLimits(explains_per_minute=3), scene.clock)
    with limited.open() as ledger:
        contract = limited.furnish(ledger)
        for _ in range(3):
            ledger.count_explain(CONSUMER)
            ledger.explained(limited.plan(contract))
        size = ledger.size()
        for again in (lambda: ledger.count_explain(CONSUMER), lambda: ledger.explained(limited.plan(contract))):
            with pytest.raises(Refused) as found:
                again()
            assert found.value.reason is Reason.RATE_LIMITED
        ledger.count_explain(RIVAL)
        assert ledger.size() == size
    with limited.open() as ledger:
        with pytest.raises(Refused):
            ledger.count_explain(CONSUMER)
        limited.clock.ms += 60_000
        ledger.count_explain(CONSUMER)
        said = disclosed(ledger.explained(limited.plan(contract, micro_rho=77)))
        assert said.slots[Slot.SUBJECT] == {"micro_rho": 77, "price_fen": 120}
        assert ledger.balance(contract.terms.id).micro_rho_left == 10_000
        ledger.check()


def test_a_contract_that_is_not_has_no_balance(ledger: Ledger) -> None:
    with pytest.raises(Refused) as found:
        ledger.balance("0" * 32)
    assert found.value.reason is Reason.CONTRACT_UNKNOWN
