"""Attacks on decisions: who decides, on what grounds, and whether it still stands."""

import pytest
from yanmen import contracting
from yanmen.contracting import Approval
from yanmen.crypto import documents
from yanmen.model.catalogue import (
    Grade,
)
from yanmen.model.contract import ContractStatus
from yanmen.model.party import PartyStatus
from yanmen.model.refusal import Reason

from tests.attacks.offers.scene import ALICE, BOTH, DAY_MS, NOW_MS, PERSON, World, dataset, refused


class TestDecisions:
    def test_a_person_approves(self, world: World) -> None:
        made = contracting.approve(world.pending().terms.id, PERSON, world.office)
        assert (made.status, made.decided_by) == (ContractStatus.ACTIVE, "首席数据官 02")

    def test_a_person_denies(self, world: World) -> None:
        made = contracting.deny(world.pending().terms.id, "首席数据官 02", world.office)
        assert made.status is ContractStatus.DENIED
        acceptance = documents.open_acceptance(made.acceptance, world.holder.public)
        assert acceptance.decision is ContractStatus.DENIED
        assert refused(lambda: contracting.approve(made.terms.id, PERSON, world.office)).reason is (
            Reason.CONTRACT_MALFORMED
        )

    def test_important_data_is_not_approved_by_names(self, world: World) -> None:
        world.publish(dataset(grade=Grade.IMPORTANT))
        made = world.pending()
        for approval in (PERSON, BOTH):
            refusal = refused(lambda a=approval: contracting.approve(made.terms.id, a, world.office))  # type: ignore[misc]
            assert refusal.reason is Reason.POLICY_FORBIDS
            assert len(refusal.detail.clauses) == 2

    @pytest.mark.parametrize("name", ["", "  ", "x" * 91, "a\nb", "a\u202eb"])
    def test_somebody_decides(self, world: World, name: str) -> None:
        identifier = world.pending().terms.id
        for call in (
            lambda: contracting.approve(identifier, Approval(name), world.office),
            lambda: contracting.deny(identifier, name, world.office),
            lambda: contracting.revoke(identifier, name, world.office),
        ):
            assert refused(call).reason is Reason.CONTRACT_MALFORMED

    def test_everything_is_checked_again_when_a_person_approves(self, world: World) -> None:
        identifier = world.pending().terms.id
        approve = lambda: contracting.approve(identifier, PERSON, world.office)  # noqa: E731
        world.publish(dataset(price_ceiling_fen=29))
        assert refused(approve).reason is Reason.PRICE_ABOVE_CEILING
        world.ledger.retract("labs")
        assert refused(approve).reason is Reason.DATASET_RETRACTED
        world.publish(dataset())
        world.clock.ms = NOW_MS + 2 * DAY_MS
        assert refused(approve).reason is Reason.CONTRACT_EXPIRED

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(PartyStatus.REVOKED, Reason.IDENTITY_REVOKED), (PartyStatus.PENDING, Reason.IDENTITY_PENDING)],
    )
    def test_a_consumer_that_is_not_active_any_more(self, world: World, status: PartyStatus, reason: Reason) -> None:
        identifier = world.pending().terms.id
        world.enrol(ALICE, world.alice.public, status=status)
        assert refused(lambda: contracting.approve(identifier, PERSON, world.office)).reason is reason

    def test_a_consumer_with_another_key_now(self, world: World) -> None:
        identifier = world.pending().terms.id
        world.enrol(ALICE, world.mallory.public)
        refusal = refused(lambda: contracting.approve(identifier, PERSON, world.office))
        assert refusal.reason is Reason.CONTRACT_ALTERED

    def test_the_end(self, world: World) -> None:
        identifier = world.offer().terms.id
        assert contracting.suspend(identifier, "p", world.office).status is ContractStatus.SUSPENDED
        assert contracting.resume(identifier, "p", world.office).status is ContractStatus.ACTIVE
        assert contracting.revoke(identifier, "p", world.office).status is ContractStatus.REVOKED
        for again in (contracting.resume, contracting.suspend, contracting.revoke):
            assert refused(lambda a=again: a(identifier, "p", world.office)).reason is Reason.CONTRACT_REVOKED  # type: ignore[misc]

    def test_resuming_does_not_approve(self, world: World) -> None:
        identifier = world.pending().terms.id
        assert refused(lambda: contracting.resume(identifier, "p", world.office)).reason is Reason.CONTRACT_MALFORMED
        assert contracting.show(identifier, world.office).status is ContractStatus.PENDING

    def test_no_such_contract(self, world: World) -> None:
        for call in (
            lambda: contracting.show("f" * 32, world.office),
            lambda: contracting.approve("f" * 32, PERSON, world.office),
            lambda: contracting.revoke("f" * 32, "p", world.office),
        ):
            assert refused(call).reason is Reason.CONTRACT_UNKNOWN
