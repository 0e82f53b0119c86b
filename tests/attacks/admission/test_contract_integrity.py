"""Attacks on the stored contract: its clauses, its bytes, its signatures."""

import dataclasses
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Reason

from tests.attacks.admission.scene import (
    ALICE,
    DAY_MS,
    NODE,
    NOW_MS,
    OTHER_NODE,
    World,
    refused,
    terms,
)


class TestContracts:
    @pytest.mark.parametrize(
        ("changed", "reason", "clause"),
        [
            ({"not_after_ms": NOW_MS}, Reason.CONTRACT_EXPIRED, "contract:not-after"),
            ({"not_before_ms": NOW_MS + 1}, Reason.CONTRACT_NOT_YET_VALID, "contract:not-before"),
            ({"scenario": Scenario("S9", "x", "y")}, Reason.SCENARIO_MISMATCH, "contract:scenario"),
        ],
    )
    def test_clauses(self, world: World, changed: dict[str, Any], reason: Reason, clause: str) -> None:
        world.sign(terms(**changed))
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (reason, (clause,))

    def test_a_contract_that_expires_while_the_question_waits(self, world: World) -> None:
        world.clock.ms = NOW_MS + DAY_MS
        assert refused(world.ask).reason is Reason.CONTRACT_EXPIRED

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (ContractStatus.PENDING, Reason.CONTRACT_PENDING),
            (ContractStatus.DENIED, Reason.CONTRACT_DENIED),
            (ContractStatus.REVOKED, Reason.CONTRACT_REVOKED),
            (ContractStatus.SUSPENDED, Reason.CONTRACT_SUSPENDED),
        ],
    )
    def test_only_an_active_contract(self, world: World, status: ContractStatus, reason: Reason) -> None:
        world.sign(terms(), status)
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (reason, ("contract:status",))

    def test_every_violated_clause_is_named(self, world: World) -> None:
        world.enrol(ALICE, "alice", world.alice.public, PartyRole.AUDITOR)
        world.sign(terms(not_after_ms=NOW_MS), ContractStatus.SUSPENDED)
        refusal = refused(lambda: world.ask(scenario_id="S2", micro_rho=99))
        assert refusal.reason is Reason.CONTRACT_SUSPENDED
        assert refusal.detail.clauses == (
            "contract:charge",
            "contract:not-after",
            "contract:scenario",
            "contract:status",
            "policy:consumers-only",
        )

    @pytest.mark.parametrize(
        "changed",
        [
            {"terms": terms(micro_rho=10**9)},
            {"terms": terms(grants=(Grant("labs", ("sex", "age")),))},
            {"terms": terms(not_after_ms=NOW_MS + 99 * DAY_MS)},
            {"digest": "0" * 64},
            {"acceptance": b""},
            {"acceptance": b"a.b.c"},
            {"offer": b""},
            {"status": ContractStatus.DENIED},
        ],
    )
    def test_a_contract_altered_in_the_store(self, world: World, changed: dict[str, Any]) -> None:
        signed = world.sign(terms())
        world.contracts[signed.terms.id] = dataclasses.replace(signed, **changed)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_every_byte_of_offer_and_acceptance_counts(self, world: World) -> None:
        signed = world.sign(terms())
        for name in ("offer", "acceptance"):
            whole: bytes = getattr(signed, name)
            for place in range(0, len(whole), 37):
                flipped = bytearray(whole)
                flipped[place] ^= 1
                change: dict[str, Any] = {name: bytes(flipped)}
                altered = dataclasses.replace(signed, **change)
                if name == "offer":
                    altered = dataclasses.replace(altered, digest=documents.digest(altered.offer))
                world.contracts[signed.terms.id] = altered
                assert refused(world.ask).reason is Reason.CONTRACT_ALTERED, (name, place)

    def test_a_pending_offer_flipped_to_active(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.ACTIVE)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    @pytest.mark.parametrize("changed", [{"digest": "0" * 64}, {"acceptance": b"x"}])
    def test_a_pending_offer_altered(self, world: World, changed: dict[str, Any]) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, **changed)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_an_offer_revoked_before_anybody_decided(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.REVOKED)
        assert refused(world.ask).reason is Reason.CONTRACT_REVOKED

    def test_one_contract_stored_under_the_id_of_another(self, world: World) -> None:
        world.contracts["f" * 32] = world.sign(terms())
        assert refused(lambda: world.ask(contract_id="f" * 32)).reason is Reason.CONTRACT_UNKNOWN

    def test_a_denial_flipped_to_active(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.DENIED)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.ACTIVE)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_acceptance_by_another_key(self, world: World) -> None:
        """The consumer accepts its own offer in the holder's name."""
        signed = world.sign(terms())
        for signer in (world.alice, world.mallory):
            acceptance = Acceptance(
                signed.terms.id, NODE, signed.digest, ContractStatus.ACTIVE, "专管员 01", Reasons(), NOW_MS
            )
            forged = dataclasses.replace(signed, acceptance=documents.sign_acceptance(acceptance, signer))
            world.contracts[signed.terms.id] = forged
            assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    @pytest.mark.parametrize("changed", [{"contract_id": "f" * 32}, {"holder": OTHER_NODE}, {"offer_sha256": "0" * 64}])
    def test_acceptance_of_another_offer(self, world: World, changed: dict[str, Any]) -> None:
        """The holder's genuine acceptance of a harmless contract is put beside a greedy one."""
        signed = world.sign(terms())
        acceptance = Acceptance(signed.terms.id, NODE, signed.digest, ContractStatus.ACTIVE, "p", Reasons(), NOW_MS)
        other = dataclasses.replace(acceptance, **changed)
        world.contracts[signed.terms.id] = dataclasses.replace(
            signed, acceptance=documents.sign_acceptance(other, world.holder)
        )
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_an_offer_the_consumer_never_signed(self, world: World) -> None:
        greedy = documents.sign_offer(terms(price_per_query_fen=10**6), world.mallory)
        acceptance = Acceptance(
            terms().id, NODE, documents.digest(greedy), ContractStatus.ACTIVE, "p", Reasons(), NOW_MS
        )
        world.contracts[terms().id] = Contract(
            terms(price_per_query_fen=10**6),
            greedy,
            documents.sign_acceptance(acceptance, world.holder),
            documents.digest(greedy),
            ContractStatus.ACTIVE,
        )
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_a_contract_with_another_holder(self, world: World) -> None:
        world.sign(terms(holder=OTHER_NODE))
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.subject) == (Reason.CONTRACT_ALTERED, "holder")
