"""Small runs of what `scripts/bench federation` does a hundred or a thousand times."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.attacks import relays
from tests.unit.aggregation.parties import Parties, gathered


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """Nine nodes, three aggregators, one consumer."""
    with gathered(tmp_path_factory.mktemp("relays"), 9) as made:
        yield made


def test_a_total_one_unit_off_is_always_found(parties: Parties) -> None:
    draw, signed = Random(1), parties.manifest(30)
    for node in parties.nodes:
        parties.deposit(signed, *parties.deal(node, signed, relays.table(30, draw)))
    parties.noise(signed)
    opening = parties.open(signed, parties.certificates(signed, [node.id for node in parties.nodes]))
    assert not relays.is_found(parties, signed, opening)
    assert all(relays.is_found(parties, signed, relays.altered(parties, signed, opening, draw)) for _ in range(20))


def test_nodes_that_vanish_anywhere_leave_the_right_sum_of_the_rest(parties: Parties) -> None:
    draw = Random(2)
    assert all(relays.dropped_sum(parties, 3, 3, draw) for _ in range(4))


def test_a_lying_relay_opens_one_set_at_most(parties: Parties, tmp_path: Path) -> None:
    draw = Random(3)
    with gathered(tmp_path, 3) as few:
        opened = [relays.equivocated(few, draw) for _ in range(12)]
    assert max(opened) <= 1
    assert 1 in opened, "the relay never got as far as an opening, so this shows nothing"
