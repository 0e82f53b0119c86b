"""A join across nodes gives what the engine gives over all rows in one place: before noise, to the last unit."""

from random import Random

import numpy as np
import pytest
from yanmen.crypto import joined
from yanmen.formats import shape
from yanmen.formats.malformed import Malformed
from yanmen.model.joining import CANARIES

from tests.unit.joins.questions import PAIRS, TRIPLES, truth
from tests.unit.joins.sides import blinded, manifest, meetings, plans, random_sides, totals

ASKED = [*(("ab", question) for question in PAIRS), *(("abc", question) for question in TRIPLES)]


@pytest.mark.parametrize("case", range(len(ASKED)))
def test_what_is_added_up_blindly_is_the_join(case: int) -> None:
    nodes, question = ASKED[case]
    sides = random_sides(Random(case + 2), nodes)
    found = plans(question, sides)
    assert len({shape.encode(each) for each in found}) == 1
    signed = manifest(found)
    figures = totals(blinded(found, sides, signed), signed)
    assert figures == truth(found[0], question, sides)
    part = found[0].part
    assert part is not None
    joined.check_total(figures, part.link.ranges, signed.manifest.sigma_squared)


def test_lists_are_as_long_whatever_the_rows_are() -> None:
    for seed in range(4):
        sides = random_sides(Random(seed), "ab")
        found = plans(PAIRS[0], sides)
        made = blinded(found, sides, manifest(found))
        for side, each in zip(sides, found, strict=True):
            assert each.part is not None
            assert len(made[side.node].points) == 32 * each.part.link.items(each.part.place)
            assert each.part.link.items(each.part.place) >= side.table.rows_upto


def test_every_canary_that_is_dropped_or_altered_is_seen() -> None:
    """Rows that met, lost one at a time: those that spoil the total are the canaries, all of them."""
    sides = random_sides(Random(5), "ab")
    found = plans(PAIRS[1], sides)
    signed, part = manifest(found), found[0].part
    assert part is not None
    made = blinded(found, sides, signed)
    met = meetings(made, signed)
    seen = 0
    for at in range(len(met[0])):
        without = tuple(np.delete(positions, at) for positions in met)
        try:
            joined.check_total(totals(made, signed, without), part.link.ranges, signed.manifest.sigma_squared)
        except Malformed:
            seen += 1
    assert seen == CANARIES * part.link.groups
