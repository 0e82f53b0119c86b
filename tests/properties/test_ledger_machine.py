"""Whatever is asked, stopped or killed in whatever order: the books are what a simple model says they are."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override
from yanmen.crypto import notes
from yanmen.formats import merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.ledger.answers import Declined, Pending
from yanmen.ledger.jobs import Running
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Answer, Plan, Reserved
from yanmen.verify import verify_bundle

from tests.unit.ledger.crash import killed_in
from tests.unit.ledger.scene import (
    CONSUMER,
    LOG_KEY,
    PROFILE,
    RIVAL,
    SPACE_KEY,
    Scene,
    papers,
    plan_of,
    released,
    terms_of,
    version,
)

CAP, SPACE_CAP, FAILURES, PER_DAY = 1_000, 1_500, 4, 6
DAY_MS = 86_400_000


@dataclass
class Book:
    """What the model knows of one contract."""

    contract: Contract
    spent: int = 0
    fen: int = 0
    today: int = 0
    status: ContractStatus = ContractStatus.ACTIVE
    answered: set[str] = field(default_factory=set)


class LedgerMachine(RuleBasedStateMachine):
    """Two consumers, one subject space, questions from a small set so that they repeat."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.scene = Scene(self.folder / "ledger.db", NodeLimits(failures=FAILURES))
        self.ledger = self.scene.open()
        self.ledger.recover()
        self.ledger.register_space(SubjectSpace("residents", SPACE_CAP, 0))
        self.ledger.publish(version())
        self.books = [self._book(CONSUMER), self._book(RIVAL)]
        self.spent = 0
        self.failures = {CONSUMER: 0, RIVAL: 0}
        self.open: dict[str, tuple[Book, Reserved, str]] = {}
        self.ended: dict[str, tuple[str, Answer | Reason]] = {}
        self.heads: list[Checkpoint] = []
        self.used: list[Plan] = []

    def _book(self, consumer: str) -> Book:
        terms = terms_of(
            self.scene.name(),
            consumer=consumer,
            micro_rho=CAP,
            micro_rho_per_query_max=CAP,
            queries_per_day=PER_DAY,
            price_per_query_fen=1,
        )
        return Book(self.scene.activate(self.ledger, terms))

    def _plan(self, book: Book, question: str, charge: int) -> Plan:
        return plan_of(
            book.contract,
            self.scene.clock.ms,
            self.scene.name(),
            self.scene.name(),
            canonical=question,
            micro_rho=charge,
        )

    def _expected(self, book: Book, question: str, charge: int) -> Reason | None:
        """Return why the question must be refused, None when it must not be."""
        consumer = book.contract.terms.consumer
        if book.status is not ContractStatus.ACTIVE:
            revoked = book.status is ContractStatus.REVOKED
            return Reason.CONTRACT_REVOKED if revoked else Reason.CONTRACT_SUSPENDED
        if f"{question} {charge}" in book.answered:
            return None
        running = sum(1 for other, _, _ in self.open.values() if other.contract.terms.consumer == consumer)
        if self.failures[consumer] >= FAILURES:
            return Reason.FAILURE_CAP_REACHED
        if self.failures[consumer] + running >= FAILURES:
            return Reason.RATE_LIMITED
        if book.today >= PER_DAY:
            return Reason.QUOTA_SPENT
        if book.spent + charge > CAP or self.spent + charge > SPACE_CAP:
            return Reason.BUDGET_SPENT
        return None

    def _runs(self, book: Book, question: str) -> bool:
        """Say whether the same question is being answered under the same contract, in force."""
        mine = any(other is book and asked == question for other, _, asked in self.open.values())
        return mine and book.status is ContractStatus.ACTIVE and question not in book.answered

    def _charge(self, book: Book, held: Reserved, question: str) -> None:
        charge = held.plan.micro_rho
        book.spent, book.fen, book.today = book.spent + charge, book.fen + 1, book.today + 1
        self.spent += charge
        self.open[held.plan.admitted.submission.job_id] = (book, held, f"{question} {charge}")

    def _fail(self, job_id: str) -> None:
        book, _, _ = self.open.pop(job_id)
        consumer = book.contract.terms.consumer
        self.ended[job_id] = (consumer, Reason.RUN_FAILED)
        self.failures[consumer] += 1
        if self.failures[consumer] >= FAILURES and book.status is ContractStatus.ACTIVE:
            book.status = ContractStatus.SUSPENDED

    @rule(which=st.integers(0, 1), question=st.sampled_from("abc"), charge=st.sampled_from([70, 300]))
    def reserve(self, which: int, question: str, charge: int) -> None:
        book = self.books[which]
        plan = self._plan(book, question, charge)
        expected = self._expected(book, question, charge)
        job_id, consumer = plan.admitted.submission.job_id, book.contract.terms.consumer
        if self._runs(book, f"{question} {charge}"):
            with pytest.raises(Running):
                self.ledger.reserve(plan)
            return  # neither charged nor refused: its ids are as good as before
        if expected is not None:
            with pytest.raises(Refused) as refused:
                self.ledger.reserve(plan)
            assert refused.value.reason is expected
            self.ledger.refuse(plan.admitted.submission, plan.admitted.request, refused.value)
            self.ended[job_id] = (consumer, expected)
            return
        held = self.ledger.reserve(plan)
        self.used.append(plan)
        if isinstance(held, Answer):
            assert f"{question} {charge}" in book.answered
            assert (held.micro_rho, held.price_fen, held.repeated) == (0, 0, True)
            self.ended[job_id] = (consumer, held)
        else:
            assert f"{question} {charge}" not in book.answered
            self._charge(book, held, question)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.open)))
        book, held, question = self.open[job_id]
        consumer = book.contract.terms.consumer
        if book.status is not ContractStatus.ACTIVE:
            del self.open[job_id]
            with pytest.raises(Refused) as refused:
                self.ledger.settle(held, released(held.plan), PROFILE)
            self.ended[job_id] = (consumer, refused.value.reason)
            return
        answer = self.ledger.settle(held, released(held.plan, len(self.ended)), PROFILE)
        assert self.ledger.settle(held, released(held.plan, -1), PROFILE).rows == answer.rows
        del self.open[job_id]
        book.answered.add(question)
        self.ended[job_id] = (consumer, answer)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.open)))
        self.ledger.abort(self.open[job_id][1], Reason.RUN_FAILED, JobCode.TIME, Usage())
        self._fail(job_id)

    @precondition(lambda self: self.used)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        plan = data.draw(st.sampled_from(self.used))
        contract = self.ledger.contract(plan.admitted.contract.terms.id)
        assert contract is not None
        with pytest.raises(Refused) as refused:
            self.ledger.reserve(plan)
        replayed = refused.value.reason is Reason.REQUEST_REPLAYED
        assert replayed is (contract.status is ContractStatus.ACTIVE)

    @rule(which=st.integers(0, 1))
    def revoke(self, which: int) -> None:
        book = self.books[which]
        if book.status is not ContractStatus.REVOKED:
            self.ledger.set_status(book.contract.terms.id, ContractStatus.REVOKED, "Li Si")
            book.status = ContractStatus.REVOKED
            self.books[which] = self._book(book.contract.terms.consumer)

    @rule()
    def next_day(self) -> None:
        self.scene.clock.ms += DAY_MS
        for book in self.books:
            book.today = 0

    @rule(
        which=st.integers(0, 1),
        question=st.sampled_from("abc"),
        before=st.integers(0, 45),
        again=st.integers(0, 30),
        how=st.sampled_from(["reserve", "settle"]),
    )
    def die(self, which: int, question: str, before: int, again: int, how: str) -> None:
        """Die in the middle of a question, and once more while recovering; then start again."""
        book, charge = self.books[which], 70
        expected = self._expected(book, question, charge)
        repeated = f"{question} {charge}" in book.answered
        plan = self._plan(book, question, charge)
        job_id = plan.admitted.submission.job_id
        self.ledger.close()

        def work(ledger: Ledger) -> None:
            try:
                held = ledger.reserve(plan)
                if isinstance(held, Reserved) and how == "settle":
                    ledger.settle(held, released(plan, 7), PROFILE)
            except (Refused, Running):
                return

        killed_in(self.scene, work, before)
        killed_in(self.scene, lambda ledger: ledger.recover(), again)
        self.ledger = self.scene.open(create=False)
        self.ledger.recover()
        self._adopt(book, plan, question, expected, repeated=repeated)
        for other in sorted(set(self.open) - {job_id}):
            self._fail(other)
        assert self.ledger.recover() == 0

    def _adopt(self, book: Book, plan: Plan, question: str, expected: Reason | None, *, repeated: bool) -> None:
        """Take over what became of the question that was in flight."""
        job_id, consumer = plan.admitted.submission.job_id, book.contract.terms.consumer
        try:
            found = self.ledger.outcome(job_id, consumer)
        except Refused:
            return  # it died before the intent was durable: nothing was debited
        assert expected is None
        assert not isinstance(found, Pending)
        self.used.append(plan)
        if repeated:
            assert isinstance(found, Answer)
            self.ended[job_id] = (consumer, found)
            return
        self._charge(book, Reserved(plan, 0, ""), question)
        if isinstance(found, Answer):
            del self.open[job_id]
            book.answered.add(f"{question} {plan.micro_rho}")
            self.ended[job_id] = (consumer, found)
        else:
            self._fail(job_id)

    @invariant()
    def the_books_agree(self) -> None:
        self.ledger.check()
        for book in self.books:
            left = self.ledger.balance(book.contract.terms.id)
            assert left.micro_rho_left == CAP - book.spent
            assert left.spent_fen == book.fen
            assert left.queries_today_left == PER_DAY - book.today
            contract = self.ledger.contract(book.contract.terms.id)
            assert contract is not None
            assert contract.status is book.status
        space = self.ledger.space_left("residents")
        assert space is not None
        assert space.lifetime_micro_rho == SPACE_CAP - self.spent

    @invariant()
    def every_job_has_its_one_outcome(self) -> None:
        for job_id, (consumer, expected) in self.ended.items():
            found = self.ledger.outcome(job_id, consumer)
            if isinstance(expected, Answer):
                assert isinstance(found, Answer)
                assert (found.rows, found.micro_rho) == (expected.rows, expected.micro_rho)
                assert found.receipt.jti == expected.receipt.jti
            else:
                assert isinstance(found, Declined)
                assert found.reason is expected
        for job_id, (book, _, _) in self.open.items():
            assert isinstance(self.ledger.outcome(job_id, book.contract.terms.consumer), Pending)

    @invariant()
    def history_only_grows(self) -> None:
        signed = note.decode(self.ledger.checkpoint().encode())
        head = notes.verify_checkpoint(signed, self.ledger.origin, LOG_KEY.public)
        for old in self.heads[-5:]:
            path = self.ledger.consistency(old.size, head.size)
            merkle.verify_consistency(old.size, head.size, path, old.root, head.root)
        self.heads.append(head)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "ledger"):
            return
        self.scene.clock.ms += 1
        self.ledger.close()
        self.ledger = self.scene.open()
        self.ledger.recover()
        self.ledger.export(self.folder / "bundle", papers())
        report = verify_bundle(self.folder / "bundle", SPACE_KEY.public)
        assert report.ok, report.findings
        self.ledger.close()
        shutil.rmtree(self.folder)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(
    max_examples=12,
    stateful_step_count=18,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
