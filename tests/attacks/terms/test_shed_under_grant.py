"""Attacks on what a person negotiated under a grant of operation: the operator's word and the grant shed none of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, operating
from yanmen.admission import operated
from yanmen.contracting import Approval
from yanmen.formats.contract import GRANT
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import Refused

from tests.unit.catalogue.hall import register
from tests.unit.catalogue.operated import endorsement, grant, operator, product, terms
from tests.unit.negotiation.market import DAY_MS, Market, bureau, market
from tests.unit.negotiation.test_rounds import answer, counter

PERSON = Approval("首席数据官")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        made.hall.listed = register(more=(bureau(), operator()))
        yield made


def offered(place: Market, **other: Any) -> Contract:
    place.hall.publish("v2", channels=(Channel.SHARING, Channel.AUTHORISED_OPERATION))
    operating.grant(grant(), place.hall)
    made = product()
    operating.offer(made, place.hall)
    later = place.hall.clock.ms + 30 * DAY_MS
    return place.offer(terms(made, min_group=20, deletion_days=30, delta_e12=0, not_after_ms=later, **other))


def test_what_nobody_negotiated_the_grant_signs(place: Market) -> None:
    held = offered(place)
    operating.endorse(endorsement(held), place.hall)
    signed = contracting.accept_endorsed(held.terms.id, place.office)
    assert (signed.status, signed.decided_by) == (ContractStatus.ACTIVE, GRANT)
    assert place.findings() == ()


def test_an_amendment_the_grant_does_not_sign(place: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even endorsed: an operator's word for a first offer is none for what takes its place."""
    held = offered(place)
    operating.endorse(endorsement(held), place.hall)
    held = contracting.approve(held.terms.id, PERSON, place.office)
    change = place.offer(replace(held.terms, amends=held.digest, min_group=19))
    with pytest.raises(Refused):
        contracting.accept_endorsed(held.terms.id, place.office)
    monkeypatch.setattr(operated, "check_endorsed", lambda *_: None)
    assert contracting.accept_endorsed(held.terms.id, place.office) == change
    assert contracting.show(held.terms.id, place.office).digest == held.digest


def test_what_a_person_countered_the_grant_does_not_sign(place: Market) -> None:
    asked = offered(place)
    agreed = answer(place, counter(place, asked, min_group=40))
    operating.endorse(endorsement(agreed), place.hall)
    assert contracting.accept_endorsed(agreed.terms.id, place.office).status is ContractStatus.PENDING
