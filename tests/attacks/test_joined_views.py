"""What each party of a join sees can be made without the others' rows: ten tests tell no difference."""

from random import Random

import numpy as np
import pytest

from tests.attacks import joined_views
from tests.attacks.joined_views import points, told_apart
from tests.unit.joins.questions import PAIRS
from tests.unit.joins.sides import blinded, manifest, meetings, plans, random_sides, tags

QUESTION = PAIRS[0]
RUNS = 5


def test_what_a_department_sees_is_made_of_the_length_alone() -> None:
    seen, made = b"", b""
    for seed in range(RUNS):
        sides = random_sides(Random(seed), "ab")
        found = plans(QUESTION, sides)
        for one in blinded(found, sides, manifest(found)).values():
            seen += one.points
            made += joined_views.simulated_points(len(one.points) // 32)
    assert told_apart(points(seen), points(made)) == {}


def test_what_an_aggregator_sees_is_made_of_lengths_and_of_how_many_met() -> None:
    seen, made = [b"", b""], [b"", b""]
    met_seen, met_made = [], []
    for seed in range(RUNS):
        sides = random_sides(Random(seed), "ab")
        found = plans(QUESTION, sides)
        signed = manifest(found)
        answered = blinded(found, sides, signed)
        lists = list(tags(answered, signed).values())
        met = meetings(answered, signed)
        simulated = joined_views.simulated_tags(tuple(len(one) // 16 for one in lists), len(met[0]))
        for at in range(2):
            seen[at] += lists[at]
            made[at] += simulated[at]
        met_seen += [position / (len(lists[0]) // 16) for position in met[0].tolist()]
        met_made += _meeting(simulated)
    for at in range(2):
        assert told_apart(joined_views.tags(seen[at]), joined_views.tags(made[at])) == {}
    # Where rows that met stand in a list tells nothing either.
    assert len(met_seen) == len(met_made)
    assert abs(joined_views.difference(np.array(met_seen), np.array(met_made))) < joined_views.APART


def _meeting(lists: tuple[bytes, ...]) -> list[float]:
    rows = [[one[at : at + 16] for at in range(0, len(one), 16)] for one in lists]
    other = set(rows[1])
    return [at / len(rows[0]) for at, row in enumerate(rows[0]) if row in other]


@pytest.mark.parametrize(
    ("leak", "seen_by"),
    [(joined_views.leaky_points, "characters"), (joined_views.unshuffled_points, "ascents")],
)
def test_the_tests_tell_what_leaks(leak: object, seen_by: str) -> None:
    assert callable(leak)
    assert seen_by in told_apart(points(leak(600)), points(joined_views.simulated_points(600)))


def test_every_share_is_random_whatever_the_rows_are() -> None:
    """The written-out share of a table of zeros and that of any rows: the same ten tests."""
    views = []
    for seed in (11, 12):
        sides = random_sides(Random(seed), "ab")
        if seed == 12:
            sides = [type(side)(side.node, side.table, []) for side in sides]
        content = b""
        for _ in range(RUNS):
            found = plans(PAIRS[1], sides)
            for one in blinded(found, sides, manifest(found)).values():
                body = one.rows[2][21:]
                content += body[: len(body) // 16 * 16]
        views.append(joined_views.tags(content))
    size = min(map(len, views))
    assert told_apart(views[0][:size], views[1][:size]) == {}
