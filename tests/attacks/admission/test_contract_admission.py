"""Attacks on who asks, under which contract, and what was granted."""

import dataclasses
import hashlib
from typing import Any

import pytest
from yanmen.admission.admit import admit, permits
from yanmen.crypto import documents, jose
from yanmen.formats import base64url, contract, json_canonical, request
from yanmen.formats.request import Operation
from yanmen.model.catalogue import (
    Channel,
    DatasetClass,
    Grade,
    Version,
)
from yanmen.model.party import PartyRole, PartyStatus
from yanmen.model.refusal import Reason
from yanmen.model.stages import Scan

from tests.attacks.admission.scene import (
    ABROAD,
    ALICE,
    DAY_MS,
    NODE,
    NOW_MS,
    OTHER_NODE,
    SQL,
    World,
    dataset,
    refused,
    terms,
)


class TestAdmitted:
    def test_a_signed_question_under_an_active_contract(self, world: World) -> None:
        world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.NODE, datasets=("persons",))
        admitted = world.ask()
        assert admitted.request.consumer == ALICE
        assert admitted.micro_rho == 10
        assert admitted.price_fen == 30
        assert [version.dataset.name for version in admitted.versions] == ["labs"]
        assert admitted.elsewhere == (("civil", "persons"),)
        assert len(admitted.policy_digest) == 64

    def test_only_active_nodes_have_tables_elsewhere(self, world: World) -> None:
        for status in (PartyStatus.PENDING, PartyStatus.REVOKED):
            world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.NODE, status, ("persons",))
            assert world.ask().elsewhere == ()
        world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.AUDITOR, datasets=("persons",))
        assert world.ask().elsewhere == ()
        world.enrol(NODE, "health", b"k" * 32, PartyRole.NODE, datasets=("labs",))
        assert world.ask().elsewhere == ()

    def test_the_charge_may_be_chosen_within_the_contract(self, world: World) -> None:
        assert world.ask(micro_rho=50).micro_rho == 50
        refusal = refused(lambda: world.ask(micro_rho=51))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.SPEND_LIMIT, ("contract:charge",))

    def test_a_session_grant(self, world: World) -> None:
        admitted = world.under_session()
        assert admitted.request.jti == "d" * 32
        assert admitted.request.session_jti == "b" * 32
        assert admitted.request.query_sha256 == hashlib.sha256(SQL.encode()).hexdigest()

    def test_the_policy_digest_follows_the_contract(self, world: World) -> None:
        before = world.ask().policy_digest
        world.sign(terms(not_after_ms=NOW_MS + 2 * DAY_MS))
        assert world.ask().policy_digest != before


class TestPeers:
    def test_a_member_revoked_while_its_question_waited(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        for status, reason in (
            (PartyStatus.REVOKED, Reason.IDENTITY_REVOKED),
            (PartyStatus.PENDING, Reason.IDENTITY_PENDING),
        ):
            world.enrol(ALICE, "alice", world.alice.public, status=status)
            assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is reason

    def test_a_key_replaced_while_its_question_waited(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        world.enrol(ALICE, "alice", world.mallory.public)
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.IDENTITY_UNKNOWN

    @pytest.mark.parametrize("role", [PartyRole.AUDITOR, PartyRole.REGULATOR, PartyRole.NODE])
    def test_who_checks_does_not_ask(self, world: World, role: PartyRole) -> None:
        world.enrol(ALICE, "alice", world.alice.public, role)
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, ("policy:consumers-only",))

    def test_a_consumer_across_the_border(self, world: World) -> None:
        world.enrol(ABROAD, "abroad", world.alice.public)
        world.sign(terms(consumer=ABROAD))
        token = documents.sign_request(world.claims(issuer=ABROAD), world.alice)
        asked = world.submit(token, peer=world.peer(ABROAD))
        refusal = refused(lambda: admit(asked, Operation.SUBMIT, world.desk))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, ("policy:cross-border",))


class TestPlans:
    def scan(self, world: World, *columns: str, name: str = "labs") -> Scan:
        return Scan("s0", world.datasets[name], columns)

    def test_what_was_granted(self, world: World) -> None:
        permits(world.plan(world.ask(), self.scan(world, "sex", "person")), world.desk)
        permits(world.plan(world.ask(), self.scan(world, "SEX")), world.desk)

    def test_a_column_that_was_not(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex", "age"))
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.subject) == (Reason.COLUMN_NOT_IN_CONTRACT, "labs")
        assert refusal.detail.clauses == ("contract:columns",)

    def test_a_dataset_that_was_not(self, world: World) -> None:
        world.datasets["drugs"] = Version(dataset("drugs"), "v9", "p", 1, NOW_MS)
        plan = world.plan(world.ask(), self.scan(world, "sex"), self.scan(world, "sex", name="drugs"))
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.subject) == (Reason.DATASET_NOT_IN_CONTRACT, "drugs")

    @pytest.mark.parametrize("changed", [{"retracted": True}, {"version": "v2"}])
    def test_a_dataset_retracted_or_replaced_meanwhile(self, world: World, changed: dict[str, Any]) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.datasets["labs"] = dataclasses.replace(world.datasets["labs"], **changed)
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.DATASET_RETRACTED

    def test_a_dataset_that_is_gone(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.datasets.clear()
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.DATASET_RETRACTED

    @pytest.mark.parametrize(
        ("changed", "release", "clause"),
        [
            ({"grade": Grade.CORE}, DatasetClass.PERSONAL, "policy:core-never"),
            ({"grade": Grade.IMPORTANT}, DatasetClass.OPEN, "policy:important-not-visible"),
            ({"channels": (Channel.OPENING,)}, DatasetClass.PERSONAL, "policy:channel-declared"),
        ],
    )
    def test_guard_rails_on_datasets(
        self, world: World, changed: dict[str, Any], release: DatasetClass, clause: str
    ) -> None:
        admitted = world.ask()  # as it was graded then: by what it is now the officers would be asked for first
        world.datasets["labs"] = Version(dataset(**changed), "v1", "p", 1, NOW_MS)
        plan = world.plan(admitted, self.scan(world, "sex"), release=release)
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, (clause,))

    def test_a_contract_that_expires_during_planning(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.clock.ms = NOW_MS + DAY_MS
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.CONTRACT_EXPIRED


def test_documents_are_their_bytes(world: World) -> None:
    for token, typ in (
        (documents.sign_request(world.claims(), world.alice), request.REQUEST_TYP),
        (documents.sign_session(world.session(), world.alice), request.SESSION_TYP),
        (documents.sign_offer(terms(), world.alice), contract.OFFER_TYP),
    ):
        payload = jose.verify_jws(token, world.alice.public, typ)
        assert base64url.encode(json_canonical.encode(payload)).encode() == token.split(b".")[1]
