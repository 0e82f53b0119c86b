"""Attacks on offers: terms nobody could keep, and who may make them."""

import dataclasses
import hashlib
import json
from typing import Any

import pytest
from yanmen import contracting
from yanmen.crypto import documents, jose, keys
from yanmen.formats import base64url, contract, json_canonical
from yanmen.formats.contract import RULE
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import (
    Channel,
    DatasetClass,
    Grade,
    SubjectSpace,
)
from yanmen.model.contract import ContractStatus, Grant
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Reason
from yanmen.model.tariff import Free, FreeFor, Tariff

from tests.attacks.offers.scene import (
    ALICE,
    DAY_MS,
    MALLORY,
    NOW_MS,
    OTHER_NODE,
    PERSON,
    World,
    dataset,
    refused,
    terms,
)


class TestRule:
    def test_the_owner_s_rule_approves(self, world: World) -> None:
        made = world.offer()
        assert made.status is ContractStatus.ACTIVE
        assert made.decided_by == RULE
        acceptance = documents.open_acceptance(made.acceptance, world.holder.public)
        assert acceptance.offer_sha256 == made.digest == hashlib.sha256(made.offer).hexdigest()

    @pytest.mark.parametrize(
        "changed",
        [
            {"grants": (Grant("labs", ("sex", "age", "person")),)},
            {"price_per_query_fen": 29},
            {"micro_rho": 1001},
        ],
    )
    def test_what_the_rule_does_not_cover_waits_for_a_person(self, world: World, changed: dict[str, Any]) -> None:
        assert world.offer(**changed).status is ContractStatus.PENDING

    def test_important_data_waits_for_a_person(self, world: World) -> None:
        world.publish(dataset(grade=Grade.IMPORTANT))
        assert world.offer().status is ContractStatus.PENDING

    def test_the_rule_can_be_off(self, world: World) -> None:
        assert world.pending().status is ContractStatus.PENDING

    def test_a_budget_others_have_spent_waits_for_a_person(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not refused: that would tell what others spent."""
        monkeypatch.setattr(Ledger, "space_left", lambda _, name: SubjectSpace(name, 999, 0))
        made = world.offer()
        assert made.status is ContractStatus.PENDING
        refusal = refused(lambda: contracting.approve(made.terms.id, PERSON, world.office))
        assert refusal.reason is Reason.BUDGET_SPENT
        assert contracting.show(made.terms.id, world.office).status is ContractStatus.PENDING

    def test_a_delta_the_space_has_no_more_waits_for_a_person(self, world: World) -> None:
        world.config = dataclasses.replace(world.config, subject_spaces=(SubjectSpace("persons", 5000, 10),))
        assert world.offer(delta_e12=5).status is ContractStatus.PENDING

    def test_an_offer_left_undecided_by_a_crash_is_decided_when_it_comes_again(self, world: World) -> None:
        first = world.pending()
        assert world.offer().status is ContractStatus.ACTIVE
        assert world.offer().digest == first.digest

    def test_the_same_offer_again_is_the_same_contract(self, world: World) -> None:
        size = world.ledger.size
        first = world.pending()
        leaves = size()
        assert world.pending() == first
        assert size() == leaves
        decided = contracting.deny(first.terms.id, "x", world.office)
        assert world.offer() == decided
        assert decided.status is ContractStatus.DENIED

    def test_open_and_exact_data_need_no_privacy_budget_rule(self, world: World) -> None:
        world.publish(
            dataset("firms", cls=DatasetClass.EXACT, subject_space="", price_ceiling_fen=0),
        )
        made = world.offer(
            grants=(Grant("firms", ("sex",)),),
            price_per_query_fen=0,
            micro_rho=0,
            micro_rho_per_query=0,
            micro_rho_per_query_max=0,
        )
        assert made.status is ContractStatus.ACTIVE


class TestOffers:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"price_per_query_fen": 31}, Reason.PRICE_ABOVE_CEILING),
            ({"micro_rho": 5001}, Reason.BUDGET_SPENT),
            ({"delta_e12": 1}, Reason.BUDGET_SPENT),
            ({"not_before_ms": 0, "not_after_ms": NOW_MS}, Reason.CONTRACT_EXPIRED),
            ({"not_after_ms": NOW_MS + 366 * DAY_MS + 1}, Reason.CONTRACT_MALFORMED),
            (
                {"not_before_ms": NOW_MS + 367 * DAY_MS, "not_after_ms": NOW_MS + 368 * DAY_MS},
                Reason.CONTRACT_MALFORMED,
            ),
            ({"grants": (Grant("drugs", ("sex",)),)}, Reason.DATASET_UNKNOWN),
            ({"grants": (Grant("labs", ("height",)),)}, Reason.UNKNOWN_COLUMN),
            ({"grants": (Grant("labs", ("id_number",)),)}, Reason.UNKNOWN_COLUMN),
            ({"channel": Channel.OPENING}, Reason.POLICY_FORBIDS),
            ({"micro_rho_per_query": 0}, Reason.CONTRACT_MALFORMED),
            ({"holder": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE),
            ({"consumer": MALLORY}, Reason.SIGNATURE_INVALID),
        ],
    )
    def test_terms_nobody_could_keep(self, world: World, changed: dict[str, Any], reason: Reason) -> None:
        before = world.ledger.size()
        refusal = refused(lambda: world.offer(**changed))
        assert refusal.reason is reason
        assert refusal.detail.hint_en
        assert refusal.detail.hint_zh
        assert world.ledger.size() == before
        assert contracting.listed(world.office) == ()

    def test_a_hidden_column_is_as_unknown_as_none(self, world: World) -> None:
        hidden = refused(lambda: world.offer(grants=(Grant("labs", ("id_number",)),)))
        absent = refused(lambda: world.offer(grants=(Grant("labs", ("no_number",)),)))
        assert hidden.detail.hint_en == absent.detail.hint_en
        assert hidden.detail.subject.replace("id", "no") == absent.detail.subject

    def test_the_lowest_ceiling_counts(self, world: World) -> None:
        world.publish(dataset("drugs", price_ceiling_fen=20))
        both = (Grant("labs", ("sex",)), Grant("drugs", ("sex",)))
        assert refused(lambda: world.offer(grants=both, price_per_query_fen=21)).reason is Reason.PRICE_ABOVE_CEILING
        assert world.offer(grants=both, price_per_query_fen=20).status is ContractStatus.ACTIVE

    def test_a_tariff_is_held_to_the_ceiling_and_needs_a_person(self, world: World) -> None:
        """The price of a use is far below the ceiling; what its units could make of it is what counts."""
        above = Tariff(31, per_cell=1_000)
        assert refused(lambda: world.offer(price_per_query_fen=1, tariff=above)).reason is Reason.PRICE_ABOVE_CEILING
        pending = world.offer(price_per_query_fen=30, tariff=Tariff(30, free=Free(FreeFor.FIRST_USES, 1_000)))
        assert pending.status is ContractStatus.PENDING
        world.publish(dataset(price_ceiling_fen=29))
        identifier = pending.terms.id
        approve = lambda: contracting.approve(identifier, PERSON, world.office)  # noqa: E731
        assert refused(approve).reason is Reason.PRICE_ABOVE_CEILING
        world.publish(dataset())
        assert contracting.approve(identifier, PERSON, world.office).status is ContractStatus.ACTIVE

    def test_a_retracted_dataset(self, world: World) -> None:
        world.ledger.retract("labs")
        assert refused(world.offer).reason is Reason.DATASET_RETRACTED

    def test_a_subject_space_without_a_budget(self, world: World) -> None:
        world.config = dataclasses.replace(world.config, subject_spaces=())
        assert refused(world.offer).reason is Reason.SUBJECT_SPACE_UNKNOWN

    @pytest.mark.parametrize("role", [PartyRole.AUDITOR, PartyRole.REGULATOR, PartyRole.NODE])
    def test_who_may_not_make_contracts(self, world: World, role: PartyRole) -> None:
        world.enrol(ALICE, world.alice.public, role)
        assert refused(world.offer).reason is Reason.ROLE_NOT_ALLOWED

    def test_an_offer_signed_by_another(self, world: World) -> None:
        forged = documents.sign_offer(terms(), world.mallory)
        for peer in (ALICE, MALLORY):
            call = refused(lambda p=peer: contracting.request(forged, world.peer(p), world.office))  # type: ignore[misc]
            assert call.reason is Reason.SIGNATURE_INVALID

    def test_an_offer_passed_on_by_another(self, world: World) -> None:
        offer = documents.sign_offer(terms(), world.alice)
        refusal = refused(lambda: contracting.request(offer, world.peer(MALLORY), world.office))
        assert refusal.reason is Reason.SIGNATURE_INVALID

    def test_another_offer_under_a_known_id(self, world: World) -> None:
        world.offer()
        refusal = refused(lambda: world.offer(queries=99))
        assert (refusal.reason, refusal.detail.subject) == (Reason.CONTRACT_MALFORMED, "@id")

    def test_an_unknown_constraint_is_refused_at_signing_with_its_path(self, world: World) -> None:
        document: Any = json.loads(json_canonical.encode(contract.encode(terms())))
        extra = {"leftOperand": "yanmen:noNoise", "operator": "eq", "rightOperand": "true"}
        document["permission"][0]["constraint"][14] = extra
        token = jose.sign_jws({}, document, world.alice, keys.thumbprint(world.alice.public), contract.OFFER_TYP)
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert (refusal.reason, refusal.detail.subject) == (
            Reason.CONTRACT_MALFORMED,
            "permission/0/constraint/14",
        )

    def test_duplicate_json_members(self, world: World) -> None:
        """`assignee` twice: one parser sees Alice, another Mallory."""
        header, payload, _ = documents.sign_offer(terms(), world.alice).decode().split(".")
        raw = base64url.decode(payload)
        double = raw.replace(b'"assigner"', f'"assignee":"{MALLORY}","assigner"'.encode(), 1)
        signed = f"{header}.{base64url.encode(double)}".encode()
        token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert refusal.reason is Reason.CONTRACT_MALFORMED

    @pytest.mark.parametrize("token", [b"", b"a.b.c", b"\xff", b"x" * 100_000])
    def test_bytes_that_are_no_offer(self, world: World, token: bytes) -> None:
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert refusal.reason is Reason.CONTRACT_MALFORMED
