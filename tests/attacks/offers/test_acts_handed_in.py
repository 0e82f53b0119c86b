"""Attacks on acts handed in over the wire: somebody else's act, another department's officers."""

from pathlib import Path

import pytest
from yanmen.model.catalogue import Grade
from yanmen.model.office import Act
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Reason
from yanmen.node import approving

from tests.attacks.offers.scene import World, dataset, refused
from tests.attacks.offers.test_officers import Bureau


@pytest.fixture
def bureau(world: World, tmp_path: Path) -> Bureau:
    folder = tmp_path / "bureau"
    folder.mkdir()
    world.publish(dataset(grade=Grade.IMPORTANT))
    return Bureau(world, folder)


def test_only_who_signed_an_act_hands_it_in(bureau: Bureau) -> None:
    """Who took a signed act from somebody's desk holds it back or hands it in when it suits; over the wire not."""
    contract = bureau.world.pending()
    token = bureau.sign(Act.REVIEW, contract)
    chief, steward = bureau.ids[PartyRole.CHIEF_DATA_OFFICER], bureau.ids[PartyRole.STEWARD]
    refusal = refused(lambda: approving.record(token, bureau.holder, chief))
    assert refusal.reason is Reason.SIGNATURE_INVALID
    assert bureau.world.ledger.office(contract.terms.id, Act.REVIEW) is None
    approving.record(token, bureau.holder, steward)
    recorded = bureau.world.ledger.office(contract.terms.id, Act.REVIEW)
    assert recorded is not None
    assert recorded[1] == token


def test_an_officer_of_another_department_sees_nothing(bureau: Bureau) -> None:
    other = bureau.enrol(PartyRole.STEWARD, "STRANGER", "91140100MA0GUUUU1Y")
    party = bureau.world.register.find(other)
    assert party is not None
    assert refused(lambda: approving.require_own(party, bureau.holder)).reason is Reason.ROLE_NOT_ALLOWED
    own = bureau.world.register.find(bureau.ids[PartyRole.STEWARD])
    assert own is not None
    approving.require_own(own, bureau.holder)
