"""Mironov's attack (2012): which inputs could have given this noisy value at all, to its last bit?"""

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random

Possible = Callable[[float, float], bool]
"""Whether the released value (first) can come from this true value (second)."""

UNIFORM_BITS = 53


def textbook_laplace(true: float, scale: float, generator: Random) -> float:
    """Return a value with Laplace noise as textbooks write it in doubles."""
    uniform = generator.randrange(1, 1 << UNIFORM_BITS) / (1 << UNIFORM_BITS)
    return true + (scale if generator.randrange(2) else -scale) * math.log(uniform)


def from_textbook(released: float, true: float, scale: float) -> bool:
    """Whether some uniform double of the textbook's generator gives `released` from `true`."""
    noise = released - true
    near = round(math.exp(-abs(noise) / scale) * (1 << UNIFORM_BITS))
    for steps in range(max(1, near - 8), min((1 << UNIFORM_BITS) - 1, near + 8) + 1):
        size = scale * math.log(steps / (1 << UNIFORM_BITS))
        if released in (true + size, true - size):
            return True
    return False


def from_integers(released: object, true: object, places: int) -> bool:
    """Whether `released` differs from `true` by a whole number of units of 10^-places, as integer noise does."""
    moved: Fraction = (Fraction(str(released)) - Fraction(str(true))) * 10**places
    return bool(moved.denominator == 1)


def decided(outcomes: list[tuple[bool, bool]]) -> float:
    """Return in which share of (possible under one input, under the other) exactly one was possible."""
    return sum(one != other for one, other in outcomes) / len(outcomes)
