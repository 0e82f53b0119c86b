"""Arithmetic modulo 2^61 - 1 against Python's, sharing against interpolation, two views against each other."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.crypto import dealing, mersenne, pedersen, shamir
from yanmen.crypto.mersenne import HALF, P
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import point
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import Point, SeedPoint, SumPoint, WholePoint

RANDOM = SystemRandomness()
EDGES = (0, 1, 2, 2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**32, 2**60 - 1, 2**60, P - 2**31, P - 2, P - 1)
CELLS = st.lists(st.integers(-HALF, HALF), min_size=1, max_size=20)
BLINDING = st.integers(0, pedersen.ORDER - 1)


class Drawn:
    """Randomness that is the same in every run, so that a statistic of it cannot fail by chance."""

    def __init__(self, name: str) -> None:
        """Begin."""
        self._name, self._at = name, 0

    def token(self, size: int) -> bytes:
        """Return the next bytes."""
        self._at += 1
        return hashlib.shake_256(f"{self._name} {self._at}".encode()).digest(size)


def words(numbers: Sequence[int]) -> mersenne.Residues:
    return np.array(numbers, dtype=np.uint64)


def test_products_and_sums_are_exact_at_every_edge() -> None:
    pairs = list(product((*EDGES, *(int.from_bytes(RANDOM.token(8), "big") % P for _ in range(200))), repeat=2))
    left, right = words([a for a, _ in pairs]), words([b for _, b in pairs])
    assert mersenne.multiply(left, right).tolist() == [a * b % P for a, b in pairs]
    assert mersenne.add(left, right).tolist() == [(a + b) % P for a, b in pairs]
    assert mersenne.total(left) == sum(a for a, _ in pairs) % P
    whole = [0, 1, P - 1, P, P + 1, 2 * P, 2**63, 2**64 - 1]
    assert mersenne.reduce(words(whole)).tolist() == [number % P for number in whole]


@given(values=CELLS, factor=st.integers(-(2**70), 2**70))
def test_signed_numbers_come_back_and_scale(values: list[int], factor: int) -> None:
    encoded = mersenne.encode(np.array(values, dtype=np.int64))
    assert mersenne.decode(encoded) == tuple(values)
    assert mersenne.scale(encoded, factor).tolist() == [value * factor % P for value in values]


@pytest.mark.parametrize("value", [HALF + 1, -HALF - 1, 2**63 - 1, -(2**63)])
def test_a_figure_that_the_field_does_not_hold_is_no_other_figure(value: int) -> None:
    with pytest.raises(ValueError, match="60 bits"):
        shamir.split([0, value], 1, RANDOM)


@settings(deadline=None, max_examples=30)
@given(tables=st.lists(CELLS.map(lambda cells: cells[:1] * 5), min_size=1, max_size=4), blinding=BLINDING)
def test_any_three_sums_give_the_total(tables: list[list[int]], blinding: int) -> None:
    dealt = [shamir.split([cell // 8 for cell in cells], blinding, RANDOM) for cells in tables]
    sums = [shamir.total([points[at] for points in dealt], at + 1, 5) for at in range(5)]
    wanted = tuple(sum(column) for column in zip(*([cell // 8 for cell in cells] for cells in tables), strict=True))
    for three in combinations(sums, 3):
        (found,) = shamir.candidates(three)
        assert (found.values, found.blinding) == (wanted, blinding * len(tables) % pedersen.ORDER)
    (all_,) = shamir.candidates(sums)
    assert all_.supporters == {1, 2, 3, 4, 5}
    for points in dealt:
        assert all(point.decode(point.encode(one)) == one for one in points)


def moved(points: Sequence[Point], at: int, by: int = 1) -> tuple[Point, ...]:
    """Return `points` with the first cell of one moved."""
    opened = shamir.expand(points[at])
    cells = opened.cells.copy()
    cells[0] = (int(cells[0]) + by) % P
    blinding, mask = (number.to_bytes(32, "little") for number in (opened.blinding, opened.mask))
    changed = WholePoint(points[at].place, blinding, mask, cells.astype("<u8").tobytes())
    return (*points[:at], changed, *points[at + 1 :])


def _next(scalar: bytes) -> bytes:
    return ((int.from_bytes(scalar, "little") + 1) % pedersen.ORDER).to_bytes(32, "little")


def accepted(points: Sequence[Point], published: shamir.Degree, coin: bytes) -> list[bool]:
    return [shamir.on_degree(one, coin, published) for one in points]


def test_the_degree_test_takes_what_was_dealt_rightly_and_nothing_else() -> None:
    points, coin = shamir.split([7, -7, 0], 5, RANDOM), RANDOM.token(32)
    published = shamir.degree(points, coin)
    assert accepted(points, published, coin) == [True] * 5
    # A dealer's polynomials go through three points; the others are not on them.
    for at in range(5):
        wrong = moved(points, at)
        shown = shamir.degree(wrong, coin)
        found = accepted(wrong, shown, coin)
        assert found == ([True, True, True, False, False] if at < 3 else [True] * at + [False] + [True] * (4 - at))
    whole = points[4]
    assert isinstance(whole, WholePoint)
    for wrong_scalar in (replace(whole, blinding=_next(whole.blinding)), replace(whole, mask=_next(whole.mask))):
        assert not shamir.on_degree(wrong_scalar, coin, published)
    assert not all(accepted(points, published, RANDOM.token(32)))


def test_the_coin_comes_of_everything_the_dealer_fixed() -> None:
    said = ("00" * 32, "node", bytes(32), [bytes(32)] * 5)
    others = [
        ("01" * 32, *said[1:]),
        (said[0], "other", *said[2:]),
        (*said[:2], b"\x01" * 32, said[3]),
        (*said[:3], [bytes(32)] * 4 + [b"\x01" * 32]),
    ]
    coins = {shamir.challenge(*one) for one in (said, *others)}
    assert len(coins) == 5


def test_what_a_degree_test_publishes_is_read_as_written() -> None:
    points, coin = shamir.split([7], 5, RANDOM), bytes(32)
    encoded = dealing.write_degree(shamir.degree(points, coin))
    assert dealing.write_degree(dealing.read_degree(encoded)) == encoded
    for wrong in (b"", encoded[:-1], P.to_bytes(8, "big") + encoded[8:], encoded[:-32] + b"\xff" * 32):
        with pytest.raises(Malformed):
            dealing.read_degree(wrong)


@given(data=st.binary(max_size=300) | st.binary(max_size=200).map(lambda rest: point.MAGIC + rest))
def test_bytes_that_are_no_point_are_refused_or_encode_the_same(data: bytes) -> None:
    try:
        read = point.decode(data)
    except Malformed:
        return
    assert point.encode(read) == data


def test_numbers_that_are_not_reduced_are_refused() -> None:
    for wrong in (
        WholePoint(3, b"\xff" * 32, bytes(32), bytes(24)),
        WholePoint(3, bytes(32), b"\xff" * 32, bytes(24)),
        WholePoint(3, bytes(32), bytes(32), P.to_bytes(8, "little") + bytes(16)),
        SumPoint(3, bytes(32), b"\xff" * 8),
    ):
        with pytest.raises(Malformed):
            shamir.expand(wrong)
    for other in (SeedPoint(2, 4, bytes(32)), SeedPoint(1, 5, bytes(32)), SumPoint(1, bytes(32), bytes(32))):
        with pytest.raises(Malformed):
            shamir.total([other], 1, 4)


def chi_squared(one: list[int], other: list[int]) -> float:
    """Return how far two samples of numbers modulo p are apart, in sixteen classes (15 degrees of freedom)."""
    counts = [np.bincount([16 * number // P for number in sample], minlength=16) for sample in (one, other)]
    both = np.maximum(counts[0] + counts[1], 1)
    return float(sum(((count - both / 2) ** 2 / (both / 2)).sum() for count in counts))


LIMIT = 55.0
"""A chi-squared of 15 degrees of freedom is above this once in 500,000 draws."""


@pytest.mark.parametrize("colluders", list(combinations(range(5), 2)))
def test_what_two_aggregators_see_does_not_depend_on_the_figures(colluders: tuple[int, int]) -> None:
    samples = []
    for name, value in (("none", 0), ("all", HALF)):
        points = shamir.split([value] * 4000, 5, Drawn(f"{name} {colluders}"))
        one, other = (shamir.expand(points[at]).cells[:4000] for at in colluders)
        at, of = colluders[0] + 1, colluders[1] + 1
        # Each alone, their sum, and the value at 0 of the line through both: the figure, were it a line.
        line = mersenne.scale(mersenne.add(mersenne.scale(one, of), mersenne.scale(other, -at)), pow(of - at, -1, P))
        samples.append([view.tolist() for view in (one, other, mersenne.add(one, other), line)])
    assert all(chi_squared(*views) < LIMIT for views in zip(*samples, strict=True))


def test_the_published_polynomials_do_not_depend_on_the_figures_and_three_views_do() -> None:
    rows: list[list[list[int]]] = []
    secrets: list[list[int]] = []
    for name, value in (("none", 0), ("all", HALF)):
        randomness = Drawn(f"degree {name}")
        shown, opened = [], []
        for _ in range(800):
            points = shamir.split([value], 5, randomness)
            coin = randomness.token(32)
            published = shamir.degree(points, coin)
            seen = shamir.expand(points[0]).cells
            # The six coefficients, and what remains of the first when an aggregator takes its own mask away.
            numbers = [number for row in published.rows for number in row]
            shown.append([*numbers, (numbers[0] - int(seen[1])) % P])
            sums = [shamir.total([points[at]], at + 1, 1) for at in range(3)]
            opened.append(shamir.candidates(sums)[0].values[0] % P)
        rows.append([list(column) for column in zip(*shown, strict=True)])
        secrets.append(opened)
    assert all(chi_squared(*views) < LIMIT for views in zip(*rows, strict=True))
    assert chi_squared(*secrets) > LIMIT
