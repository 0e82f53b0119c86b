"""Whatever signed messages arrive in whatever order: nothing is in force that not every side signed, byte for byte."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override
from yanmen import contracting, negotiating
from yanmen.contracting import Approval
from yanmen.crypto import agreements, documents
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.negotiation import ActKind, ContractAct
from yanmen.model.refusal import Refused

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RECEIPT_KEY, signer
from tests.unit.negotiation.market import BUREAU, BUREAU_KEY, DAY_MS, Market, market

KEYS = {**MEMBER_KEYS, BUREAU: BUREAU_KEY}
CHANGES = st.sampled_from([{}, {"queries": 700}, {"price_per_query_fen": 90}, {"signers": ()}, {"min_group": 20}])
SIDES = st.sampled_from([CONSUMER, BUREAU])


class Negotiation(RuleBasedStateMachine):
    """Two members and a holder, who say what they may and what they may not."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.opened = market(Path(self.folder.name))
        self.place: Market = self.opened.__enter__()
        self.tokens: list[bytes] = []
        self.acts: list[bytes] = []
        self.name = ""

    @initialize()
    def begin(self) -> None:
        """Offer a contract with a third side."""
        self.name = self.place.offer(self.place.terms(signers=(BUREAU,))).terms.id

    @override
    def teardown(self) -> None:
        """Close the ledger."""
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    @property
    def held(self) -> Contract:
        return contracting.show(self.name, self.place.office)

    def attempt(self, call: Callable[[], object]) -> None:
        """Do what may be refused, and nothing else may happen to it."""
        try:
            call()
        except Refused:
            return

    @rule(change=CHANGES)
    def counter(self, change: dict[str, Any]) -> None:
        """Counter, in turn or not."""
        draft = self.held.amendment or self.held
        terms = replace(draft.terms, **change)
        self.attempt(lambda: negotiating.counter(self.name, terms, "张某", self.place.office))

    @rule(change=CHANGES, follow=st.booleans())
    def answer(self, change: dict[str, Any], *, follow: bool) -> None:
        """Answer the newest counter-offer, or something else."""
        draft = self.held.amendment or self.held
        if not draft.counter:
            return
        said = agreements.peek_terms(draft.counter)
        assert said.round is not None
        digest = documents.digest(draft.counter) if follow else draft.digest
        until = self.place.hall.clock.now_ms() + DAY_MS
        self.offer(replace(said, **{**change, "round": Round(said.round.number + 1, digest, until)}))

    @rule(change=CHANGES)
    def amend(self, change: dict[str, Any]) -> None:
        """Offer an amendment of what is there."""
        held = self.held
        self.offer(replace(held.terms, **{**change, "amends": held.digest, "round": None}))

    def offer(self, terms: Terms) -> None:
        token = documents.sign_offer(terms, MEMBER_KEYS[CONSUMER])
        self.tokens.append(token)
        self.attempt(lambda: contracting.request(token, self.place.peer(), self.place.office))

    @rule()
    def approve(self) -> None:
        """Decide, in turn or not."""
        self.attempt(lambda: contracting.approve(self.name, Approval("张某"), self.place.office))

    @rule(side=SIDES, kind=st.sampled_from([ActKind.SIGN, ActKind.VERIFY]), key=st.sampled_from([None, "other"]))
    def act(self, side: str, kind: ActKind, key: str | None) -> None:
        """Sign what is there as a side, with its key or another."""
        draft = self.held.amendment or self.held
        digest = documents.digest(draft.acceptance) if kind is ActKind.VERIFY else draft.digest
        said = ContractAct(kind, side, NODE, self.name, digest, "", 1)
        token = agreements.sign_act(said, KEYS[side] if key is None else signer(key))
        self.acts.append(token)
        self.attempt(lambda: negotiating.act(token, self.place.peer(side), self.place.office))

    @rule(data=st.data(), side=SIDES)
    def replay(self, data: st.DataObject, side: str) -> None:
        """Hand in again what was handed in before, by any side."""
        if self.acts:
            token = data.draw(st.sampled_from(self.acts))
            self.attempt(lambda: negotiating.act(token, self.place.peer(side), self.place.office))
        if self.tokens:
            offer = data.draw(st.sampled_from(self.tokens))
            self.attempt(lambda: contracting.request(offer, self.place.peer(), self.place.office))

    @rule()
    def break_off(self) -> None:
        """End what is negotiated of an amendment."""
        if self.held.amendment is not None:
            self.attempt(lambda: negotiating.break_off(self.name, "张某", self.place.office))

    @rule(days=st.sampled_from([1, 8]))
    def wait(self, days: int) -> None:
        """Let time pass."""
        if self.place.hall.clock.now_ms() < self.held.terms.not_after_ms - 10 * DAY_MS:
            self.place.hall.clock.ms += days * DAY_MS

    @invariant()
    def what_is_in_force_is_signed_by_all(self) -> None:
        """Verify with nothing but keys: consumer, holder, third side and verification, over identical bytes."""
        if not self.name or self.held.status is not ContractStatus.ACTIVE:
            return
        held = self.held
        assert documents.open_offer(held.offer, MEMBER_KEYS[CONSUMER].public) == held.terms
        assert documents.digest(held.offer) == held.digest
        decided = documents.open_acceptance(held.acceptance, RECEIPT_KEY.public)
        assert (decided.offer_sha256, decided.decision) == (held.digest, ContractStatus.ACTIVE)
        words = set()
        for token in held.signatures:
            claimed = agreements.peek_act(token)
            word = agreements.open_act(token, KEYS[claimed.by].public)
            words.add((word.act, word.by, word.digest))
        for side in held.terms.signers:
            assert (ActKind.SIGN, side, held.digest) in words
        if held.terms.round is not None:
            assert (ActKind.VERIFY, CONSUMER, documents.digest(held.acceptance)) in words


Negotiation.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


class TestNegotiation(Negotiation.TestCase):  # type: ignore[misc,valid-type]  # hypothesis makes the class
    """Runs the machine."""
