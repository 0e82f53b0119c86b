"""A question's durable life, seen by the one who asked and by everybody else."""

import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.formats import released as table
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table
from yanmen.formats.slots import Decision, Verdict
from yanmen.ledger.answers import Declined, Pending
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan

from tests.unit.ledger.scene import (
    CONSUMER,
    PROFILE,
    RIVAL,
    Scene,
    disclosed,
    plan_of,
    released,
    reserved,
    version,
)


def unknown(ledger: Ledger, job_id: str, consumer: str) -> bool:
    with pytest.raises(Refused) as refused:
        ledger.outcome(job_id, consumer)
    return refused.value.reason is Reason.JOB_UNKNOWN


def same(scene: Scene, contract: Contract, **other: object) -> Plan:
    """Return the same question again, with a request and a job of its own."""
    plan = scene.plan(contract)
    return replace(plan, canonical="same", **other)  # type: ignore[arg-type]


def test_an_answer_and_its_receipt(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    plan = scene.plan(contract)
    job_id = plan.admitted.submission.job_id
    assert unknown(ledger, job_id, CONSUMER)
    held = reserved(ledger.reserve(plan))
    assert ledger.outcome(job_id, CONSUMER) == Pending(job_id)
    answer = ledger.settle(held, released(plan), PROFILE)
    assert answer.rows == released(plan).rows
    assert answer.widths == released(plan).widths
    assert not answer.repeated
    assert ledger.outcome(job_id, CONSUMER) == answer
    said = disclosed(answer.receipt)
    assert said.leaf.head.intent == held.ref
    assert Decision.read(said.slots[Slot.DECISION]) == Decision(Verdict.ALLOWED)
    intended = disclosed(ledger.receipt(held.intent_index)).slots
    assert all(said.slots[slot] == intended[slot] for slot in intended if slot is not Slot.SERIES)
    assert said.slots[Slot.SANDBOX] == {"profile": PROFILE}
    expected = table.encode(
        Table(answer.labels, answer.types, answer.rows, answer.widths, 0, answer.mechanism, answer.notice)
    )
    output = said.slots[Slot.OUTPUT]
    assert isinstance(output, dict)
    assert output["sha256"] == hashlib.sha256(expected).hexdigest(), "the consumer can recompute it"


def test_others_jobs_are_as_unknown_as_none(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    answer = scene.ask(ledger, contract)
    assert unknown(ledger, answer.job_id, RIVAL)
    assert unknown(ledger, answer.job_id, "")
    assert unknown(ledger, "0" * 32, CONSUMER)


def test_a_rival_cannot_take_a_jobs_id(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    rival = scene.furnish(ledger, consumer=RIVAL)
    plan = scene.plan(contract)
    job_id = plan.admitted.submission.job_id
    theirs = plan_of(rival, scene.clock.ms, scene.name(), job_id, canonical="theirs")
    ledger.reserve(theirs)
    ledger.settle(reserved(ledger.reserve(plan)), released(plan, 5), PROFILE)
    found = ledger.outcome(job_id, CONSUMER)
    assert isinstance(found, Answer)
    assert ledger.outcome(job_id, RIVAL) == Pending(job_id)


def test_outcomes_outlive_the_node(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        answer = scene.ask(ledger, contract)
        plan = scene.plan(contract)
        detail = Detail("age", 3, 7, "grant it", "请授权", ("column",), ("SELECT 1",))
        ledger.refuse(plan.admitted.submission, None, Refused(Reason.COLUMN_NOT_IN_CONTRACT, detail))
        running = scene.plan(contract)
        ledger.reserve(running)
    with scene.open(create=False) as ledger:
        now = ledger.receipt_for(answer.receipt.index, CONSUMER)  # proved under the newest head
        assert ledger.outcome(answer.job_id, CONSUMER) == replace(answer, receipt=now)
        assert now.sdjwt == answer.receipt.sdjwt
        declined = ledger.outcome(plan.admitted.submission.job_id, CONSUMER)
        assert isinstance(declined, Declined)
        assert (declined.reason, declined.detail) == (Reason.COLUMN_NOT_IN_CONTRACT, detail)
        refusal = declined.refusal()
        assert (refusal.reason, refusal.detail, refusal.receipt) == (declined.reason, detail, declined.receipt)
        assert isinstance(ledger.outcome(running.admitted.submission.job_id, CONSUMER), Pending)
        assert ledger.recover() == 1
        ended = ledger.outcome(running.admitted.submission.job_id, CONSUMER)
        assert isinstance(ended, Declined)
        assert (ended.reason, replace(ended.detail, hint_en="", hint_zh="")) == (Reason.RUN_FAILED, Detail())
        assert disclosed(ended).slots[Slot.SUBJECT] == {"recovered": True}
        assert ledger.recover() == 0


def test_settling_twice_gives_the_first_answer(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    first = ledger.settle(held, released(held.plan, 1), PROFILE)
    size = ledger.size()
    assert ledger.settle(held, released(held.plan, 2), PROFILE) == first
    assert ledger.abort(held, Reason.CANCELLED, None, Usage()).index == first.receipt.index
    assert ledger.size() == size


def test_the_receipt_says_why_its_consumer_stopped_it(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    for reason, said in ((Reason.CANCELLED, {"recovered": False, "why": "口径有误"}), (Reason.RUN_FAILED, None)):
        held = reserved(ledger.reserve(scene.plan(contract)))
        receipt = ledger.abort(held, reason, JobCode.CANCELLED, Usage(), "口径有误")
        assert disclosed(receipt).slots[Slot.SUBJECT] == (said or {"recovered": False})


def test_what_was_aborted_is_never_answered(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """A cancel, or a recovery by another start, that came first: the figures do not leave."""
    held = reserved(ledger.reserve(scene.plan(contract)))
    receipt = ledger.abort(held, Reason.CANCELLED, JobCode.CANCELLED, Usage())
    size = ledger.size()
    with pytest.raises(Refused) as refused:
        ledger.settle(held, released(held.plan), PROFILE)
    assert refused.value.reason is Reason.CANCELLED
    assert refused.value.receipt == receipt
    assert ledger.abort(held, Reason.RUN_FAILED, None, Usage()) == receipt
    assert ledger.size() == size
    assert disclosed(receipt).leaf.head.intent == held.ref


@pytest.mark.parametrize("status", [ContractStatus.REVOKED, ContractStatus.SUSPENDED])
def test_a_stopped_contract_stops_what_runs(
    scene: Scene, ledger: Ledger, contract: Contract, status: ContractStatus
) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    ledger.set_status(contract.terms.id, status, "Li Si")
    with pytest.raises(Refused) as refused:
        ledger.settle(held, released(held.plan), PROFILE)
    expected = Reason.CONTRACT_REVOKED if status is ContractStatus.REVOKED else Reason.CONTRACT_SUSPENDED
    assert refused.value.reason is expected
    assert refused.value.receipt is not None
    assert refused.value.receipt.stage is Stage.ABORTED
    found = ledger.outcome(held.plan.admitted.submission.job_id, CONSUMER)
    assert isinstance(found, Declined)
    with pytest.raises(Refused) as refused:
        ledger.reserve(scene.plan(contract))
    assert refused.value.reason is expected


def test_a_retracted_dataset_stops_what_runs(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    ledger.retract("persons")
    with pytest.raises(Refused) as refused:
        ledger.settle(held, released(held.plan), PROFILE)
    assert refused.value.reason is Reason.DATASET_RETRACTED
    with pytest.raises(Refused) as refused:
        ledger.reserve(scene.plan(contract))
    assert refused.value.reason is Reason.DATASET_RETRACTED


def test_a_dataset_published_again_while_a_question_runs(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """What was planned on the old version and is running may end; what was planned and waits may not begin."""
    held, waiting = reserved(ledger.reserve(scene.plan(contract))), scene.plan(contract)
    ledger.publish(version("v2"))
    ledger.settle(held, released(held.plan), PROFILE)
    with pytest.raises(Refused) as refused:
        ledger.reserve(waiting)
    assert refused.value.reason is Reason.DATASET_RETRACTED
    with pytest.raises(Refused) as refused:
        ledger.reserve(scene.plan(contract, scanned=version("v9", name="unheard_of")))
    assert refused.value.reason is Reason.DATASET_UNKNOWN


def test_the_same_question_gets_the_same_answer_for_nothing(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    first = same(scene, contract)
    assert not ledger.answered_before(first)
    paid = ledger.settle(reserved(ledger.reserve(first)), released(first, 17), PROFILE)
    spent = ledger.balance(contract.terms.id)
    for _ in range(3):
        again = same(scene, contract)
        assert ledger.answered_before(again)
        repeated = ledger.reserve(again)
        assert isinstance(repeated, Answer)
        assert repeated.repeated
        assert (repeated.rows, repeated.widths) == (paid.rows, paid.widths)
        assert (repeated.micro_rho, repeated.price_fen, repeated.micro_rho_left) == (0, 0, spent.micro_rho_left)
        assert repeated.receipt.jti != paid.receipt.jti
        said = disclosed(repeated.receipt).slots
        assert Decision.read(said[Slot.DECISION]) == Decision(Verdict.REPEATED)
        output = said[Slot.OUTPUT]
        assert isinstance(output, dict)
        assert output["repeats"] == paid.receipt.jti
        assert ledger.outcome(again.admitted.submission.job_id, CONSUMER) == repeated
        with pytest.raises(Refused) as refused:
            ledger.reserve(again)
        assert refused.value.reason is Reason.REQUEST_REPLAYED
    assert ledger.balance(contract.terms.id) == spent


def test_what_makes_a_question_another(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Never across consumers, contracts, versions, policies, charges or what is done with the cells."""
    first = same(scene, contract)
    ledger.settle(reserved(ledger.reserve(first)), released(first), PROFILE)
    rival, other = scene.furnish(ledger, consumer=RIVAL), scene.furnish(ledger)
    ledger.publish(version("v2"))
    again = same(scene, contract)
    newer = tuple(replace(scan, version=version("v2")) for scan in again.scans)
    questions = [
        same(scene, rival),
        same(scene, other),
        replace(again, scans=newer),
        replace(again, admitted=replace(again.admitted, policy_digest="ef" * 32)),
        replace(again, micro_rho=again.micro_rho + 1),
        replace(again, delta_e12=1),
        replace(again, min_group=11),
        replace(again, post_sql="SELECT 1"),
        replace(again, canonical="another"),
        replace(again, outputs=again.outputs[::-1]),
    ]
    assert ledger.answered_before(again)
    for question in questions:
        assert not ledger.answered_before(question)


def test_a_failed_question_is_not_an_answer(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(same(scene, contract)))
    ledger.abort(held, Reason.RUN_FAILED, JobCode.TIME, Usage())
    assert not ledger.answered_before(same(scene, contract))
    reserved(ledger.reserve(same(scene, contract)))


def test_a_repeated_question_needs_a_contract_in_force(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    first = same(scene, contract)
    ledger.settle(reserved(ledger.reserve(first)), released(first), PROFILE)
    ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")
    with pytest.raises(Refused) as refused:
        ledger.reserve(same(scene, contract))
    assert refused.value.reason is Reason.CONTRACT_REVOKED


def test_a_refusal_is_recorded_with_what_was_asked(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    plan = scene.plan(contract, sql="SELECT * FROM persons")
    detail = Detail(subject="*", line=1, column=8, clauses=("output",))
    refusal = Refused(Reason.ROWS_WOULD_LEAVE, detail)
    said = disclosed(ledger.refuse(plan.admitted.submission, plan.admitted.request, refusal))
    assert said.slots[Slot.CONTRACT] == contract.terms.id
    assert said.slots[Slot.CONSUMER] == CONSUMER
    query = said.slots[Slot.QUERY]
    assert isinstance(query, dict)
    assert query["sql"] == "SELECT * FROM persons"
    assert said.slots[Slot.SUBJECT] == {
        "clauses": ["output"],
        "column": 8,
        "contract": contract.terms.id,
        "line": 1,
        "subject": "*",
    }
    assert ledger.balance(contract.terms.id).micro_rho_left == 10_000


def test_an_unproven_request_names_no_contract(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Whose signature did not verify adds to no contract's series and has no request in its receipt."""
    plan = scene.plan(contract)
    said = disclosed(ledger.refuse(plan.admitted.submission, None, Refused(Reason.SIGNATURE_INVALID)))
    assert Slot.CONTRACT not in said.slots
    assert Slot.REQUEST not in said.slots


def test_a_rival_cannot_write_into_anothers_series(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    rival = scene.furnish(ledger, consumer=RIVAL)
    theirs = scene.plan(rival)
    claimed = replace(theirs.admitted.request, contract_id=contract.terms.id)
    receipt = ledger.refuse(theirs.admitted.submission, claimed, Refused(Reason.CONTRACT_UNKNOWN))
    said = disclosed(receipt)
    assert Slot.CONTRACT not in said.slots
    subject = said.slots[Slot.SUBJECT]
    assert isinstance(subject, dict)
    assert subject["contract"] == contract.terms.id
    assert ledger.receipt_for(receipt.index, RIVAL) == receipt


def test_a_refusal_never_replaces_an_outcome(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    plan = scene.plan(contract)
    held = reserved(ledger.reserve(plan))
    ledger.refuse(plan.admitted.submission, plan.admitted.request, Refused(Reason.REQUEST_REPLAYED))
    assert isinstance(ledger.outcome(plan.admitted.submission.job_id, CONSUMER), Pending)
    answer = ledger.settle(held, released(plan), PROFILE)
    ledger.refuse(plan.admitted.submission, plan.admitted.request, Refused(Reason.REQUEST_REPLAYED))
    assert ledger.outcome(plan.admitted.submission.job_id, CONSUMER) == replace(
        answer, receipt=ledger.receipt_for(answer.receipt.index, CONSUMER)
    )


def test_a_refused_explanation_is_no_job(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    submission = replace(scene.plan(contract).admitted.submission, job_id="")
    for _ in range(2):
        assert ledger.refuse(submission, None, Refused(Reason.SQL_MALFORMED)).stage is Stage.REFUSED
    assert unknown(ledger, "", CONSUMER)


def test_a_long_question_leaves_its_digest(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    sql = "SELECT " + "1," * 100_000
    plan = scene.plan(contract, sql=sql)
    query = disclosed(ledger.refuse(plan.admitted.submission, None, Refused(Reason.SQL_TOO_LONG))).slots[Slot.QUERY]
    assert query == {"sha256": hashlib.sha256(sql.encode()).hexdigest(), "sql": ""}


def test_a_refusal_of_any_length_is_recorded(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    long = "列" * 200_000
    detail = Detail(long, 1, 1, long, long, (long,) * 300, (long,) * 300)
    submission = scene.plan(contract).admitted.submission
    ledger.refuse(submission, None, Refused(Reason.CLAUSE_NOT_ADMITTED, detail))
    found = ledger.outcome(submission.job_id, CONSUMER)
    assert isinstance(found, Declined)
    assert long.startswith(found.detail.subject)
    assert len(found.detail.subject) > 10_000


def test_what_is_settled_must_be_what_was_reserved(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    other = scene.plan(contract)
    wrong = [
        (held, released(other)),
        (replace(held, ref="A" * 43), released(held.plan)),
        (replace(held, intent_index=held.intent_index + 1), released(held.plan)),
        (replace(held, plan=other), released(other)),
        (held, replace(released(held.plan), rows=((Decimal("NaN"), 1), ("x", 1)))),
        (held, replace(released(held.plan), rows=(("x", True), ("x", 1)))),
        (held, replace(released(held.plan), widths=())),
        (held, replace(released(held.plan), widths=((None, float("inf")), (None, 1.0)))),
    ]
    size = ledger.size()
    for reservation, result in wrong:
        with pytest.raises(Fault) as fault:
            ledger.settle(reservation, result, PROFILE)
        assert fault.value.code is FaultCode.INTERNAL
    assert ledger.size() == size
    ledger.settle(held, released(held.plan), PROFILE)


def test_admitted_for_one_and_asked_by_another(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    rival = scene.furnish(ledger, consumer=RIVAL)
    plan, theirs = scene.plan(contract), scene.plan(rival)
    mixed = [
        replace(plan, admitted=replace(plan.admitted, submission=theirs.admitted.submission)),
        replace(plan, admitted=replace(plan.admitted, contract=rival)),
        replace(plan, admitted=replace(plan.admitted, request=theirs.admitted.request)),
    ]
    for one in mixed:
        with pytest.raises(Fault) as fault:
            ledger.reserve(one)
        assert fault.value.code is FaultCode.INTERNAL


def test_raw_values_are_nowhere_in_the_file(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """What is stored of data is what was released, and nothing else of a plan carries any."""
    plan = scene.plan(contract)
    ledger.settle(
        reserved(ledger.reserve(plan)), replace(released(plan), rows=(("太原", 424242), ("大同", 1))), PROFILE
    )
    with ledger._store.read() as db:
        (answers,) = db.execute("SELECT count(*) FROM answer").fetchone()
        found = [
            table_name
            for (table_name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            if "424242" in repr(db.execute(f"SELECT * FROM {table_name}").fetchall())
        ]
    assert answers == 1
    assert found == ["answer"]
